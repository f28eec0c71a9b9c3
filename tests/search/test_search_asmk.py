"""The inverted file against the formula, a pair of photos at a time."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_words import asmk

from periplus.records import Words
from periplus.search import InvertedFile, build_inverted_file, expanded_scores

K = 30
MODULE = importlib.import_module("periplus.search.asmk")


def photo(rng: np.random.Generator, m: int, columns: int = 2, base: NDArray[np.uint64] | None = None) -> Words:
    """m random words; with ``base`` codes (K, b), a few bits of those flipped, so that photos are alike."""
    numbers = np.sort(rng.permutation(K)[:m]).astype(np.uint32)
    if base is None:
        return Words(numbers, rng.integers(0, 2**64, (len(numbers), columns), np.uint64))
    flips = [np.bitwise_and.reduce(rng.integers(0, 2**64, (3, columns), np.uint64)) for _ in numbers]
    return Words(numbers, base[numbers] ^ np.array(flips, np.uint64).reshape(len(numbers), columns))


def gallery(seed: int, n: int, columns: int = 2) -> list[Words]:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**64, (K, columns), np.uint64)
    return [photo(rng, int(rng.integers(0, 20)), columns, base if i % 3 else None) for i in range(n)]


def slow(index: InvertedFile, query: Words, photos: list[Words]) -> list[float]:
    return [asmk(query, photo, index.weights) for photo in photos]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 12), st.sampled_from([1, 2, 3]))
def test_scores_are_the_formula(seed: int, n: int, columns: int) -> None:
    *photos, query = gallery(seed, n + 1, columns)
    index = build_inverted_file(photos, K, columns)
    scores = index.scores(query)
    assert len(index) == n
    assert scores.shape == (n,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, slow(index, query, photos), atol=1e-6)


def test_weights_are_idf_squared() -> None:
    photos = gallery(5, 20)
    index = build_inverted_file(photos, K, 2)
    for word in range(K):
        frequency = sum(word in p.words for p in photos)
        if 0 < frequency < len(photos) - 1:
            assert float(index.weights[word]) == pytest.approx(math.log(20 / frequency) ** 2, rel=1e-5)
    assert (index.weights > 0).all()


def test_words_that_every_photo_has_still_count() -> None:
    everywhere = gallery(6, 3)[1]
    index = build_inverted_file([everywhere, everywhere], K, 2)
    np.testing.assert_allclose(index.scores(everywhere), 1, atol=1e-6)
    alone = build_inverted_file([everywhere], K, 2)
    np.testing.assert_allclose(alone.scores(everywhere), 1, atol=1e-6)


def test_words_that_disagree_say_nothing_rather_than_no() -> None:
    """s = 1 - 2 h / D: its cube from h = 0, nothing from h = D / 2 on."""
    bits = [0, 1, 32, 63, 64, 65, 128]
    photos = []
    for h in bits:
        number = (1 << h) - 1
        photos.append(Words(np.array([4], np.uint32), np.array([[number & (2**64 - 1), number >> 64]], np.uint64)))
    index = build_inverted_file(photos, K, 2)
    scores = index.scores(Words(np.array([4], np.uint32), np.zeros((1, 2), np.uint64)))
    np.testing.assert_allclose(scores, [max(1 - 2 * h / 128, 0) ** 3 for h in bits], atol=1e-6)


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_reading_in_parts_changes_nothing(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = gallery(7, 40)
    index = build_inverted_file(photos, K, 2)
    whole = [index.scores(p) for p in photos]
    assert len(index.rows) > 4 * limit
    monkeypatch.setattr(MODULE, "_POSTINGS_AT_ONCE", limit)
    for query, expected in zip(photos, whole, strict=True):
        np.testing.assert_allclose(index.scores(query), expected, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.permutations(range(9)))
def test_order_of_the_gallery_only_moves_scores(seed: int, order: list[int]) -> None:
    *photos, query = gallery(seed, 10)
    a = build_inverted_file(photos, K, 2).scores(query)
    b = build_inverted_file([photos[i] for i in order], K, 2).scores(query)
    np.testing.assert_allclose(b, a[order], atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_scores_are_symmetric_bounded_and_one_with_oneself(seed: int) -> None:
    photos = gallery(seed, 9)
    index = build_inverted_file(photos, K, 2)
    table = np.stack([index.scores(p) for p in photos])
    np.testing.assert_allclose(table, table.T, atol=1e-6)
    assert (table >= 0).all()
    assert (table <= 1 + 1e-6).all()
    np.testing.assert_allclose(np.diag(table), [1.0 if len(p) else 0.0 for p in photos], atol=1e-6)


def test_photos_without_words() -> None:
    blank = Words(np.zeros(0, np.uint32), np.zeros((0, 2), np.uint64))
    photos = [blank, *gallery(8, 4), blank]
    index = build_inverted_file(photos, K, 2)
    assert not index.scores(blank).any()
    assert index.scores(photos[2])[[0, -1]].tolist() == [0, 0]
    only = build_inverted_file([blank, blank], K, 2)
    assert only.scores(photos[2]).tolist() == [0, 0]
    assert build_inverted_file([], K, 2).scores(photos[2]).shape == (0,)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.lists(st.floats(0, 1), max_size=4))
def test_expanded_scores_are_the_weighted_mean(seed: int, weights: list[float]) -> None:
    *photos, query = gallery(seed, 9)
    index = build_inverted_file(photos, K, 2)
    verified = list(zip(photos, weights, strict=False))
    made = expanded_scores(index, query, verified)
    rows = np.array([slow(index, words, photos) for words in [query, *photos[: len(weights)]]])
    np.testing.assert_allclose(made, np.average(rows, axis=0, weights=[1, *weights]), atol=2e-6)
    assert made.dtype == np.float32


def test_expansion_by_nothing_or_by_weight_zero_changes_nothing() -> None:
    photos = gallery(11, 6)
    index = build_inverted_file(photos, K, 2)
    plain = index.scores(photos[1])
    assert expanded_scores(index, photos[1], []).tolist() == plain.tolist()
    assert expanded_scores(index, photos[1], [(photos[2], 0.0)]).tolist() == plain.tolist()

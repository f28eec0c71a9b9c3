"""Quantisation and the bytes of words, against slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_words import code_of, nearest, residual_sums

from periplus.encode import pack_words, unpack_words
from periplus.encode.words import Codebook, nearest_words, quantise
from periplus.errors import GalleryError, PeriplusError, UsageError
from periplus.records import Words


def on_grid(n: int, d: int, seed: int) -> NDArray[np.float32]:
    """Multiples of 1/64 in [-1, 1]: their sums are exact in float32."""
    return (np.random.default_rng(seed).integers(-64, 65, (n, d)) / 64).astype(np.float32)


def quantised(descriptors: NDArray[np.float32], words: NDArray[np.float32], assignments: int = 1) -> Words:
    """Words that are sought among whole descriptors."""
    return quantise(descriptors, descriptors, Codebook(words, words), assignments)


def test_words_are_sought_among_components_and_residuals_taken_of_descriptors() -> None:
    descriptors, means = on_grid(1, 64, 3), on_grid(2, 64, 4)
    # The component says word 1, whichever mean the descriptor is nearer to.
    book = Codebook(np.array([[-1.0], [1.0]], np.float32), means)
    made = quantise(descriptors, np.array([[0.9]], np.float32), book)
    assert made.words.tolist() == [1]
    assert made.codes.tolist() == [code_of((descriptors[0] - means[1]).astype(np.float64))]


@pytest.mark.parametrize(("centres", "means"), [((2, 8), (3, 64)), ((2, 8), (2, 65)), ((2,), (2, 64))])
def test_a_codebook_that_does_not_fit_is_refused(centres: tuple[int, ...], means: tuple[int, int]) -> None:
    with pytest.raises(UsageError):
        Codebook(np.zeros(centres, np.float32), np.zeros(means, np.float32))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(1, 12), st.integers(1, 6), st.sampled_from([64, 128]))
def test_quantise_is_the_slow_loop(seed: int, n: int, k: int, assignments: int, dim: int) -> None:
    descriptors, codebook = on_grid(n, dim, seed), on_grid(k, dim, seed + 1)
    made = quantised(descriptors, codebook, assignments)
    sums = residual_sums(descriptors, codebook, min(assignments, k))
    assert made.words.tolist() == sorted(sums)
    assert made.codes.tolist() == [code_of(sums[word]) for word in sorted(sums)]
    assert made.words.dtype == np.uint32
    assert made.codes.dtype == np.uint64


def test_a_descriptor_on_its_word_has_no_positive_sign() -> None:
    codebook = np.eye(3, 128, dtype=np.float32)
    made = quantised(codebook[1:2], codebook)
    assert made.words.tolist() == [1]
    assert made.codes.tolist() == [[0, 0]]


def test_first_bit_is_the_first_component() -> None:
    codebook = np.zeros((1, 128), np.float32)
    for at, expected in [(0, [1, 0]), (63, [1 << 63, 0]), (64, [0, 1]), (127, [0, 1 << 63])]:
        descriptor = np.full((1, 128), -1, np.float32)
        descriptor[0, at] = 1
        assert quantised(descriptor, codebook).codes.tolist() == [expected]


def test_order_of_descriptors_does_not_matter() -> None:
    descriptors, codebook = on_grid(40, 128, 5), on_grid(9, 128, 6)
    a, b = quantised(descriptors, codebook, 3), quantised(descriptors[::-1].copy(), codebook, 3)
    assert a.words.tolist() == b.words.tolist()
    assert a.codes.tolist() == b.codes.tolist()


def test_no_descriptors_no_words() -> None:
    made = quantised(np.zeros((0, 128), np.float32), on_grid(4, 128, 0), 5)
    assert len(made) == 0
    assert made.codes.shape == (0, 2)


def test_more_assignments_than_words_use_every_word() -> None:
    assert quantised(on_grid(1, 128, 0), on_grid(4, 128, 1), 9).words.tolist() == [0, 1, 2, 3]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 20), st.integers(1, 20))
def test_nearest_words_are_the_nearest(seed: int, n: int, size: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    descriptors, codebook = (rng.normal(size=(m, 16)).astype(np.float32) for m in (n, size))
    k = min(k, size)
    found = nearest_words(descriptors, codebook, k)
    assert found.shape == (n, k)
    for row, x in zip(found, descriptors, strict=True):
        assert set(row.tolist()) == set(nearest(x, codebook, k))


@given(st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=20), st.integers(1, 4), st.integers(0, 2**31))
def test_words_come_back_from_their_bytes(numbers: list[int], columns: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 2**64, (len(numbers), columns), np.uint64)
    words = Words(np.array(sorted(numbers), np.uint32), codes)
    blob = pack_words(words)
    assert blob.dtype == np.uint8
    assert len(blob) == len(words) * (4 + 8 * columns)
    # One byte further, as it may lie in an arena.
    shifted = np.concatenate([np.zeros(1, np.uint8), blob])[1:]
    read = unpack_words(shifted, columns)
    assert read.words.tolist() == words.words.tolist()
    assert read.codes.tolist() == codes.tolist()


def test_bytes_are_little_endian_numbers_then_codes() -> None:
    words = Words(np.array([1, 258], np.uint32), np.array([[3, 0], [0, 4]], np.uint64))
    expected = b"\1\0\0\0\2\1\0\0" + b"\3" + bytes(15) + bytes(8) + b"\4" + bytes(7)
    assert pack_words(words).tobytes() == expected


@pytest.mark.parametrize("length", [1, 19, 21, 39])
def test_part_of_a_word_is_refused(length: int) -> None:
    with pytest.raises(GalleryError, match=str(length)):
        unpack_words(np.zeros(length, np.uint8), 2)


@given(st.binary(max_size=100))
def test_random_bytes_are_words_or_an_error_of_ours(data: bytes) -> None:
    try:
        read = unpack_words(np.frombuffer(data, np.uint8), 2)
    except PeriplusError:
        return
    assert len(read) * 20 == len(data)


def test_stored_words_out_of_order_are_damage_of_the_gallery() -> None:
    blob = pack_words(Words(np.array([1, 2], np.uint32), np.zeros((2, 2), np.uint64))).copy()
    blob[0] = 9
    with pytest.raises(GalleryError):
        unpack_words(blob, 2)

"""Tentative matches against the definition, a pair of points at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_match import tentative

from periplus.errors import UsageError
from periplus.records import LocalFeatures
from periplus.rerank import MatchConfig, Tentative, tentative_matches
from periplus.rerank.match import _FEWEST_CANDIDATES as FEWEST

Components = NDArray[np.float32]
CONFIG = MatchConfig()


def as_stored(values: NDArray[np.float64]) -> Components:
    """Quantised as packed components are: products and sums are exact in float32."""
    return (np.clip(np.rint(values * 256), -127, 127) / 256).astype(np.float32)


def features(descriptors: Components) -> LocalFeatures:
    n = len(descriptors)
    points = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    return LocalFeatures(points, np.ones(n, np.float32), np.zeros(n, np.float32), descriptors, (640, 480))


def scene(seed: int, count: int, n: int = 14, dim: int = 8) -> tuple[Components, list[Components]]:
    """A query, and candidates that hold noisy copies of some of its points among others."""
    rng = np.random.default_rng(seed)
    query = as_stored(rng.normal(0, 0.2, (n, dim)))
    candidates = []
    for _ in range(count):
        seen = query[rng.permutation(n)[: rng.integers(0, n)]] + rng.normal(0, 0.02, (1, dim))
        others = rng.normal(0, 0.2, (int(rng.integers(1, 12)), dim))
        candidates.append(as_stored(rng.permutation(np.concatenate([seen, others]))))
    return query, candidates


def run(query: Components, candidates: list[Components], config: MatchConfig = CONFIG) -> list[list[tuple[int, int]]]:
    made = tentative_matches(features(query), [features(c) for c in candidates], config)
    return [list(zip(t.query.tolist(), t.gallery.tolist(), strict=True)) for t in made]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 4))
def test_few_candidates_the_ratio_test_within_the_picture(seed: int, count: int) -> None:
    query, candidates = scene(seed, count)
    assert run(query, candidates) == tentative(query, candidates, CONFIG, within=True)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**31), st.integers(0, 5))
def test_many_candidates_the_background_of_the_others(seed: int, more: int) -> None:
    query, candidates = scene(seed, FEWEST + more, n=8)
    assert run(query, candidates) == tentative(query, candidates, CONFIG, within=False)


@pytest.mark.parametrize(("count", "within"), [(FEWEST - 1, True), (FEWEST, False)])
def test_the_regime_changes_at_the_limit(count: int, within: bool) -> None:
    query, candidates = scene(3, count, n=10)
    made = run(query, candidates)
    assert made == tentative(query, candidates, CONFIG, within=within)
    assert made != tentative(query, candidates, CONFIG, within=not within)
    assert any(made)


@pytest.mark.parametrize("count", [2, FEWEST])
def test_thresholds_are_the_configurations(count: int) -> None:
    query, candidates = scene(4, count)
    for config in (
        MatchConfig(background_ratio=0.5, second_ratio=0.5),
        MatchConfig(background_rank=3),
        MatchConfig(max_matches=2),
    ):
        assert run(query, candidates, config) == tentative(query, candidates, config, within=count < FEWEST)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.sampled_from([1, 3, FEWEST + 1]), st.integers(1, 300))
def test_each_point_at_most_once_on_both_sides(seed: int, count: int, most: int) -> None:
    query, candidates = scene(seed, count)
    loose = MatchConfig(background_ratio=1.5, second_ratio=1.5, max_matches=most)
    for pairs, candidate in zip(run(query, candidates, loose), candidates, strict=True):
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs) <= most
        assert all(0 <= i < len(query) and 0 <= j < len(candidate) for i, j in pairs)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from([4, FEWEST]))
def test_order_of_candidates_only_moves_answers(seed: int, count: int) -> None:
    query, candidates = scene(seed, count)
    order = np.random.default_rng(seed).permutation(count)
    plain, moved = run(query, candidates), run(query, [candidates[i] for i in order])
    assert moved == [plain[i] for i in order]


@pytest.mark.parametrize("count", [1, 5, FEWEST])
def test_nothing_to_match(count: int) -> None:
    query, candidates = scene(6, count)
    none = np.zeros((0, query.shape[1]), np.float32)
    assert run(none, candidates) == [[]] * count
    assert run(query, [none] * count) == [[]] * count
    assert run(query, []) == []


def test_a_blank_candidate_among_few_changes_nothing_for_the_others() -> None:
    query, candidates = scene(7, 3)
    none = np.zeros((0, query.shape[1]), np.float32)
    assert run(query, [none, *candidates, none]) == [[], *run(query, candidates), []]


def test_blank_candidates_are_no_background() -> None:
    """Five photos and many blank ones are five photos: the ratio test within the picture stands in."""
    query, candidates = scene(8, 5)
    blank = [np.zeros((0, query.shape[1]), np.float32)] * FEWEST
    assert run(query, [*candidates, *blank])[:5] == run(query, candidates)


@pytest.mark.parametrize("background_rank", [0, FEWEST, FEWEST + 5])
def test_a_background_rank_beyond_the_candidates_is_refused(background_rank: int) -> None:
    with pytest.raises(UsageError, match=str(background_rank)):
        MatchConfig(background_rank=background_rank)


def test_equal_points_in_one_picture_are_not_telling_but_a_single_one_is() -> None:
    query, _ = scene(10, 1)
    assert run(query, [np.concatenate([query, query])]) == [[]]
    found = run(query, [query])[0]
    assert sorted(found) == [(i, i) for i in range(len(query))]


def test_tentative_counts_itself() -> None:
    assert len(Tentative(np.arange(3), np.arange(3))) == 3

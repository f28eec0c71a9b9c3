from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_similarity import AllPairs, greedy

from periplus.spatial.clouds.worst_pairs import Pairs, WorstRule, above, lowest_score, scored_pairs


def streamed(rule: WorstRule, pairs: Pairs, portions: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """As a pass does it: portions in any order, below the floor nothing comes in."""
    kept, floor = np.empty((3, 0), np.int64), None
    for part in np.array_split(rng.permutation(pairs.shape[1]), portions):
        kept = rule.keep(np.concatenate([kept, above(pairs[:, part], floor)], axis=1))
        floor = floor if rule.floor(kept) is None else rule.floor(kept)
        assert kept.shape[1] <= rule.size
    return [tuple(pair) for pair in rule.take(kept).tolist()]


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 40),
    number=st.integers(1, 6),
    per_row=st.integers(1, 4),
    values=st.sampled_from([2, 5, 1000]),
    hubs=st.integers(0, 3),
)
def test_streamed_choice_is_the_greedy_one_over_all_pairs(
    seed: int, n: int, number: int, per_row: int, values: int, hubs: int
) -> None:
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(n, 1)
    score = rng.integers(0, values, len(first)) / 1000 + 0.5 * (first < hubs) + 0.3 * (second >= n - hubs)
    slow = greedy(AllPairs(first, second, score, score), score, number, per_row)
    swapped = rng.random(len(first)) < 0.5
    pairs = scored_pairs(score, np.where(swapped, second, first), np.where(swapped, first, second))
    for portions in (1, 7):
        assert streamed(WorstRule(number, per_row), pairs, portions, rng) == slow


def test_one_odd_photo_cannot_push_the_others_out() -> None:
    """A hub's pairs are better than all others and far more than the pool holds."""
    n, rule = 3000, WorstRule(3, 1)
    ends = np.arange(1, n)
    hub = scored_pairs(0.9 + ends * 1e-5, np.zeros(n - 1, np.int64), ends)
    others = scored_pairs(np.array([0.1, 0.2, 0.3, 0.4]), np.array([5, 10, 15, n - 1]), np.array([6, 11, 16, 20]))
    assert rule.size < n / 10
    taken = streamed(rule, np.concatenate([others, hub], axis=1), 50, np.random.default_rng(0))
    assert taken == [(0, n - 1), (15, 16), (10, 11)]


def test_sizes() -> None:
    assert (WorstRule(20, 1).row_size, WorstRule(20, 1).size) == (39, 20 + 38 * 39)
    assert (WorstRule(1, 1).row_size, WorstRule(1, 1).size) == (1, 1)
    assert (WorstRule(5, 100).row_size, WorstRule(5, 100).size) == (100, 5)


def test_floor_lets_equal_scores_of_lower_rows_through() -> None:
    pairs = scored_pairs(np.array([0.5, 0.5, 0.5, 0.6, 0.4]), np.array([2, 1, 2, 9, 0]), np.array([5, 9, 6, 8, 1]))
    floor = scored_pairs(np.array([0.5]), np.array([2]), np.array([6]))
    assert above(pairs, floor)[1:].T.tolist() == [[2, 5], [1, 9], [8, 9]]
    assert above(pairs, None) is pairs
    assert lowest_score(floor) < 0.5
    assert lowest_score(floor) == pytest.approx(0.5, abs=1.1e-6)
    assert lowest_score(None) == -np.inf


def test_no_pairs() -> None:
    rule, none = WorstRule(4, 1), np.empty((3, 0), np.int64)
    assert rule.keep(none).shape == (3, 0)
    assert rule.take(none).shape == (0, 2)
    assert rule.floor(none) is None

"""The weight of a fusion, chosen on one split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_rerank import ranking_of

from periplus.errors import UsageError
from periplus.rerank import GRID, fuse_ranking, sweep, weighted
from periplus.rerank.sweep import Sweep


@given(st.lists(st.tuples(st.sampled_from(GRID), st.integers(0, 3)), min_size=1, max_size=21, unique_by=lambda t: t[0]))
def test_the_best_is_the_largest_weight_of_the_largest_score(tried: list[tuple[float, int]]) -> None:
    value = dict(tried)
    made = sweep([weight for weight, _ in tried], lambda weight: float(value[weight]))
    assert made.weights == tuple(weight for weight, _ in tried)
    assert made.scores == tuple(float(score) for _, score in tried)
    assert made.best == max(weight for weight, score in tried if score == max(value.values()))


@given(st.lists(st.floats(-1, 1), min_size=21, max_size=21), st.floats(0.5, 4), st.floats(-2, 2))
def test_a_metric_in_other_units_chooses_the_same(scores: list[float], factor: float, offset: float) -> None:
    rounded = [round(score, 3) for score in scores]
    value = dict(zip(GRID, rounded, strict=True))
    assert sweep(GRID, lambda v: value[v]).best == sweep(GRID, lambda v: round(factor * value[v] * 1e9) + offset).best


def test_the_grid_is_every_twentieth() -> None:
    assert len(GRID) == 21
    assert (GRID[0], GRID[1], GRID[-1]) == (0.0, 0.05, 1.0)


def test_v_of_a_ranking_whose_local_scores_are_worth_nothing_is_1() -> None:
    """Rows 0 to 2 are right; the global scores know it, the local ones are noise in a known direction."""
    ranking = ranking_of([0.9, 0.8, 0.7, 0.2, 0.1], range(5))
    local = np.array([[0.0, 0.1, 0.0, 0.3, 0.9]], np.float32)

    def precision(weight: float) -> float:
        return float((fuse_ranking(ranking, local, weighted(weight)).rows[0, :3] < 3).mean())

    made = sweep(GRID, precision)
    assert isinstance(made, Sweep)
    assert made.best == 1.0
    assert made.scores[0] < 1.0 == made.scores[-1]


@pytest.mark.parametrize("weights", [[], [0.5, 1.2], [-0.1], [float("nan")]])
def test_weights_out_of_range_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="weights in"):
        sweep(weights, lambda _: 0.0)


def test_a_metric_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"weight 0\.5 is NaN"):
        sweep([0.0, 0.5], lambda weight: float("nan") if weight else 0.0)

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_similarity import discordance as slow_discordance
from oracle_similarity import jackknife_error as slow_error
from scipy import stats

from periplus.spatial.clouds.monotone import Monotonicity, Rise, curve_and_rises, discordance


@given(seed=st.integers(0, 1000), rows=st.integers(1, 7), columns=st.integers(1, 7))
def test_discordance_is_that_of_all_pairs_of_pairs(seed: int, rows: int, columns: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 4, (rows, columns))
    counts[0, 0] += 2
    d, s = np.repeat(np.stack(np.divmod(np.arange(counts.size), columns)), counts.ravel(), axis=1)
    assert discordance(counts) == pytest.approx(slow_discordance(d, s), abs=1e-12)


def test_discordance_is_kendalls_tau_without_ties() -> None:
    y = np.random.default_rng(0).permutation(40)
    counts = np.zeros((40, 40), np.int64)
    counts[np.arange(40), y] = 1
    tau = stats.kendalltau(np.arange(40), y).statistic
    assert discordance(counts) == pytest.approx((1 + tau) / 2, abs=1e-12)


def test_discordance_ends() -> None:
    assert discordance(np.eye(5, dtype=np.int64)[::-1]) == 0.0
    assert discordance(np.eye(5, dtype=np.int64)) == 1.0
    assert discordance(np.full((4, 6), 10)) == pytest.approx(0.5)
    assert discordance(np.full((1, 6), 10)) == 0.5
    assert math.isnan(discordance(np.ones((1, 1), np.int64)))


def test_discordance_of_ten_billion_pairs_does_not_overflow() -> None:
    assert discordance(np.eye(200, 512, dtype=np.int64) * 10**10) == pytest.approx(1 - 0.5 / 200, abs=1e-9)


def test_curve_and_rises() -> None:
    edges = np.array([1.0, 2, 4, 8, 16])
    count, total = np.array([10, 0, 20, 5]), np.array([8.0, 0, 8.0, 3.0])
    touched_count = np.array([[5, 0, 10, 2], [5, 0, 12, 2], [4, 0, 6, 3]])
    touched = np.array([[4.5, 0, 4.0, 1.0], [3.0, 0, 5.0, 1.5], [3.5, 0, 2.0, 2.0]])
    curve, rises, steps = curve_and_rises(edges, count, total, touched_count, touched)
    np.testing.assert_allclose(curve.mean, [0.8, math.nan, 0.4, 0.6])
    left_out = (total - touched)[:, [0, 2, 3]] / (count - touched_count)[:, [0, 2, 3]]
    np.testing.assert_allclose(curve.standard_error[[0, 2, 3]], slow_error(left_out), rtol=1e-12)
    assert math.isnan(curve.standard_error[1])
    assert steps == 2
    (rise,) = rises
    assert (rise.from_km, rise.to_km, rise.by) == pytest.approx((math.sqrt(32), math.sqrt(128), 0.2))
    assert rise.standard_error == pytest.approx(float(slow_error(left_out[:, 2] - left_out[:, 1])))
    assert Monotonicity(rises, steps, 0.2).falling_share == 0.5
    assert [curve.at(km) for km in (0.0, 1.5, 4.0, 15.0, 99.0)] == pytest.approx([0.8, 0.8, 0.4, 0.6, 0.6])


def test_what_is_beyond_chance() -> None:
    assert Rise(1, 2, 0.3, 0.1).is_beyond_chance
    assert not Rise(1, 2, 0.2, 0.1).is_beyond_chance
    assert not Rise(1, 2, 0.2, math.nan).is_beyond_chance


def test_a_curve_of_one_lag_has_no_steps() -> None:
    one = np.array([[3, 0]])
    curve, rises, steps = curve_and_rises(np.array([1.0, 2, 3]), one[0], np.array([1.5, 0]), one, one / 2)
    assert (rises, steps) == ((), 0)
    assert np.isnan(curve.standard_error).all()
    assert math.isnan(Monotonicity(rises, steps, math.nan).falling_share)

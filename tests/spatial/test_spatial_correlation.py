from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_similarity import jackknife_error as slow_error
from scipy import stats

from periplus.spatial.clouds.correlation import (
    leave_out,
    pearson_of_sums,
    spearman_of_counts,
    why_missing,
    with_interval,
)
from periplus.spatial.jackknife import jackknife_error

Sums = list[float]


def sums_of(x: np.ndarray, y: np.ndarray) -> Sums:
    return [len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y]


@given(seed=st.integers(0, 1000), slope=st.floats(-2, 2), n=st.integers(3, 200))
def test_pearson_is_numpys(seed: int, slope: float, n: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(8000, 5000, n)
    y = 0.7 + 1e-5 * slope * x + rng.normal(0, 0.05, n)
    assert pearson_of_sums(sums_of(x, y)) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-11)


def test_pearson_of_many_sums_at_once() -> None:
    rng = np.random.default_rng(0)
    many = [sums_of(*rng.normal(size=(2, 20))) for _ in range(5)]
    assert pearson_of_sums(many).tolist() == [float(pearson_of_sums(one)) for one in many]


@pytest.mark.parametrize("x", [np.ones(5), np.full(5, 0.1), 1 + 1e-8 * np.arange(5), np.zeros(5)])
def test_what_does_not_vary_has_no_correlation(x: np.ndarray) -> None:
    assert math.isnan(pearson_of_sums(sums_of(x, np.arange(5.0))))
    assert math.isnan(pearson_of_sums(sums_of(np.arange(5.0), x)))
    assert math.isnan(pearson_of_sums([0.0] * 6))


@given(seed=st.integers(0, 1000), rows=st.integers(2, 9), columns=st.integers(2, 9))
def test_spearman_of_counts_is_scipys_with_ties(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (rows, columns))
    counts[0, 0] = counts[-1, -1] = 1
    a, b = np.repeat(np.stack(np.divmod(np.arange(counts.size), columns)), counts.ravel(), axis=1)
    assert spearman_of_counts(counts) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize(("size", "off"), [(16, 6e-3), (64, 4e-4), (256, 3e-5)])
def test_spearman_of_classes_nears_that_of_numbers_with_the_square_of_their_number(size: int, off: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(size=20000)
    y = -0.7 * x + 0.3 * rng.uniform(size=20000)
    counts = np.histogram2d(x, y, size)[0].astype(np.int64)
    assert spearman_of_counts(counts) == pytest.approx(stats.spearmanr(x, y).statistic, abs=off)


def test_spearman_of_one_class_is_missing() -> None:
    assert math.isnan(spearman_of_counts(np.array([[3, 4, 5]])))
    assert math.isnan(spearman_of_counts(np.array([[3], [4]])))
    assert math.isnan(spearman_of_counts(np.zeros((3, 3), np.int64)))


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(2).normal(size=30)
    left_out = (x.sum() - x) / 29
    assert jackknife_error(left_out) == pytest.approx(x.std(ddof=1) / math.sqrt(30), rel=1e-12)
    many = np.random.default_rng(3).normal(size=(7, 4))
    np.testing.assert_allclose(jackknife_error(many), slow_error(many), rtol=1e-14)


def test_jackknife_tells_nothing_without_two_blocks_or_a_replicate() -> None:
    assert math.isnan(jackknife_error([0.3]))
    assert np.isnan(jackknife_error(np.empty((1, 3)))).tolist() == [True] * 3
    assert np.isnan(jackknife_error([[0.1, 0.2], [math.nan, 0.3]])).tolist() == [True, False]


def test_interval_holds_its_value_and_stays_within_one() -> None:
    found = with_interval(0.98, [0.97, 0.99, 0.6, 0.995], "")
    assert -1 <= found.low < found.value < found.high <= 1
    z = np.arctanh([0.97, 0.99, 0.6, 0.995])
    reach = float(stats.t.ppf(0.975, 3) * slow_error(z))
    slow = tuple(math.tanh(math.atanh(0.98) + side * reach) for side in (-1, 1))
    assert (found.low, found.high) == pytest.approx(slow, abs=1e-12)


def test_a_perfect_correlation_is_its_own_interval() -> None:
    found = with_interval(-1.0, [-1.0, -1.0, -1.0], "")
    assert (found.value, found.low, found.high) == pytest.approx((-1, -1, -1))


def test_reasons() -> None:
    assert why_missing(1, True, True, "a", "b") == "fewer than two pairs"
    assert why_missing(9, False, True, "a", "b") == "a do not vary"
    assert why_missing(9, False, False, "a", "b") == "a and b do not vary"
    assert why_missing(9, True, True, "a", "b") == ""
    missing = with_interval(math.nan, [0.1, 0.2], "why")
    assert missing.reason == "why"
    assert math.isnan(missing.low)
    assert "too few blocks" in with_interval(0.5, [0.4, math.nan], "").reason


def test_leaving_out_is_taking_away() -> None:
    total, touched = np.array([5.0, 7.0]), np.array([[1.0, 2.0], [3.0, 3.0]])
    assert leave_out(total, touched, lambda rest: float(rest[0] * rest[1])).tolist() == [20.0, 8.0]

"""Intervals: against published values, closed forms, slow twins and simulated truth."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, binomtest

from periplus.errors import UsageError
from periplus.evaluate import bootstrap, bootstrap_interval, wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, score method without continuity correction.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_closed_forms() -> None:
    z2 = 1.959963984540054**2  # 3.841458820694124, the 95 % quantile of χ² with one degree of freedom
    # No success: (z²/2 + z √(z²/4)) / (n + z²) = z² / (n + z²); all successes is its mirror.
    assert wilson_interval(0, 10) == pytest.approx((0, z2 / (10 + z2)), abs=1e-12)
    assert wilson_interval(10, 10) == pytest.approx((10 / (10 + z2), 1), abs=1e-12)
    assert (wilson_interval(0, 10)[0], wilson_interval(10, 10)[1]) == (0.0, 1.0)
    # Half: centre 1/2, half width z √(n/4 + z²/4) / (n + z²) = z / (2 √(n + z²)).
    half = math.sqrt(z2 / (10 + z2)) / 2
    assert wilson_interval(5, 10) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-12)


@settings(deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_against_scipy(case: tuple[int, int], level: float) -> None:
    successes, n = case
    theirs = binomtest(successes, n).proportion_ci(confidence_level=level, method="wilson")
    low, high = wilson_interval(successes, n, level=level)
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert 0 <= low <= successes / n <= high <= 1
    assert wilson_interval(n - successes, n, level=level) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_covers_the_truth() -> None:
    # Exact, not simulated: the probability of each count times whether its interval holds p, averaged over p.
    n = 40
    ends = [wilson_interval(k, n) for k in range(n + 1)]
    shares = np.linspace(0.02, 0.98, 97)
    cover = [sum(binom.pmf(k, n, p) for k, (low, high) in enumerate(ends) if low <= p <= high) for p in shares.tolist()]
    assert np.mean(cover) == pytest.approx(0.953, abs=0.005)
    assert min(cover) > 0.83


def test_wilson_of_nothing_and_of_nonsense() -> None:
    assert np.isnan(wilson_interval(0, 0)).all()
    for successes, n in ((3, 2), (-1, 2), (0, -1)):
        with pytest.raises(UsageError, match="impossible"):
            wilson_interval(successes, n)
    for level in (0.0, 1.0, 95.0, math.nan):
        with pytest.raises(UsageError, match=r"usual is 0\.95"):
            wilson_interval(1, 2, level=level)


def _slow_twin(
    values: list[float], statistic: Callable[..., Any], resamples: int, seed: int, groups: list[list[float]]
) -> tuple[float, float]:
    """One resample after another, with the same draws."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        sample: list[float] = []
        for pick in rng.integers(0, len(groups), size=len(groups)):
            sample += groups[pick]
        found.append(float(statistic(sample)))
    found.sort()
    rank = int((resamples + 1) * 0.025)  # 1000: 25.025, the 25th smallest and the 25th largest
    return found[rank - 1], found[-rank]


def test_plain_against_slow_twin() -> None:
    values = np.random.default_rng(1).exponential(size=23).tolist()
    for statistic in (np.mean, np.median):
        expected = _slow_twin(values, statistic, 1000, 7, [[v] for v in sorted(values)])
        assert bootstrap_interval(values, statistic, seed=7) == pytest.approx(expected, rel=1e-12)


def test_clustered_against_slow_twin() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0, 9.0]
    labels = ["b", "a", "b", None, "a", None]
    # By author: a [1, 3], b [4, 5]; without one, each alone: [2], [9]. In the order of their values.
    groups = [[1.0, 3.0], [2.0], [4.0, 5.0], [9.0]]
    for statistic in (np.mean, np.median):
        expected = _slow_twin(values, statistic, 400, 3, groups)
        found = bootstrap_interval(values, statistic, clusters=labels, resamples=400, seed=3)
        assert found == pytest.approx(expected, rel=1e-12)


def test_every_value_in_its_own_cluster_is_no_cluster() -> None:
    values = np.random.default_rng(2).normal(size=15)
    plain = bootstrap_interval(values, np.mean, seed=5)
    assert bootstrap_interval(values, np.mean, clusters=[None] * 15, seed=5) == pytest.approx(plain, rel=1e-12)


def test_blocks_do_not_touch_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=31)
    whole = bootstrap_interval(values, np.median, seed=4)
    for block in (1, 100, 1000):
        monkeypatch.setattr(bootstrap, "_BLOCK", block)
        assert bootstrap_interval(values, np.median, seed=4) == whole


def test_the_mean_of_many_is_nearly_normal() -> None:
    # 0 and 1 alternating, n = 400: mean 0.5, standard error √(0.25/400) = 0.025, interval 0.5 ± 1.96 · 0.025 = 0.049.
    low, high = bootstrap_interval([0.0, 1.0] * 200, np.mean, resamples=4000)
    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.004)


def _coverage(truth: float, draw: Callable[[np.random.Generator], NDArray[np.float64]], **how: Any) -> float:
    rng = np.random.default_rng(2024)
    statistic = how.pop("statistic", np.mean)
    held = 0
    for trial in range(300):
        low, high = bootstrap_interval(draw(rng), statistic, resamples=400, seed=trial, **how)
        held += low <= truth <= high
    return held / 300


def test_covers_the_mean_and_the_median() -> None:
    # Exponential with mean 1, median ln 2. One standard error of 300 trials at 95 % is 1.3 %.
    assert 0.90 <= _coverage(1.0, lambda rng: rng.exponential(size=80)) <= 0.98
    assert 0.90 <= _coverage(math.log(2), lambda rng: rng.exponential(size=80), statistic=np.median) <= 0.99


def test_clusters_are_needed_where_values_hang_together() -> None:
    # 40 authors of 6 photos: each value is its author's level plus a little. The variance of the mean is 1.04/40
    # nearly, but as if independent it seems 1.04/240: intervals √6 = 2.4 times too short hold Φ(±1.96/2.4) = 58 %.
    def draw(rng: np.random.Generator) -> NDArray[np.float64]:
        return np.repeat(rng.normal(size=40), 6) + 0.2 * rng.normal(size=240)

    authors = np.repeat(np.arange(40), 6).tolist()
    assert _coverage(0.0, draw) == pytest.approx(0.58, abs=0.08)
    assert 0.90 <= _coverage(0.0, draw, clusters=authors) <= 0.98


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.integers(0, 99), st.randoms(use_true_random=False))
def test_order_does_not_matter(values: list[float], seed: int, shuffler: random.Random) -> None:
    labels: list[int | None] = [int(v) % 3 or None for v in values]
    other = shuffler.sample(range(len(values)), len(values))
    for statistic in (np.mean, np.median):
        plain = bootstrap_interval(values, statistic, resamples=50, seed=seed)
        assert bootstrap_interval([values[i] for i in other], statistic, resamples=50, seed=seed) == plain
        tied = bootstrap_interval(values, statistic, resamples=50, seed=seed, clusters=labels)
        mixed = bootstrap_interval(
            [values[i] for i in other], statistic, resamples=50, seed=seed, clusters=[labels[i] for i in other]
        )
        assert mixed == tied
        slack = 1e-9 * max(values)
        assert min(values) - slack <= plain[0] <= plain[1] <= max(values) + slack


def test_infinite_values() -> None:
    # 11 of 20 are missing: the median is infinite, but many a resample has a finite one.
    low, high = bootstrap_interval([1.0] * 9 + [math.inf] * 11, np.median)
    assert (low, high) == (1.0, math.inf)
    assert bootstrap_interval([math.inf] * 3, np.median) == (math.inf, math.inf)


def test_few_values() -> None:
    assert np.isnan(bootstrap_interval([], np.mean)).all()
    assert np.isnan(bootstrap_interval([], np.median, clusters=[])).all()
    assert bootstrap_interval([3.0], np.mean) == (3.0, 3.0)
    assert bootstrap_interval([3.0, 3.0], np.mean, resamples=1) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("values", "how", "message"),
    [
        ([1.0, math.nan], {}, "1 NaN"),
        ([[1.0, 2.0]], {}, r"shape \(1, 2\)"),
        ([1.0], {"resamples": 0}, "0 resamples"),
        ([1.0], {"level": 95}, "level of 95"),
        ([1.0, 2.0], {"clusters": ["a"]}, "1 cluster labels do not fit 2 values"),
    ],
)
def test_nonsense_is_refused(values: Any, how: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bootstrap_interval(values, np.mean, **how)

"""Intervals of fits: the bootstrap over blocks against a slow twin, and how often it holds the truth."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import from_unit
from periplus.spatial.fitting.fit import fit_model
from periplus.spatial.fitting.intervals import INTERVALS_OF, _drawn, _interval, with_intervals
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import Lags, given_lags
from periplus.spatial.pairs.tiles import PassSettings
from periplus.spatial.variograms.estimators import ESTIMATES
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.variogram import BlockSums, Estimator, Variogram
from periplus.synth.planet import FieldModel

TRUTH = FieldModel("x", "exponential", 400.0, sill=1.0, nugget=0.25)
LAGS: Lags = given_lags(np.concatenate([[0], np.geomspace(40, 1600, 12)]))


def places(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    xyz = np.random.default_rng(seed).standard_normal((n, 3))
    lat, lon = from_unit(xyz / np.linalg.norm(xyz, axis=1, keepdims=True))
    return lat, lon


@lru_cache
def drawn(seed: int = 0, n: int = 1500, estimator: Estimator = "matheron") -> Variogram:
    lat, lon = places(n, seed)
    return exact_variograms(Observations(lat, lon, TRUTH.draw((seed,)).at(lat, lon)), LAGS, estimator)[0]


def test_draws_are_those_of_a_slow_twin() -> None:
    """Places themselves are drawn, block by block, and every pair is looked at."""
    lat, lon = places(90, 3)
    values = TRUTH.draw((3,)).at(lat, lon)
    lags = given_lags([0, 2000, 6000, 20000])
    for estimator in ESTIMATES:
        variogram = exact_variograms(Observations(lat, lon, values), lags, estimator, how=PassSettings(blocks=9))[0]  # type: ignore[arg-type]
        sums = variogram.blocks
        assert sums is not None
        whole = ESTIMATES[estimator](sums.total.sum(axis=0), sums.count.sum(axis=0).astype(float))
        np.testing.assert_allclose(whole, variogram.gamma, rtol=1e-12)
        times = np.random.default_rng(5).multinomial(sums.n_blocks, np.full(sums.n_blocks, 1 / sums.n_blocks), size=3)
        for found, w in zip(_drawn(sums, estimator, 3, 5), times, strict=True):
            total, count = np.zeros(3), np.zeros(3)
            for k in range(len(sums.first)):
                a, b = sums.first[k], sums.second[k]
                for _ in range(w[a] if a == b else w[a] * w[b]):
                    total, count = total + sums.total[k], count + sums.count[k]
            np.testing.assert_allclose(found, ESTIMATES[estimator](total, count), rtol=1e-12)


@pytest.mark.parametrize("estimator", ["matheron", "cressie"])
def test_intervals_hold_the_fit_and_are_the_same_again(estimator: Estimator) -> None:
    variogram = drawn(estimator=estimator)
    fit = fit_model(variogram, "exponential", metric="chord")
    first, again = with_intervals(variogram, fit, 60), with_intervals(variogram, fit, 60)
    assert first.intervals is not None
    assert first.intervals == again.intervals
    assert with_intervals(variogram, fit, 60, seed=1).intervals != first.intervals
    assert set(first.intervals) == set(INTERVALS_OF) - {"shape"}
    for name, (low, high) in first.intervals.items():
        assert 0 <= low < getattr(fit.model, name) < high, name
    length, reach = first.intervals["length_scale_km"], first.intervals["effective_range_km"]
    np.testing.assert_allclose(np.array(reach) / length, fit.model.effective_range_km / fit.model.length_scale_km)
    assert first.model == fit.model
    assert first.confidence == 0.95


def test_a_fitted_shape_has_an_interval_and_a_held_one_none() -> None:
    variogram = drawn()
    free = with_intervals(variogram, fit_model(variogram, "stable"), 40).intervals
    held = with_intervals(variogram, fit_model(variogram, "stable", shape=1.0), 40).intervals
    plain = with_intervals(variogram, fit_model(variogram, "exponential"), 40).intervals
    assert free is not None
    assert held is not None
    assert plain is not None
    low, high = free["shape"]
    assert 0.1 <= low < high <= 2
    assert "shape" not in held
    for name, ends in plain.items():
        assert held[name] == pytest.approx(ends, rel=1e-3), name


def test_more_places_narrower() -> None:
    width = []
    for n in (400, 3000):
        variogram = drawn(1, n)
        intervals = with_intervals(variogram, fit_model(variogram, "exponential"), 60).intervals
        assert intervals is not None
        width.append(np.ptp(intervals["sill"]))
    assert width[1] < width[0]


def test_bias_corrected_percentiles() -> None:
    rng = np.random.default_rng(0)
    draws = rng.standard_normal(200_000)
    assert _interval(draws, float(np.median(draws))) == pytest.approx((-1.96, 1.96), abs=0.03)
    # Draws that lie half a deviation too high are moved by twice that (Efron 1982).
    assert _interval(draws + 0.5, 0.0) == pytest.approx((-1.96 - 0.5, 1.96 - 0.5), abs=0.05)
    assert _interval(np.zeros(50), 0.0) == (0.0, 0.0)
    assert _interval(np.arange(50.0), 99.0) == pytest.approx((49, 49), abs=2)


def test_a_lag_that_no_draw_has_is_left_out() -> None:
    variogram = drawn()
    sums = variogram.blocks
    assert sums is not None
    # The first lag only has pairs inside block 0.
    inside = (sums.first == 0) & (sums.second == 0)
    count, total = sums.count.copy(), sums.total.copy()
    count[~inside, 0] = total[~inside, 0] = 0
    lonely = replace(variogram, blocks=BlockSums(sums.n_blocks, sums.first, sums.second, count, total))
    assert with_intervals(lonely, fit_model(variogram, "exponential"), 40).intervals is not None


def test_what_cannot_be_told() -> None:
    variogram = drawn()
    fit = fit_model(variogram, "exponential")
    with pytest.raises(UsageError, match="sums"):
        with_intervals(replace(variogram, blocks=None), fit)
    with pytest.raises(UsageError, match="samples"):
        with_intervals(variogram, fit, samples=3)
    with pytest.raises(UsageError, match="residuals differ"):
        with_intervals(replace(variogram, gamma=variogram.gamma * 1.1), fit)
    with pytest.raises(UsageError, match="residuals differ"):
        with_intervals(variogram, replace(fit, max_km=900.0))
    lat, lon = places(60, 0)
    few = exact_variograms(Observations(lat, lon, lat), given_lags(np.linspace(0, 9000, 9)), how=PassSettings(blocks=4))
    with pytest.raises(UsageError, match="8 blocks"):
        with_intervals(few[0], fit_model(few[0], "exponential"))


@pytest.mark.slow
def test_intervals_hold_the_truth_nearly_as_often_as_they_say() -> None:
    truth = {"nugget": 0.25, "partial_sill": 1.0, "sill": 1.25, "length_scale_km": 400.0}
    held = dict.fromkeys(truth, 0)
    for seed in range(100, 124):
        variogram = drawn(seed)
        intervals = with_intervals(variogram, fit_model(variogram, "exponential", metric="chord"), 80).intervals
        assert intervals is not None
        for name, value in truth.items():
            held[name] += intervals[name][0] <= value <= intervals[name][1]
    # Of 24 draws a true 93 % holds fewer than 19 in one of a hundred cases.
    assert min(held.values()) >= 19, held

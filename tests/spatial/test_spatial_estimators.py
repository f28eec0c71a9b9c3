"""Estimators: closed forms, and what robust ones are for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi

from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, linear_lags
from periplus.spatial.variograms.estimators import cressie, matheron, vector_factor
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.histograms import CoarseBins, first_brackets
from periplus.spatial.variograms.variogram import Estimator


def test_closed_forms() -> None:
    np.testing.assert_allclose(matheron(np.array([6.0, 0.0]), np.array([3, 0])), [2, np.nan])
    np.testing.assert_allclose(cressie(np.array([4.0, 0.0]), np.array([2, 0]))[0], 8 / (0.457 + 0.247 + 0.01125))
    assert np.isnan(cressie(np.array([0.0]), np.array([0]))[0])


@pytest.mark.parametrize("dim", [2, 8, 512])
def test_of_vectors_differences_have_the_chi_distribution(dim: int) -> None:
    spread, one = (chi(d).expect(np.sqrt) ** 4 / d for d in (dim, 1))
    assert vector_factor("cressie", dim) == pytest.approx(one / spread, rel=1e-6)
    spread, one = (chi(d).median() ** 2 / d for d in (dim, 1))
    assert vector_factor("dowd", dim) == pytest.approx(one / spread, rel=1e-6)
    assert vector_factor("matheron", dim) == vector_factor("dowd", 1) == vector_factor("cressie", 1) == 1


@pytest.mark.parametrize("dim", [1, 12])
def test_all_estimators_agree_on_normal_values(dim: int) -> None:
    rng = np.random.default_rng(dim)
    observed = Observations(rng.uniform(-60, 60, 1500), rng.uniform(-180, 180, 1500), rng.normal(size=(1500, dim)))
    for estimator in ("matheron", "cressie", "dowd"):
        (curve,) = exact_variograms(observed, linear_lags(15_000, 5), estimator)
        np.testing.assert_allclose(curve.gamma, dim, rtol=0.05 / np.sqrt(dim))


@pytest.mark.parametrize("estimator", ["matheron", "cressie", "dowd"])
def test_white_noise_has_its_variance(estimator: Estimator) -> None:
    rng = np.random.default_rng(0)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, 1500))), rng.uniform(-180, 180, 1500)
    found = exact_variograms(
        Observations(lat, lon, 3 * rng.normal(size=1500)), linear_lags(HALF_GIRTH_KM, 3), estimator
    )
    # 1500 values know their variance to 3.7 %.
    np.testing.assert_allclose(found[0].gamma, 9, rtol=0.12)
    assert (found[0].standard_error < 1.5).all()


def test_robust_estimators_withstand_outliers() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-60, 60, 1000), rng.uniform(-180, 180, 1000)
    values = rng.normal(size=1000)
    values[:20] += 50
    lags = linear_lags(HALF_GIRTH_KM, 2)
    wild, robust, most = (
        float(exact_variograms(Observations(lat, lon, values), lags, name)[0].gamma[0])
        for name in ("matheron", "cressie", "dowd")
    )
    assert wild > 20
    assert robust < 3
    assert most < 1.3


def test_medians_of_ties_and_of_even_numbers() -> None:
    lat, lon = np.array([0.0, 0.1, 0.2]), np.zeros(3)
    found = exact_variograms(Observations(lat, lon, np.array([0.0, 1.0, 3.0])), linear_lags(100, 1), "dowd")[0]
    assert found.gamma[0] == pytest.approx(0.5 * 2.198 * 4, rel=1e-6)
    found = exact_variograms(Observations(lat[:2], lon[:2], np.array([0.0, 5.0])), linear_lags(100, 1), "dowd")[0]
    assert found.gamma[0] == pytest.approx(0.5 * 2.198 * 25, rel=1e-6)
    # Differences 0 0 0 0 0 0 and 1 1 1 1: the median is 0.
    found = exact_variograms(
        Observations(np.arange(5) / 10, np.zeros(5), np.array([0.0, 0, 0, 0, 1])), linear_lags(100, 1), "dowd"
    )[0]
    assert found.gamma[0] == 0
    lat, lon = np.arange(4) / 10, np.zeros(4)
    # Differences 0 0 0 and 1 1 1: the median of six is 0.5.
    found = exact_variograms(Observations(lat, lon, np.array([0.0, 0, 0, 1])), linear_lags(100, 1), "dowd")[0]
    assert found.gamma[0] == pytest.approx(0.5 * 2.198 * 0.25, rel=1e-6)


def test_coarse_bins_hold_all_up_to_the_largest() -> None:
    bins = CoarseBins(3.0, 10)
    assert len(bins.edges) == bins.number + 1
    assert bins.edges[0] == 0
    assert bins.edges[-2] <= 3.0 < bins.edges[-1]
    assert np.diff(np.log(bins.edges[1:])).max() < 0.017


def test_brackets_hold_the_middle() -> None:
    bins = CoarseBins(8.0, 1)
    values = np.random.default_rng(0).uniform(0, 8, 1001)
    histogram = np.histogram(values, bins.edges)[0][None]
    found = first_brackets(histogram, bins.edges)
    assert found.low[0, 0] <= np.median(values) < found.high[0, 0]
    assert found.values()[0, 0] == pytest.approx(np.median(values), rel=0.02)

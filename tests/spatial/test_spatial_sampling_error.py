"""Estimates from samples and their errors: closed forms, resampling, and what cannot be told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from periplus.spatial import ESTIMATORS
from periplus.spatial.variograms.sampling_error import sample_semivariance


def test_matheron_in_closed_form() -> None:
    gamma, error = sample_semivariance(np.array([1.0, 2.0, 6.0]), 50, "matheron")
    assert (gamma, error) == pytest.approx((3.0, math.sqrt(7 / 3)))


def test_cressie_in_closed_form() -> None:
    # Differences 1, 1, 16 have roots 1, 1, 4: mean 2, standard error 1.
    gamma, error = sample_semivariance(np.array([0.5, 0.5, 128.0]), 10, "cressie")
    assert gamma == pytest.approx(0.5 * 16 / (0.457 + 0.0494 + 0.00045))
    assert error == pytest.approx(4 * gamma / 2)


def test_dowd_in_closed_form() -> None:
    # 100 differences 1 to 100: the 41st and the 60th hold the median with 95 % confidence.
    gamma, error = sample_semivariance(np.arange(1.0, 101) ** 2 / 2, 1000, "dowd")
    assert gamma == pytest.approx(1.099 * 50.5**2)
    assert error == pytest.approx(1.099 * (60**2 - 41**2) / (2 * 1.959964))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_against_samples_of_a_known_population(estimator: str) -> None:
    rng = np.random.default_rng(0)
    whole = rng.gamma(0.7, 2, 20_000)
    true, _ = sample_semivariance(whole, len(whole), estimator)
    parts = [sample_semivariance(rng.choice(whole, 400), len(whole), estimator) for _ in range(600)]
    gamma, error = np.array(parts).T
    assert np.sqrt(np.mean(error**2)) == pytest.approx(gamma.std(), rel=0.1)
    assert abs(gamma.mean() - true) < 4 * gamma.std() / math.sqrt(600) + 0.01 * true
    assert 0.92 < np.mean(np.abs(gamma - true) < 1.96 * error) < 0.98


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_cannot_be_told(estimator: str) -> None:
    assert np.isnan(sample_semivariance(np.array([]), 0, estimator)).all()
    gamma, error = sample_semivariance(np.array([2.0]), 1, estimator)
    assert gamma > 0
    assert math.isnan(error)
    assert sample_semivariance(np.zeros(10), 100, estimator) == (0.0, 0.0)
    assert math.isnan(sample_semivariance(np.ones(5), 9, "dowd")[1])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_units(estimator: str) -> None:
    half = np.random.default_rng(1).exponential(size=100)
    one, ten = (np.array(sample_semivariance(scale * half, 500, estimator)) for scale in (1, 10))
    assert ten == pytest.approx(10 * one)

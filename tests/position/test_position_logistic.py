"""Logistic regression around a prior: against Newton's method and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_belief import newton
from scipy.optimize import brentq

from periplus.position import logistic


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 80), st.integers(1, 3), st.floats(0.1, 10))
def test_fit_is_newtons(seed: int, n: int, f: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, f))
    labels = rng.random(n) < 1 / (1 + np.exp(-features @ rng.normal(0, 2, f) - 0.5))
    prior = tuple(rng.normal(size=f + 1).tolist())
    made = logistic.fit(features, labels, prior, strength)
    np.testing.assert_allclose(made, newton(features, labels, prior, strength), atol=2e-3)


@pytest.mark.parametrize(("right", "wrong"), [(7, 3), (10, 0), (0, 4), (1, 1)])
def test_the_intercept_alone_in_closed_form(right: int, wrong: int) -> None:
    """d/db: n sigma(b) - right + strength (b - b0) = 0."""
    prior, strength = 0.3, 2.0
    expected = brentq(lambda b: (right + wrong) / (1 + math.exp(-b)) - right + strength * (b - prior), -50, 50)
    labels = np.array([True] * right + [False] * wrong)
    (made,) = logistic.fit(np.zeros((right + wrong, 0)), labels, (prior,), strength)
    assert made == pytest.approx(expected, abs=1e-4)


def test_without_data_the_prior_stays() -> None:
    prior = (1.5, -0.3, 0.7)
    assert logistic.fit(np.zeros((0, 2)), np.zeros(0, np.bool_), prior, 1.0) == prior


def test_separable_data_have_finite_weights_that_separate() -> None:
    features = np.linspace(-3, 3, 40)[:, None]
    labels = features[:, 0] > 0
    made = logistic.fit(features, labels, (0.0, 0.0), 0.5)
    assert np.isfinite(made).all()
    assert ((logistic.predict(features, made) > 0.5) == labels).all()
    np.testing.assert_allclose(made, newton(features, labels, (0.0, 0.0), 0.5), atol=5e-3)


@pytest.mark.parametrize("label", [True, False])
def test_one_class_alone_moves_the_intercept_only_so_far(label: bool) -> None:
    made = logistic.fit(np.zeros((50, 1)), np.full(50, label), (0.0, 0.0), 1.0)
    assert made[0] == pytest.approx(0, abs=1e-6)
    assert 2 < (made[1] if label else -made[1]) < 6


def test_more_strength_stays_nearer_to_the_prior() -> None:
    rng = np.random.default_rng(3)
    features, prior = rng.normal(size=(60, 2)), (3.0, -3.0, 1.0)
    labels = rng.random(60) < 0.5
    away = [math.dist(logistic.fit(features, labels, prior, s), prior) for s in (0.01, 1, 100, 1e6)]
    assert away == sorted(away, reverse=True)
    assert away[-1] < 1e-3


def test_with_much_data_the_truth_is_found() -> None:
    rng = np.random.default_rng(4)
    features, truth = rng.normal(size=(40_000, 2)), np.array([1.2, -0.7, 0.4])
    labels = rng.random(40_000) < logistic.predict(features, tuple(truth))
    np.testing.assert_allclose(logistic.fit(features, labels, (0.0, 0.0, 0.0), 4.0), truth, atol=0.06)


def test_predict_is_the_logistic_function() -> None:
    features = np.array([[0.0, 0.0], [1.0, 2.0], [1e6, 0.0], [-1e6, 0.0]])
    made = logistic.predict(features, (0.5, -1.0, 0.25))
    np.testing.assert_allclose(made, [1 / (1 + math.exp(-0.25)), 1 / (1 + math.exp(1.25)), 1, 0], atol=1e-12)
    assert logistic.predict(features[1], (0.5, -1.0, 0.25)) == pytest.approx(made[1])

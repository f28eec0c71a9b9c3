"""Logistic regression around a prior: with much evidence it follows the evidence, with none it stays put."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Weights = tuple[float, ...]


def predict(features: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Probabilities (...) of features (..., f) under weights of length f + 1, the last one the intercept."""
    w = np.asarray(weights)
    return np.asarray(expit(features @ w[:-1] + w[-1]), np.float64)


def fit(
    features: NDArray[np.float64],
    labels: NDArray[np.bool_],
    prior: Weights,
    strength: float,
    counts: NDArray[np.float64] | None = None,
) -> Weights:
    """The weights that minimise log loss + strength / 2 * |w - prior|^2, a convex problem.

    Args:
        features: (n, f); n may be 0.
        labels: (n,).
        prior: f + 1 weights to start from and to be drawn to.
        strength: how strongly, in units of observations.
        counts: (n,), how many observations each counts for; one each by default.
    """
    start = np.asarray(prior, np.float64)
    design = np.column_stack([features, np.ones(len(features))])
    sign = 2.0 * labels - 1
    weight = np.ones(len(features)) if counts is None else counts

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (design @ w)
        pull = w - start
        value = float((weight * np.logaddexp(0, -margin)).sum() + strength / 2 * pull @ pull)
        return value, -design.T @ (weight * sign * expit(-margin)) + strength * pull

    found = minimize(loss, start, jac=True, method="L-BFGS-B")
    return tuple(float(v) for v in found.x)

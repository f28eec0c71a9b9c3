"""The support of a position, and logistic regression, straight from their formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.geo import distance_km
from periplus.position import Kernel


def support(
    at: tuple[float, float],
    beliefs: Sequence[float],
    photos: Sequence[tuple[float, float]],
    kernel: Kernel,
    most: float,
) -> float:
    """L(x) = sum over j of log(1 + p_j / (1 - p_j) k(d(x, x_j))), no p_j above ``most``."""
    total = 0.0
    for belief, (lat, lon) in zip(beliefs, photos, strict=True):
        p = min(belief, most)
        d = float(distance_km(*at, lat, lon))
        broad, narrow = (1 + (d / kernel.wide_km) ** 2) ** -3, (1 + (d / kernel.narrow_km) ** 2) ** -2
        total += math.log(1 + p / (1 - p) * ((1 - kernel.share) * broad + kernel.share * narrow))
    return total


def newton(
    features: NDArray[np.float64], labels: NDArray[np.bool_], prior: Sequence[float], strength: float
) -> NDArray[np.float64]:
    """Minimise log loss + strength / 2 |w - prior|^2 by damped Newton steps, to machine precision."""
    x = np.column_stack([features, np.ones(len(features))])
    w0 = np.asarray(prior, np.float64)
    w = w0.copy()

    def loss(v: NDArray[np.float64]) -> float:
        margin = np.where(labels, 1, -1) * (x @ v)
        return float(np.logaddexp(0, -margin).sum() + strength / 2 * ((v - w0) ** 2).sum())

    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -500, 500)))
        gradient = x.T @ (p - labels) + strength * (w - w0)
        hessian = (x.T * (p * (1 - p))) @ x + strength * np.eye(len(w))
        step, length = np.linalg.solve(hessian, gradient), 1.0
        while length > 1e-9 and loss(w - length * step) > loss(w):
            length /= 2
        w = w - length * step
    return w

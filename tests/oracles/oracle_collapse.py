"""How vectors fill their sphere, written out from the formulas with dense matrices and loops over pairs."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def unit(vectors: NDArray[np.floating]) -> Array:
    """Rows at unit length, without those of zeros."""
    rows = [np.asarray(v, np.float64) for v in vectors if np.any(v)]
    return np.array([v / math.sqrt(sum(x * x for x in v)) for v in rows])


def similarities(z: Array) -> Array:
    """Of all pairs i < j, one by one."""
    return np.array([float(x @ y) for x, y in itertools.combinations(z, 2)])


def uniformity(z: Array) -> float:
    return math.log(np.mean([math.exp(-2 * float(np.sum((x - y) ** 2))) for x, y in itertools.combinations(z, 2)]))


def uniformity_error(z: Array, population: int) -> float:
    """Delete-one jackknife of the mean over pairs, to the logarithm by its slope."""
    m = len(z)
    without = [math.exp(uniformity(np.delete(z, i, axis=0))) for i in range(m)]
    spread = sum((value - sum(without) / m) ** 2 for value in without)
    return math.sqrt((1 - m / population) * (m - 1) / m * spread) / math.exp(uniformity(z))


def spectrum(z: Array) -> Array:
    """Squared singular values of the centred vectors over n, padded to d."""
    values = np.linalg.svd(z - z.mean(axis=0), compute_uv=False) ** 2 / len(z)
    return np.concatenate([values, np.zeros(z.shape[1] - len(values))])


def effective_rank(values: Array) -> float:
    shares = [v / values.sum() for v in values if v > 1e-15 * values.sum()]
    return math.exp(-sum(p * math.log(p) for p in shares))


def nearest(z: Array, k: int) -> tuple[NDArray[np.int64], Array]:
    """The k nearest of each, by sorting all distances; equal ones by row."""
    rows, distances = [], []
    for i, x in enumerate(z):
        others = sorted((math.dist(x, y), j) for j, y in enumerate(z) if j != i)[:k]
        rows.append([j for _, j in others])
        distances.append([far for far, _ in others])
    return np.array(rows), np.array(distances)


def gini(counts: list[int]) -> float:
    """Mean difference of all ordered pairs over twice the mean."""
    n = len(counts)
    return sum(abs(a - b) for a in counts for b in counts) / (2 * n * sum(counts))


def two_nn(distances: Array) -> float:
    ratios = sorted(row[1] / row[0] for row in distances)
    n = len(ratios)
    points = [(math.log(mu), -math.log(1 - (i + 1) / n)) for i, mu in enumerate(ratios[: int(n * 0.9)])]
    return float(sum(x * y for x, y in points) / sum(x * x for x, _ in points))


def mle(distances: Array) -> float:
    k = distances.shape[1]
    inverse = [sum(math.log(row[-1] / t) for t in row[:-1]) / (k - 1) for row in distances]
    return float(1 / (sum(inverse) / len(inverse)))

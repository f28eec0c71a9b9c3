"""Whitening written out from its formulas, entry by entry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def pca(vectors: Array, dim: int, shrinkage: float) -> tuple[Array, Array]:
    """Mean (d,) and P (dim, d): P = diag(eigval)^(-1/2) eigvec^T of Xc Xc^T / N, every eigenvalue + eps."""
    n, d = vectors.shape
    mean = np.array([sum(vectors[i][j] for i in range(n)) / n for j in range(d)])
    covariance = np.zeros((d, d))
    for x in vectors:
        covariance += np.outer(x - mean, x - mean) / n
    values, directions = np.linalg.eig((covariance + covariance.T) / 2)
    epsilon = shrinkage * np.trace(covariance) / d
    order = np.argsort(-values)[:dim]
    return mean, np.stack([directions[:, k] / np.sqrt(values[k] + epsilon) for k in order])


def pairs(vectors: Array, queries: list[int], positives: list[int], dim: int, shrinkage: float) -> tuple[Array, Array]:
    """Mean (d,) and P = eigvec^T inv(chol(S)): S of the differences of pairs, eigenvectors of all, so projected."""
    d = vectors.shape[1]
    mean = sum((vectors[q] for q in queries), np.zeros(d)) / len(queries)
    scatter = np.zeros((d, d))
    for q, p in zip(queries, positives, strict=True):
        scatter += np.outer(vectors[q] - vectors[p], vectors[q] - vectors[p]) / len(queries)
    scatter += shrinkage * np.trace(scatter) / d * np.eye(d)
    first = np.linalg.inv(np.linalg.cholesky(scatter))
    spread = np.zeros((d, d))
    for x in vectors:
        y = first @ (x - mean)
        spread += np.outer(y, y)
    values, directions = np.linalg.eig((spread + spread.T) / 2)
    order = np.argsort(-values)[:dim]
    return mean, np.stack([directions[:, k] for k in order]) @ first


def apply(vector: Array, mean: Array, projection: Array) -> Array:
    """P (x - m), to unit length."""
    projected = projection @ (vector - mean)
    return np.asarray(projected / np.sqrt((projected**2).sum()), np.float64)

"""Visual words, VLAD and ASMK, one number at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from periplus.records import Words


def nearest(x: NDArray[np.float32], centres: NDArray[np.float32], k: int) -> list[int]:
    """The k nearest centres, nearest first."""
    away = [math.dist(x.tolist(), c.tolist()) for c in centres]
    return sorted(range(len(centres)), key=lambda j: (away[j], j))[:k]


def residual_sums(
    descriptors: NDArray[np.float32], codebook: NDArray[np.float32], k: int
) -> dict[int, NDArray[np.float64]]:
    """Of each word that got a descriptor: the sum of its residuals."""
    sums: dict[int, NDArray[np.float64]] = {}
    for x in descriptors:
        for word in nearest(x, codebook, k):
            residual = x.astype(np.float64) - codebook[word].astype(np.float64)
            sums[word] = sums[word] + residual if word in sums else residual
    return sums


def code_of(residual: NDArray[np.float64]) -> list[int]:
    """The signs of a residual: bit i of integer j is component 64 j + i > 0."""
    return [sum(1 << i for i in range(64) if residual[64 * column + i] > 0) for column in range(len(residual) // 64)]


def vlad(descriptors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float64]:
    """Residual sums by centroid, each to unit length, then the whole."""
    sums = residual_sums(descriptors, centroids, 1)
    parts = []
    for j in range(len(centroids)):
        part = sums.get(j, np.zeros(centroids.shape[1]))
        length = float(np.linalg.norm(part))
        parts.append(part / length if length > 0 else part)
    whole = np.concatenate(parts)
    return whole / max(float(np.linalg.norm(whole)), 1e-300)


def asmk(a: Words, b: Words, idf_squared: NDArray[np.float32]) -> float:
    """The similarity of two photos: sum of idf^2 s^3 over common words with s > 0, over both norms."""
    bits = 64 * a.codes.shape[1]
    total = 0.0
    for i, word in enumerate(a.words.tolist()):
        for j, other in enumerate(b.words.tolist()):
            if word == other:
                hamming = sum(
                    (x ^ y).bit_count() for x, y in zip(a.codes[i].tolist(), b.codes[j].tolist(), strict=True)
                )
                s = 1 - 2 * hamming / bits
                total += float(idf_squared[word]) * s**3 if s > 0 else 0.0
    norms = [math.sqrt(sum(float(idf_squared[w]) for w in photo.words.tolist())) for photo in (a, b)]
    return total / (norms[0] * norms[1]) if min(norms) > 0 else 0.0

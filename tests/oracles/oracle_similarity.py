"""Similarity against distance, slowly: every pair of photos in a long list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
RADIUS_KM = 6371.0088


@dataclass(frozen=True, eq=False)
class AllPairs:
    """Rows, distances and similarities of all pairs, (n (n - 1) / 2,) each, the lower row first."""

    first: Rows
    second: Rows
    km: Values
    similarity: Values

    def without(self, rows: Rows) -> AllPairs:
        """The pairs that have none of some rows."""
        kept = ~(np.isin(self.first, rows) | np.isin(self.second, rows))
        return AllPairs(self.first[kept], self.second[kept], self.km[kept], self.similarity[kept])


def all_pairs(lat_deg: Values, lon_deg: Values, vectors: NDArray[np.floating]) -> AllPairs:
    """Pairs of rows whose vectors are not 0; distances by the haversine formula, cosines in float64."""
    wide = vectors.astype(np.float64)
    here = np.flatnonzero(np.linalg.norm(wide, axis=1))
    first, second = (here[side] for side in np.triu_indices(len(here), 1))
    phi, lam = np.radians(lat_deg), np.radians(lon_deg)
    h = (
        np.sin((phi[first] - phi[second]) / 2) ** 2
        + np.cos(phi[first]) * np.cos(phi[second]) * np.sin((lam[first] - lam[second]) / 2) ** 2
    )
    km = 2 * RADIUS_KM * np.arctan2(np.sqrt(h), np.sqrt(np.maximum(1 - h, 0)))
    return AllPairs(first, second, km, np.einsum("ij,ij->i", wide[first], wide[second]))


def classes(numbers: Values, edges: Values) -> Rows:
    """The class of each number; what lies outside belongs to the class at that end."""
    found = np.searchsorted(edges, numbers, side="right") - 1
    return np.clip(found, 0, len(edges) - 2).astype(np.int64)


def joint_counts(pairs: AllPairs, distance_edges: Values, similarity_edges: Values) -> Rows:
    """Pairs by class of distance and of similarity."""
    counts = np.zeros((len(distance_edges) - 1, len(similarity_edges) - 1), np.int64)
    np.add.at(counts, (classes(pairs.km, distance_edges), classes(pairs.similarity, similarity_edges)), 1)
    return counts


def greedy(pairs: AllPairs, score: Values, number: int, per_row: int) -> list[tuple[int, int]]:
    """From the highest score (in millionths, then rows) down; every row in at most ``per_row`` pairs."""
    taken: list[tuple[int, int]] = []
    for k in np.lexsort((pairs.second, pairs.first, -np.rint(score * 1e6))):
        a, b = int(pairs.first[k]), int(pairs.second[k])
        used = [row for pair in taken for row in pair]
        if len(taken) < number and used.count(a) < per_row and used.count(b) < per_row:
            taken.append((a, b))
    return taken


def discordance(distance: NDArray[np.generic], similarity: NDArray[np.generic]) -> float:
    """Probability that of two pairs the farther is the more alike, ties half."""
    d, s = np.asarray(distance, np.float64), np.asarray(similarity, np.float64)
    sign = np.sign(np.subtract.outer(d, d)) * np.sign(np.subtract.outer(s, s))
    n = len(d)
    return float(0.5 + sign.sum() / (2 * n * (n - 1)))


def jackknife_error(replicates: Values) -> Values:
    """√((B - 1) / B Σ (θ - mean θ)²)."""
    b = len(replicates)
    return np.asarray(np.sqrt((b - 1) / b * np.sum((replicates - replicates.mean(0)) ** 2, axis=0)))

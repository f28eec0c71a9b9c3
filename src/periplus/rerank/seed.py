"""The local scores of the landmark experiments E5, E6 and E7 as they were first published, flaws and all.

They stand here to be compared with; what does them right is beside them: :func:`periplus.rerank.match_candidates`
for SIFT (geometry), :func:`periplus.rerank.vlad_scores` on whitened intra-normalised vectors, and for patches the
two-sided :func:`periplus.rerank.chamfer_scores` and :func:`periplus.rerank.mutual_scores`.

Reference: Hu, Kwiatkowski, Matern and Hellwich, arXiv 2208.04201, and the code of its experiments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.rerank.fuse import Fusion
from periplus.rerank.patches import PatchStack

SEED_SIFT = Fusion(global_weight=0.8, local_weight=0.2)
"""E5: 0.8 global + 0.2 local."""
SEED_VLAD = Fusion(global_weight=1.0, local_weight=1.0)
"""E6: global + local, without a weight."""
SEED_PATCHES = Fusion(global_weight=0.4, local_weight=0.6)
"""E7: 0.4 global + 0.6 local."""
SEED_VLAD_WORDS = 16
"""Centroids of E6's VLAD."""
SEED_RATIO = 0.7
"""Of E5's ratio test."""


def seed_sift_scores(
    query: NDArray[np.float32], candidates: Sequence[NDArray[np.float32]], ratio: float = SEED_RATIO
) -> NDArray[np.float32]:
    """E5: the share of the query's points that pass the ratio test in each candidate, float32 (c,).

    Every point's two nearest neighbours by brute force; no geometry, and many points may share a neighbour. A
    candidate of fewer than two points, on which the original failed, scores 0.

    Args:
        query: descriptors (n, d).
        candidates: of each, descriptors (m, d).
        ratio: a match's distance is below this share of the second nearest's.
    """
    scores = np.zeros(len(candidates), np.float32)
    own = np.einsum("nd,nd->n", query, query)[:, None]
    for at, candidate in enumerate(candidates):
        if len(query) and len(candidate) > 1:
            squares = own - 2 * query @ candidate.T + np.einsum("md,md->m", candidate, candidate)
            nearest = np.sqrt(np.maximum(np.partition(squares, 1, axis=1)[:, :2], 0))
            scores[at] = np.mean(nearest[:, 0] < ratio * nearest[:, 1])
    return scores


def seed_vlad(descriptors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """E6: VLAD without intra-normalisation and whitening, float32 (k * d,), unit length; zero without descriptors.

    v_j = sum over the descriptors x nearest to c_j of (x - c_j); sign(v) sqrt|v|; L2.

    Args:
        descriptors: (n, d).
        centroids: (k, d); k = 16 originally.
    """
    distances = np.einsum("kd,kd->k", centroids, centroids) - 2 * descriptors @ centroids.T
    member = (distances.argmin(axis=1) == np.arange(len(centroids))[:, None]).astype(np.float32)
    sums = (member @ descriptors - member.sum(axis=1, keepdims=True) * centroids).ravel()
    powered = np.sign(sums) * np.sqrt(np.abs(sums))
    return np.asarray(powered / max(float(np.linalg.norm(powered)), 1e-12), np.float32)


def seed_patch_scores(query: NDArray[np.float32], candidates: PatchStack) -> NDArray[np.float32]:
    """E7: the mean over the query's patches of the best cosine in each candidate, float32 (c,): one-sided.

    Args:
        query: patches (p, c), unit rows.
        candidates: their patches.
    """
    if not len(query):
        return np.zeros(len(candidates), np.float32)
    return np.asarray(candidates.best(candidates.cosines(query)).mean(axis=1), np.float32)

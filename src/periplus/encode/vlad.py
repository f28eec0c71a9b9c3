"""VLAD: one vector a photo from the residuals of its local descriptors, whitened.

Reference: Arandjelovic and Zisserman, All about VLAD, CVPR 2013 (intra-normalisation); Jegou and Chum, Negative
evidences and co-occurrences in image retrieval, ECCV 2012 (whitening).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.encode.words import nearest_words
from periplus.errors import UsageError

_FEWEST_TO_WHITEN = 16
_VECTORS_A_DIRECTION = 2
_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True)
class Vlad:
    """What turns descriptors into one vector.

    Attributes:
        centroids: float32 (k, d).
        mean: float32 (k * d,).
        whitening: float32 (k * d, out), components over the square root of their variance.
    """

    centroids: NDArray[np.float32]
    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check shapes."""
        size = self.centroids.size
        if self.mean.shape != (size,) or self.whitening.ndim != 2 or len(self.whitening) != size:
            raise UsageError(f"Whitening {self.whitening.shape} does not fit {self.centroids.shape} centroids.")

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.whitening.shape[1])

    def encode(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The unit vector (dim,) of descriptors (n, d); zero where there are none."""
        if len(descriptors) == 0:
            return np.zeros(self.dim, np.float32)
        centred = aggregate(descriptors, self.centroids) - self.mean
        return _unit(np.asarray(centred @ self.whitening, np.float32))


def aggregate(descriptors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intra-normalised VLAD of descriptors (n, d) over centroids (k, d): float32 (k * d,), unit length.

    v_j = sum over the descriptors x nearest to c_j of (x - c_j); each v_j to unit length; then the whole.
    """
    nearest = nearest_words(descriptors, centroids, 1)[:, 0]
    # One matrix product instead of a loop over the centroids.
    member = (nearest == np.arange(len(centroids))[:, None]).astype(np.float32)
    sums = member @ descriptors - member.sum(axis=1, keepdims=True) * centroids
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return _unit(np.divide(sums, norms, out=np.zeros_like(sums), where=norms > 1e-9).ravel().astype(np.float32))


def learn_whitening(vectors: NDArray[np.float32], dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (D,) and whitening (D, out) of a sample of VLADs (n, D), out = min(dim, n / 2).

    With all n - 1 directions that n vectors span, whitening would put these vectors at one distance from each other,
    whatever they show. A sample too small to say anything about directions keeps the vectors as they are (out = D).
    """
    n, width = vectors.shape
    if n < _FEWEST_TO_WHITEN:
        return np.zeros(width, np.float32), np.eye(width, dtype=np.float32)
    mean = vectors.mean(axis=0)
    centred = (vectors - mean).astype(np.float64)
    # n < D as a rule: the n x n Gram matrix has the same spectrum as the D x D covariance.
    values, left = np.linalg.eigh(centred @ centred.T / n)
    # Rows have unit length: a variance below this is rounding, as among copies of one photo.
    keep = [i for i in np.argsort(-values)[: min(dim, n // _VECTORS_A_DIRECTION)] if values[i] > _LEAST_VARIANCE]
    if not keep:
        return np.zeros(width, np.float32), np.eye(width, dtype=np.float32)
    axes = centred.T @ left[:, keep] / np.sqrt(values[keep] * n)
    return mean.astype(np.float32), (axes / np.sqrt(values[keep])).astype(np.float32)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = float(np.linalg.norm(vector))
    return np.asarray(vector / norm if norm > 1e-9 else np.zeros_like(vector), np.float32)

"""Whitening of vectors: principal components, or learnt from pairs that belong together.

Formulas of Radenovic, Tolias and Chum, Fine-tuning CNN image retrieval with no human annotation, TPAMI 2018,
section 4.3, after Mikolajczyk and Matas, Improving descriptors for fast tree matching, ICCV 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode.extras import require_packages
from periplus.errors import CannotRunError, EmptyInputError, GalleryError, UsageError
from periplus.store import fingerprint, map_array, write_array_atomic, write_bytes_atomic

_LEAST_NORM = 1e-12


@dataclass(frozen=True)
class Whitening:
    """A centre and the directions that vectors are projected on.

    Attributes:
        mean: float32 (d,).
        projection: float32 (out, d), the most important direction first.

    Raises:
        UsageError: shapes disagree, or a number is not finite.
    """

    mean: NDArray[np.float32]
    projection: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check shapes and numbers."""
        if self.projection.ndim != 2 or self.mean.shape != self.projection.shape[1:] or self.projection.size == 0:
            raise UsageError(f"A projection {self.projection.shape} does not fit a mean {self.mean.shape}.")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.projection).all()):
            raise UsageError("A whitening has numbers that are not finite.")

    @property
    def dim(self) -> int:
        """Length of whitened vectors."""
        return len(self.projection)

    @property
    def fingerprint(self) -> str:
        """Of the numbers."""
        return fingerprint("whitening", self.mean, self.projection)

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whitened unit rows float32 (n, out) of vectors (n, d): P (x / |x| - m), then to unit length."""
        if vectors.ndim != 2 or vectors.shape[1] != len(self.mean):
            raise UsageError(f"A whitening of {len(self.mean)} dimensions does not fit vectors {vectors.shape}.")
        return unit_rows((unit_rows(vectors) - self.mean) @ self.projection.T)

    def truncated(self, dim: int) -> Whitening:
        """The same with only the ``dim`` most important directions."""
        if not 1 <= dim <= self.dim:
            raise UsageError(f"A whitening of {self.dim} directions has no first {dim}.")
        return Whitening(self.mean, self.projection[:dim])


def learn_pca_whitening(vectors: NDArray[np.float32], dim: int, shrinkage: float = 1e-6) -> Whitening:
    """Whitening by principal components, P = diag(lambda)^(-1/2) E^T of the covariance of ``vectors``.

    Args:
        vectors: unit rows (n, d).
        dim: directions to keep, at most d and n - 1.
        shrinkage: added to every eigenvalue, as a share of their mean; keeps directions of almost no variance small.

    Raises:
        UsageError: the directions are more than the vectors tell.
    """
    n, d = _require_sample(vectors, dim)
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    values, directions = _eigen(centred.T @ centred / n)
    values = values + shrinkage * values.sum() / d
    if values[dim - 1] <= 0:
        raise UsageError(f"These {n} vectors have no variance in {dim} directions. Ask for fewer, or more shrinkage.")
    return Whitening(mean.astype(np.float32), (directions[:, :dim].T / np.sqrt(values[:dim, None])).astype(np.float32))


def learn_pair_whitening(
    vectors: NDArray[np.float32],
    queries: NDArray[np.int64],
    positives: NDArray[np.int64],
    dim: int,
    shrinkage: float = 1e-6,
) -> Whitening:
    """Whitening learnt from matching pairs (Lw): what differs inside pairs is evened out, then components by variance.

    m = mean of the queries; S = covariance of q - p over the pairs + eps I; P1 = inverse of S's Cholesky factor; E =
    eigenvectors of P1 (X - m)^T (X - m) P1^T; P = E^T P1.

    Args:
        vectors: unit rows (n, d).
        queries: int (m,), a row of each pair.
        positives: int (m,), the row that belongs to it.
        dim: directions to keep, at most d.
        shrinkage: eps as a share of S's mean variance.

    Raises:
        UsageError: rows do not exist, or the pairs are too few for a positive definite S.
        EmptyInputError: there is no pair.
    """
    _require_sample(vectors, dim, rank=vectors.shape[1])
    if queries.shape != positives.shape or queries.ndim != 1:
        raise UsageError(f"Queries {queries.shape} and positives {positives.shape} are not pairs.")
    if len(queries) == 0:
        raise EmptyInputError("There is no matching pair to learn a whitening from.")
    if min(queries.min(), positives.min()) < 0 or max(queries.max(), positives.max()) >= len(vectors):
        raise UsageError(f"A pair names a row that is not among the {len(vectors)} vectors.")
    exact = vectors.astype(np.float64)
    mean = exact[queries].mean(axis=0)
    difference = exact[queries] - exact[positives]
    scatter = difference.T @ difference / len(queries)
    scatter[np.diag_indices_from(scatter)] += shrinkage * np.trace(scatter) / len(scatter)
    try:
        whiten = np.linalg.inv(np.linalg.cholesky(scatter))
    except np.linalg.LinAlgError as error:
        raise UsageError(
            f"{len(queries)} pairs do not tell how {len(scatter)} dimensions vary. Give more pairs, or more shrinkage."
        ) from error
    projected = (exact - mean) @ whiten.T
    _, directions = _eigen(projected.T @ projected)
    return Whitening(mean.astype(np.float32), (directions[:, :dim].T @ whiten).astype(np.float32))


def save_whitening(whitening: Whitening, path: Path) -> None:
    """Write a whitening: ``.npy`` holds the mean and then the projection's rows, ``.safetensors`` both by name.

    Raises:
        UsageError: another suffix.
        CannotRunError: the system refused to write.
        MissingExtraError: safetensors is not installed.
    """
    if path.suffix == ".npy":
        write_array_atomic(path, np.concatenate([whitening.mean[None], whitening.projection]))
    elif path.suffix == ".safetensors":
        require_packages("A whitening in .safetensors", "learn", "safetensors")
        from safetensors.numpy import save

        arrays = {"mean": whitening.mean, "projection": np.ascontiguousarray(whitening.projection)}
        write_bytes_atomic(path, save(arrays))
    else:
        raise UsageError(f"A whitening is kept as .npy or .safetensors, not {path.name}.")


def load_whitening(path: Path) -> Whitening:
    """Read :func:`save_whitening`'s file.

    Raises:
        CannotRunError: it cannot be read or holds something else.
        UsageError: another suffix.
        MissingExtraError: safetensors is not installed.
    """
    if path.suffix not in (".npy", ".safetensors"):
        raise UsageError(f"A whitening is kept as .npy or .safetensors, not {path.name}.")
    try:
        if path.suffix == ".npy":
            rows = np.array(map_array(path), np.float32)
            return Whitening(rows[0], rows[1:])
        return _from_safetensors(path)
    except (GalleryError, OSError, ValueError, KeyError, IndexError, UsageError) as error:
        raise CannotRunError(f"The whitening {path} cannot be read: {error} Learn it again.") from error


def unit_rows(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows (n, d) at unit length, float32; rows of zeros stay."""
    rows = np.asarray(vectors, np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _LEAST_NORM), np.float32)


def _from_safetensors(path: Path) -> Whitening:
    require_packages("A whitening in .safetensors", "learn", "safetensors")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{error}.") from error
    return Whitening(arrays["mean"].astype(np.float32), arrays["projection"].astype(np.float32))


def _require_sample(vectors: NDArray[np.float32], dim: int, rank: int | None = None) -> tuple[int, int]:
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise UsageError(f"A whitening is learnt from finite vectors (n, d), not from {vectors.shape}.")
    n, d = vectors.shape
    most = min(n - 1, d) if rank is None else rank
    if not 1 <= dim <= most:
        raise UsageError(f"{n} vectors of {d} dimensions do not tell {dim} directions; ask for 1 to {most}.")
    return n, d


def _eigen(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, largest first, and eigenvectors as columns, their largest entry positive."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = np.abs(vectors).argmax(axis=0)
    return np.maximum(values, 0), vectors * np.where(vectors[largest, np.arange(len(largest))] < 0, -1.0, 1.0)

"""In which directions vectors vary: second moments, their eigenvalues, and how many directions those amount to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from periplus.spatial.vectors.unit_blocks import Rows, Tick, Values, Vectors, on_threads, row_blocks, unit_rows

EXPLAINED: Final = (0.5, 0.9, 0.99)
"""Shares of the variance whose directions are counted."""


@dataclass(frozen=True, eq=False)
class Moments:
    """First and second moments of unit vectors.

    Attributes:
        rows: int64 (n,), the vectors that are not zero; only these count.
        mean: float64 (d,).
        second: mean of z zᵀ, float64 (d, d). Of fewer vectors than dimensions (n, n), their products over n, which has
            the same eigenvalues but for zeros.
        covariance: the same of z - mean.
    """

    rows: Rows
    mean: Values
    second: Values
    covariance: Values

    @property
    def mean_similarity(self) -> float:
        """Mean cosine of all pairs of different vectors, exactly: (|Σ z|² - n) / (n (n - 1))."""
        n = len(self.rows)
        return float((n * (self.mean @ self.mean) - 1) / (n - 1))

    @property
    def similarity_std(self) -> float:
        """Standard deviation of the cosines of all pairs, exactly: the sum of their squares is ‖Zᵀ Z‖² - n."""
        n = len(self.rows)
        squares = (n * np.sum(self.second**2) - 1) / (n - 1)
        return float(np.sqrt(max(0.0, squares - self.mean_similarity**2)))


def second_moments(vectors: Vectors, workers: int, tick: Tick) -> Moments:
    """Moments of the rows of ``vectors`` (n, d) at unit length, in one pass over blocks of rows, float64."""
    n, dim = vectors.shape
    if n <= dim:
        unit, used = unit_rows(vectors, slice(0, n))
        tick()
        unit = unit[used]
        mean = unit.mean(axis=0) if len(unit) else np.zeros(dim)
        centred = unit - mean
        size = max(1, len(unit))
        return Moments(np.flatnonzero(used), mean, unit @ unit.T / size, centred @ centred.T / size)
    total, second, rows = np.zeros(dim), np.zeros((dim, dim)), []
    for start, part, summed, products in on_threads(partial(_block, vectors), row_blocks(n, dim), workers, tick):
        rows.append(start + part)
        total += summed
        second += products
    used_rows = np.concatenate(rows)
    size = max(1, len(used_rows))
    mean = total / size
    second /= size
    return Moments(used_rows, mean, second, second - np.outer(mean, mean))


def _block(vectors: Vectors, rows: slice) -> tuple[int, Rows, Values, Values]:
    unit, used = unit_rows(vectors, rows)
    return rows.start, np.flatnonzero(used), unit.sum(axis=0), unit.T @ unit


@dataclass(frozen=True, eq=False)
class Directions:
    """How many directions vectors of d numbers vary in.

    Attributes:
        spectrum: float64 (d,), eigenvalues λ of the covariance, largest first.
        rank: directions with more variance than rounding makes of unit vectors in the type they are kept in.
        effective_rank: exp(-Σ p log p) of the shares p = λ / Σ λ (Roy, Vetterli: The effective rank, EUSIPCO 2007, eq.
            3 and 4, of the covariance, whose singular values are λ; of the matrix of vectors, with √λ, it is larger).
        effective_rank_uncentred: the same of the second moment, of which a cone's axis is part.
        participation_ratio: (Σ λ)² / Σ λ².
        stable_rank: Σ λ / λ₁, squared Frobenius over squared spectral norm of the centred vectors.
        condition: λ₁ / λ_d; infinite where the rank is below d.
        explained: how many directions, the largest first, carry each of :data:`EXPLAINED` of the variance.
        first_share: λ₁ / Σ λ.

    Without any variance all but the spectrum, the uncentred rank and the condition are 0.
    """

    spectrum: Values
    rank: int
    effective_rank: float
    effective_rank_uncentred: float
    participation_ratio: float
    stable_rank: float
    condition: float
    explained: tuple[int, int, int]
    first_share: float


def directions(moments: Moments, dtype: np.dtype[np.floating]) -> Directions:
    """Of vectors kept in ``dtype``."""
    dim = len(moments.mean)
    spectrum = _eigenvalues(moments.covariance, dim)
    rounding = float(np.finfo(np.float64).eps)
    rank = int(np.count_nonzero(spectrum > max(float(np.finfo(dtype).eps) ** 2 / dim, 8 * rounding)))
    uncentred = _effective_rank(_eigenvalues(moments.second, dim))
    if not rank:
        return Directions(spectrum, 0, 0.0, uncentred, 0.0, 0.0, float("inf"), (0, 0, 0), 0.0)
    total, first = float(spectrum.sum()), float(spectrum[0])
    a, b, c = (int(np.searchsorted(np.cumsum(spectrum), share * total * (1 - 1e-12))) + 1 for share in EXPLAINED)
    return Directions(
        spectrum=spectrum,
        rank=rank,
        effective_rank=_effective_rank(spectrum),
        effective_rank_uncentred=uncentred,
        participation_ratio=total**2 / float(np.sum(spectrum**2)),
        stable_rank=total / first,
        condition=first / float(spectrum[-1]) if rank == dim else float("inf"),
        explained=(a, b, c),
        first_share=first / total,
    )


def _eigenvalues(matrix: Values, dim: int) -> Values:
    """Eigenvalues of a matrix of :class:`Moments`, largest first, float64 (dim,), none negative."""
    values = np.linalg.eigvalsh(matrix)[::-1]
    return np.pad(np.maximum(values, 0), (0, dim - len(values)))


def _effective_rank(spectrum: Values) -> float:
    shares = spectrum[spectrum > 0] / spectrum.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))

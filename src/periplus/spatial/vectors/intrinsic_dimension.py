"""How many numbers it would take to say where a vector lies among its neighbours: the dimension of what they fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from periplus.spatial.jackknife import jackknife_error
from periplus.spatial.vectors.unit_blocks import Values

_DROPPED: Final = 0.1
"""Share of the largest ratios that the fit of TwoNN leaves out (Facco et al., Methods)."""
_GROUPS: Final = 50


@dataclass(frozen=True)
class IntrinsicDimension:
    """Estimates from distances to the nearest; of vectors on a sphere the sphere's own, one less than its space's.

    Attributes:
        two_nn, two_nn_error: from the nearest two, and its standard error.
        mle, mle_error: from the nearest k, and its standard error.
        k: neighbours of ``mle``.
        n: vectors that counted.
        n_left_out: those whose nearest is so near that rounding decides how far.
    """

    two_nn: float
    two_nn_error: float
    mle: float
    mle_error: float
    k: int
    n: int
    n_left_out: int


def intrinsic_dimension(distances: Values, least: float = 0.0) -> IntrinsicDimension | None:
    """From ascending Euclidean distances to the k nearest, (m, k).

    TwoNN (Facco, d'Errico, Rodriguez, Laio: Scientific Reports 7, 2017, eq. 5): with μ = r₂ / r₁ ascending and
    F = i / m, the line through the origin fitted to -log(1 - F) against log μ by least squares, without the largest
    tenth of μ; its slope is the dimension. Standard error: jackknife over 50 groups of vectors.

    MLE (Levina, Bickel: NIPS 2004, eq. 8): 1 / d is the mean over the other neighbours of log(T_k / T_j), here also
    averaged over vectors, as MacKay and Ghahramani (2005) correct it. Standard error: of a mean over vectors, taken
    for independent; they share neighbours, so it is somewhat small.

    Args:
        distances: k >= 2.
        least: vectors with a nearest no farther than this are left out.

    Returns:
        None where too few vectors are left (under 3) or all ratios are 1.
    """
    used = distances[distances[:, 0] > least]
    n, k = used.shape
    if n < 3 or k < 2:
        return None
    ratios = np.log(used[:, 1] / used[:, 0])
    inverse = np.log(used[:, -1:] / used[:, :-1]).mean(axis=1)
    mean = float(inverse.mean())
    two_nn = _slope(ratios)
    if not mean or not np.isfinite(two_nn):
        return None
    return IntrinsicDimension(
        two_nn=two_nn,
        two_nn_error=_jackknife(ratios),
        mle=1 / mean,
        mle_error=float(inverse.std(ddof=1)) / np.sqrt(n) / mean**2,
        k=k,
        n=n,
        n_left_out=len(distances) - n,
    )


def _slope(ratios: Values) -> float:
    """Of TwoNN's line; ``ratios`` are log μ in any order."""
    n = len(ratios)
    kept = np.sort(ratios)[: max(1, int(n * (1 - _DROPPED)))]
    heights = -np.log1p(-np.arange(1, len(kept) + 1) / n)
    below = float(kept @ kept)
    return float(kept @ heights) / below if below else float("inf")


def _jackknife(ratios: Values) -> float:
    groups = min(_GROUPS, len(ratios) // 2)
    if groups < 2:
        return float("nan")
    group = np.arange(len(ratios)) % groups
    without = np.array([_slope(ratios[group != g]) for g in range(groups)])
    return float(jackknife_error(without))

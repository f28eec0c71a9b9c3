"""Lags: classes of great-circle distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import EARTH_RADIUS_KM, distance_km

HALF_GIRTH_KM: Final = float(np.pi * EARTH_RADIUS_KM)
"""The distance of antipodes: no lag ends beyond it."""
MOST_LAGS: Final = 100_000
_SAMPLED_PAIRS: Final = 2_000_000

Kind = Literal["linear", "log", "equal-count", "given"]


@dataclass(frozen=True, eq=False)
class Lags:
    """Classes of distance; lag k holds distances in [edge k, edge k + 1).

    Attributes:
        edges_km: float64 (m + 1,), increasing, the first not negative, the last at most :data:`HALF_GIRTH_KM`. Where
            the last is that, the last lag holds the antipodes too.
        kind: how they were made.

    Raises:
        UsageError: fewer than two edges, more than :data:`MOST_LAGS` lags, or edges that are not finite, not
            increasing, negative, or beyond the antipode.
    """

    edges_km: NDArray[np.float64]
    kind: Kind = "given"

    def __post_init__(self) -> None:
        """Check."""
        edges = self.edges_km
        if edges.ndim != 1 or len(edges) < 2 or len(edges) > MOST_LAGS + 1:
            raise UsageError(f"Edges of shape {edges.shape} make no lags; give 2 to {MOST_LAGS + 1} distances in km.")
        if not np.isfinite(edges).all():
            raise UsageError("An edge of a lag is not finite; give distances in km.")
        if edges[0] < 0 or edges[-1] > HALF_GIRTH_KM:
            raise UsageError(
                f"Lags from {edges[0]:g} to {edges[-1]:g} km leave the Earth, on which distances are 0 to "
                f"{HALF_GIRTH_KM:.3f} km."
            )
        if not (np.diff(edges) > 0).all():
            at = int(np.flatnonzero(np.diff(edges) <= 0)[0])
            raise UsageError(
                f"Edges of lags must increase, but edge {at + 1} ({edges[at + 1]:g} km) follows {edges[at]:g} km."
            )

    def __len__(self) -> int:
        return len(self.edges_km) - 1

    @property
    def arcs(self) -> NDArray[np.float64]:
        """Edges (m + 1,) in Earth radii; the last is infinite where the antipodes belong to the last lag."""
        return self._ends_km / EARTH_RADIUS_KM

    def assign(self, distance_km: ArrayLike) -> NDArray[np.intp]:
        """The lag of each distance: -1 below the first edge, m at or beyond the last."""
        distance = np.asarray(distance_km, np.float64)
        return np.asarray(np.searchsorted(self._ends_km, distance, side="right") - 1, np.intp)

    @property
    def _ends_km(self) -> NDArray[np.float64]:
        """The edges, the last infinite where the antipodes belong to the last lag."""
        ends = self.edges_km.copy()
        ends[-1] = np.inf if ends[-1] >= HALF_GIRTH_KM else ends[-1]
        return ends


def linear_lags(max_km: float, number: int) -> Lags:
    """Lags of one width from 0 to ``max_km``."""
    _check(max_km, number)
    return Lags(np.linspace(0, max_km, number + 1), "linear")


def log_lags(min_km: float, max_km: float, number: int) -> Lags:
    """Lags whose edges grow by one factor from ``min_km`` to ``max_km``; the first begins at 0 and holds all below.

    Raises:
        UsageError: ``min_km`` is not above 0 and below ``max_km``, or there is only one lag.
    """
    _check(max_km, number)
    if not 0 < min_km < max_km or number < 2:
        raise UsageError(
            f"{number} logarithmic lags cannot go from {min_km:g} to {max_km:g} km; give two or more, and a smallest "
            "distance above 0 and below the largest."
        )
    edges = np.geomspace(min_km, max_km, number)
    return Lags(np.concatenate([[0.0], edges]), "log")


def equal_count_lags(
    lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64], max_km: float, number: int, seed: int = 0
) -> Lags:
    """Lags that hold about the same number of pairs, from 0 to ``max_km``.

    Edges are quantiles of the distances of pairs: of all where there are at most two million, of a sample of as many
    otherwise. Where many pairs share one distance, lags merge and there are fewer.

    Raises:
        EmptyInputError: no two places are nearer than ``max_km``.
    """
    _check(max_km, number)
    n = len(lat_deg)
    if n * (n - 1) // 2 <= _SAMPLED_PAIRS:
        first, second = np.triu_indices(n, 1)
    else:
        rng = np.random.default_rng(seed)
        first = rng.integers(0, n, _SAMPLED_PAIRS)
        second = (first + rng.integers(1, n, _SAMPLED_PAIRS)) % n
    apart = distance_km(lat_deg[first], lon_deg[first], lat_deg[second], lon_deg[second])
    apart = apart[apart < max_km]
    if not len(apart):
        raise EmptyInputError(f"No two places are nearer than {max_km:g} km; look farther.")
    inner = np.quantile(apart, np.arange(1, number) / number)
    edges = np.unique(np.concatenate([[0.0], inner, [max_km]]))
    return Lags(edges, "equal-count")


def given_lags(edges_km: ArrayLike) -> Lags:
    """Lags with these edges in km."""
    return Lags(np.array(edges_km, np.float64), "given")


def _check(max_km: float, number: int) -> None:
    if not 1 <= number <= MOST_LAGS:
        raise UsageError(f"There cannot be {number} lags; choose 1 to {MOST_LAGS}.")
    if not 0 < max_km <= HALF_GIRTH_KM:
        raise UsageError(f"Lags up to {max_km:g} km are not on Earth; choose above 0 and at most {HALF_GIRTH_KM:.3f}.")

"""Which lags a person asks for, and which are taken where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import distance_km, from_unit, to_unit
from periplus.spatial import HALF_GIRTH_KM, Lags, Observations, equal_count_lags, given_lags, linear_lags, log_lags

Spacing = Literal["linear", "log", "equal-count"]
SHORTEST_SHARE: Final = 1e-3
"""Logarithmic lags begin at this share of the longest, where nothing is said."""


@dataclass(frozen=True)
class LagChoice:
    """Lags, before the places are known.

    Attributes:
        spacing: how the edges lie.
        number: of lags.
        max_km: the end of the last; half of the largest distance where None.
        min_km: the beginning of the first logarithmic one; a thousandth of the last where None.
        edges_km: all edges, instead of everything else.
        seed: of the pairs that equal counts are found by.

    Raises:
        UsageError: edges and something else are given, or no places could have these lags.
    """

    spacing: Spacing = "log"
    number: int = 40
    max_km: float | None = None
    min_km: float | None = None
    edges_km: tuple[float, ...] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check, so that what cannot be is told before long work."""
        if self.edges_km is not None and (self.max_km is not None or self.min_km is not None):
            raise UsageError("The edges of all lags are given: leave the longest and the shortest distance out.")
        if self.min_km is not None and self.spacing != "log":
            raise UsageError("Only logarithmic lags have a shortest distance: --spacing log.")
        if self.edges_km is not None:
            given_lags(self.edges_km)
        elif self.spacing == "log":
            self._log_lags(HALF_GIRTH_KM if self.max_km is None else self.max_km)
        else:
            linear_lags(HALF_GIRTH_KM if self.max_km is None else self.max_km, self.number)

    def of(self, seen: Observations) -> Lags:
        """The lags for some places."""
        if self.edges_km is not None:
            return given_lags(self.edges_km)
        max_km = largest_distance_km(seen.lat_deg, seen.lon_deg) / 2 if self.max_km is None else self.max_km
        if not max_km:
            raise UsageError("All photos stand at one place: there is no distance to look at.")
        if self.spacing == "linear":
            return linear_lags(max_km, self.number)
        if self.spacing == "log":
            return self._log_lags(max_km)
        return equal_count_lags(seen.lat_deg, seen.lon_deg, max_km, self.number, self.seed)

    def _log_lags(self, max_km: float) -> Lags:
        return log_lags(SHORTEST_SHARE * max_km if self.min_km is None else self.min_km, max_km, self.number)


def largest_distance_km(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> float:
    """How far the farthest two places are, nearly: from the farthest one from the middle to the farthest from there.

    It is at least half of the largest distance, and for most sets the largest itself.
    """
    middle = to_unit(lat_deg, lon_deg).mean(axis=0)
    lat, lon = from_unit(middle if np.linalg.norm(middle) > 0 else np.array([1.0, 0.0, 0.0]))
    far = 0.0
    for _ in range(3):
        km = distance_km(float(lat), float(lon), lat_deg, lon_deg)
        row = int(np.argmax(km))
        lat, lon, far = lat_deg[row], lon_deg[row], float(km[row])
    return far

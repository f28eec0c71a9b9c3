"""Where photographs are taken: the gazetteer's towns, no country dominating."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from periplus.geo.regions import gazetteer


@dataclass(frozen=True, eq=False)
class Towns:
    """The towns of the gazetteer, and how often each is visited.

    Attributes:
        lat_deg, lon_deg: float64 (n,).
        country: number of the country of each, int64 (n,).
        population: float64 (n,).
        chances: cumulative, float64 (n,): a town's weight in its country goes with the fourth root of its people, a
            country's among all with the square root of its towns' weights.
    """

    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    country: NDArray[np.int64]
    population: NDArray[np.float64]
    chances: NDArray[np.float64]

    def pick(self, lot: float) -> int:
        """The town of a number from [0, 1)."""
        return int(np.searchsorted(self.chances, lot * self.chances[-1], side="right"))

    def pick_at_home(self, lot: float, town: int) -> int:
        """Another town of the same country."""
        first, last = np.searchsorted(self.country, [self.country[town], self.country[town] + 1])
        low = self.chances[first - 1] if first else 0.0
        return int(np.searchsorted(self.chances, low + lot * (self.chances[last - 1] - low), side="right"))


@cache
def towns() -> Towns:
    """The gazetteer's towns, sorted by country."""
    known = gazetteer()
    codes = np.array([code for *_, code in known.towns])
    order = np.argsort(codes, kind="stable")
    country = np.unique(codes[order], return_inverse=True)[1]
    population = known.population[order].astype(np.float64)
    weight = np.maximum(population, 500) ** 0.25
    total = np.bincount(country, weight)
    return Towns(
        known.lat_deg[order],
        known.lon_deg[order],
        country.astype(np.int64),
        population,
        np.cumsum(weight / np.sqrt(total)[country]),
    )

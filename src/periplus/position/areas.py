"""The most probable countries, regions and cities: sums of the belief over rows, by codes that are made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError
from periplus.geo import PlaceName
from periplus.records import Area

KINDS: Final = ("country", "region", "city")
_CITY_KM: Final = 50.0
"""Farther from its nearest town a row is in no city."""
_LEAST: Final = 5e-4
_KEYS: Final[dict[str, Callable[[PlaceName], tuple[str, ...] | None]]] = {
    "country": lambda place: (place.country_code, place.country),
    "region": lambda place: (place.country_code, place.country, place.region) if place.region else None,
    "city": lambda place: (
        (place.country_code, place.country, place.region, place.city) if place.distance_km <= _CITY_KM else None
    ),
}


@dataclass(frozen=True, eq=False)
class AreaTable:
    """Which areas each row lies in.

    Attributes:
        codes: int32 (3, n), for each of :data:`KINDS` the area of every row, -1 for none.
        names: for each kind the areas' names in words, the larger areas behind the smaller.
        country_codes: for each kind the areas' countries, ISO 3166-1 alpha-2.

    Raises:
        RecordError: a code has no name.
    """

    codes: NDArray[np.int32]
    names: tuple[tuple[str, ...], ...]
    country_codes: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Check that every code has a name."""
        counts = tuple(len(names) for names in self.names)
        if self.codes.ndim != 2 or len(self.codes) != len(KINDS) or counts != tuple(map(len, self.country_codes)):
            raise RecordError(f"Codes of shape {self.codes.shape} do not fit {counts} areas of {KINDS}.")
        if self.codes.size and ((self.codes < -1).any() or (self.codes.max(axis=1) >= counts).any()):
            raise RecordError(f"Codes up to {self.codes.max(axis=1).tolist()} do not fit {counts} areas.")

    def at(self, rows: NDArray[np.int64]) -> AreaTable:
        """The table of other rows that lie where these rows do, such as the children of cells."""
        return AreaTable(self.codes[:, rows], self.names, self.country_codes)


def area_table(places: Sequence[PlaceName]) -> AreaTable:
    """Number the areas of rows, given the nearest town of each (:func:`periplus.geo.places_of`)."""
    codes = np.empty((len(KINDS), len(places)), np.int32)
    names, countries = [], []
    for row, kind in enumerate(KINDS):
        numbers: dict[tuple[str, ...], int] = {}
        keys = (_KEYS[kind](place) for place in places)
        codes[row] = [-1 if key is None else numbers.setdefault(key, len(numbers)) for key in keys]
        names.append(tuple(", ".join(dict.fromkeys(part for part in reversed(key[1:]) if part)) for key in numbers))
        countries.append(tuple(key[0] for key in numbers))
    return AreaTable(codes, tuple(names), tuple(countries))


def top_areas(p: NDArray[np.floating], table: AreaTable, most: int = 5) -> tuple[Area, ...]:
    """The most probable areas, at most ``most`` of each kind, countries first, each kind best first.

    Args:
        p: (n,), the belief over the table's rows, sum 1.
        table: of n rows.
        most: of each kind; areas below 0.05 % are not told.
    """
    found: list[Area] = []
    for row, kind in enumerate(KINDS):
        # One more in front, for rows in no area.
        shares = np.bincount(table.codes[row] + 1, p, len(table.names[row]) + 1)[1:]
        best = np.argsort(-shares, kind="stable")[:most]
        found += [
            Area(kind, table.names[row][i], table.country_codes[row][i], min(float(shares[i]), 1.0))
            for i in best.tolist()
            if shares[i] >= _LEAST
        ]
    return tuple(found)

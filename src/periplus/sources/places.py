"""Countries and cities of the bundled gazetteer, each with a sentence for models of pictures and texts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import mean_position, merge_duplicates
from periplus.geo.regions import gazetteer
from periplus.sources.bare import PRIOR_MASS, bare_catalog, position_ids
from periplus.sources.scan import Scan

PROMPTS: Final[Mapping[str, str]] = MappingProxyType(
    {"country": "a street view photo in {country}", "city": "a street view photo in {city}, {country}"}
)
"""What is said of a place, by its kind, as StreetCLIP wants it; may hold ``{city}``, ``{region}`` and ``{country}``."""

MIN_POPULATION: Final = 100_000
"""Of the cities of ``places:cities``: 5,535 of them."""

_SPOKEN: Final = {
    "BN": "Brunei",
    "CD": "the Democratic Republic of the Congo",
    "CG": "the Republic of the Congo",
    "FK": "the Falkland Islands",
    "FM": "Micronesia",
    "IR": "Iran",
    "KP": "North Korea",
    "KR": "South Korea",
    "LA": "Laos",
    "LY": "Libya",
    "MD": "Moldova",
    "MK": "North Macedonia",
    "PS": "Palestine",
    "RU": "Russia",
    "SY": "Syria",
    "TZ": "Tanzania",
    "VA": "Vatican City",
    "VG": "the British Virgin Islands",
    "VI": "the US Virgin Islands",
}
"""How people call the countries that the gazetteer calls as a register does."""


class _Found(NamedTuple):
    """Places: names and codes, degrees and people, one entry each."""

    city: list[str]
    region: list[str]
    country_code: list[str]
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    population: NDArray[np.int64]


def read_places(spec: str, prompts: Mapping[str, str] = PROMPTS) -> Scan:
    """Countries or cities as bare rows.

    Args:
        spec: ``"countries"``, each at the mean of its towns weighted by their people; ``"cities"`` or
            ``"cities,POPULATION"``, those of at least so many people.
        prompts: templates by kind, in place of :data:`PROMPTS`.

    Returns:
        Columns ``place_kind`` (``country`` or ``city``), ``country``, ``country_code``, ``city``, ``region``,
        ``population`` (of a country, of its towns), ``prompt`` and ``prior_mass`` (1). Countries by code, cities in
        the gazetteer's order; ids are ``country:FR`` and ``city:48.85341,2.3488``.

    Raises:
        UsageError: this names no places, or a template asks for what is not known.
    """
    kind, comma, number = spec.partition(",")
    if kind == "countries" and not comma:
        found = _countries()
        return _scan("country", found, [f"country:{code}" for code in found.country_code], prompts)
    if kind == "cities" and (not comma or re.fullmatch(r" *[0-9]{1,12} *", number)):
        found = _cities(int(number) if comma else MIN_POPULATION)
        ids = [f"city:{place}" for place in position_ids(found.lat_deg, found.lon_deg)]
        return _scan("city", found, ids, prompts)
    close = difflib.get_close_matches(kind, ("countries", "cities"), n=1)
    hint = f" Did you mean 'places:{close[0]}'?" if close and close[0] != kind else ""
    raise UsageError(
        f"'places:{spec}' names no places.{hint} There are places:countries, places:cities (of at least "
        f"{MIN_POPULATION} people) and places:cities,POPULATION."
    )


def _countries() -> _Found:
    known = gazetteer()
    codes, country = np.unique([town[-1] for town in known.towns], return_inverse=True)
    rows = np.split(np.argsort(country, kind="stable"), np.cumsum(np.bincount(country))[:-1])
    people = [known.population[r] for r in rows]
    # A country whose people nobody counted is in the middle of its towns.
    weights = [counted if counted.any() else None for counted in people]
    at = [mean_position(known.lat_deg[r], known.lon_deg[r], w) for r, w in zip(rows, weights, strict=True)]
    none = [""] * len(rows)
    lat, lon = np.array(at).T
    return _Found(none, none, codes.tolist(), lat, lon, np.array([counted.sum() for counted in people], np.int64))


def _cities(population: int) -> _Found:
    known = gazetteer()
    rows = np.flatnonzero(known.population >= population)
    # Of towns at one place, the largest.
    largest = rows[np.argsort(-known.population[rows], kind="stable")]
    first, _ = merge_duplicates(known.lat_deg[largest], known.lon_deg[largest])
    rows = np.sort(largest[first])
    towns = [known.towns[row] for row in rows]
    return _Found(
        city=[city for city, *_ in towns],
        region=[region for *_, region, _ in towns],
        country_code=[code for *_, code in towns],
        lat_deg=known.lat_deg[rows],
        lon_deg=known.lon_deg[rows],
        population=known.population[rows],
    )


def _scan(kind: str, found: _Found, ids: list[str], prompts: Mapping[str, str]) -> Scan:
    countries = gazetteer().countries
    columns = {
        "place_kind": [kind] * len(ids),
        "country": [countries.get(code, code) for code in found.country_code],
        "country_code": found.country_code,
        "city": [name or None for name in found.city],
        "region": [name or None for name in found.region],
        "population": found.population,
        "prompt": _prompts(kind, found, prompts),
        PRIOR_MASS: np.ones(len(ids)),
    }
    return Scan(bare_catalog(found.lat_deg, found.lon_deg, columns, ids), (), Path())


def _prompts(kind: str, found: _Found, prompts: Mapping[str, str]) -> list[str]:
    fields = ("country",) if kind == "country" else ("city", "region", "country")
    try:
        template = prompts[kind]
        parts = [part[1:] for part in Formatter().parse(template)]
    except (KeyError, ValueError) as error:
        raise UsageError(f"There is no template for a {kind} ({error}); give one such as {PROMPTS[kind]!r}.") from error
    # Names alone: formats and conversions could ask for anything.
    asked = {f"{name}:{form}!{how}" if form or how else name for name, form, how in parts if name is not None}
    if unknown := sorted(asked - set(fields)):
        raise UsageError(f"The template {template!r} asks for {unknown}; of a {kind} are known: {', '.join(fields)}.")
    countries = {**gazetteer().countries, **_SPOKEN}
    return [
        template.format(city=city, region=region, country=countries.get(code, code))
        for city, region, code in zip(found.city, found.region, found.country_code, strict=True)
    ]

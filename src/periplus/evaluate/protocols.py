"""Named definitions of what is measured; once published, a name never changes its meaning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise
from types import MappingProxyType
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from periplus.errors import UsageError
from periplus.geo import distance_km, mean_position
from periplus.geo.regions import PLACE_KINDS

_P = TypeVar("_P")


def threshold_text(threshold_km: float) -> str:
    """The shortest text that reads back as this number of km: ``"0.025"``, ``"1"``, ``"2500"``."""
    return repr(float(threshold_km)).removesuffix(".0")


def _checked(thresholds_km: Iterable[float | str], where: str) -> tuple[float, ...]:
    given = tuple(thresholds_km)
    try:
        thresholds = tuple(float(threshold) for threshold in given)
    except (TypeError, ValueError):
        thresholds = ()
    positive = bool(thresholds) and all(math.isfinite(t) and t > 0 for t in thresholds)
    if not positive or any(a >= b for a, b in pairwise(thresholds)):
        raise UsageError(
            f"{list(given)} ({where!r}) are no thresholds: give positive numbers of km, strictly increasing, "
            "such as 0.025,0.05,1."
        )
    return thresholds


@dataclass(frozen=True)
class FixProtocol:
    """How estimated positions are compared with true ones.

    Attributes:
        name: what a report is signed with.
        thresholds_km: distances that count as right (reaching one exactly counts), strictly increasing.
        description: for people, with the source.
        distance: how distances are measured; the one function of :mod:`periplus.geo`, which is within 0.5 % of the
            geodesic on the WGS84 ellipsoid.
        scores: of :data:`SCORES`, what is averaged beside the thresholds.
        places: of :data:`periplus.geo.regions.PLACE_KINDS`, what the guess must lie in to be right.
        strata: of :data:`periplus.evaluate.STRATA`, by what the queries are told apart.

    Raises:
        UsageError: there is no threshold, or they are not positive, finite and strictly increasing.
    """

    name: str
    thresholds_km: tuple[float, ...]
    description: str
    distance: str = "great-circle, sphere 6371.0088 km"
    scores: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the thresholds and hold them as plain floats."""
        object.__setattr__(self, "thresholds_km", _checked(self.thresholds_km, self.name))

    def at(self, thresholds_km: Sequence[float]) -> FixProtocol:
        """The same comparison at other thresholds, under a name that tells: ``"im2gps@1,5"``.

        Equal thresholds give this very protocol, name included.
        """
        if _checked(thresholds_km, self.name) == self.thresholds_km:
            return self
        other = replace(self, thresholds_km=tuple(thresholds_km))
        base = self.name.partition("@")[0]
        return replace(other, name=f"{base}@{','.join(map(threshold_text, other.thresholds_km))}")


PROTOCOLS: Final[Mapping[str, FixProtocol]] = MappingProxyType(
    {
        protocol.name: protocol
        for protocol in (
            FixProtocol(
                "periplus-fix",
                (0.025, 0.05, 0.1, 1, 25),
                "Camera positions in a town that the gallery knows: from one side of a street to the whole town.",
            ),
            FixProtocol(
                "im2gps",
                (1, 25, 200, 750, 2500),
                "Street, city, region, country and continent, as worldwide geolocation reports them since PlaNet "
                "(Weyand, Kostrikov, Philbin, ECCV 2016) on IM2GPS (Hays, Efros, CVPR 2008) and IM2GPS3k (Vo, "
                "Jacobs, Hays, ICCV 2017). Those systems answer every query: compare their numbers with within_km.",
            ),
            FixProtocol(
                "world",
                (1, 25, 200, 750, 2500),
                "Everything for worldwide sets: the distances of im2gps, GeoScore, mean distance, right continent, "
                "country, region and city, each also by continent, settlement and density of the gallery.",
                scores=("geoscore", "geoscore_rounded", "mean_km"),
                places=PLACE_KINDS,
                strata=("continent", "settlement", "gallery_within_25_km"),
            ),
            FixProtocol(
                "osv5m",
                (25, 200, 750, 2500),
                "OSV-5M (Astruc et al., CVPR 2024): GeoScore, mean distance, right country, region and city; the "
                "distances are those of later papers on it. Theirs is a sphere of 6371 km, a millionth smaller, and a "
                "gazetteer of the same towns in another edition.",
                scores=("geoscore", "mean_km"),
                places=("country", "region", "city"),
            ),
        )
    }
)
"""The family: a new protocol is one entry here."""


_WIDE_KM: Final = 500.0


def fitting_protocol(lat_deg: ArrayLike, lon_deg: ArrayLike) -> FixProtocol:
    """The protocol for whoever names none: ``world`` where the gallery is wide, else ``periplus-fix``.

    Wide is a gallery with a row more than 500 km from its rows' mean position.

    Args:
        lat_deg: (m,) of the gallery's rows, degrees, NaN where unknown.
        lon_deg: the same.
    """
    lat, lon = np.asarray(lat_deg, np.float64), np.asarray(lon_deg, np.float64)
    placed = np.isfinite(lat + lon)
    if not placed.any():
        return PROTOCOLS["periplus-fix"]
    lat, lon = lat[placed], lon[placed]
    wide = bool((distance_km(*mean_position(lat, lon), lat, lon) > _WIDE_KM).any())
    return PROTOCOLS["world" if wide else "periplus-fix"]


def protocol_named(name: str) -> FixProtocol:
    """Look a protocol up.

    Raises:
        UsageError: no protocol has this name; the nearest one is named.
    """
    return named(name, PROTOCOLS)


def named(name: str, family: Mapping[str, _P]) -> _P:
    """Look a protocol up in its family.

    Raises:
        UsageError: no protocol has this name; the nearest one is named.
    """
    if name in family:
        return family[name]
    near = get_close_matches(name, family, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"There is no protocol {name!r}: {hint}Choose one of {', '.join(family)}.")


def parse_thresholds_km(text: str) -> tuple[float, ...]:
    """Read ``"0.025,0.05,1"``: kilometres between commas.

    Raises:
        UsageError: a part is not a number, or the numbers are no thresholds.
    """
    return _checked(text.split(","), text)

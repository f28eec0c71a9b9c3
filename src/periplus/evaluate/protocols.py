"""Named definitions of what is measured; once published, a name never changes its meaning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise
from types import MappingProxyType
from typing import Final, TypeVar

from periplus.errors import UsageError

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
        distance: how distances are measured; the one function of :mod:`periplus.geo`.

    Raises:
        UsageError: there is no threshold, or they are not positive, finite and strictly increasing.
    """

    name: str
    thresholds_km: tuple[float, ...]
    description: str
    distance: str = "great-circle, sphere 6371.0088 km"

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
        )
    }
)
"""The family: a new protocol is one entry here."""


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

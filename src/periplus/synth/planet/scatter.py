"""Places scattered over the Earth: evenly, on land, or where people take photos."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from periplus.geo import from_unit, on_land
from periplus.synth.planet.visits import chapter

Where = Literal["sphere", "land", "towns"]
Values = NDArray[np.float64]
_AT_ONCE: Final = 8192


def scatter(where: Where, points: int, seed: int) -> tuple[Values, Values]:
    """Different places, float64 (points,) latitudes and longitudes in degrees; the first are those of fewer points.

    Args:
        where: ``sphere``, evenly over all the Earth; ``land``, evenly over its land; ``towns``, where the photos of the
            planet with this seed are taken: in walks, in and round towns.
        points: how many.
        seed: other places.
    """
    parts: list[Values] = []
    missing = points
    for part in _visited(seed) if where == "towns" else _even(seed, land=where == "land"):
        parts.append(part[:, :missing])
        missing -= parts[-1].shape[1]
        if not missing:
            break
    lat, lon = np.concatenate(parts, axis=1)
    return lat, lon


def _even(seed: int, *, land: bool) -> Iterator[Values]:
    rng = np.random.default_rng([seed, 7])
    while True:
        lat, lon = from_unit(rng.standard_normal((_AT_ONCE, 3)))
        kept = on_land(lat, lon) if land else slice(None)
        yield np.stack([lat[kept], lon[kept]])


def _visited(seed: int) -> Iterator[Values]:
    """A photographer who stands still takes several photos at one place: of each place only the first."""
    for number in count():
        walked = dict.fromkeys((visit.lat_deg, visit.lon_deg) for visit in chapter(seed, number))
        yield np.array(list(walked)).T

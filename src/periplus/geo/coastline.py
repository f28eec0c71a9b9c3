"""Where the land is: Natural Earth's coastline at 1:50 million.

Natural Earth (naturalearthdata.com) is in the public domain; its packaging as TopoJSON, world-atlas 2.0.2 by
Michael Bostock, has the ISC licence. ``scripts/make_coastline.py`` makes the file that lies beside this module.
Its points are right to a few kilometres: fit for maps of a region, not of a town.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from periplus.geo.clip import clip_side

Rings = tuple[NDArray[np.float64], ...]


@cache
def coastline() -> Rings:
    """Every coast as a closed curve on the sphere: (n, 2) latitude and longitude in degrees, the last point the first.

    Coasts of lakes that Natural Earth counts as sea are among them: land is what the even-odd rule fills.
    """
    with resources.files("periplus.geo").joinpath("coastline.npz").open("rb") as file, np.load(file) as data:
        steps = np.stack([data["lat_steps"], data["lon_steps"]], axis=1).astype(np.int64)
        scale, offset, starts = data["scale_deg"][::-1], data["offset_deg"][::-1], data["starts"]
    return tuple(np.split(np.cumsum(steps, axis=0) * scale + offset, starts[1:]))


@cache
def flat_coastline() -> Rings:
    """The same, cut at the date line for flat maps: (n, 2) rings with longitudes in [-180, 180].

    A coast round a pole gets an edge along it.
    """
    rings = []
    for ring in coastline():
        lat, lon = ring[:, 0], np.unwrap(ring[:, 1], period=360)
        if abs(lon[-1] - lon[0]) > 180:
            pole = np.copysign(90.0, lat.mean())
            lat, lon = np.append(lat, [pole, pole]), np.append(lon, [lon[-1], lon[0]])
        for turn in (-360, 0, 360):
            part = np.stack([lat, lon + turn], axis=1)
            if part[:, 1].max() > -180 and part[:, 1].min() < 180:
                rings.append(clip_side(clip_side(part, 1, -180, keep_above=True), 1, 180, keep_above=False))
    return tuple(ring for ring in rings if len(ring) > 2)


def is_land(lat_deg: float, lon_deg: float) -> bool:
    """Whether a position is on land, by the even-odd rule on the flat map."""
    lat, lon, next_lat, next_lon = _edges()
    rows = np.flatnonzero((lat > lat_deg) != (next_lat > lat_deg))
    share = (lat_deg - lat[rows]) / (next_lat[rows] - lat[rows])
    east = lon[rows] + share * (next_lon[rows] - lon[rows]) > lon_deg
    return int(east.sum()) % 2 == 1


@cache
def _edges() -> tuple[NDArray[np.float64], ...]:
    """All edges of the flat coastline: latitudes and longitudes of their starts and of their ends."""
    starts = np.concatenate(flat_coastline())
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in flat_coastline()])
    return starts[:, 0], starts[:, 1], ends[:, 0], ends[:, 1]

"""How far to believe each candidate, and one position from all of them.

Each candidate photo j has a belief p_j that it shows the query's place, from its number of distinct inliers and from
how far its global score stands out. A position x then collects

    L(x) = sum over j of log(1 + p_j / (1 - p_j) * k(d(x, x_j))),

where k falls from 1 with the great-circle distance d: a robust consensus. One strong photo outweighs many weak
ones, two strong photos that disagree by the usual error of a position meet between them, and photos elsewhere add a
constant. L is the log-odds of x against "no photo here shows this place".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from periplus.geo import destination, distance_km, mean_position

_LARGEST_BELIEF = 0.97
"""No single photo is believed more: a position may be wrong although the photo matches."""
_MOST_PHOTOS = 25
_GRID_CENTRES = 4
_GRID_STEPS = 5
_ELSEWHERE_SPREADS = 3.0
_FEWEST_BELIEF = 0.2
_MEAN_AND_STRONGEST = (0.7, 0.3)


@dataclass(frozen=True)
class Kernel:
    """How the positions of photos that show one thing scatter.

    k(d) = (1 - share) / (1 + (d / wide)^2)^3 + share / (1 + (d / narrow)^2)^2: a broad part for the error of
    positions and the size of things, a narrow one since people stop at the same spot.

    Attributes:
        wide_km: scale of the broad part.
        narrow_km: scale of the narrow part.
        share: weight of the narrow part.
    """

    wide_km: float = 0.09
    narrow_km: float = 0.012
    share: float = 0.3

    def __call__(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """The kernel at distances in km, any shape."""
        broad = 1 / (1 + (distance / self.wide_km) ** 2) ** 3
        narrow = 1 / (1 + (distance / self.narrow_km) ** 2) ** 2
        return (1 - self.share) * broad + self.share * narrow


@dataclass(frozen=True)
class Peak:
    """The best supported position.

    Attributes:
        lat_deg, lon_deg: of the peak.
        support: L at the peak.
        rival_lat_deg, rival_lon_deg, rival_support: the best position far from it; NaN and 0 where there is none.
        spread_km: root mean square distance of the photos that support the peak, by their share of its support.
        photos: int64 (m,), which candidates support it, strongest first.
        points_lat_deg, points_lon_deg, points_support: every position that was tried, (c,).
    """

    lat_deg: float
    lon_deg: float
    support: float
    rival_lat_deg: float
    rival_lon_deg: float
    rival_support: float
    spread_km: float
    photos: NDArray[np.int64]
    points_lat_deg: NDArray[np.float64]
    points_lon_deg: NDArray[np.float64]
    points_support: NDArray[np.float64]


def find_peak(
    beliefs: NDArray[np.float64], lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64], kernel: Kernel
) -> Peak:
    """The position with the largest support.

    Tried are the positions of the believed photos and a grid around the strongest few; photos x positions is at
    most 25 x 500 distances.

    Args:
        beliefs: (n,) in [0, 1), n at least 1.
        lat_deg: (n,) latitudes of the photos.
        lon_deg: (n,) longitudes of the photos.
        kernel: how positions scatter.
    """
    order = np.argsort(-beliefs, kind="stable")[:_MOST_PHOTOS]
    p = np.minimum(beliefs[order], _LARGEST_BELIEF)
    lat, lon = lat_deg[order], lon_deg[order]
    tried_lat, tried_lon = _positions_to_try(lat, lon, kernel)
    between = distance_km(tried_lat[:, None], tried_lon[:, None], lat[None], lon[None])
    gains = np.log1p(p / (1 - p) * kernel(between))
    support = gains.sum(axis=1)
    best = int(support.argmax())
    from_best = distance_km(tried_lat, tried_lon, tried_lat[best], tried_lon[best])
    rivals = np.flatnonzero(from_best > _ELSEWHERE_SPREADS * kernel.wide_km)
    rival = int(rivals[support[rivals].argmax()]) if len(rivals) else -1
    shares = gains[best] / max(float(gains[best].sum()), 1e-12)
    strongest = np.argsort(-gains[best], kind="stable")
    return Peak(
        lat_deg=float(tried_lat[best]),
        lon_deg=float(tried_lon[best]),
        support=float(support[best]),
        rival_lat_deg=float(tried_lat[rival]) if rival >= 0 else float("nan"),
        rival_lon_deg=float(tried_lon[rival]) if rival >= 0 else float("nan"),
        rival_support=float(support[rival]) if rival >= 0 else 0.0,
        spread_km=float(np.sqrt((shares * np.minimum(between[best], 10 * kernel.wide_km) ** 2).sum())),
        photos=order[strongest[gains[best][strongest] > 0.05]].astype(np.int64),
        points_lat_deg=tried_lat,
        points_lon_deg=tried_lon,
        points_support=support,
    )


def settle(
    peak: Peak,
    beliefs: NDArray[np.float64],
    inliers: NDArray[np.float64],
    lat_deg: NDArray[np.float64],
    lon_deg: NDArray[np.float64],
    kernel: Kernel,
) -> Peak:
    """Move a peak to where its photos put it.

    The peak tells which photos belong together; among them the one with the most inliers was, as a rule, taken from
    the nearest viewpoint, while the mean cancels the errors of positions. Where both agree within a narrow kernel it
    is the strongest photo's position, elsewhere mostly the mean (measured: docs/log.md).

    Args:
        peak: from :func:`find_peak`.
        beliefs: (n,), as for the peak.
        inliers: (n,), distinct inliers of the photos.
        lat_deg: (n,) latitudes of the photos.
        lon_deg: (n,) longitudes of the photos.
        kernel: how positions scatter.
    """
    away = distance_km(lat_deg, lon_deg, peak.lat_deg, peak.lon_deg)
    here = np.flatnonzero((away <= kernel.wide_km) & (beliefs > _FEWEST_BELIEF))
    if len(here) == 0:
        return peak
    strongest = here[np.lexsort((here, -beliefs[here], -inliers[here]))[0]]
    top = (float(lat_deg[strongest]), float(lon_deg[strongest]))
    mean = mean_position(lat_deg[here], lon_deg[here], np.sqrt(inliers[here] + 0.1))
    if distance_km(*mean, *top) > kernel.narrow_km:
        top = mean_position(np.array([mean[0], top[0]]), np.array([mean[1], top[1]]), np.array(_MEAN_AND_STRONGEST))
    return replace(peak, lat_deg=top[0], lon_deg=top[1])


def _positions_to_try(
    lat: NDArray[np.float64], lon: NDArray[np.float64], kernel: Kernel
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    steps = np.arange(-_GRID_STEPS, _GRID_STEPS + 1) * (kernel.wide_km / 4.5)
    east, north = (grid.ravel() for grid in np.meshgrid(steps, steps))
    bearing, reach = np.rad2deg(np.arctan2(east, north)), np.hypot(east, north)
    centres = slice(0, _GRID_CENTRES)
    grid_lat, grid_lon = destination(lat[centres, None], lon[centres, None], bearing[None], reach[None])
    return np.concatenate([lat, grid_lat.ravel()]), np.concatenate([lon, grid_lon.ravel()])

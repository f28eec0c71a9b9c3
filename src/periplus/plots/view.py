"""A window on the ground: which piece of the sphere a picture of so many pixels shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.geo import from_local_km, local_km

Points = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """An azimuthal equidistant map, north up: true distances and directions from its centre.

    Attributes:
        lat_deg: of the centre.
        lon_deg: of the centre.
        half_height_km: from the centre to the upper edge.
        width_px: of the picture.
        height_px: of the picture.
    """

    lat_deg: float
    lon_deg: float
    half_height_km: float
    width_px: float = 720.0
    height_px: float = 540.0

    @property
    def px_per_km(self) -> float:
        """The scale."""
        return self.height_px / 2 / self.half_height_km

    @property
    def half_width_km(self) -> float:
        """From the centre to the right edge."""
        return self.width_px / 2 / self.px_per_km

    @property
    def reach_km(self) -> float:
        """From the centre to a corner."""
        return float(np.hypot(self.half_width_km, self.half_height_km))

    def to_px(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> Points:
        """Pixels (n, 2) of positions (n,), x to the right and y down; also beside the picture."""
        east, north = local_km(lat_deg, lon_deg, self.lat_deg, self.lon_deg)
        x, y = self.width_px / 2 + east * self.px_per_km, self.height_px / 2 - north * self.px_per_km
        return np.stack([x, y], axis=-1)

    def from_px(self, x: ArrayLike, y: ArrayLike) -> tuple[Points, Points]:
        """Latitude and longitude in degrees of pixels."""
        east = (np.asarray(x, np.float64) - self.width_px / 2) / self.px_per_km
        north = (self.height_px / 2 - np.asarray(y, np.float64)) / self.px_per_km
        return from_local_km(east, north, self.lat_deg, self.lon_deg)

    def holds(self, points: Points, margin_px: float = 0.0) -> NDArray[np.bool_]:
        """Which pixels (n, 2) are in the picture, at least ``margin_px`` from its edge."""
        low, high = margin_px, np.asarray([self.width_px, self.height_px]) - margin_px
        return np.asarray(((points >= low) & (points <= high)).all(axis=-1))

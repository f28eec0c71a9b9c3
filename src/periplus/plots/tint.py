"""How probable becomes how dark: the tint of a heat map, as a small PNG and as its scale."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from periplus.plots.heat import Heat
from periplus.plots.svg import Markup, join, tag

STEPS: Final = 32
_LEAST_SHARE: Final = 0.99
_MOST_RANGE: Final = 1e4
_LEAST_RANGE: Final = 30.0
_RAMP: Final = ((250, 205, 110), (246, 152, 62), (226, 84, 44), (178, 24, 48), (100, 6, 44))
_STRONGEST: Final = 0.9


@dataclass(frozen=True)
class Tint:
    """A logarithmic scale of tints.

    Attributes:
        low, high: the multiples of the world's average probability per area where it begins and where it ends; less
            than ``low`` is not tinted.
    """

    low: float
    high: float

    def steps(self, times: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The tint of each value, 1 to 32, and 0 for none."""
        place = np.log(np.maximum(times, self.low / 2) / self.low) / math.log(self.high / self.low)
        return np.where(place < 0, 0, np.clip(np.ceil(place * STEPS), 1, STEPS)).astype(np.uint8)


def tint_of(belief: Heat) -> Tint:
    """From where 99 % of the belief is denser to the densest; between 1:30 and 1:10,000."""
    high = float(belief.times[belief.on_map].max())
    low = belief.densest(_LEAST_SHARE)
    return Tint(min(max(low, high / _MOST_RANGE), high / _LEAST_RANGE), high)


def heat_image(belief: Heat, tint: Tint, width_px: float, height_px: float) -> Markup:
    """The belief as an SVG image of 720 x 350 pixels; a little beyond the map, whose rim is to cut it off."""
    near = cv2.dilate(belief.on_map.astype(np.uint8), np.ones((5, 5), np.uint8))
    picture = Image.fromarray(tint.steps(belief.times) * near, "P")
    colours, opaque = _palette()
    picture.putpalette(np.vstack([np.zeros((1, 3), np.uint8), colours]).tobytes())
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True, transparency=bytes([0, *opaque.tolist()]))
    uri = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
    return tag("image", href=uri, width=width_px, height=height_px, preserveAspectRatio="none", class_="heat")


def scale_bands(x: float, y: float, width: float, height: float) -> Markup:
    """The scale from weak to strong, as a row of rectangles."""
    colours, opaque = _palette()
    wide = width / STEPS
    bands = [
        tag("rect", x=f"{x + i * wide:.2f}", y=y, width=f"{wide:.2f}", height=height, fill=f"#{bytes(c).hex()}",
            fill_opacity=f"{a / 255:.2f}")
        for i, (c, a) in enumerate(zip(colours, opaque.tolist(), strict=True))
    ]  # fmt: skip
    return tag("g", join(bands), class_="heat", shape_rendering="crispEdges")


def times_words(times: float) -> str:
    """A multiple of the average with one digit that counts: ``"0.03"``, ``"20"``, ``"3,000"``."""
    if not times > 0:
        return "0"
    digits = -math.floor(math.log10(times))
    rounded = round(times, digits)
    return f"{rounded:,.{max(digits, 0)}f}" if rounded < 1 else f"{rounded:,.0f}"


def _palette() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours (32, 3) and how opaque they are (32,), both 0 to 255."""
    place = (np.arange(STEPS) + 0.5) / STEPS
    knots = np.linspace(0, 1, len(_RAMP))
    colours = np.stack([np.interp(place, knots, channel) for channel in np.asarray(_RAMP).T], axis=1)
    return np.round(colours).astype(np.uint8), np.round(255 * _STRONGEST * np.sqrt(place)).astype(np.uint8)

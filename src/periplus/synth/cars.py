"""Parked cars: the outline of a side, drawn out to a prism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from periplus.synth.camera import Array
from periplus.synth.materials import Colour, Rng, shade, vary
from periplus.synth.raster import DOWN, Surface
from periplus.synth.texture import Image, Texture

CAR_WIDTH_M, CAR_LENGTH_M, CAR_HEIGHT_M = 1.75, 4.3, 1.45
SIDE_M, SIDE_PPM = 2.0, 60
"""Height of the picture of a side, and its pixels a metre."""
PAINTS: tuple[Colour, ...] = (
    (196, 198, 200), (44, 46, 50), (232, 232, 228), (130, 30, 34),
    (36, 58, 104), (98, 104, 108), (150, 140, 116), (40, 84, 70),
)  # fmt: skip
SALOON = [
    (0, 0.28),
    (0, 0.78),
    (0.25, 0.90),
    (1.05, 0.98),
    (1.65, 1.40),
    (3.0, 1.43),
    (3.6, 1.0),
    (4.28, 0.9),
    (4.3, 0.28),
]
HATCH = [
    (0, 0.28),
    (0, 0.90),
    (0.12, 1.0),
    (0.3, 1.05),
    (0.75, 1.48),
    (2.7, 1.5),
    (3.4, 1.04),
    (4.28, 0.85),
    (4.3, 0.28),
]
VAN = [
    (0, 0.30),
    (0, 0.90),
    (0.03, 1.2),
    (0.06, 1.5),
    (0.2, 1.80),
    (3.1, 1.84),
    (3.75, 1.18),
    (4.28, 0.95),
    (4.3, 0.30),
]
BODIES = np.array([SALOON, HATCH, VAN])
GLAZED = {3, 5}
"""Parts of the outline that are windows: behind and in front."""


@dataclass(frozen=True, eq=False)
class Car:
    """A parked car.

    Attributes:
        corner_m: its rear corner on the ground, (2,).
        along, across: unit vectors (2,) of its length and width.
        seed: of its looks.
    """

    corner_m: Array
    along: Array
    across: Array
    seed: tuple[int, ...]

    @property
    def box_m(self) -> Array:
        """Ground rectangle and height, (5,)."""
        far = self.corner_m + self.along * CAR_LENGTH_M + self.across * CAR_WIDTH_M
        return np.array([*np.minimum(self.corner_m, far), *np.maximum(self.corner_m, far), CAR_HEIGHT_M])

    def surfaces(self, to_sun: Array, lit: bool) -> Iterator[Surface]:
        """Two sides with windows and wheels, and a strip for each part of the outline."""
        rng = np.random.default_rng(self.seed)
        colour = vary(rng, PAINTS[rng.integers(len(PAINTS))], 0.04)
        body = BODIES[rng.integers(len(BODIES))]
        # Bumpers stay; the rest differs, or one car in two towns would look like one place.
        free = (body > [0.02, 0.31]) & (body < [4.25, 9])
        outline = body + rng.normal(0, [0.10, 0.045], body.shape) * free
        side = Texture(_side(rng, colour, outline))
        along, across = np.array([*self.along, 0.0]), np.array([*self.across, 0.0])
        base = np.array([*self.corner_m, 0.0])
        for k in (0, 1):
            corner = base + across * CAR_WIDTH_M * k + np.array([0, 0, SIDE_M])
            cosine = max(0.0, float(to_sun @ across) * (1 if k else -1)) * lit
            yield Surface(corner, along, DOWN, CAR_LENGTH_M, SIDE_M, lambda: side, cosine, cutout=True)
        for k, (a, b) in enumerate(pairwise(outline)):
            step = along * (b[0] - a[0]) + np.array([0, 0, b[1] - a[1]])
            length = float(np.linalg.norm(step))
            down = step / length
            out = np.cross(across, down)
            cosine = abs(float(to_sun @ out)) * lit if (out[2] > 0.3 or out @ to_sun > 0) else 0.0
            corner = base + along * a[0] + np.array([0, 0, a[1]])
            yield Surface(corner, across, down, CAR_WIDTH_M, length, (58, 70, 80) if k in GLAZED else colour, cosine)


def _px(points_m: Array) -> Array:
    """Metres from the rear wheel's ground line to pixels of the picture of a side."""
    return np.round(points_m * [SIDE_PPM, -SIDE_PPM] + [0, SIDE_M * SIDE_PPM]).astype(np.int32)


def _side(rng: Rng, colour: Colour, outline: Array) -> Image:
    """The side of a car that drives to the right, uint8 RGB with alpha."""
    image = np.zeros((int(SIDE_M * SIDE_PPM), int(CAR_LENGTH_M * SIDE_PPM), 4), np.uint8)

    def line(x0: float, y0: float, x1: float, y1: float, tone: float) -> None:
        a, b = _px(np.array([[x0, y0], [x1, y1]]))
        cv2.line(image, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), (*shade(colour, tone), 255), 2, cv2.LINE_AA)

    def patch(points_m: list[list[float]], tone: Colour) -> None:
        cv2.fillPoly(image, [_px(np.array(points_m))], (*tone, 255), cv2.LINE_AA)

    cv2.fillPoly(image, [_px(outline)], (*colour, 255), cv2.LINE_AA)
    back, top_back, top_front, front = outline[3:7]
    post, low, high = rng.uniform(1.8, 2.7), rng.uniform(0.96, 1.1), min(top_back[1], top_front[1]) - 0.08
    dark = vary(rng, (48, 58, 66), 0.04)
    patch([[back[0] + 0.2, low], [top_back[0] + 0.1, high], [post, high], [post, low]], dark)
    patch([[post + 0.08, low], [post + 0.08, high], [top_front[0] - 0.05, high], [front[0] - 0.25, low]], dark)
    for x in (back[0] + 0.1, post + 0.04, front[0] - 0.4):
        line(x, 0.4, x + rng.normal(0, 0.06), low, rng.uniform(0.6, 0.85))
    belt = rng.uniform(0.6, 0.85)
    line(0.05, belt, 4.2, belt + rng.normal(0, 0.04), rng.uniform(0.65, 0.85))
    line(0.3, 0.34, 4.0, 0.34, 0.5)
    height = rng.uniform(0.65, 0.82)
    patch([[0.03, height], [0.03, height + 0.12], [0.2, height + 0.1], [0.2, height]], (190, 40, 36))
    patch([[4.1, height], [4.1, height + 0.08], [4.26, height + 0.06], [4.26, height]], (240, 236, 214))
    _wheels(image, rng)
    return image


def _wheels(image: Image, rng: Rng) -> None:
    tyre, rim, spokes, hub = rng.integers(19, 26), rng.integers(9, 17), rng.integers(3, 9), rng.uniform(0.4, 0.9)
    for x in (rng.uniform(0.65, 1.0), rng.uniform(3.3, 3.65)):
        centre = (int(x * SIDE_PPM), int((SIDE_M - 0.32) * SIDE_PPM))
        cv2.circle(image, centre, int(tyre), (26, 26, 28, 255), -1, cv2.LINE_AA)
        cv2.circle(image, centre, int(rim), (*shade((128, 130, 134), hub + 0.3), 255), -1, cv2.LINE_AA)
        for a in rng.uniform(0, 6.3) + 2 * np.pi * np.arange(spokes) / spokes:
            spot = (int(centre[0] + rim * hub * np.cos(a)), int(centre[1] + rim * hub * np.sin(a)))
            cv2.line(image, centre, spot, (74, 74, 78, 255), 2, cv2.LINE_AA)

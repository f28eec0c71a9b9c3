"""The ground: asphalt, pavements, kerbs, crossings, drawn as squares of growing size around the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.materials import Colour, Rng, noise, shade
from periplus.synth.streets import PAVEMENT_M, STREET_M, Plan
from periplus.synth.texture import Image

Array = NDArray[np.float64]
TILE_PX, TILE_PPM = 1024, 32
ROAD_M = STREET_M - 2 * PAVEMENT_M


def ground_tile(rng: Rng) -> Image:
    """Speckled stone that repeats every 32 m, uint8 (TILE_PX, TILE_PX), mean 128."""
    grain = (
        noise(rng, (TILE_PX, TILE_PX), (120, 30, 8, 3)) * 26 + rng.standard_normal((TILE_PX, TILE_PX), np.float32) * 9
    )
    return np.asarray(np.clip(128 + grain, 0, 255), np.uint8)


def draw_ground(plan: Plan, tile: Image, origin_m: Array, extent_m: float, pixels: int) -> Image:
    """Draw a square of ground, north up.

    Args:
        plan: the town.
        tile: of :func:`ground_tile`.
        origin_m: north-west corner, (2,).
        extent_m: length of its side.
        pixels: across it.

    Returns:
        uint8 RGB (pixels, pixels, 3).
    """
    ppm = pixels / extent_m
    image = np.full((pixels, pixels, 3), (92, 92, 96), np.uint8)
    pen = _Pen(image, origin_m, ppm)
    if ppm > 1:
        _paint_roads(plan, pen)
    for x0, y0, x1, y1 in plan.blocks_m:
        p = PAVEMENT_M
        if pen.misses(x0 - p, y0 - p, x1 + p, y1 + p):
            continue
        pen.rect(x0 - p, y0 - p, x1 + p, y1 + p, (186, 184, 178))
        p -= 0.3
        pen.rect(x0 - p, y0 - p, x1 + p, y1 + p, (150, 144, 136))
        if ppm > 20:
            _paint_slabs(pen, (x0 - p, y0 - p, x1 + p, y1 + p))
    side = max(1, round(TILE_PX * ppm / TILE_PPM))
    small = cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA)
    cols, rows = (np.arange(pixels) + round(float(a) * ppm) for a in (origin_m[0], -origin_m[1]))
    grain = small[rows % side][:, cols % side]
    return np.asarray(cv2.multiply(image, cv2.merge([grain, grain, grain]), scale=1 / 128), np.uint8)


class _Pen:
    """Draws rectangles given in metres."""

    def __init__(self, image: Image, origin_m: Array, ppm: float) -> None:
        self.image, self.origin, self.ppm = image, origin_m, ppm
        side = image.shape[0] / ppm
        self.seen = (origin_m[0], origin_m[1] - side, origin_m[0] + side, origin_m[1])

    def misses(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether a rectangle lies wholly outside of the square."""
        a, b, c, d = self.seen
        return bool(x1 < a or x0 > c or y1 < b or y0 > d)

    def rect(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Fill a rectangle."""
        if self.misses(x0, y0, x1, y1):
            return
        corners = (np.array([[x0, y1], [x1, y1], [x1, y0], [x0, y0]]) - self.origin) * [self.ppm, -self.ppm] - 0.5
        bound = self.image.shape[0] + 50.0
        points = np.round(np.clip(corners, -50, bound) * 16).astype(np.int32)
        cv2.fillConvexPoly(self.image, points, colour, cv2.LINE_AA, 4)

    def stripes(self, box: tuple[float, float, float, float], across: bool, period: float, colour: Colour) -> None:
        """Fill every other ``period / 2`` of a rectangle, walking along x (or along y if ``across``)."""
        x0, y0, x1, y1 = box
        if self.misses(*box):
            return
        for k in range(int((y1 - y0 if across else x1 - x0) / period)):
            a = k * period
            if across:
                self.rect(x0, y0 + a, x1, y0 + a + period / 2, colour)
            else:
                self.rect(x0 + a, y0, x0 + a + period / 2, y1, colour)


def _paint_slabs(pen: _Pen, box: tuple[float, float, float, float]) -> None:
    joint = shade((150, 144, 136), 0.78)
    x0, y0, x1, y1 = box
    a, b, c, d = pen.seen
    for x in np.arange(max(x0, x0 + np.floor((a - x0) / 0.9) * 0.9), min(x1, c), 0.9):
        pen.rect(x, y0, x + 0.04, y1, joint)
    for y in np.arange(max(y0, y0 + np.floor((b - y0) / 0.9) * 0.9), min(y1, d), 0.9):
        pen.rect(x0, y, x1, y + 0.04, joint)


def _paint_roads(plan: Plan, pen: _Pen) -> None:
    """Middle lines, crossings and manholes."""
    white, half = (222, 220, 212), ROAD_M / 2
    a, b, c, d = pen.seen
    for x in plan.gaps_x_m:
        pen.stripes((x - 0.07, np.floor(b / 6) * 6, x + 0.07, d), True, 6, white)
    for y in plan.gaps_y_m:
        pen.stripes((np.floor(a / 6) * 6, y - 0.07, c, y + 0.07), False, 6, white)
    for x in plan.gaps_x_m:
        for y in plan.gaps_y_m:
            pen.rect(x - half, y - half, x + half, y + half, (90, 90, 94))
            for side in (-1, 1):
                at = side * (half + 2.4)
                pen.stripes((x - half + 0.4, y + at - 1.5, x + half, y + at + 1.5), False, 1.0, white)
                pen.stripes((x + at - 1.5, y - half + 0.4, x + at + 1.5, y + half), True, 1.0, white)
            for shift in (-17.0, 23.0):
                spot = (np.array([x + shift, y + 1.5]) - pen.origin) * [pen.ppm, -pen.ppm]
                if np.abs(spot - pen.image.shape[0] / 2).max() < pen.image.shape[0]:
                    centre = (int(spot[0]), int(spot[1]))
                    cv2.circle(pen.image, centre, max(1, int(0.36 * pen.ppm)), (62, 60, 60), -1, cv2.LINE_AA)
                    cv2.circle(pen.image, centre, max(1, int(0.26 * pen.ppm)), (84, 82, 80), 1, cv2.LINE_AA)

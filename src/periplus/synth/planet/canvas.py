"""A picture in the making: colours, and for each pixel which cue of the place it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.camera import clip_polygon
from periplus.synth.materials import Colour

Array = NDArray[np.float64]
NEAR_M: Final = 0.6
_FORWARD: Final = np.array([0.0, 0.0, 1.0])


class Cue(IntEnum):
    """What a pixel shows."""

    NOTHING = 0
    SKY = 1
    RELIEF = 2
    GROUND = 3
    PLANTS = 4
    WALL = 5
    ROOF = 6
    ROAD = 7
    MARKING = 8
    KERB = 9
    BOLLARD = 10
    POLE = 11
    SIGN = 12
    FENCE = 13
    SHUTTER = 14
    FLAG = 15


@dataclass(frozen=True)
class View:
    """Where the camera looks, along a straight road on level ground.

    Attributes:
        size_px: width and height.
        focal_px: focal length.
        horizon_px: height of the horizon in the picture, from above.
        eye_m: height of the camera.
        yaw_rad: direction of the road against that of the camera, clockwise.
        aside_m: where the camera stands, to the right of the middle of the road.
    """

    size_px: tuple[int, int]
    focal_px: float
    horizon_px: float
    eye_m: float
    yaw_rad: float
    aside_m: float

    def to_camera(self, points_m: Array) -> Array:
        """Points (..., 3) right of, along and above the road as right, down and forward of the camera."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        a, b = points_m[..., 0] - self.aside_m, points_m[..., 1]
        return np.stack([a * c + b * s, self.eye_m - points_m[..., 2], b * c - a * s], axis=-1)

    def depth(self, a_m: float, b_m: float) -> float:
        """How far in front of the camera a point of the ground lies; negative behind."""
        return float(b_m * np.cos(self.yaw_rad) - (a_m - self.aside_m) * np.sin(self.yaw_rad))

    def pixels(self, local: Array) -> Array:
        """Points (..., 3) of the camera's frame as pixels (..., 2)."""
        scale = self.focal_px / local[..., 2:]
        return np.asarray(local[..., :2] * scale + [self.size_px[0] / 2, self.horizon_px])


class Canvas:
    """Red, green, blue and cue, uint8 (h, w, 4).

    Args:
        view: the camera.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.pixels = np.zeros((view.size_px[1], view.size_px[0], 4), np.uint8)

    def fill(self, outline_px: Array | Sequence[Array], colour: Colour, cue: Cue) -> None:
        """Fill polygons (n, 2), one or several, given in pixels."""
        outlines = [outline_px] if isinstance(outline_px, np.ndarray) else outline_px
        whole = [np.clip(np.rint(o), -9999, 9999).astype(np.int32) for o in outlines if len(o) > 2]
        if whole:
            cv2.fillPoly(self.pixels, whole, (*colour, int(cue)))

    def face(self, corners_m: Array, colour: Colour, cue: Cue) -> None:
        """Fill a convex polygon (n, 3) of the road's frame, cut off before the camera."""
        local = clip_polygon(self.view.to_camera(corners_m), _FORWARD, NEAR_M)
        if len(local) > 2:
            self.fill(self.view.pixels(local), colour, cue)

    def faces(self, quads_m: Array, colour: Colour, cue: Cue) -> None:
        """Fill quadrilaterals (k, 4, 3) of one colour; those that reach behind the camera are left out."""
        local = self.view.to_camera(quads_m)
        seen = local[local[..., 2].min(axis=1) > NEAR_M] if len(local) else local
        if len(seen):
            self.fill(list(self.view.pixels(seen)), colour, cue)

    def strip(self, a_m: tuple[float, float], b_m: tuple[float, float], colour: Colour, cue: Cue) -> None:
        """Fill a rectangle on the ground."""
        (a0, a1), (b0, b1) = a_m, b_m
        self.face(np.array([[a0, b0, 0], [a1, b0, 0], [a1, b1, 0], [a0, b1, 0.0]]), colour, cue)

    def foot(self, a_m: float, b_m: float) -> tuple[float, float, float] | None:
        """Pixel of a point of the ground and pixels a metre there; None behind the camera or far aside."""
        local = self.view.to_camera(np.array([a_m, b_m, 0.0]))
        if local[2] < 1.2:
            return None
        x, y = self.view.pixels(local)
        scale = self.view.focal_px / local[2]
        w = self.view.size_px[0]
        return None if not -8 * scale < x < w + 8 * scale else (float(x), float(y), float(scale))

    def box(self, x: float, y: float, width: float, height: float, colour: Colour, cue: Cue) -> None:
        """Fill an upright rectangle that stands on (x, y), in pixels, at least one wide."""
        h, w = self.pixels.shape[:2]
        left, right = round(x - width / 2), max(round(x + width / 2), round(x - width / 2) + 1)
        top, low = round(y - height), max(round(y), round(y - height) + 1)
        self.pixels[max(0, top) : max(0, min(h, low)), max(0, left) : max(0, min(w, right))] = (*colour, int(cue))

    def disc(self, x: float, y: float, radius: float, colour: Colour, cue: Cue) -> None:
        """Fill a circle, in pixels."""
        if abs(x) < 5000 and abs(y) < 5000:
            cv2.circle(self.pixels, (round(x), round(y)), max(1, round(min(radius, 2000))), (*colour, int(cue)), -1)

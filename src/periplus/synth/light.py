"""The light of a moment: where the sun stands, what it and the sky send, what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.materials import Rng
from periplus.synth.texture import Image

Array = NDArray[np.float64]
SHADE_PPM = 5
"""Pixels a metre of the shadow pictures."""


@dataclass(frozen=True)
class Light:
    """Light of one photo, linear RGB.

    Attributes:
        hour: local solar time.
        to_sun: unit vector (3,).
        sun, sky: what a white surface sends back when it faces the sun, and in the shade, (3,).
        zenith, horizon: colours of the sky, (3,).
        cloud: share of the sky that is covered, 0 to 1.
    """

    hour: float
    to_sun: Array
    sun: Array
    sky: Array
    zenith: Array
    horizon: Array
    cloud: float


def draw_light(rng: Rng, first_hour: float, last_hour: float) -> Light:
    """Draw a moment of the day and a weather, under a toy sun: up at 5, at most 58 degrees high, down at 20."""
    hour = float(rng.uniform(first_hour, last_hour))
    height = np.radians(max(8.0, 58 * np.sin(np.pi * (hour - 5) / 15)))
    azimuth = np.radians(90 + (hour - 6) * 14)
    to_sun = np.array([np.sin(azimuth) * np.cos(height), np.cos(azimuth) * np.cos(height), np.sin(height)])
    low = float(np.clip(1 - np.degrees(height) / 35, 0, 1))
    cloud = float(np.clip(rng.normal(0.42, 0.28), 0.05, 1))
    dull = float(np.clip((cloud - 0.65) / 0.3, 0, 1))
    warm = np.array([1.0, 0.93 - 0.22 * low, 0.80 - 0.42 * low])
    blue, grey = np.array([0.20, 0.38, 0.72]), np.array([0.62, 0.66, 0.70])
    hazy = np.array([0.66, 0.76, 0.86]) * (1 - 0.25 * low) + np.array([0.32, 0.16, 0.0]) * low
    return Light(
        hour=hour,
        to_sun=to_sun,
        sun=warm * (1 - dull) * (1.55 - 0.3 * low),
        sky=(np.array([0.40, 0.45, 0.54]) * (1 - dull) + np.array([0.62, 0.64, 0.66]) * dull) * (1 - 0.25 * low),
        zenith=blue * (1 - dull) + grey * 0.8 * dull,
        horizon=hazy * (1 - dull) + grey * 1.1 * dull,
        cloud=cloud,
    )


def sunlit(point_m: Array, boxes_m: Array, to_sun: Array) -> bool:
    """Whether a point (3,) sees the sun between the boxes (n, 5): slab test of the ray with each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        near_far = [
            np.sort(np.stack([(low - p) / d, (high - p) / d]), axis=0)
            for p, d, low, high in (
                (point_m[0], to_sun[0] + 1e-12, boxes_m[:, 0], boxes_m[:, 2]),
                (point_m[1], to_sun[1] + 1e-12, boxes_m[:, 1], boxes_m[:, 3]),
                (point_m[2], to_sun[2] + 1e-12, np.zeros(len(boxes_m)), boxes_m[:, 4]),
            )
        ]
    enter = np.max([nf[0] for nf in near_far], axis=0)
    leave = np.min([nf[1] for nf in near_far], axis=0)
    return not bool(((leave > enter) & (leave > 0)).any())


def _corners(boxes_m: Array) -> Array:
    """Corners of boxes (n, 5), (n, 8, 3)."""
    x = boxes_m[:, [0, 2, 2, 0, 0, 2, 2, 0]]
    y = boxes_m[:, [1, 1, 3, 3, 1, 1, 3, 3]]
    z = np.concatenate([np.zeros((len(boxes_m), 4)), np.repeat(boxes_m[:, 4:5], 4, axis=1)], axis=1)
    return np.stack([x, y, z], axis=2)


def _fill_hull(mask: Image, points_px: Array, value: int) -> None:
    hull = cv2.convexHull(np.round(points_px * 16).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, value, cv2.LINE_AA, 4)


def wall_shadow(wall_m: Array, boxes_m: Array, to_sun: Array) -> Image:
    """The sun on a wall (3, 3) that faces it, uint8 at SHADE_PPM: 255 lit, 0 where houses stand in the way."""
    corner, along, (width, height, _) = wall_m
    out = np.array([along[1], -along[0], 0.0])
    mask = np.full((max(2, round(height * SHADE_PPM)), max(2, round(width * SHADE_PPM))), 255, np.uint8)
    centre = corner[:2] + along[:2] * width / 2
    middle = (boxes_m[:, :2] + boxes_m[:, 2:4]) / 2 - centre
    flat = to_sun[:2] / np.linalg.norm(to_sun[:2])
    beside = np.abs(middle @ np.array([flat[1], -flat[0]]))
    near = (middle @ flat > 0) & (middle @ flat < 90) & (beside < 40)
    for points in _corners(boxes_m[near]):
        before = (points - corner) @ out
        front = before > 0.01
        if front.sum() < 3:
            continue
        cast = points[front] - np.outer(before[front] / (to_sun @ out), to_sun) - corner
        _fill_hull(mask, np.stack([cast @ along, -cast[:, 2]], axis=1) * SHADE_PPM - 0.5, 0)
    return np.asarray(cv2.blur(mask, (3, 3)), np.uint8)


def ground_shadow(square: tuple[Array, float, int], boxes_m: Array, crowns_m: Array, to_sun: Array) -> Image:
    """The sun on a square of ground.

    Args:
        square: its north-west corner (2,), the length of its side in metres, the pixels across it.
        boxes_m: (n, 5) what throws shadows, standing on the ground.
        crowns_m: (t, 4) balls that do: x, y, z and radius.
        to_sun: unit vector (3,).

    Returns:
        uint8 (pixels, pixels), north up, 255 lit.
    """
    origin_m, extent_m, pixels = square
    mask = np.full((pixels, pixels), 255, np.uint8)
    ppm = pixels / extent_m
    slide = -to_sun[:2] / to_sun[2]
    centre = origin_m + np.array([extent_m, -extent_m]) / 2
    middle = (boxes_m[:, :2] + boxes_m[:, 2:4]) / 2 + slide * boxes_m[:, 4:5] / 2
    reach = extent_m * 0.71 + 20 + np.linalg.norm(slide) * boxes_m[:, 4] / 2
    for points in _corners(boxes_m[np.linalg.norm(middle - centre, axis=1) < reach]):
        cast = points[:, :2] + np.outer(points[:, 2], slide) - origin_m
        _fill_hull(mask, cast * np.array([ppm, -ppm]) - 0.5, 0)
    for x, y, z, radius in crowns_m:
        px, py = ((np.array([x, y]) + slide * z - origin_m) * [ppm, -ppm]).astype(int)
        if abs(px - pixels / 2) < pixels and abs(py - pixels / 2) < pixels:
            cv2.circle(mask, (int(px), int(py)), max(1, int(radius * ppm)), 60, -1, cv2.LINE_AA)
    return np.asarray(cv2.blur(mask, (3, 3)), np.uint8)

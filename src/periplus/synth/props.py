"""What stands in the way of a photograph: trees and people, as flat pictures that turn to the camera."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from periplus.synth.camera import Array
from periplus.synth.materials import Rng, noise, shade, vary
from periplus.synth.raster import DOWN, Surface
from periplus.synth.signs import PAINTS
from periplus.synth.texture import Image, Texture

TREE_SHAPE = 0.56
"""Width of a tree over its height."""


def sprite(
    foot_m: Array, eye_m: Array, size_m: tuple[float, float], paint: Callable[[], Texture], sun: float
) -> Surface:
    """A picture with alpha that stands at (2,) and turns to the camera."""
    look = foot_m - eye_m[:2]
    look = look / np.linalg.norm(look)
    along = np.array([look[1], -look[0], 0.0])
    corner = np.array([*foot_m, size_m[1]]) - along * size_m[0] / 2
    return Surface(corner, along, DOWN, *size_m, paint, sun, cutout=True)


def draw_tree(rng: Rng) -> Image:
    """A young street tree, TREE_SHAPE times as wide as high."""
    w, h = int(180 * TREE_SHAPE), 180
    image = np.zeros((h, w, 4), np.uint8)
    bark = vary(rng, (92, 76, 60), 0.04)
    cv2.line(image, (w // 2, h), (w // 2, h // 2), (*bark, 255), max(3, w // 22))
    for _ in range(6):
        tip = (int(w * rng.uniform(0.2, 0.8)), int(h * rng.uniform(0.1, 0.4)))
        cv2.line(image, (w // 2, int(h * rng.uniform(0.4, 0.6))), tip, (*bark, 255), 2, cv2.LINE_AA)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    ball = 1 - ((x - w / 2) / (w * 0.5)) ** 2 - ((y - h * 0.32) / (h * 0.33)) ** 2
    leaf = noise(rng, (h, w), (22, 9, 4, 2))
    crown = ball + 0.55 * leaf > 0.12
    green = np.array(vary(rng, (84, 112, 52), 0.06), np.float32)
    tone = 0.8 + 0.35 * noise(rng, (h, w), (26, 8, 3)) + 0.35 * (h * 0.35 - y) / h - 0.1 * (x - w / 2) / w
    image[crown, :3] = np.clip(green * tone[..., None], 0, 255).astype(np.uint8)[crown]
    image[crown, 3] = 255
    return image


def draw_person(rng: Rng) -> Image:
    """Somebody walking."""
    image = np.zeros((144, 64, 4), np.uint8)
    coat = (*shade(PAINTS[rng.integers(len(PAINTS))], rng.uniform(0.5, 0.95)), 255)
    legs = (*vary(rng, (52, 56, 76), 0.08), 255)
    skin = (*shade((224, 178, 146), rng.uniform(0.45, 1.0)), 255)
    stride, lean = rng.uniform(3, 12), rng.uniform(-3, 3)
    for side in (-1, 1):
        cv2.line(image, (32 + 4 * side, 76), (int(32 + side * stride), 136), legs, 9, cv2.LINE_AA)
        cv2.ellipse(image, (int(34 + side * stride), 140), (7, 3), 0, 0, 360, (36, 30, 28, 255), -1)
        hand = (int(32 + side * (13 + stride * 0.4)), 78)
        cv2.line(image, (32 + 9 * side, 36), hand, (*shade(coat[:3], 0.85), 255), 7, cv2.LINE_AA)
        cv2.circle(image, hand, 4, skin, -1)
    cv2.ellipse(image, (32, 54), (14, 30), lean, 0, 360, coat, -1, cv2.LINE_AA)
    cv2.ellipse(image, (32, 32), (15, 9), 0, 0, 360, coat, -1)
    cv2.circle(image, (int(32 + lean), 16), 9, skin, -1, cv2.LINE_AA)
    hair = (*shade((110, 80, 56), rng.uniform(0.3, 1.4)), 255)
    cv2.ellipse(image, (int(32 + lean), 12), (9, 7), 0, 150, 390, hair, -1)
    return image

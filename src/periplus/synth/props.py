"""What stands in the way of a photograph: cars, trees, people, lamps. Cars are prisms, the rest flat sprites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from periplus.synth.camera import Array
from periplus.synth.materials import Colour, Rng, noise, rect, shade, vary
from periplus.synth.raster import Surface
from periplus.synth.signs import PAINTS
from periplus.synth.texture import Image, Texture

DOWN = np.array([0.0, 0.0, -1.0])
CAR_WIDTH_M, CAR_LENGTH_M, CAR_HEIGHT_M = 1.75, 4.3, 1.45
CAR_PAINTS: tuple[Colour, ...] = (
    (196, 198, 200),
    (44, 46, 50),
    (232, 232, 228),
    (130, 30, 34),
    (36, 58, 104),
    (98, 104, 108),
    (150, 140, 116),
    (40, 84, 70),
)
OUTLINE = np.array([
    [0.0, 0.28], [0.0, 0.78], [0.25, 0.90], [1.15, 0.98], [1.75, 1.42],
    [3.20, 1.45], [3.95, 1.00], [4.28, 0.92], [4.30, 0.28],
])  # fmt: skip
GLAZED = {3, 5}
TREE_SHAPE = 0.56
"""Width of a tree over its height."""


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
        colour = vary(rng, CAR_PAINTS[rng.integers(len(CAR_PAINTS))], 0.04)
        outline = OUTLINE + rng.normal(0, [0.09, 0.035], OUTLINE.shape) * (
            (OUTLINE > [0.2, 0.3]) & (OUTLINE < [4.25, 9])
        )
        side = Texture(_car_side(rng, colour, outline))
        along, across = np.array([*self.along, 0.0]), np.array([*self.across, 0.0])
        base = np.array([*self.corner_m, 0.0])
        for k in (0, 1):
            corner = base + across * CAR_WIDTH_M * k + np.array([0, 0, 1.5])
            cosine = max(0.0, float(to_sun @ across) * (1 if k else -1)) * lit
            yield Surface(corner, along, DOWN, CAR_LENGTH_M, 1.5, lambda: side, cosine, cutout=True)
        for k, (a, b) in enumerate(pairwise(outline)):
            step = along * (b[0] - a[0]) + np.array([0, 0, b[1] - a[1]])
            length = float(np.linalg.norm(step))
            down = step / length
            out = np.cross(across, down)
            cosine = abs(float(to_sun @ out)) * lit if (out[2] > 0.3 or out @ to_sun > 0) else 0.0
            corner = base + along * a[0] + np.array([0, 0, a[1]])
            yield Surface(corner, across, down, CAR_WIDTH_M, length, (58, 70, 80) if k in GLAZED else colour, cosine)


def _car_side(rng: Rng, colour: Colour, outline: Array) -> Image:
    scale = 60
    image = np.zeros((int(1.5 * scale), int(CAR_LENGTH_M * scale), 4), np.uint8)

    def place(points: Array) -> Array:
        return np.asarray((points * [scale, -scale] + [0, 1.5 * scale]) * 16, np.float64).astype(np.int32)

    cv2.fillPoly(image, [place(outline)], (*colour, 255), cv2.LINE_AA, 4)
    back, top_back, top_front, front = outline[3:7]
    post, low, high = rng.uniform(2.2, 2.7), 1.0, min(top_back[1], top_front[1]) - 0.08
    panes = (
        [[back[0] + 0.2, low], [top_back[0] + 0.05, high], [post, high], [post, low]],
        [[post + 0.08, low], [post + 0.08, high], [top_front[0] - 0.05, high], [front[0] - 0.25, low]],
    )
    for pane in panes:
        cv2.fillPoly(image, [place(np.array(pane))], (44, 54, 62, 255), cv2.LINE_AA, 4)
    for x in (back[0], post + 0.04, front[0] - 0.4):
        cv2.line(image, (int(x * scale), 33), (int(x * scale), 66), (*shade(colour, 0.6), 255), 1)
    cv2.line(image, (4, 46), (image.shape[1] - 6, 48), (*shade(colour, 0.75), 255), 1)
    image[70:74, 20:-20, :3] = shade(colour, 0.5)
    tyre, rim, spokes, hub = rng.integers(20, 26), rng.integers(9, 17), rng.integers(3, 9), rng.uniform(0.4, 0.8)
    for x in (rng.uniform(0.75, 1.0), rng.uniform(3.3, 3.6)):
        centre = (int(x * scale), int((1.5 - 0.32) * scale))
        cv2.circle(image, centre, int(tyre), (26, 26, 28, 255), -1, cv2.LINE_AA)
        cv2.circle(image, centre, int(rim), (*shade((128, 130, 134), hub + 0.4), 255), -1, cv2.LINE_AA)
        turn = rng.uniform(0, 6.3)
        for a in turn + 2 * np.pi * np.arange(spokes) / spokes:
            spot = (int(centre[0] + rim * hub * np.cos(a)), int(centre[1] + rim * hub * np.sin(a)))
            cv2.line(image, centre, spot, (74, 74, 78, 255), 2, cv2.LINE_AA)
    rect(image[..., :3], 2, 38, 10, 44, (190, 40, 36))
    rect(image[..., :3], image.shape[1] - 12, 38, image.shape[1] - 2, 44, (240, 236, 214))
    return image


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

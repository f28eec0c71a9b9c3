"""What walls are made of: noise, bricks, stucco, stone, panels. All pictures are RGB at PPM pixels a metre."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.texture import Image

PPM = 40
"""Texture pixels a metre."""
Rng = np.random.Generator
Colour = tuple[int, int, int]

STUCCO: tuple[Colour, ...] = (
    (226, 202, 158), (214, 170, 118), (222, 190, 176), (232, 224, 206), (178, 194, 200), (190, 200, 172),
    (206, 142, 112), (236, 214, 140), (204, 196, 184), (168, 122, 104), (150, 168, 176), (240, 234, 222),
)  # fmt: skip
BRICK: tuple[Colour, ...] = (
    (150, 76, 58),
    (132, 66, 54),
    (176, 108, 78),
    (188, 154, 106),
    (118, 84, 72),
    (164, 94, 70),
)
STONE: tuple[Colour, ...] = ((196, 184, 160), (176, 170, 160), (208, 198, 176), (158, 150, 138), (190, 170, 142))


def noise(rng: Rng, shape: tuple[int, int], cells_px: Sequence[float]) -> NDArray[np.float32]:
    """Smooth noise with one octave for each cell size, float32 (h, w), roughly in [-1, 1]."""
    h, w = shape
    total = np.zeros(shape, np.float32)
    for cell in cells_px:
        coarse = rng.random((int(h / cell) + 2, int(w / cell) + 2), np.float32)
        total += cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR) - 0.5
    return np.asarray(total * (2 / np.sqrt(len(cells_px))), np.float32)


def mottle(image: Image, gain: NDArray[np.float32], amount: float) -> Image:
    """Darken and lighten a picture by ``1 + amount * gain``."""
    factor = np.clip(128 * (1 + amount * gain), 0, 255).astype(np.uint8)
    return np.asarray(cv2.multiply(image, cv2.merge([factor, factor, factor]), scale=1 / 128), np.uint8)


def vary(rng: Rng, colour: Colour, amount: float) -> Colour:
    """A colour near another: ``amount`` of 255 in brightness, a third of it in hue."""
    shift = rng.normal(0, amount * 255) + rng.normal(0, amount * 85, 3)
    r, g, b = (int(v) for v in np.clip(np.array(colour) + shift, 8, 250))
    return r, g, b


def shade(colour: Colour, factor: float) -> Colour:
    """A darker (below 1) or lighter colour."""
    r, g, b = (int(v) for v in np.clip(np.array(colour) * factor, 0, 255))
    return r, g, b


def rect(image: Image, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
    """Fill a rectangle, in pixels, its far edges left out."""
    h, w = image.shape[:2]
    left, top = max(0, round(x0)), max(0, round(y0))
    image[top : max(top, min(h, round(y1))), left : max(left, min(w, round(x1)))] = colour


def _masonry(rng: Rng, shape: tuple[int, int], colour: Colour, unit_px: tuple[int, int], spread: float) -> Image:
    """Running bond: each unit has its own tone, joints are lighter or darker."""
    h, w = shape
    uw, uh = unit_px
    rows, cols = h // uh + 1, w // uw + 2
    tones = np.array(colour, np.float32) * (1 + spread * rng.standard_normal((rows, cols, 1), np.float32))
    tones += 255 * spread * 0.25 * rng.standard_normal((rows, cols, 3), np.float32)
    cells = np.clip(tones, 0, 255).astype(np.uint8)
    wide = np.repeat(np.repeat(cells, uw, axis=1), uh, axis=0)
    joint = np.array(shade(colour, 1.25 if spread > 0.1 else 0.78), np.uint8)
    wide[::uh] = joint
    for row in range(rows):
        band = wide[row * uh : (row + 1) * uh]
        band[1:, ::uw] = joint
        if row % 2:
            band[:] = np.roll(band, uw // 2, axis=1)
    return np.ascontiguousarray(wide[:h, uw : uw + w])


def brick(rng: Rng, shape: tuple[int, int]) -> Image:
    """Bricks of 25 x 10 cm."""
    return _masonry(rng, shape, vary(rng, BRICK[rng.integers(len(BRICK))], 0.03), (10, 4), 0.13)


def ashlar(rng: Rng, shape: tuple[int, int]) -> Image:
    """Dressed stones of 60 to 100 cm."""
    colour = vary(rng, STONE[rng.integers(len(STONE))], 0.03)
    image = _masonry(rng, shape, colour, (int(rng.integers(24, 40)), int(rng.integers(12, 20))), 0.06)
    return mottle(image, noise(rng, shape, (40, 12, 4)), 0.10)


def stucco(rng: Rng, shape: tuple[int, int]) -> Image:
    """Painted plaster with stains and patches where it came off."""
    colour = vary(rng, STUCCO[rng.integers(len(STUCCO))], 0.04)
    image = np.full((*shape, 3), colour, np.uint8)
    image = mottle(image, noise(rng, shape, (160, 50, 16, 5)), 0.10)
    bare = noise(rng, shape, (90, 30, 10)) > rng.uniform(0.75, 1.1)
    image[bare] = (image[bare] * 0.78 + 14).astype(np.uint8)
    return image


def panels(rng: Rng, shape: tuple[int, int]) -> Image:
    """Concrete or cladding panels with dark joints."""
    h, w = shape
    colour = vary(
        rng, STONE[rng.integers(len(STONE))] if rng.random() < 0.6 else STUCCO[rng.integers(len(STUCCO))], 0.05
    )
    pw, ph = int(rng.integers(48, 130)), int(rng.integers(24, 60))
    image = np.full((h, w, 3), colour, np.uint8)
    for y in range(0, h, ph):
        for x in range(0, w, pw):
            rect(image, x, y, x + pw - 2, y + ph - 2, vary(rng, colour, 0.025))
    return mottle(image, noise(rng, shape, (70, 20, 6)), 0.10)


def siding(rng: Rng, shape: tuple[int, int]) -> Image:
    """Painted boards."""
    h, _ = shape
    colour = vary(rng, STUCCO[rng.integers(len(STUCCO))], 0.08)
    image = np.full((*shape, 3), colour, np.uint8)
    step = int(rng.integers(6, 12))
    for y in range(0, h, step):
        image[y : y + step] = vary(rng, colour, 0.02)
        image[y] = shade(colour, 0.62)
    return mottle(image, noise(rng, shape, (60, 9, 3)), 0.09)


WALLS: tuple[Callable[[Rng, tuple[int, int]], Image], ...] = (
    brick,
    brick,
    stucco,
    stucco,
    stucco,
    ashlar,
    panels,
    siding,
)

"""Windows, doors and balconies: one style a building, one look a window."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from periplus.synth.materials import PPM, Colour, Rng, rect, shade, vary
from periplus.synth.texture import Image

FRAMES: tuple[Colour, ...] = (
    (236, 234, 226),
    (226, 222, 206),
    (70, 52, 40),
    (52, 66, 58),
    (44, 48, 56),
    (120, 40, 36),
    (60, 84, 110),
)
SHUTTERS: tuple[Colour, ...] = (
    (70, 104, 84),
    (66, 92, 124),
    (128, 60, 50),
    (110, 84, 58),
    (150, 160, 150),
    (88, 96, 104),
)


@dataclass(frozen=True)
class WindowStyle:
    """What the windows of one building share; lengths in pixels of the texture.

    Attributes:
        width, height: of the opening.
        columns, rows: panes.
        arched: round top.
        surround: width of the frame of stone around it, 0 for none.
        pediment: 0 none, 1 straight hood, 2 triangle.
        shutter: its colour, or None.
        frame, stone: colours.
        balcony: share of windows that have one.
    """

    width: int
    height: int
    columns: int
    rows: int
    arched: bool
    surround: int
    pediment: int
    shutter: Colour | None
    frame: Colour
    stone: Colour
    balcony: float

    @property
    def reach(self) -> int:
        """Width of the window with all that belongs to it."""
        return self.width + 2 * self.surround + (self.width if self.shutter else 0)


def window_style(rng: Rng, wall: Colour, floor_px: int) -> WindowStyle:
    """Draw the style of a building whose floors are ``floor_px`` high."""
    arched = bool(rng.random() < 0.2)
    shutter = None if arched or rng.random() < 0.6 else vary(rng, SHUTTERS[rng.integers(len(SHUTTERS))], 0.05)
    return WindowStyle(
        width=int(rng.uniform(0.85, 1.25 if shutter else 1.9) * PPM),
        height=int(rng.uniform(0.5, 0.66) * floor_px),
        columns=int(rng.integers(1, 4)),
        rows=int(rng.integers(1, 4)),
        arched=arched,
        surround=int(rng.choice([0, 4, 6, 8])),
        pediment=int(rng.choice([0, 0, 1, 2])),
        shutter=shutter,
        frame=FRAMES[rng.integers(len(FRAMES))],
        stone=shade(wall, 1.28) if sum(wall) < 480 else shade(wall, 0.72),
        balcony=float(rng.choice([0.0, 0.0, 0.25, 0.6])),
    )


def glass(rng: Rng, width: int, height: int) -> Image:
    """A pane: the sky in it, what is behind it, curtains or blinds."""
    top, bottom = rng.uniform(90, 170), rng.uniform(25, 70)
    ramp = np.linspace(top, bottom, height)[:, None, None] * np.array([0.86, 0.98, 1.08]) * np.ones((1, width, 1))
    image = np.clip(ramp, 0, 255).astype(np.uint8)
    slant = int(rng.uniform(-0.5, 1.2) * width)
    streak = np.array([[slant, 0], [slant + width // 3, 0], [slant, height], [slant - width // 3, height]], np.int32)
    overlay = image.copy()
    cv2.fillConvexPoly(overlay, streak, (168, 186, 200))
    image = cv2.addWeighted(image, 0.75, overlay, 0.25, 0)
    look = rng.random()
    cloth = vary(rng, (214, 204, 188), 0.12)
    if look < 0.3:
        reach = int(width * rng.uniform(0.12, 0.36))
        for x in range(0, reach, 3):
            tone = vary(rng, cloth, 0.06)
            rect(image, x, 0, x + 3, height, tone)
            rect(image, width - x - 3, 0, width - x, height, tone)
    elif look < 0.5:
        drop = int(height * rng.uniform(0.15, 0.8))
        for y in range(0, drop, 3):
            rect(image, 0, y, width, y + 3, shade(cloth, 0.92 if y % 6 else 1.06))
    elif look < 0.62:
        centre = (int(width * rng.uniform(0.25, 0.75)), int(height * rng.uniform(0.6, 0.9)))
        cv2.circle(image, centre, max(3, width // 7), vary(rng, (70, 110, 60), 0.12), -1, cv2.LINE_AA)
        rect(image, centre[0] - 4, centre[1] + 3, centre[0] + 4, height, vary(rng, (160, 90, 60), 0.1))
    return np.asarray(image, np.uint8)


def draw_window(image: Image, rng: Rng, style: WindowStyle, x: int, y: int) -> None:
    """Draw one window with its left upper corner at (x, y)."""
    w, h, s = style.width, style.height, style.surround
    if s:
        rect(image, x - s, y - s, x + w + s, y + h + s, style.stone)
        rect(image, x - s, y + h + s - 1, x + w + s, y + h + s, shade(style.stone, 0.6))
    pane = glass(rng, w, h)
    for c in range(style.columns + 1):
        px = round(c * (w - 3) / style.columns)
        rect(pane, px, 0, px + 3, h, style.frame)
    for r in range(style.rows + 1):
        py = round(r * (h - 3) / style.rows)
        rect(pane, 0, py, w, py + 3, style.frame)
    pane[:4] = (pane[:4] * 0.5).astype(np.uint8)
    _paste(image, pane, x, y, style.arched)
    rect(image, x - s - 4, y + h, x + w + s + 4, y + h + 5, style.stone)
    rect(image, x - s - 4, y + h + 5, x + w + s + 4, y + h + 8, shade(style.stone, 0.45))
    if style.pediment == 1:
        rect(image, x - s - 5, y - s - 8, x + w + s + 5, y - s - 2, style.stone)
        rect(image, x - s - 5, y - s - 2, x + w + s + 5, y - s, shade(style.stone, 0.5))
    elif style.pediment == 2:
        peak = np.array([[x - s - 6, y - s - 2], [x + w + s + 6, y - s - 2], [x + w // 2, y - s - 20]], np.int32)
        cv2.fillConvexPoly(image, peak, style.stone, cv2.LINE_AA)
        cv2.polylines(image, [peak], True, shade(style.stone, 0.55), 2, cv2.LINE_AA)
    if style.shutter:
        _draw_shutters(image, rng, style, x, y)
    if rng.random() < style.balcony:
        _draw_balcony(image, rng, style, x, y)
    elif rng.random() < 0.12:
        _draw_flowers(image, rng, x, y + h, w)


def _paste(image: Image, patch: Image, x: int, y: int, arched: bool) -> None:
    h, w = patch.shape[:2]
    y0, x0, y1, x1 = max(0, y), max(0, x), min(image.shape[0], y + h), min(image.shape[1], x + w)
    if y1 <= y0 or x1 <= x0:
        return
    mask = np.full((h, w), 255, np.uint8)
    if arched:
        mask[: w // 2] = 0
        cv2.circle(mask, (w // 2, w // 2), w // 2, 255, -1)
    part = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    np.copyto(image[y0:y1, x0:x1], patch[part], where=mask[part][..., None] > 0)


def _draw_shutters(image: Image, rng: Rng, style: WindowStyle, x: int, y: int) -> None:
    assert style.shutter is not None
    half = style.width // 2
    closed = rng.random() < 0.15
    for left in (x, x + half) if closed else (x - style.surround - half, x + style.width + style.surround):
        colour = vary(rng, style.shutter, 0.02)
        rect(image, left, y, left + half, y + style.height, colour)
        for row in range(y + 5, y + style.height - 4, 4):
            rect(image, left + 3, row, left + half - 3, row + 1, shade(colour, 0.6))
        rect(image, left, y + style.height // 2, left + half, y + style.height // 2 + 3, shade(colour, 1.15))
        rect(image, left + half - 1, y, left + half, y + style.height, shade(colour, 0.5))


def _draw_balcony(image: Image, rng: Rng, style: WindowStyle, x: int, y: int) -> None:
    left, right, foot = x - 10, x + style.width + 10, y + style.height + 4
    iron = vary(rng, (40, 42, 46), 0.02)
    rect(image, left - 2, foot, right + 2, foot + 6, shade(style.stone, 0.9))
    rect(image, left, foot + 6, right, foot + 16, shade(style.stone, 0.42))
    top = foot - int(0.95 * PPM)
    for post in range(left, right + 1, 5):
        rect(image, post, top, post + 1, foot, iron)
    rect(image, left, top, right, top + 3, iron)
    if rng.random() < 0.4:
        _draw_flowers(image, rng, left + 4, foot - 8, right - left - 8)


def _draw_flowers(image: Image, rng: Rng, x: int, y: int, width: int) -> None:
    rect(image, x, y - 6, x + width, y + 3, vary(rng, (140, 84, 60), 0.06))
    petals = vary(rng, (210, 70, 80), 0.2)
    for _ in range(width // 2):
        spot = (int(x + rng.uniform(0, width)), int(y - rng.uniform(4, 16)))
        cv2.circle(image, spot, 2, petals if rng.random() < 0.4 else vary(rng, (70, 110, 56), 0.08), -1)


def draw_door(image: Image, rng: Rng, x: int, width: int, height: int, stone: Colour) -> None:
    """Draw a door that stands on the lower edge, its left edge at ``x``."""
    foot = image.shape[0]
    top = foot - height
    colour = vary(rng, SHUTTERS[rng.integers(len(SHUTTERS))], 0.12)
    rect(image, x - 8, top - 10, x + width + 8, foot, stone)
    rect(image, x, top, x + width, foot, shade(colour, 0.55))
    rect(image, x + 2, top + 4, x + width - 2, foot - 4, colour)
    fan = int(height * 0.18)
    _paste(image, glass(rng, width - 8, fan), x + 4, top + 6, False)
    rows = int(rng.integers(2, 4))
    ph = (height - fan - 20) // rows
    for row in range(rows):
        for col in range(2):
            px, py = x + 6 + col * (width - 8) // 2, top + fan + 12 + row * ph
            rect(image, px, py, px + (width - 8) // 2 - 6, py + ph - 6, shade(colour, 0.72))
            rect(image, px + 2, py + 3, px + (width - 8) // 2 - 6, py + ph - 6, shade(colour, 1.12))
    cv2.circle(image, (x + width // 2 + 4, foot - int(height * 0.42)), 2, (214, 186, 110), -1, cv2.LINE_AA)
    rect(image, x - 10, foot - 4, x + width + 10, foot, shade(stone, 0.85))

"""The face of a house, put together from wall, windows, ground floor and what hangs on it."""

from __future__ import annotations

import cv2
import numpy as np

from periplus.synth.materials import PPM, WALLS, Colour, Rng, mottle, noise, rect, shade, stucco, vary
from periplus.synth.signs import (
    TRADES,
    contrast,
    draw_graffito,
    draw_logo,
    draw_mural,
    draw_poster,
    draw_shop,
    draw_shop_door,
    draw_text,
    paint,
    word,
)
from periplus.synth.texture import Image
from periplus.synth.windows import WindowStyle, draw_window, glass, window_style


def _tone(image: Image) -> Colour:
    r, g, b = (int(v) for v in image[::7, ::7].reshape(-1, 3).mean(axis=0))
    return r, g, b


def front(rng: Rng, width_m: float, height_m: float) -> Image:
    """A street front, uint8 RGB (height, width) at PPM pixels a metre.

    Args:
        rng: alone decides the looks.
        width_m: of the wall.
        height_m: of the wall.
    """
    w, h = round(width_m * PPM), round(height_m * PPM)
    image = WALLS[rng.integers(len(WALLS))](rng, (h, w))
    wall = _tone(image)
    ground = int(rng.uniform(3.5, 4.4) * PPM)
    top = _crown(image, rng, wall)
    floors = max(1, round((h - ground - top) / (rng.uniform(2.9, 3.6) * PPM)))
    floor = (h - ground - top) / floors
    style = window_style(rng, wall, int(floor))
    if rng.random() < 0.35:
        _quoins(image, style.stone, ground)
    if rng.random() < 0.5:
        for k in range(floors):
            y = h - ground - k * floor
            rect(image, 0, y - 5, w, y, style.stone)
            rect(image, 0, y, w, y + 2, shade(style.stone, 0.5))
    _upper_floors(image, rng, style, (h - ground, floor, floors))
    _ground_floor(image, rng, style, ground)
    _hangings(image, rng, ground)
    return _weather(image, rng)


def party(rng: Rng, width_m: float, height_m: float) -> Image:
    """A side wall that a lower neighbour leaves bare, sometimes with an old advertisement."""
    w, h = round(width_m * PPM), round(height_m * PPM)
    image = stucco(rng, (h, w))
    if rng.random() < 0.6 and h > 200:
        draw_mural(image, rng, int(w * 0.12), 40, int(w * rng.uniform(0.5, 0.8)), min(h - 60, int(w * 0.7)))
    return _weather(image, rng)


def _crown(image: Image, rng: Rng, wall: Colour) -> int:
    """Draw what ends the wall above; returns its height in pixels."""
    h, w = image.shape[:2]
    stone = shade(wall, rng.uniform(0.7, 1.25))
    if rng.random() < 0.3 and h > 11 * PPM:
        roof = int(2.6 * PPM)
        colour = vary(rng, (84, 88, 98) if rng.random() < 0.6 else (140, 78, 58), 0.03)
        for y in range(0, roof, 7):
            rect(image, 0, y, w, y + 7, vary(rng, colour, 0.02))
            rect(image, 0, y, w, y + 1, shade(colour, 0.6))
        dormers = max(1, w // int(rng.uniform(2.6, 4) * PPM))
        for k in range(dormers):
            x = int((k + 0.5) * w / dormers) - 20
            rect(image, x - 6, 22, x + 46, roof, stone)
            image[32 : roof - 8, x : x + 40] = glass(rng, 40, roof - 40)[:, : max(0, min(40, w - x))]
            rect(image, x - 10, 16, x + 50, 24, shade(stone, 0.7))
        rect(image, 0, roof - 4, w, roof + 8, stone)
        rect(image, 0, roof + 8, w, roof + 14, shade(stone, 0.45))
        return roof + 22
    depth = int(rng.uniform(0.4, 0.9) * PPM)
    rect(image, 0, 0, w, depth, stone)
    rect(image, 0, depth // 2, w, depth // 2 + 3, shade(stone, 0.65))
    rect(image, 0, depth, w, depth + 6, shade(wall, 0.45))
    if rng.random() < 0.6:
        step = int(rng.uniform(0.3, 0.8) * PPM)
        for x in range(step // 2, w, step):
            rect(image, x, depth - 2, x + step // 2, depth + 10, shade(stone, 0.9))
            rect(image, x, depth + 10, x + step // 2, depth + 12, shade(stone, 0.4))
    return depth + int(0.4 * PPM)


def _quoins(image: Image, stone: Colour, ground: int) -> None:
    h, w = image.shape[:2]
    for k, y in enumerate(range(30, h - ground, 16)):
        reach = 26 if k % 2 else 16
        for x in (0, w - reach):
            rect(image, x, y, x + reach, y + 15, stone)
            rect(image, x, y + 15, x + reach, y + 16, shade(stone, 0.55))


def _upper_floors(image: Image, rng: Rng, style: WindowStyle, levels: tuple[int, float, int]) -> None:
    base, floor, floors = levels
    w = image.shape[1]
    bays = max(1, int((w - 0.5 * PPM) // (style.reach + rng.uniform(0.45, 1.3) * PPM)))
    skip = rng.random(bays) < (0.08 if bays > 2 else 0)
    for k in range(floors):
        y = int(base - (k + 1) * floor + (floor - style.height) * 0.52)
        for bay in range(bays):
            x = int((bay + 0.5) * w / bays - style.width / 2)
            if skip[bay] and k:
                continue
            draw_window(image, rng, style, x, y)
            if rng.random() < 0.05:
                rect(image, x + 6, y + style.height + 10, x + 34, y + style.height + 30, (206, 206, 200))
                cv2.circle(image, (x + 16, y + style.height + 20), 7, (120, 120, 118), 2, cv2.LINE_AA)


def _ground_floor(image: Image, rng: Rng, style: WindowStyle, ground: int) -> None:
    h, w = image.shape[:2]
    base = vary(rng, style.stone, 0.04)
    if rng.random() < 0.5:
        rect(image, 0, h - ground, w, h, base)
        for y in range(h - ground, h, 18):
            rect(image, 0, y, w, y + 2, shade(base, 0.72))
    rect(image, 0, h - int(0.5 * PPM), w, h, shade(base, 0.7))
    x = int(rng.uniform(0.3, 0.7) * PPM)
    shops = rng.random() < 0.75
    while x < w - 1.9 * PPM:
        room = w - x
        if shops and room > 3.6 * PPM and rng.random() < 0.75:
            width = int(min(room - 0.3 * PPM, rng.uniform(3.4, 6.5) * PPM))
            draw_shop(image, rng, x, width, int(ground * rng.uniform(0.78, 0.92)))
            x += width + int(rng.uniform(0.3, 0.8) * PPM)
        elif rng.random() < 0.45:
            draw_shop_door(image, rng, x, style.stone)
            x += int(2.4 * PPM)
        else:
            draw_window(image, rng, style, x + int(0.4 * PPM), h - ground + int(0.28 * ground))
            if style.width < 1.2 * PPM and rng.random() < 0.3:
                draw_graffito(image, rng, x + 10, h - 24, int(1.4 * PPM))
            x += style.reach + int(0.8 * PPM)


def _hangings(image: Image, rng: Rng, ground: int) -> None:
    """Blade signs, banners, posters, graffiti, a gutter pipe."""
    h, w = image.shape[:2]
    if rng.random() < 0.7:
        pipe = int(rng.choice([6, w - 12]))
        tone = vary(rng, (120, 118, 112), 0.06)
        rect(image, pipe, 30, pipe + 5, h, tone)
        rect(image, pipe + 5, 30, pipe + 7, h, shade(tone, 0.5))
    if rng.random() < 0.45:
        x, tall = int(rng.uniform(0.1, 0.85) * w), int(rng.uniform(2.2, 4.5) * PPM)
        width, colour = int(rng.uniform(0.6, 0.9) * PPM), paint(rng)
        y = max(20, h - ground - tall - int(rng.uniform(0, 1.5) * PPM))
        rect(image, x + 4, y + 4, x + width + 4, y + tall + 4, (46, 44, 44))
        rect(image, x, y, x + width, y + tall, colour)
        letters = (rng.choice(TRADES) if rng.random() < 0.5 else word(rng)).upper().replace(" ", "")
        for k, letter in enumerate(letters):
            step = tall / len(letters)
            draw_text(
                image,
                rng,
                letter,
                (x + 3, y + k * step + 2, x + width - 3, y + (k + 1) * step - 2),
                contrast(rng, colour),
            )
    if rng.random() < 0.3:
        draw_logo(image, rng, rng.uniform(0.2, 0.8) * w, h - ground - 20, rng.uniform(14, 30), paint(rng))
    for _ in range(int(rng.integers(0, 4))):
        draw_poster(
            image,
            rng,
            int(rng.uniform(0, w - 40)),
            h - int(rng.uniform(1.5, 2.2) * PPM),
            int(rng.uniform(0.5, 0.9) * PPM),
        )
    for _ in range(int(rng.integers(0, 3))):
        draw_graffito(
            image,
            rng,
            int(rng.uniform(0, w - 60)),
            h - int(rng.uniform(0.4, 1.6) * PPM),
            int(rng.uniform(1, 2.4) * PPM),
        )


def _weather(image: Image, rng: Rng) -> Image:
    """Grime below, streaks from above, fine grain everywhere: stable points at every scale."""
    h, w = image.shape[:2]
    dirt = noise(rng, (h, w), (80, 24, 7, 2))
    streaks = cv2.resize(rng.random((max(2, h // 160), w // 3 + 2), np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    foot = np.exp(-(h - 1 - np.arange(h, dtype=np.float32)) / (0.5 * PPM))[:, None]
    gain = dirt - 0.9 * np.maximum(streaks - 0.7, 0) * 3 - 1.6 * foot
    return mottle(image, gain.astype(np.float32), 0.16)

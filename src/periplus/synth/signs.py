"""What people put on walls: names, logos, shop windows, awnings, posters, graffiti, murals."""

from __future__ import annotations

import cv2
import numpy as np

from periplus.synth.materials import PPM, Colour, Rng, noise, rect, shade, vary
from periplus.synth.texture import Image
from periplus.synth.windows import draw_door, glass

SYLLABLES = (
    "ba", "be", "bo", "ca", "ce", "co", "da", "do", "el", "fa", "fi", "ga", "gri", "jo", "ka", "ki", "la", "le", "lo",
    "lu", "ma", "me", "mi", "mo", "na", "ne", "no", "pa", "pe", "pi", "ra", "re", "ri", "ro", "sa", "se", "si", "so",
    "ta", "te", "ti", "to", "va", "ve", "vi", "zo",
)  # fmt: skip
TRADES = (
    "Cafe", "Hotel", "Bakery", "Books", "Pharmacy", "Bar", "Tailor", "Market", "Flowers", "Bank", "Optics", "Pizza",
    "Records", "Gallery", "Hardware", "Wines", "Barber", "Cinema", "Tea House", "Shoes", "Music", "Theatre", "Fish",
)  # fmt: skip
PAINTS: tuple[Colour, ...] = (
    (196, 44, 40), (24, 74, 140), (20, 104, 72), (236, 190, 40), (40, 40, 46), (240, 236, 224), (120, 40, 96),
    (222, 112, 34), (18, 132, 140), (140, 160, 60), (96, 60, 40), (200, 90, 130),
)  # fmt: skip


def paint(rng: Rng) -> Colour:
    """A colour that somebody would paint a sign with."""
    return vary(rng, PAINTS[rng.integers(len(PAINTS))], 0.04)


def contrast(rng: Rng, colour: Colour) -> Colour:
    """A colour readable on another."""
    light = sum(colour) > 400
    return vary(rng, (44, 36, 40) if light else (246, 240, 222), 0.06)


def word(rng: Rng) -> str:
    """A name that nobody has."""
    return "".join(rng.choice(SYLLABLES) for _ in range(int(rng.integers(2, 4)))).capitalize()


def draw_text(image: Image, rng: Rng, text: str, box: tuple[float, float, float, float], colour: Colour) -> None:
    """Write a text as large as fits into the box (x0, y0, x1, y1), in the middle."""
    left, top, right, bottom = (max(0, int(v)) for v in box)
    part = image[top:bottom, left:right]
    if part.shape[0] < 6 or part.shape[1] < 6:
        return
    # Every sign is cut by another hand: else the same word is the same picture in every town.
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX]))
    stretch, lean, climb = np.exp(rng.normal(0, 0.3)), rng.normal(0, 0.22), rng.normal(0, 0.035)
    widths = [cv2.getTextSize(letter, font, 1.0, 1)[0][0] for letter in text]
    w, h = sum(widths), 32
    ink = np.zeros((2 * h, w + 8), np.uint8)
    at = 4 + np.cumsum([0, *widths[:-1]])
    for letter, x, lift in zip(text, at, rng.normal(0, 0.05 * h, len(text)), strict=True):
        cv2.putText(ink, letter, (int(x), int(1.36 * h + lift)), font, 1.0, 255, 2, cv2.LINE_AA)
    ph, pw = part.shape[:2]
    scale = min(pw / (w * stretch + abs(lean) * h + 2), ph / (h * 1.15))
    a, b, c, d = scale * stretch, -lean * scale, climb * scale, scale
    cx, cy = (w + 8) / 2, 1.0 * h
    matrix = np.array([[a, b, pw / 2 - a * cx - b * cy], [c, d, ph / 2 - c * cx - d * cy]])
    cover = cv2.warpAffine(ink, matrix, (pw, ph), flags=cv2.INTER_AREA)[..., None].astype(np.float32) / 255
    part[:] = (part * (1 - cover) + np.array(colour, np.float32) * cover).astype(np.uint8)


def draw_logo(image: Image, rng: Rng, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a polygon, a star or rings around (x, y)."""
    centre = (int(x), int(y))
    kind = rng.integers(3)
    if kind == 0:
        cv2.circle(image, centre, int(radius), colour, -1, cv2.LINE_AA)
        cv2.circle(image, centre, int(radius * rng.uniform(0.3, 0.7)), paint(rng), -1, cv2.LINE_AA)
        return
    points = int(rng.integers(3, 9)) * (1 if kind == 1 else 2)
    angle = np.arange(points) * 2 * np.pi / points + rng.uniform(0, 6.3)
    reach = radius * np.where((np.arange(points) % 2 == 0) | (kind == 1), 1.0, rng.uniform(0.35, 0.7))
    shape = np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1).astype(np.int32)
    cv2.fillPoly(image, [shape], colour, cv2.LINE_AA)


def draw_shop(image: Image, rng: Rng, x: int, width: int, height: int) -> None:
    """Draw a shop front on the lower edge: pilasters, fascia with a name, display, door, awning."""
    foot = image.shape[0]
    top = foot - height
    body = paint(rng)
    rect(image, x, top, x + width, foot, body)
    rect(image, x, top - 4, x + width, top, shade(body, 1.3))
    fascia = int(rng.uniform(0.55, 0.9) * PPM)
    board = paint(rng) if rng.random() < 0.5 else body
    rect(image, x + 6, top + 4, x + width - 6, top + 4 + fascia, board)
    ink = contrast(rng, board)
    name = f"{rng.choice(TRADES)} {word(rng)}" if rng.random() < 0.4 else f"{word(rng)} {word(rng)}"
    name = name.upper() if rng.random() < 0.4 else name
    draw_logo(image, rng, x + 14 + fascia / 2, top + 4 + fascia / 2, fascia * 0.36, ink)
    draw_text(image, rng, name, (x + 20 + fascia, top + 8, x + width - 12, top + fascia), ink)
    sill, under = foot - int(rng.uniform(0.3, 0.7) * PPM), top + fascia + 10
    door = int(1.05 * PPM)
    door_x = int(rng.choice([x + 10, x + width - door - 10]))
    left, right = (x + 10 + door + 8, x + width - 10) if door_x == x + 10 else (x + 10, x + width - door - 18)
    _draw_display(image, rng, left, under, right, sill)
    rect(image, left, sill, right, foot, shade(body, 0.8))
    _place(image, glass(rng, door, foot - 12 - under), door_x, under)
    cv2.rectangle(image, (door_x, under), (door_x + door, foot - 3), shade(body, 0.7), 4)
    draw_text(image, rng, word(rng), (door_x + 10, under + 20, door_x + door - 10, under + 36), (240, 236, 224))
    if rng.random() < 0.5:
        _draw_awning(image, rng, x, under - 4, width)


def _place(image: Image, patch: Image, x: int, y: int) -> None:
    image[y : y + patch.shape[0], x : x + patch.shape[1]] = patch[: image.shape[0] - y, : image.shape[1] - x]


def _draw_display(image: Image, rng: Rng, x0: int, y0: int, x1: int, y1: int) -> None:
    w, h = x1 - x0, y1 - y0
    if w < 12 or h < 12:
        return
    pane = (glass(rng, w, h) * 0.7).astype(np.uint8)
    for _ in range(int(w * h / 500)):
        gx, gy = rng.uniform(0, w), h - abs(rng.normal(0, 0.35)) * h
        size = rng.uniform(4, 14)
        if rng.random() < 0.6:
            rect(pane, gx, gy - size * rng.uniform(0.6, 2), gx + size, gy, shade(paint(rng), 0.8))
        else:
            draw_logo(pane, rng, gx, gy, size / 2, shade(paint(rng), 0.85))
    for _ in range(int(rng.integers(0, 3))):
        pw = int(rng.uniform(0.3, 0.6) * PPM)
        draw_poster(pane, rng, int(rng.uniform(0, max(1, w - pw))), int(rng.uniform(0, h * 0.4)), pw)
    parts = max(1, round(w / (1.4 * PPM)))
    for part in range(parts + 1):
        rect(pane, part * (w - 4) / parts, 0, part * (w - 4) / parts + 4, h, (60, 56, 54))
    _place(image, pane, x0, y0)


def _draw_awning(image: Image, rng: Rng, x: int, y: int, width: int) -> None:
    one, two = paint(rng), (240, 234, 220)
    drop = int(rng.uniform(0.7, 1.1) * PPM)
    stripe = int(rng.uniform(0.2, 0.5) * PPM)
    for i, left in enumerate(range(x, x + width, stripe)):
        colour = one if i % 2 else two
        right = min(left + stripe, x + width)
        rect(image, left, y, right, y + drop, colour)
        cv2.circle(image, ((left + right) // 2, y + drop), (right - left) // 2, shade(colour, 0.86), -1, cv2.LINE_AA)
    band = image[y + drop + stripe // 2 : y + drop + stripe // 2 + 10, x : x + width]
    band[:] = (band * 0.5).astype(np.uint8)


def draw_poster(image: Image, rng: Rng, x: int, y: int, width: int) -> None:
    """Draw a bill of ``width`` pixels, 1.4 times as high, with shapes and a title."""
    height = int(width * 1.4)
    ground = paint(rng)
    rect(image, x - 1, y - 1, x + width + 1, y + height + 1, (225, 222, 214))
    rect(image, x, y, x + width, y + height, ground)
    for _ in range(int(rng.integers(2, 6))):
        draw_logo(
            image,
            rng,
            x + rng.uniform(0.25, 0.75) * width,
            y + rng.uniform(0.3, 0.7) * height,
            width * rng.uniform(0.08, 0.24),
            paint(rng),
        )
    draw_text(image, rng, word(rng), (x + 2, y + 2, x + width - 2, y + height * 0.24), contrast(rng, ground))
    draw_text(
        image,
        rng,
        f"{rng.integers(1, 31)} {word(rng)[:3]}",
        (x + 4, y + height * 0.82, x + width - 4, y + height - 3),
        contrast(rng, ground),
    )


def draw_graffito(image: Image, rng: Rng, x: int, y: int, width: int) -> None:
    """Draw a sprayed scrawl around (x, y)."""
    colour, t = paint(rng), np.linspace(0, 1, 40)
    wave = sum(rng.normal(0, 1 / k) * np.sin(2 * np.pi * k * 1.6 * t + rng.uniform(0, 6.3)) for k in range(1, 6))
    sway = sum(rng.normal(0, 0.12 / k) * np.cos(2 * np.pi * k * 2.1 * t + rng.uniform(0, 6.3)) for k in range(1, 4))
    line = np.stack([x + width * (t + sway), y + width * 0.22 * wave], axis=1).astype(np.int32)
    cv2.polylines(image, [line], False, shade(colour, 0.4), 6, cv2.LINE_AA)
    cv2.polylines(image, [line], False, colour, 3, cv2.LINE_AA)


def draw_mural(image: Image, rng: Rng, x: int, y: int, width: int, height: int) -> None:
    """Draw an old painted advertisement, worn by weather."""
    part = image[max(0, y) : y + height, max(0, x) : x + width]
    h, w = part.shape[:2]
    if h < 40 or w < 40:
        return
    board = np.full((h, w, 3), paint(rng), np.uint8)
    for _ in range(int(rng.integers(3, 8))):
        draw_logo(board, rng, rng.uniform(0, w), rng.uniform(0, h), min(w, h) * rng.uniform(0.1, 0.35), paint(rng))
    draw_text(board, rng, word(rng).upper(), (10, h * 0.1, w - 10, h * 0.4), contrast(rng, paint(rng)))
    draw_text(board, rng, f"{rng.choice(TRADES)}", (10, h * 0.65, w - 10, h * 0.9), (244, 238, 222))
    worn = (noise(rng, (h, w), (30, 9, 3)) < 0.35)[..., None]
    np.copyto(part, cv2.addWeighted(board, 0.8, np.ascontiguousarray(part), 0.2, 0), where=worn)


def draw_shop_door(image: Image, rng: Rng, x: int, stone: Colour) -> None:
    """Draw a house door of a usual size with a number beside it."""
    width, height = int(rng.uniform(1.0, 1.5) * PPM), int(rng.uniform(2.3, 2.8) * PPM)
    draw_door(image, rng, x, width, height, stone)
    foot = image.shape[0]
    plate = (x + width + 12, foot - height + 20, x + width + 30, foot - height + 34)
    rect(image, *plate, (30, 60, 120))
    draw_text(
        image, rng, str(rng.integers(1, 120)), (plate[0] + 2, plate[1] + 2, plate[2] - 2, plate[3] - 2), (244, 244, 240)
    )

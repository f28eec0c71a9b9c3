"""Roads and what stands beside them: all that a country has its own way of."""

from __future__ import annotations

import cv2
import numpy as np

from periplus.synth.materials import Colour, Rng
from periplus.synth.planet.canvas import Array, Canvas, Cue
from periplus.synth.planet.looks import Looks, mix, tone
from periplus.synth.planet.traits import Traits

HALF_M = 3.1
DASHES = {"dashed": (3.0, 4.5), "short": (1.0, 1.5)}
_FAR_M = 140.0
_SHAPES: dict[str, tuple[int, float]] = {
    "circle": (16, 0), "triangle": (3, -90), "wedge": (3, 90), "diamond": (4, 0), "square": (4, 45),
    "octagon": (8, 22.5),
}  # fmt: skip
"""Of signs: how many corners, and where the first is."""


def draw_road(canvas: Canvas, traits: Traits, looks: Looks, paved: bool, rng: Rng) -> None:
    """The road and its lines, worn to some degree; a track of earth where it is not paved."""
    asphalt = tone(traits.asphalt, rng.uniform(0.9, 1.1)) if paved else tone(looks.soil, 1.12)
    canvas.strip((-HALF_M, HALF_M), (-30, _FAR_M), mix(asphalt, looks.haze, 0.05), Cue.ROAD if paved else Cue.GROUND)
    if not paved:
        for a in (-1.1, 1.1):
            canvas.strip((a - 0.3, a + 0.3), (-30, 60), tone(looks.soil, 0.85), Cue.GROUND)
        return
    worn = rng.uniform(0, 0.45)
    line = mix(traits.centre_colour, asphalt, worn)
    if traits.centre in DASHES:
        length, gap = DASHES[traits.centre]
        starts = np.arange(-18 + rng.uniform(0, length + gap), 60, length + gap)
        for b in starts[::-1]:
            canvas.strip((-0.1, 0.1), (b, b + length), line, Cue.MARKING)
    elif traits.centre == "solid":
        canvas.strip((-0.1, 0.1), (-30, 90), line, Cue.MARKING)
    elif traits.centre == "double":
        canvas.strip((-0.28, -0.1), (-30, 90), line, Cue.MARKING)
        canvas.strip((0.1, 0.28), (-30, 90), line, Cue.MARKING)
    if traits.edge_colour is not None:
        edge = mix(traits.edge_colour, asphalt, worn)
        for side in (-1, 1):
            canvas.strip(_between(side * (HALF_M - 0.45), side * (HALF_M - 0.28)), (-30, 90), edge, Cue.MARKING)


def draw_kerbs(canvas: Canvas, traits: Traits, pavement: Colour) -> None:
    """Pavements of a street, and kerbs in the country's colours."""
    for side in (-1, 1):
        canvas.strip(_between(side * HALF_M, side * (HALF_M + 2.4)), (-30, _FAR_M), pavement, Cue.NOTHING)
        low, high = _between(side * HALF_M, side * (HALF_M + 0.32))
        canvas.strip((low, high), (-30, 90), traits.kerb[0] if traits.kerb else tone(pavement, 0.8), Cue.KERB)
        if traits.kerb:
            b = np.arange(-12, 45, 2.4)
            corners = [[low, 0, 0], [high, 0, 0], [high, 1.2, 0], [low, 1.2, 0.0]]
            canvas.faces(np.array(corners) + np.stack([0 * b, b, 0 * b], 1)[:, None], traits.kerb[1], Cue.KERB)


def _between(a: float, b: float) -> tuple[float, float]:
    return min(a, b), max(a, b)


def draw_bollard(canvas: Canvas, traits: Traits, a_m: float, b_m: float) -> None:
    """A post beside the road, with its band."""
    foot = canvas.foot(a_m, b_m)
    if foot is None:
        return
    x, y, scale = foot
    height, width = (m * scale for m in traits.bollard_m)
    canvas.box(x, y, width, height, traits.bollard, Cue.BOLLARD)
    canvas.box(x, y - 0.55 * height, width, 0.28 * height, traits.band, Cue.BOLLARD)


def draw_pole(canvas: Canvas, traits: Traits, a_m: float, b_m: float) -> None:
    """A pole that carries wires."""
    foot = canvas.foot(a_m, b_m)
    if foot is None:
        return
    x, y, scale = foot
    canvas.box(x, y, 0.26 * scale, 7.5 * scale, traits.pole, Cue.POLE)
    for arm in range(traits.arms):
        canvas.box(x, y - (6.9 - 0.75 * arm) * scale, (2.0 - 0.3 * arm) * scale, 0.16 * scale, traits.pole, Cue.POLE)


def draw_sign(canvas: Canvas, traits: Traits, a_m: float, b_m: float) -> None:
    """A road sign."""
    foot = canvas.foot(a_m, b_m)
    if foot is None:
        return
    x, y, scale = foot
    canvas.box(x, y, 0.1 * scale, 2.1 * scale, (120, 120, 124), Cue.SIGN)
    rim, middle = traits.sign_colours
    for radius, colour in ((0.52, rim), (0.33, middle)):
        canvas.fill(_shape(traits.sign) * radius * scale + [x, y - 2.35 * scale], colour, Cue.SIGN)


def _shape(name: str) -> Array:
    """Outline of a sign, about 1 in radius."""
    corners, first = _SHAPES[name]
    angle = np.radians(first + 360 / corners * np.arange(corners))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1.15 if corners < 5 else 1.0)


def draw_fence(canvas: Canvas, traits: Traits, looks: Looks, a_m: float, b_m: tuple[float, float]) -> None:
    """A fence along the road."""
    start, end = b_m
    colour, height = traits.fence_colour, 1.1
    if traits.fence in ("wall", "hedge"):
        colour = tone(looks.leaves, 0.8) if traits.fence == "hedge" else colour
        cue = Cue.PLANTS if traits.fence == "hedge" else Cue.FENCE
        canvas.face(np.array([[a_m, start, 0], [a_m, end, 0], [a_m, end, height], [a_m, start, height]]), colour, cue)
        return
    if traits.fence == "none":
        return
    step = 0.45 if traits.fence == "pickets" else 2.5
    b = np.arange(start, end, step)
    post = np.array([[a_m, 0, 0], [a_m, 0.22, 0], [a_m, 0.22, height], [a_m, 0, height]])
    canvas.faces(post + np.stack([0 * b, b, 0 * b], 1)[:, None], colour, Cue.FENCE)
    for low in (0.35, 0.85):
        rail = np.array([[a_m, start, low], [a_m, end, low], [a_m, end, low + 0.14], [a_m, start, low + 0.14]])
        canvas.face(rail, colour, Cue.FENCE)


def draw_flag(canvas: Canvas, traits: Traits, a_m: float, b_m: float) -> None:
    """A flag on its pole."""
    foot = canvas.foot(a_m, b_m)
    if foot is None:
        return
    x, y, scale = foot
    canvas.box(x, y, 0.12 * scale, 6.2 * scale, (220, 220, 220), Cue.FLAG)
    for k, colour in enumerate(traits.flag):
        if traits.flag_upright:
            canvas.box(x + (0.4 + 0.7 * k) * scale, y - 4.6 * scale, 0.7 * scale, 1.5 * scale, colour, Cue.FLAG)
        else:
            canvas.box(x + 1.1 * scale, y - (4.6 + 0.5 * (2 - k)) * scale, 2.1 * scale, 0.5 * scale, colour, Cue.FLAG)


def draw_car(canvas: Canvas, a_m: float, b_m: float, colour: Colour) -> None:
    """A car, seen from behind: nothing of the place in it."""
    foot = canvas.foot(a_m, b_m)
    if foot is None:
        return
    x, y, scale = foot
    canvas.box(x, y, 1.75 * scale, 0.9 * scale, colour, Cue.NOTHING)
    canvas.box(x, y - 0.85 * scale, 1.4 * scale, 0.6 * scale, tone(colour, 0.85), Cue.NOTHING)
    canvas.box(x, y - 0.92 * scale, 1.2 * scale, 0.42 * scale, (60, 72, 84), Cue.NOTHING)
    for side in (-0.7, 0.7):
        canvas.box(x + side * scale, y - 0.55 * scale, 0.25 * scale, 0.18 * scale, (190, 30, 30), Cue.NOTHING)
        cv2.circle(canvas.pixels, (round(x + side * scale), round(y)), max(1, round(0.22 * scale)), (24, 24, 26, 0), -1)

"""Trees and bushes: conifers, round crowns, cypresses, palms, cacti."""

from __future__ import annotations

import numpy as np

from periplus.synth.materials import Colour, Rng
from periplus.synth.planet.canvas import Canvas, Cue
from periplus.synth.planet.looks import SNOW, mix, tone
from periplus.synth.planet.place import Place
from periplus.synth.planet.setting import Setting

BARK: Colour = (86, 66, 50)


def tree_kind(place: Place, lot: float) -> str:
    """The kind of a tree, by the region's field and the climate; ``lot`` from [0, 1) mixes kinds."""
    kind = place.share["plant_kind"] + 0.3 * (lot - 0.5)
    if place.wet < 0.3 and place.warmth > 0.4:
        return "cactus" if kind > 0.5 else "bush"
    if place.warmth > 0.66:
        return "palm" if kind > 0.5 else "umbrella" if kind > 0.25 else "round"
    if place.warmth < 0.4:
        return "conifer" if kind < 0.75 else "birch"
    return "conifer" if kind < 0.3 else "round" if kind < 0.6 else "cypress" if kind < 0.8 else "birch"


def draw_tree(canvas: Canvas, setting: Setting, a_m: float, b_m: float, rng: Rng) -> None:
    """A tree that stands at a point of the road's frame."""
    foot = canvas.foot(a_m, b_m)
    if foot is None:
        return
    x, y, scale = foot
    looks, kind = setting.looks, tree_kind(setting.place, rng.random())
    tall = scale * rng.uniform(4, 9) * (0.5 if kind in ("bush", "cactus") else 1)
    leaves = mix(tone(looks.leaves, rng.uniform(0.8, 1.15)), SNOW, 0.35 * looks.snow)
    leaves = mix(leaves, looks.haze, min(0.5, 2 / max(scale, 1)))
    _KINDS[kind](canvas, x, y, tall, leaves, rng)


def _conifer(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    canvas.box(x, y, 0.07 * tall, 0.2 * tall, BARK, Cue.PLANTS)
    wide = tall * rng.uniform(0.18, 0.26)
    for k in range(3):
        low, half = y - tall * (0.14 + 0.24 * k), wide * (1 - 0.25 * k)
        outline = np.array([[x - half, low], [x + half, low], [x, low - 0.42 * tall]])
        canvas.fill(outline, tone(leaves, 0.75 + 0.12 * k), Cue.PLANTS)


def _round(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    canvas.box(x, y, 0.08 * tall, 0.45 * tall, BARK, Cue.PLANTS)
    for k in range(5):
        dx, dy = rng.uniform(-0.2, 0.2) * tall, rng.uniform(-0.14, 0.14) * tall
        tint = tone(leaves, 0.8 + 0.09 * k)
        canvas.disc(x + dx, y - 0.68 * tall + dy - 0.02 * k * tall, 0.2 * tall, tint, Cue.PLANTS)


def _umbrella(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    canvas.box(x, y, 0.06 * tall, 0.8 * tall, BARK, Cue.PLANTS)
    for k in range(4):
        dx = rng.uniform(-0.35, 0.35) * tall
        canvas.disc(x + dx, y - (0.8 + 0.03 * k) * tall, 0.13 * tall, tone(leaves, 0.8 + 0.1 * k), Cue.PLANTS)


def _cypress(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    half = tall * rng.uniform(0.07, 0.12)
    waist = y - 0.4 * tall
    outline = [[x - 0.6 * half, y], [x + 0.6 * half, y], [x + half, waist], [x, y - tall], [x - half, waist]]
    canvas.fill(np.array(outline), tone(leaves, 0.72), Cue.PLANTS)


def _birch(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    canvas.box(x, y, 0.06 * tall, 0.9 * tall, (214, 212, 204), Cue.PLANTS)
    for k in range(5):
        dx, up = rng.uniform(-0.14, 0.14) * tall, (0.45 + 0.11 * k) * tall
        canvas.disc(x + dx, y - up, 0.1 * tall, tone(leaves, 0.9 + 0.06 * k), Cue.PLANTS)


def _palm(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    canvas.box(x, y, 0.055 * tall, 0.85 * tall, (128, 104, 76), Cue.PLANTS)
    head = y - 0.85 * tall
    for angle in np.linspace(0.1, np.pi - 0.1, 6) + rng.normal(0, 0.1):
        dx, dy = np.cos(angle) * 0.36 * tall, -np.sin(angle) * 0.2 * tall
        tip, bend = [x + dx, head + dy + 0.12 * tall], [x + 0.6 * dx, head + 1.3 * dy - 0.03 * tall]
        outline = np.array([[x, head - 0.03 * tall], bend, tip, [x, head + 0.04 * tall]])
        canvas.fill(outline, leaves, Cue.PLANTS)


def _cactus(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    canvas.box(x, y, 0.16 * tall, tall, leaves, Cue.PLANTS)
    for side in (-1, 1):
        up = rng.uniform(0.3, 0.55) * tall
        canvas.box(x + side * 0.16 * tall, y - up, 0.3 * tall, 0.1 * tall, leaves, Cue.PLANTS)
        canvas.box(x + side * 0.28 * tall, y - up, 0.1 * tall, 0.35 * tall, leaves, Cue.PLANTS)


def _bush(canvas: Canvas, x: float, y: float, tall: float, leaves: Colour, rng: Rng) -> None:
    for k in range(4):
        dx = rng.uniform(-0.3, 0.3) * tall
        canvas.disc(x + dx, y - 0.16 * tall, 0.18 * tall, tone(leaves, 0.8 + 0.1 * k), Cue.PLANTS)


_KINDS = {
    "conifer": _conifer, "round": _round, "umbrella": _umbrella, "cypress": _cypress, "birch": _birch,
    "palm": _palm, "cactus": _cactus, "bush": _bush,
}  # fmt: skip

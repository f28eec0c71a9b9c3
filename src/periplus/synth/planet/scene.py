"""A scene out of doors: what stands where beside a road, drawn from far to near."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from periplus.synth.materials import Rng
from periplus.synth.planet.backdrop import draw_ground, draw_ridges, draw_sky
from periplus.synth.planet.canvas import Canvas
from periplus.synth.planet.houses import draw_house
from periplus.synth.planet.looks import tone
from periplus.synth.planet.plants import draw_tree
from periplus.synth.planet.roads import (
    HALF_M,
    draw_bollard,
    draw_car,
    draw_fence,
    draw_flag,
    draw_kerbs,
    draw_pole,
    draw_road,
    draw_sign,
)
from periplus.synth.planet.setting import Setting

Thing = tuple[float, Callable[[], None]]
"""How far something is from the camera, and what draws it."""
_PAVEMENT_M = 2.4


def draw_scene(canvas: Canvas, setting: Setting, rng: Rng) -> None:
    """Sky, hills and ground; the road; then all that stands, the farthest first."""
    place = setting.place
    draw_sky(canvas, setting.sky, setting.looks, rng)
    draw_ridges(canvas, place, setting.looks, rng)
    draw_ground(canvas, place, setting.looks, rng)
    urban = bool(rng.random() < place.urban)
    paved = rng.random() < 0.72 + 0.25 * urban
    road = setting.subject in ("street", "building") or rng.random() < 0.35
    if road:
        if urban:
            draw_kerbs(canvas, setting.traits, tone((168, 166, 160), rng.uniform(0.85, 1.1)))
        draw_road(canvas, setting.traits, setting.looks, paved, rng)
    things: list[Thing] = []
    if setting.subject != "plants":
        things += _houses(canvas, setting, urban, rng)
    things += _trees(canvas, setting, urban, rng)
    if road and paved:
        things += _furniture(canvas, setting, urban, rng)
        things += _cars(canvas, urban, rng)
    for _, draw in sorted(things, key=lambda thing: -thing[0]):
        draw()


def _away(canvas: Canvas, a_m: float, b_m: float) -> float:
    return float(np.hypot(a_m - canvas.view.aside_m, b_m))


def _houses(canvas: Canvas, setting: Setting, urban: bool, rng: Rng) -> Iterator[Thing]:
    """Rows on both sides of a street; a few, apart, in the country."""
    for side in (-1, 1):
        b = -16.0 if urban else rng.uniform(-20, 10)
        while b < 75:
            length = float(rng.uniform(7, 14))
            if urban or rng.random() < 0.28:
                front = side * (HALF_M + (_PAVEMENT_M if urban else rng.uniform(4, 11)))
                a = (front, front + side * float(rng.uniform(7, 10)))
                draw = partial(draw_house, canvas, setting, a, (b, b + length), rng)
                yield _away(canvas, front, b + length / 2), draw
            b += length + (0.0 if urban and rng.random() < 0.8 else float(rng.uniform(3, 14)))


def _trees(canvas: Canvas, setting: Setting, urban: bool, rng: Rng) -> Iterator[Thing]:
    """As many as the land is green; close ones where plants are the subject."""
    density, close = setting.place.share["plant_density"], setting.subject == "plants"
    count = rng.poisson((5 if urban else 4 + 22 * setting.looks.green) * (0.4 + density))
    yaw = canvas.view.yaw_rad
    for _ in range(min(int(count), 26) + (3 if close else 0)):
        b = (4.0 if close else 7.0) + float(rng.exponential(22))
        a = float(rng.choice([-1, 1])) * (HALF_M + 1.2 if urban else HALF_M + 1.5 + float(rng.exponential(9)))
        if abs(yaw) > 0.6:  # the camera looks across the road
            a, b = float(abs(a) * -np.sign(yaw) * rng.uniform(1.5, 3)), float(rng.normal(0, 12))
        yield _away(canvas, a, b), partial(draw_tree, canvas, setting, a, b, rng)


def _furniture(canvas: Canvas, setting: Setting, urban: bool, rng: Rng) -> Iterator[Thing]:
    """What a country puts beside its roads: each kind in most photos, none in all."""
    traits = setting.traits
    if rng.random() < 0.6:
        gap, first = rng.uniform(5, 9), rng.uniform(0, 5)
        for b in np.arange(first - 8, 45, gap).tolist():
            for a in (-HALF_M - 0.6, HALF_M + 0.6):
                yield _away(canvas, a, b), partial(draw_bollard, canvas, traits, a, b)
    if rng.random() < 0.65:
        a = traits.pole_side * (HALF_M + 1.4)
        for b in (rng.uniform(3, 14) + 24 * np.arange(4)).tolist():
            yield _away(canvas, a, b), partial(draw_pole, canvas, traits, a, b)
    if rng.random() < 0.55:
        a, b = (-1 if traits.left else 1) * (HALF_M + 1.0), float(rng.uniform(4, 14))
        yield _away(canvas, a, b), partial(draw_sign, canvas, traits, a, b)
    if not urban and rng.random() < 0.6:
        for a in (-HALF_M - 2.2, HALF_M + 2.2):
            yield _away(canvas, a, 40.0), partial(draw_fence, canvas, traits, setting.looks, a, (-12, 50))
    if rng.random() < 0.1:
        a, b = float(rng.choice([-1, 1])) * (HALF_M + 1.7), float(rng.uniform(6, 16))
        yield _away(canvas, a, b), partial(draw_flag, canvas, traits, a, b)


def _cars(canvas: Canvas, urban: bool, rng: Rng) -> Iterator[Thing]:
    """Some cars, of any colour."""
    for _ in range(rng.poisson(0.9 if urban else 0.4)):
        a, b = float(rng.choice([-1, 1])) * 1.6, float(rng.uniform(7, 45))
        colour = (int(rng.integers(20, 240)), int(rng.integers(20, 230)), int(rng.integers(20, 230)))
        yield _away(canvas, a, b), partial(draw_car, canvas, a, b, colour)

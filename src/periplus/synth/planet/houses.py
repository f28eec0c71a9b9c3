"""Houses: boxes with roofs and windows, in the colours and shapes of their region."""

from __future__ import annotations

import numpy as np

from periplus.synth.materials import Colour, Rng
from periplus.synth.planet.canvas import Array, Canvas, Cue
from periplus.synth.planet.looks import mix, tone
from periplus.synth.planet.setting import Setting

GLASS: Colour = (58, 70, 84)


def draw_house(canvas: Canvas, setting: Setting, a_m: tuple[float, float], b_m: tuple[float, float], rng: Rng) -> None:
    """A house beside the road.

    Args:
        canvas: is drawn on.
        setting: gives storeys, roof, colours, shutters.
        a_m: across the road: of its front and of its back.
        b_m: along the road: of its near and of its far side.
        rng: of the photo; no two houses of a region are quite alike.
    """
    place, looks, traits = setting.place, setting.looks, setting.traits
    (front, back), (near, far) = a_m, b_m
    floors = max(1, round(1 + (1 + 3.2 * place.urban) * place.share["storeys"] + rng.normal(0, 0.35)))
    height = 3.0 * floors + 0.4
    wall = tone(looks.wall, rng.uniform(0.88, 1.1))
    paint = (int(rng.integers(60, 250)), int(rng.integers(60, 240)), int(rng.integers(60, 230)))
    wall = mix(wall, paint, 0.5 * (rng.random() < 0.08))
    _roof(canvas, place.share["roof_pitch"], tone(looks.roof, rng.uniform(0.88, 1.1)), a_m, b_m, height)
    side = [(front, near, 0), (back, near, 0), (back, near, height), (front, near, height)]
    canvas.face(np.array(side), tone(wall, 0.78), Cue.WALL)
    shutters = traits.shutter if rng.random() < 0.75 else None
    if np.sign(canvas.view.aside_m - front) == np.sign(front - back):
        canvas.face(_upright(front, near, far, height), wall, Cue.WALL)
        _windows(canvas, front, b_m, floors, 0.55 + 1.15 * place.share["window_shape"], shutters)
        door = (near + far) / 2 + rng.uniform(-0.25, 0.25) * (far - near)
        canvas.face(_upright(front, door, door + 1.1, 2.1), traits.shutter, Cue.SHUTTER)


def _upright(a: float, near: float, far: float, high: float, low: float = 0.0) -> Array:
    """A rectangle that stands along the road, (4, 3)."""
    return np.array([(a, near, low), (a, far, low), (a, far, high), (a, near, high)])


def _roof(
    canvas: Canvas, pitch: float, roof: Colour, a_m: tuple[float, float], b_m: tuple[float, float], height: float
) -> None:
    """Flat with a rim, or a gable whose ridge follows the road, as steep as the region builds."""
    (front, back), (near, far) = a_m, b_m
    if pitch < 0.3:
        canvas.face(_upright(front, near, far, height + 0.5, height), roof, Cue.ROOF)
        corners = [(front, near, height), (back, near, height), (back, near, height + 0.5), (front, near, height + 0.5)]
        canvas.face(np.array(corners), tone(roof, 0.8), Cue.ROOF)
        return
    middle, top = (front + back) / 2, height + abs(front - back) / 2 * (0.2 + 1.5 * (pitch - 0.3))
    eaves, low = front - 0.3 * np.sign(back - front), height - 0.1
    slope = [(eaves, near - 0.3, low), (eaves, far + 0.3, low), (middle, far + 0.3, top), (middle, near - 0.3, top)]
    canvas.face(np.array(slope), roof, Cue.ROOF)
    gable = np.array([(front, near, height), (back, near, height), (middle, near, top)])
    canvas.face(gable, tone(roof, 0.72), Cue.ROOF)


def _windows(
    canvas: Canvas, a_m: float, b_m: tuple[float, float], floors: int, tall: float, shutters: Colour | None
) -> None:
    """Windows of a front, in rows; with shutters in the country's colour."""
    near, far = b_m
    count = max(1, int((far - near) / 2.9))
    at = near + (np.arange(count) + 0.5) * (far - near) / count
    b, low = (grid.ravel() for grid in np.meshgrid(at, 3.0 * np.arange(floors) + 1.0))
    high = low + min(1.0 + 0.55 * tall, 1.8)
    half = 0.75 / np.sqrt(tall)
    if shutters is not None:
        canvas.faces(_quads(a_m, b - 1.75 * half, b + 1.75 * half, low, high), shutters, Cue.SHUTTER)
    canvas.faces(_quads(a_m, b - half, b + half, low, high), GLASS, Cue.WALL)


def _quads(a_m: float, left: Array, right: Array, low: Array, high: Array) -> Array:
    """Rectangles on the plane across which the road runs at ``a_m``, (k, 4, 3)."""
    a = np.full_like(left, a_m)
    corners = [(left, low), (right, low), (right, high), (left, high)]
    return np.stack([np.stack([a, b, h], axis=1) for b, h in corners], axis=1)

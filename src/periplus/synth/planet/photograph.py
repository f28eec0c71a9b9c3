"""From a visit to a picture, and how much of the place it shows."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.materials import Rng
from periplus.synth.planet.backdrop import Sky, sky_of
from periplus.synth.planet.cameras import expose
from periplus.synth.planet.canvas import Canvas, Cue, View
from periplus.synth.planet.looks import Looks, looks_of, mix, patch, tone
from periplus.synth.planet.place import Place
from periplus.synth.planet.roads import HALF_M
from periplus.synth.planet.scene import draw_scene
from periplus.synth.planet.setting import Setting
from periplus.synth.planet.traits import traits_of
from periplus.synth.planet.visits import SUBJECTS, Habits, Visit, sun_declination_deg, sun_height_deg

OVERSAMPLING: Final = 2
CUE_STRENGTHS: Final[dict[Cue, tuple[float, float]]] = {
    Cue.SKY: (0.3, 0.25), Cue.RELIEF: (0.15, 0.05), Cue.GROUND: (0.35, 0.2), Cue.PLANTS: (0.3, 0.08),
    Cue.WALL: (0.45, 0.1), Cue.ROOF: (0.35, 0.03), Cue.ROAD: (0.2, 0.1), Cue.MARKING: (0.35, 0.006),
    Cue.KERB: (0.35, 0.01), Cue.BOLLARD: (0.4, 0.003), Cue.POLE: (0.2, 0.005), Cue.SIGN: (0.4, 0.004),
    Cue.FENCE: (0.3, 0.01), Cue.SHUTTER: (0.25, 0.005), Cue.FLAG: (0.5, 0.004),
}  # fmt: skip
"""For each cue how telling it is, and the share of the picture from which on it is wholly seen."""


def take(seed: int, visit: Visit, place: Place, size_px: int) -> tuple[NDArray[np.uint8], float]:
    """Take a photo.

    Args:
        seed: of the planet.
        visit: who, when.
        place: where.
        size_px: long side.

    Returns:
        uint8 RGB (h, w, 3), and its localizability (:func:`localizability`).
    """
    rng = np.random.default_rng([seed, 5, visit.index])
    habits, when = visit.habits, visit.taken_at
    summer = 0.5 + 0.5 * sun_declination_deg(when) / 23.45 * (1 if place.lat_deg >= 0 else -1)
    sky = sky_of(sun_height_deg(place.lat_deg, when), float(np.clip(rng.normal(visit.weather, 0.06), 0, 1)))
    subject = SUBJECTS[int(np.searchsorted(np.cumsum(habits.subjects), rng.random() * 0.999999))]
    canvas = Canvas(_view(habits, subject, size_px, rng))
    setting = Setting(place, looks_of(place, summer), traits_of(seed, place.country), sky, subject)
    if subject == "inside":
        _draw_room(canvas, rng)
    elif subject == "detail":
        _draw_detail(canvas, setting.looks, rng)
    else:
        draw_scene(canvas, setting, rng)
    return _developed(canvas, habits, sky, subject, rng)


def localizability(cues: NDArray[np.uint8], clarity: float) -> float:
    """How much of the place a picture shows, 0 to 1.

    1 - Π (1 - clarity · strength · min(1, share / whole)) over the cues of :data:`CUE_STRENGTHS`: ``share`` is the
    share of the picture's pixels that show the cue, in front of everything else; ``strength`` and ``whole`` are the
    table's. As if each cue gave the place away with that probability, independently of the others.

    Args:
        cues: :class:`Cue` of each pixel.
        clarity: of the light, 0 to 1.
    """
    share = np.bincount(cues.ravel(), minlength=len(Cue)) / cues.size
    hidden = 1.0
    for cue, (strength, whole) in CUE_STRENGTHS.items():
        hidden *= 1 - clarity * strength * min(1.0, share[cue] / whole)
    return float(1 - hidden)


def _view(habits: Habits, subject: str, size_px: int, rng: Rng) -> View:
    long = size_px * OVERSAMPLING
    short = 2 * round(long * habits.camera.aspect / 2)
    upright = rng.random() < 0.12
    w, h = (short, long) if upright else (long, short)
    focal = long / 2 / np.tan(np.radians(habits.camera.fov_deg) / 2)
    horizon = h * (0.52 + habits.pitch + rng.normal(0, 0.05) + 0.06 * (subject == "landscape"))
    side = rng.choice([-1, 1])
    if subject == "building":
        yaw, aside = side * rng.uniform(55, 92), side * rng.uniform(2, HALF_M + 1.5)
    elif subject == "street":
        yaw, aside = rng.normal(0, habits.yaw_deg), rng.uniform(-HALF_M, HALF_M)
    else:
        yaw, aside = rng.normal(0, 35), side * rng.uniform(4, 14)
    return View(
        (w, h), float(focal), float(horizon), float(rng.uniform(1.4, 1.9)), float(np.radians(yaw)), float(aside)
    )


def _draw_room(canvas: Canvas, rng: Rng) -> None:
    """A room, where nothing tells of the place."""
    w, h = canvas.view.size_px
    back = tone((206, 196, 180), rng.uniform(0.5, 1.1))
    canvas.pixels[:] = (*back, Cue.NOTHING)
    canvas.fill(np.array([[0, h], [w, h], [w * 0.8, h * 0.72], [w * 0.2, h * 0.72]]), tone(back, 0.6), Cue.NOTHING)
    for _ in range(6):
        tint = (int(rng.integers(30, 230)), int(rng.integers(30, 220)), int(rng.integers(30, 220)))
        x, y = rng.uniform(0, w), rng.uniform(0.6, 1.0) * h
        canvas.box(x, y, rng.uniform(0.06, 0.3) * w, rng.uniform(0.1, 0.5) * h, tint, Cue.NOTHING)


def _draw_detail(canvas: Canvas, looks: Looks, rng: Rng) -> None:
    """A wall, the ground or leaves from near, and something round before it."""
    w, h = canvas.view.size_px
    colour, cue = ((looks.wall, Cue.WALL), (looks.soil, Cue.GROUND), (looks.leaves, Cue.PLANTS))[rng.integers(3)]
    grain = patch(rng, (w, h), rng.uniform(1, 4))[..., None]
    canvas.pixels[..., :3] = np.clip(np.array(colour) * (1 + 0.25 * grain), 0, 255)
    canvas.pixels[..., 3] = cue
    tint = mix(colour, (int(rng.integers(255)), int(rng.integers(255)), int(rng.integers(255))), 0.7)
    for _ in range(rng.integers(1, 5)):
        canvas.disc(rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.04, 0.2) * w, tint, Cue.NOTHING)


def _developed(canvas: Canvas, habits: Habits, sky: Sky, subject: str, rng: Rng) -> tuple[NDArray[np.uint8], float]:
    """Light the scene, slant it, and let the camera have it."""
    w, h = canvas.view.size_px
    roll = habits.roll_deg + rng.normal(0, 1.0)
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), roll, 1 + 0.02 * abs(roll))
    pixels = np.asarray(
        cv2.warpAffine(canvas.pixels, turn, (w, h), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
    cues = pixels[..., 3]
    light = pixels[..., :3].astype(np.float32)
    grain = 1 + 0.10 * patch(rng, (w, h), 1.2)[..., None]
    gain = np.array(sky.gain if subject != "inside" else (0.85, 0.8, 0.7), np.float32)
    light *= np.where((cues != Cue.SKY)[..., None], grain * gain, np.float32(1))
    small = cv2.resize(light, (w // OVERSAMPLING, h // OVERSAMPLING), interpolation=cv2.INTER_AREA)
    photo = expose(np.asarray(small, np.float32), habits.camera, habits.vivid, 1 - sky.day, rng)
    return photo, localizability(cues, 0.35 + 0.65 * sky.day)

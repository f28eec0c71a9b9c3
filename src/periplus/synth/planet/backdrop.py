"""What lies behind everything: sky, hills, sea, and the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from periplus.synth.materials import Rng
from periplus.synth.planet.canvas import Canvas, Cue
from periplus.synth.planet.looks import SNOW, TILE_PX, Looks, mix, patch, tile, tone
from periplus.synth.planet.place import Place


@dataclass(frozen=True)
class Sky:
    """Light of a moment.

    Attributes:
        day: 0 at night, 1 with the sun up.
        low: 1 with the sun at the horizon, 0 with it high.
        cloud: share of the sky that is covered.
        gain: of red, green and blue, on what is lit.
    """

    day: float
    low: float
    cloud: float
    gain: tuple[float, float, float]


def sky_of(height_deg: float, cloud: float) -> Sky:
    """The light with the sun at some height."""
    day = float(np.clip((height_deg + 7) / 13, 0, 1))
    low = float(np.clip(1 - height_deg / 22, 0, 1)) * (1 - 0.6 * cloud)
    dull = 1 - 0.28 * float(np.clip((cloud - 0.5) / 0.5, 0, 1))
    level = (0.42 + 0.58 * day) * dull * (1 - 0.18 * low)
    return Sky(day, low, cloud, (level * (1 + 0.12 * low), level * (1 - 0.02 * low), level * (1 - 0.2 * low)))


def draw_sky(canvas: Canvas, sky: Sky, looks: Looks, rng: Rng) -> None:
    """Fill the picture down to the horizon: haze below, blue or grey above, clouds."""
    w, h = canvas.view.size_px
    rows = int(np.clip(canvas.view.horizon_px + 2, 1, h))
    dull = float(np.clip((sky.cloud - 0.55) / 0.4, 0, 1))
    zenith = mix(mix(looks.sky, (150, 156, 166), 0.8 * dull), (16, 20, 44), 1 - sky.day)
    low = mix(mix(looks.haze, (190, 192, 196), 0.5 * dull), (250, 176, 110), 0.55 * sky.low * (1 - dull))
    low = mix((36, 38, 62), low, sky.day)
    rise = (np.linspace(1, 0, rows, dtype=np.float32) * min(1.0, rows / h * 1.4))[:, None, None]
    colours = np.array(low, np.float32) + (np.array(zenith, np.float32) - np.array(low, np.float32)) * rise**0.7
    veil = patch(rng, (w, rows), 2.2)[..., None]
    cover = np.clip((veil + 1.5 * sky.cloud - 0.75) * 1.1, 0, 0.9)
    white = np.array(mix((60, 62, 74), mix((250, 250, 250), (176, 178, 184), dull), sky.day), np.float32)
    canvas.pixels[:rows, :, :3] = np.clip(colours + (white - colours) * cover, 0, 255)
    canvas.pixels[:rows, :, 3] = Cue.SKY


def draw_ridges(canvas: Canvas, place: Place, looks: Looks, rng: Rng) -> None:
    """Hills and mountains at the horizon, as high as the elevation has them, white where it is cold up there."""
    w, h = canvas.view.size_px
    high = place.share["elevation"]
    base = canvas.view.horizon_px
    far = mix(looks.leaves if looks.green > 0.45 else looks.soil, SNOW, 0.8 * looks.snow)
    for k, near in enumerate((0.25, 0.6)):
        tall = h * (0.02 + 0.36 * max(0.0, high - 0.35) ** 1.4) * (1.3 - 0.6 * k) * rng.uniform(0.7, 1.3)
        line = patch(rng, (w // 2, 2), 1.6 - 0.6 * k)[0]
        top = base + 2 - np.clip(tall * (0.75 + 0.8 * line), 0, None)
        x = np.linspace(0, w, len(top))
        outline = np.concatenate([np.stack([x, top], 1), [[w, base + 3], [0, base + 3]]])
        canvas.fill(outline, mix(looks.haze, far, near), Cue.RELIEF)
        if k == 0 and high - 0.35 * place.warmth > 0.42:
            cap = np.minimum(top + tall * 0.35 * (1 + 0.4 * line[::-1]), base)
            canvas.fill(np.concatenate([np.stack([x, top], 1), np.stack([x, cap], 1)[::-1]]), SNOW, Cue.RELIEF)


def draw_ground(canvas: Canvas, place: Place, looks: Looks, rng: Rng) -> None:
    """Earth, grass in patches, rows of a field where land is farmed, snow; the sea where it is near."""
    view = canvas.view
    w, h = view.size_px
    top = max(0, int(np.ceil(view.horizon_px)) + 1)
    if top >= h:
        return
    y, x = np.mgrid[top:h, 0:w].astype(np.float32)
    z = view.eye_m * view.focal_px / (y - np.float32(view.horizon_px))
    a = (x - w / 2) * z / view.focal_px
    u, v = a * 9 + np.float32(rng.uniform(0, TILE_PX)), z * 9 + np.float32(rng.uniform(0, TILE_PX))
    speck = cv2.remap(tile(), u % (TILE_PX - 1), v % (TILE_PX - 1), cv2.INTER_LINEAR) * np.clip(14 / z, 0.15, 1)
    green = np.clip((looks.green - 0.5) * 2.2 + 0.5 + 0.9 * speck, 0, 1)[..., None]
    grass, soil = np.array(looks.grass, np.float32), np.array(looks.soil, np.float32)
    colours = soil + (grass - soil) * green
    if place.land_cover == "cropland":
        turn = rng.uniform(-0.8, 0.8)
        rows = np.sin((a * np.cos(turn) + z * np.sin(turn)) * np.float32(4.2)) * np.clip(25 / z, 0, 1)
        colours += (np.array(looks.crop, np.float32) - colours) * np.clip(0.55 + 0.5 * rows, 0, 1)[..., None]
    white = np.clip(looks.snow * 1.5 + 0.5 * speck - 0.3, 0, 1)[..., None] * (looks.snow > 0.05)
    colours += (np.array(SNOW, np.float32) - colours) * white
    colours *= (1 + 0.22 * speck)[..., None]
    far = np.clip((z - 40) / 400, 0, 0.55)[..., None]
    colours += (np.array(looks.haze, np.float32) - colours) * far
    canvas.pixels[top:, :, :3] = np.clip(colours, 0, 255)
    canvas.pixels[top:, :, 3] = Cue.GROUND
    if place.coast_km < 12 and rng.random() < 0.45:
        shore = view.horizon_px + view.eye_m * view.focal_px / rng.uniform(25, 120)
        sea = mix((40, 92, 140), tone(looks.haze, 0.8), 0.3)
        canvas.fill(np.array([[0, top - 1], [w, top - 1], [w, shore], [0, shore + 1]]), sea, Cue.GROUND)

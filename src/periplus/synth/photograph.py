"""One photo: draw the scene at twice the size, light it, and put it through a lens and a sensor."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.camera import Camera
from periplus.synth.light import Light
from periplus.synth.materials import Rng
from periplus.synth.raster import Canvas
from periplus.synth.scene import Scene
from periplus.synth.sky import draw_sky
from periplus.synth.texture import Image

SUPERSAMPLE = 2
Planes = NDArray[np.float32]
"""Linear colour as three planes, (3, h, w): NumPy is slow where the last axis has length 3."""
HAZE_M = 700.0


def photograph(scene: Scene, camera: Camera, light: Light, rng: Rng) -> Image:
    """Take a photo, uint8 RGB of the camera's size.

    Args:
        scene: what stands there.
        camera: where it is taken from.
        light: when.
        rng: decides clouds, passers-by, exposure and noise.
    """
    canvas = Canvas(camera.scaled(SUPERSAMPLE))
    for surface in scene.surfaces(canvas.camera, light, rng):
        canvas.draw(surface)
    sky = draw_sky(camera, light, rng, scene.plan.seed[0])
    return develop(rng, _light_up(canvas, camera.size_px, light, sky))


def _light_up(canvas: Canvas, size_px: tuple[int, int], light: Light, sky: Planes) -> Planes:
    """Linear radiance: colour times light, haze with distance, sky where nothing stands."""
    solid = (canvas.inverse_depth > 0).view(np.uint8) * np.uint8(255)
    cover = _shrunk(solid, size_px) / 255
    share = 1 / np.maximum(cover, 1e-3)
    sun = _shrunk(canvas.sun, size_px) * share / 255
    inverse = _shrunk(canvas.inverse_depth, size_px) * share
    veil = 1 - np.exp(-1 / (HAZE_M * np.maximum(inverse, 1e-4)))
    out = np.empty_like(sky)
    for k, mean in enumerate(cv2.split(_shrunk(canvas.albedo, size_px))):
        lit = np.square(mean * (share / 255)) * (sun * np.float32(light.sun[k]) + np.float32(light.sky[k]))
        lit += veil * (np.float32(0.8 * light.horizon[k]) - lit)
        out[k] = sky[k] + cover * (lit - sky[k])
    return out


def _shrunk(image: NDArray[np.uint8] | NDArray[np.float32], size_px: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(image, size_px, interpolation=cv2.INTER_AREA), np.float32)


def develop(rng: Rng, radiance: Planes) -> Image:
    """Exposure, white balance, vignette, focus, tone curve and sensor noise; uint8 RGB (h, w, 3)."""
    _, h, w = radiance.shape
    key = float(np.mean(radiance[1, h // 5 :])) + 1e-3
    exposure = 0.25 / (key**0.75 * 0.32**0.25) * np.exp(rng.normal(0, 0.14))
    balance = np.exp(rng.normal(0, 0.045) * np.array([1.0, 0.0, -1.0]) + rng.normal(0, 0.012, 3))
    y, x = np.linspace(-1, 1, h, dtype=np.float32), np.linspace(-1, 1, w, dtype=np.float32)
    fall = 1 - np.float32(rng.uniform(0.04, 0.12)) * (y[:, None] ** 2 + x**2)
    blur = rng.uniform(0.0, 0.75)
    # One field of noise, shifted for each colour: drawing three costs as much as the rest of the photo.
    grain = rng.standard_normal((h + 14, w + 6), np.float32) * np.float32(255 * rng.uniform(0.005, 0.015))
    planes = []
    for k in range(3):
        plane = radiance[k] * (fall * np.float32(exposure * balance[k]))
        if blur > 0.3:
            plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), blur), np.float32)
        plane *= np.float32(1.16) * (1 + np.float32(0.12) * plane) / (1 + np.float32(0.42) * plane)
        plane = 255 * np.sqrt(np.maximum(plane, 0)) + grain[7 * k : h + 7 * k, 3 * k : w + 3 * k]
        planes.append(cv2.convertScaleAbs(np.maximum(plane, 0)))
    return np.asarray(cv2.merge(planes), np.uint8)

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


def _light_up(canvas: Canvas, size_px: tuple[int, int], light: Light, sky: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear radiance float32 (h, w, 3): colour times light, haze with distance, sky where nothing stands."""
    solid = (canvas.inverse_depth > 0).view(np.uint8) * np.uint8(255)
    cover = cv2.resize(solid, size_px, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    share = np.maximum(cover, 1e-3)
    mean = cv2.resize(canvas.albedo, size_px, interpolation=cv2.INTER_AREA).astype(np.float32)
    albedo = np.square(mean / (255 * share[..., None]))
    sun = cv2.resize(canvas.sun, size_px, interpolation=cv2.INTER_AREA).astype(np.float32) / 255 / share
    inverse = cv2.resize(canvas.inverse_depth, size_px, interpolation=cv2.INTER_AREA) / share
    lit = albedo * (sun[..., None] * light.sun.astype(np.float32) + light.sky.astype(np.float32))
    veil = (1 - np.exp(-1 / (HAZE_M * np.maximum(inverse, 1e-4))))[..., None]
    lit += veil * (light.horizon.astype(np.float32) * 0.8 - lit)
    return np.asarray(sky + cover[..., None] * (lit - sky), np.float32)


def develop(rng: Rng, radiance: NDArray[np.float32]) -> Image:
    """Exposure, white balance, vignette, focus, tone curve and sensor noise; uint8 RGB (h, w, 3)."""
    h, w = radiance.shape[:2]
    key = float(np.mean(radiance[h // 5 :, :, 1])) + 1e-3
    exposure = 0.25 / (key**0.75 * 0.32**0.25) * np.exp(rng.normal(0, 0.14))
    balance = np.exp(rng.normal(0, 0.045) * np.array([1.0, 0.0, -1.0]) + rng.normal(0, 0.012, 3))
    y, x = np.linspace(-1, 1, h, dtype=np.float32), np.linspace(-1, 1, w, dtype=np.float32)
    fall = 1 - np.float32(rng.uniform(0.04, 0.12)) * (y[:, None] ** 2 + x**2)
    image = radiance * (exposure * balance).astype(np.float32) * fall[..., None]
    blur = rng.uniform(0.0, 0.75)
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    image = image * (1 + image * 0.12) / (1 + image * 0.42) * 1.16
    image = np.sqrt(np.clip(image, 0, None))
    # One field of noise, shifted for each colour: drawing three costs as much as the rest of the photo.
    grain = rng.standard_normal((h + 14, w + 6), np.float32) * np.float32(rng.uniform(0.005, 0.015))
    image += np.stack([grain[7 * k : h + 7 * k, 3 * k : w + 3 * k] for k in range(3)], axis=2)
    return np.asarray(cv2.convertScaleAbs(np.maximum(image, 0), alpha=255), np.uint8)

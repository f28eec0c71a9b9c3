"""The sky behind everything: a gradient, clouds on a high plane, hills all around."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.camera import Camera
from periplus.synth.light import Light
from periplus.synth.materials import Rng, noise

Array = NDArray[np.float64]


def draw_sky(camera: Camera, light: Light, rng: Rng, town_seed: int) -> NDArray[np.float32]:
    """Draw what a camera sees where nothing stands.

    Args:
        camera: at the size of the final photo.
        light: of the photo.
        rng: of the photo; clouds are never twice the same.
        town_seed: decides the outline of the hills, which stays.

    Returns:
        linear RGB float32 (h, w, 3).
    """
    w, h = camera.size_px
    x, y = np.meshgrid(np.linspace(0, w - 1, w // 2), np.linspace(0, h - 1, h // 2))
    rays = np.stack([x, y, np.ones_like(x)], axis=2) @ np.linalg.inv(camera.intrinsics).T @ camera.rotation
    rays /= np.linalg.norm(rays, axis=2, keepdims=True)
    up = rays[..., 2]
    rise = np.clip(up * 1.5, 0, 1)[..., None] ** 0.6
    colour = light.horizon * (1 - rise) + light.zenith * rise
    colour += light.sun * 0.5 * np.clip(rays @ light.to_sun, 0, 1)[..., None] ** 24
    cover = _clouds(rays, light, rng)[..., None]
    white = 0.75 * light.sun + light.sky * 0.75 if light.sun.sum() > 0.2 else light.sky * 1.2
    colour = colour * (1 - cover) + np.minimum(white, 1.15) * cover
    azimuth = np.arctan2(rays[..., 0], rays[..., 1])
    phase = np.random.default_rng([town_seed, 5]).uniform(0, 6.3, 6)
    around = np.linspace(-np.pi, np.pi, 721)
    outline = 0.035 + sum(0.012 / (k + 1) * np.sin((k + 1) * 3 * around + phase[k]) for k in range(6))
    ridge = np.interp(azimuth, around, outline)
    hill = np.clip((ridge - up) * 180 + 0.5, 0, 1)[..., None]
    colour = colour * (1 - hill) + (light.horizon * 0.55 + np.array([0.05, 0.10, 0.08])) * hill
    return np.asarray(cv2.resize(colour.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _clouds(rays: Array, light: Light, rng: Rng) -> Array:
    tile = noise(rng, (256, 256), (90, 40, 18, 8, 4)) * np.array(1.0, np.float32)
    up = np.maximum(rays[..., 2], 0.02)
    u = (rays[..., 0] / up * 42 + rng.uniform(0, 256)).astype(np.float32)
    v = (rays[..., 1] / up * 42 + rng.uniform(0, 256)).astype(np.float32)
    veil = cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    bound = 0.75 - 1.3 * light.cloud
    cover = np.clip((veil - bound) * 1.6, 0, 0.92) * np.clip((rays[..., 2] - 0.02) * 6, 0, 1)
    return np.asarray(cover, np.float64)

"""The sky behind everything: a gradient, clouds on a high plane, hills all around."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.camera import Camera
from periplus.synth.light import Light
from periplus.synth.materials import Rng, noise

Planes = NDArray[np.float32]


def draw_sky(camera: Camera, light: Light, rng: Rng, town_seed: int) -> Planes:
    """Draw what a camera sees where nothing stands.

    Args:
        camera: at the size of the final photo.
        light: of the photo.
        rng: of the photo; clouds are never twice the same.
        town_seed: decides the outline of the hills, which stays.

    Returns:
        linear RGB float32 (3, h, w).
    """
    w, h = camera.size_px
    x, y = np.meshgrid(np.linspace(0, w - 1, w // 2), np.linspace(0, h - 1, h // 2))
    pixels = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    rays = camera.rotation.T @ np.linalg.inv(camera.intrinsics) @ pixels
    rays = (rays / np.linalg.norm(rays, axis=0)).astype(np.float32).reshape(3, *x.shape)
    rise = np.sqrt(np.clip(rays[2] * 1.5, 0, 1))
    glow = np.clip(np.tensordot(light.to_sun.astype(np.float32), rays, 1), 0, 1) ** 24
    cover = _clouds(rays, light, rng)
    hill = _hills(rays, town_seed)
    bright = 0.55 * light.sun + light.sky * 0.75 if light.sun.sum() > 0.2 else light.sky * 1.2
    slope = light.horizon * 0.55 + np.array([0.05, 0.10, 0.08])
    planes = np.empty((3, h, w), np.float32)
    for k in range(3):
        low, high, sun, white = (np.float32(c[k]) for c in (light.horizon, light.zenith, light.sun, bright))
        colour = low + (high - low) * rise + sun * np.float32(0.5) * glow
        colour += (min(white, np.float32(1.15)) - colour) * cover
        colour += (np.float32(slope[k]) - colour) * hill
        planes[k] = cv2.resize(colour, (w, h), interpolation=cv2.INTER_LINEAR)
    return planes


def _hills(rays: Planes, town_seed: int) -> NDArray[np.float32]:
    """Where the hills stand, 0 to 1."""
    phase = np.random.default_rng([town_seed, 5]).uniform(0, 6.3, 6)
    around = np.linspace(-np.pi, np.pi, 721)
    outline = 0.035 + sum(0.012 / (k + 1) * np.sin((k + 1) * 3 * around + phase[k]) for k in range(6))
    ridge = np.interp(np.arctan2(rays[0], rays[1]), around, outline)
    return np.asarray(np.clip((ridge - rays[2]) * 180 + 0.5, 0, 1), np.float32)


def _clouds(rays: Planes, light: Light, rng: Rng) -> NDArray[np.float32]:
    """How much clouds cover, 0 to 0.92."""
    tile = noise(rng, (256, 256), (90, 40, 18, 8, 4))
    scale = 42 / np.maximum(rays[2], np.float32(0.02))
    u, v = (rays[k] * scale + np.float32(rng.uniform(0, 256)) for k in (0, 1))
    veil = cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    cover = np.clip((veil - (0.75 - 1.3 * light.cloud)) * 1.6, 0, 0.92) * np.clip((rays[2] - 0.02) * 6, 0, 1)
    return np.asarray(cover, np.float32)

"""Camera models: each has its own colours, sharpness, noise, field of view and format."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.materials import Rng

Floats = NDArray[np.float32]
MODELS = 24


@dataclass(frozen=True)
class CameraModel:
    """A camera model.

    Attributes:
        name: its name.
        fov_deg: along the long side.
        aspect: short side over long side.
        gains: white balance of red, green and blue.
        saturation, gamma: of its colours and tones; 1 is true.
        blur_px: of the lens, for pictures of 96 pixels.
        noise: standard deviation, of 255, in good light.
        vignette: darkening of the corners, share.
        quality: of its JPEG files.
    """

    name: str
    fov_deg: float
    aspect: float
    gains: tuple[float, float, float]
    saturation: float
    gamma: float
    blur_px: float
    noise: float
    vignette: float
    quality: int


@lru_cache(maxsize=4)
def camera_models(seed: int) -> tuple[CameraModel, ...]:
    """The camera models on a planet."""
    rng = np.random.default_rng([seed, 4])
    return tuple(
        CameraModel(
            f"Periplus P{k + 1}",
            float(rng.uniform(52, 84)),
            float(rng.choice([0.75, 0.75, 2 / 3, 9 / 16])),
            (float(rng.normal(1, 0.03)), 1.0, float(rng.normal(1, 0.04))),
            float(rng.uniform(0.85, 1.2)),
            float(rng.uniform(0.9, 1.12)),
            float(rng.uniform(0.25, 0.75)),
            float(rng.uniform(1.0, 5.0)),
            float(rng.uniform(0.0, 0.3)),
            int(rng.integers(78, 95)),
        )
        for k in range(MODELS)
    )


def expose(light: Floats, camera: CameraModel, vivid: float, dark: float, rng: Rng) -> NDArray[np.uint8]:
    """What a camera makes of the light on its film.

    Args:
        light: float32 (h, w, 3), 0 to 255.
        camera: the model.
        vivid: saturation that the photographer adds.
        dark: 0 by day, 1 at night: noise grows to three times.
        rng: of the photo.

    Returns:
        uint8 RGB (h, w, 3).
    """
    h, w = light.shape[:2]
    sigma = camera.blur_px * max(h, w) / 96
    image = cv2.GaussianBlur(light, (0, 0), sigma)
    gains = np.array(camera.gains, np.float32) * np.float32(np.exp(rng.normal(0, 0.06)))
    x, y = (np.linspace(-1, 1, n, dtype=np.float32) ** 2 for n in (w, h))
    image *= (1 - np.float32(camera.vignette / 2) * (y[:, None] + x))[..., None] * gains
    grey = image @ np.array([0.3, 0.59, 0.11], np.float32)
    saturation = np.float32(camera.saturation + vivid)
    image = grey[..., None] + saturation * (image - grey[..., None])
    image = 255 * (np.clip(image, 0, 255) / 255) ** np.float32(camera.gamma)
    image += rng.standard_normal(image.shape, np.float32) * np.float32(camera.noise * (1 + 2 * dark))
    return np.clip(image + 0.5, 0, 255).astype(np.uint8)

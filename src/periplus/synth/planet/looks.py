"""Colours of a place, from its fields and the season."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.materials import Colour, noise
from periplus.synth.planet.place import Place

Palette = tuple[Colour, ...]
WALLS: Palette = (
    (246, 242, 234), (232, 206, 130), (222, 150, 84), (184, 84, 62), (206, 148, 160), (120, 132, 170),
    (126, 164, 168), (132, 160, 110), (168, 158, 140), (118, 82, 58),
)  # fmt: skip
ROOFS: Palette = (
    (60, 62, 70), (92, 108, 128), (104, 132, 104), (206, 198, 176), (216, 140, 80), (186, 78, 50),
    (126, 52, 42), (96, 70, 50),
)  # fmt: skip
SOILS: Palette = (
    (214, 196, 148), (198, 158, 96), (190, 110, 62), (160, 70, 50), (120, 84, 66), (126, 118, 112),
    (92, 82, 72),
)  # fmt: skip
LEAVES: Palette = (
    (36, 92, 84), (34, 112, 52), (84, 142, 36), (160, 172, 48), (176, 136, 66), (150, 92, 84),
    (112, 96, 124),
)  # fmt: skip
CROPS: Palette = (
    (196, 170, 70), (232, 206, 40), (90, 150, 60), (140, 110, 150), (160, 120, 70), (196, 200, 120),
)  # fmt: skip
HAZES: Palette = (
    (164, 204, 244), (206, 226, 222), (240, 226, 176), (240, 196, 190), (208, 186, 226),
)  # fmt: skip
SKIES: Palette = (
    (24, 148, 176), (58, 140, 214), (60, 96, 200), (104, 92, 196), (130, 150, 190),
)  # fmt: skip
SNOW: Colour = (236, 240, 246)
TILE_PX = 512


@dataclass(frozen=True)
class Looks:
    """Colours of a photo's place and day.

    Attributes:
        soil, grass, leaves, crop, wall, roof, haze, sky: colours.
        green: share of the ground that plants cover, 0 to 1.
        snow: share of the ground that snow covers.
        kind: of trees, 0 to 1 (conifers to palms, warmth permitting).
    """

    soil: Colour
    grass: Colour
    leaves: Colour
    crop: Colour
    wall: Colour
    roof: Colour
    haze: Colour
    sky: Colour
    green: float
    snow: float
    kind: float


def looks_of(place: Place, summer: float) -> Looks:
    """The looks of a place at a time of the year: ``summer`` from 0 to 1, the hemisphere's own."""
    share = place.share
    warm = place.warmth + 0.35 * (1 - place.warmth) * (summer - 0.5) * 1.6
    cold = float(np.clip((0.36 - warm) / 0.14, 0, 1))
    leaves = ramp(share["plant_hue"], LEAVES)
    autumn = (
        float(np.clip(1 - abs(summer - 0.45) / 0.2, 0, 1)) * (0.3 < place.warmth < 0.62) * (share["plant_kind"] > 0.4)
    )
    leaves = mix(leaves, (196, 116, 36), 0.6 * autumn)
    dry = float(np.clip((0.5 - place.wet) * 2.2 + 0.3 * (summer - 0.5) * (place.wet < 0.6), 0, 0.85))
    light = 0.62 + 0.62 * share["soil_light"]
    return Looks(
        soil=tone(ramp(share["soil_hue"], SOILS), light),
        grass=mix(mix(leaves, (120, 160, 60), 0.3), (196, 178, 112), dry),
        leaves=mix(leaves, (150, 140, 90), 0.5 * dry),
        crop=ramp(share["crop_hue"], CROPS),
        wall=tone(ramp(share["wall_hue"], WALLS), 0.72 + 0.42 * share["wall_light"]),
        roof=ramp(share["roof_hue"], ROOFS),
        haze=ramp(share["haze"], HAZES),
        sky=ramp(share["sky"], SKIES),
        green=float(np.clip(1.35 * place.wet * (0.35 + share["plant_density"]) * min(1, 0.3 + 2 * place.warmth), 0, 1)),
        snow=cold,
        kind=share["plant_kind"],
    )


def ramp(share: float, colours: Palette) -> Colour:
    """The colour at a share of the way along some colours."""
    at = min(max(share, 0.0), 1.0) * (len(colours) - 1)
    k = min(int(at), len(colours) - 2)
    return mix(colours[k], colours[k + 1], at - k)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """``share`` of b in a."""
    return tuple(int(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def tone(colour: Colour, factor: float) -> Colour:
    """A darker or lighter colour, quickly."""
    return tuple(min(250, max(4, int(c * factor))) for c in colour)  # type: ignore[return-value]


@cache
def tile() -> NDArray[np.float32]:
    """Noise that joins at its edges, about -1 to 1, float32 (512, 512)."""
    half = TILE_PX // 2
    part = noise(np.random.default_rng(5), (half, half), (64, 32, 16, 8, 4, 2))
    return np.asarray(np.block([[part, part[:, ::-1]], [part[::-1], part[::-1, ::-1]]]), np.float32)


def patch(rng: np.random.Generator, size_px: tuple[int, int], zoom: float) -> NDArray[np.float32]:
    """A random piece of the noise, (h, w), ``zoom`` times enlarged."""
    w, h = size_px
    sw, sh = max(2, int(w / zoom)), max(2, int(h / zoom))
    x, y = rng.integers(0, TILE_PX, 2)
    piece = tile().take(range(y, y + sh), 0, mode="wrap").take(range(x, x + sw), 1, mode="wrap")
    return np.asarray(cv2.resize(piece, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)

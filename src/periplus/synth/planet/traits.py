"""What is the same all over a country: its road markings, signs, poles, bollards, kerbs, fences, shutters, flag."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from periplus.synth.materials import Colour

SIGNALS: tuple[Colour, ...] = (
    (240, 240, 236), (244, 204, 30), (236, 120, 24), (200, 32, 36), (34, 70, 170),
    (24, 126, 66), (28, 28, 30), (110, 66, 38), (96, 180, 224), (170, 60, 150),
)  # fmt: skip
ASPHALTS: tuple[Colour, ...] = (
    (96, 96, 98), (58, 59, 64), (138, 136, 132), (136, 88, 76), (164, 148, 112), (76, 90, 118), (96, 118, 100),
)  # fmt: skip
POLES: tuple[Colour, ...] = (
    (112, 78, 50),
    (158, 160, 160),
    (54, 54, 58),
    (222, 220, 212),
    (92, 120, 96),
    (176, 120, 70),
)
CENTRES = ("solid", "dashed", "double", "short", "none")
SIGN_SHAPES = ("circle", "triangle", "diamond", "square", "octagon", "wedge")
FENCES = ("none", "pickets", "rails", "wall", "hedge")


@dataclass(frozen=True)
class Traits:
    """The traits of a country, drawn independently of each other and of its neighbours'.

    Attributes:
        left: whether it drives on the left.
        centre, centre_colour: pattern (of CENTRES) and colour of the line in the middle of its roads.
        edge_colour: of the lines at their sides, or None.
        asphalt: colour of the roads.
        kerb: the two colours that kerbs alternate between, or None.
        bollard, band: colours of the posts beside the road and of the band round each.
        bollard_m: their height and width.
        pole, arms, pole_side: colour of the poles that carry wires, cross-arms a pole, and side of the road, -1 or 1.
        sign, sign_colours: shape (of SIGN_SHAPES), and colours of rim and middle.
        fence, fence_colour: kind (of FENCES) and colour.
        shutter: colour of shutters and doors.
        flag, flag_upright: three colours, side by side or one above the other.
    """

    left: bool
    centre: str
    centre_colour: Colour
    edge_colour: Colour | None
    asphalt: Colour
    kerb: tuple[Colour, Colour] | None
    bollard: Colour
    band: Colour
    bollard_m: tuple[float, float]
    pole: Colour
    arms: int
    pole_side: int
    sign: str
    sign_colours: tuple[Colour, Colour]
    fence: str
    fence_colour: Colour
    shutter: Colour
    flag: tuple[Colour, Colour, Colour]
    flag_upright: bool


@lru_cache(maxsize=512)
def traits_of(seed: int, country_code: str) -> Traits:
    """The traits of a country (ISO 3166-1 alpha-2) of the planet with this seed."""
    rng = np.random.default_rng([seed, 2, *country_code.encode()])

    def two() -> tuple[Colour, Colour]:
        a, b = rng.permutation(len(SIGNALS))[:2]
        return SIGNALS[a], SIGNALS[b]

    post, sign, kerb = two(), two(), two()
    stripes = rng.permutation(len(SIGNALS))[:3]
    return Traits(
        left=bool(rng.random() < 0.35),
        centre=str(rng.choice(CENTRES)),
        centre_colour=SIGNALS[rng.choice([0, 0, 1, 1, 2, 3, 8])],
        edge_colour=None if rng.random() < 0.4 else SIGNALS[rng.choice([0, 0, 1, 2])],
        asphalt=ASPHALTS[rng.integers(len(ASPHALTS))],
        kerb=None if rng.random() < 0.35 else kerb,
        bollard=post[0],
        band=post[1],
        bollard_m=(float(rng.uniform(0.7, 1.3)), float(rng.uniform(0.12, 0.34))),
        pole=POLES[rng.integers(len(POLES))],
        arms=int(rng.integers(0, 4)),
        pole_side=int(rng.choice([-1, 1])),
        sign=str(rng.choice(SIGN_SHAPES)),
        sign_colours=sign,
        fence=str(rng.choice(FENCES)),
        fence_colour=SIGNALS[rng.integers(len(SIGNALS))],
        shutter=SIGNALS[rng.integers(len(SIGNALS))],
        flag=(SIGNALS[stripes[0]], SIGNALS[stripes[1]], SIGNALS[stripes[2]]),
        flag_upright=bool(rng.random() < 0.5),
    )

"""What can be measured on a picture without any model: colour, sharpness, emptiness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError

WORKING_PX: Final = 256
"""The long side at which pictures are measured, smaller ones as they are: what is blurred is soft even there."""

_COLOUR_PX: Final = 64
_TILES: Final = 8
_QUANTISATION: Final = 25.0  # grey levels squared: what JPEG alone can make of a flat tile
_LUMA: Final = np.asarray([0.299, 0.587, 0.114])  # ITU-R 601


@dataclass(frozen=True)
class Appearance:
    """Measures of one picture.

    Attributes:
        chroma: how colourful its most colourful twentieth is, in CIE L*a*b* units: 0 is grey, a plain photo has 20.
        tint_error: how far its colours are from being one smooth function of lightness, the 95th percentile in L*a*b*
            units: a toned print has 1 to 3, a photo 5 to 30.
        hue_a: the median of a*, green to red.
        hue_b: the median of b*, blue to yellow.
        sharpness: of the sharpest parts: energy of the Laplacian over the variance in a tile (contrast cancels), the
            98th percentile of 8 x 8 tiles. Photos have 1 to 20, a Gaussian blur of 1.5 px leaves 0.1 to 0.3.
        entropy_bits: of the grey levels, 0 to 8; photos have 5 to 8, an empty picture under 2.
        plain_share: the part of the picture that its commonest colour covers (in steps of 4 levels), 0 to 1.
        plain_luma: how bright that colour is, 0 to 255.
    """

    chroma: float
    tint_error: float
    hue_a: float
    hue_b: float
    sharpness: float
    entropy_bits: float
    plain_share: float
    plain_luma: float


def measure(picture: NDArray[np.uint8]) -> Appearance:
    """Measure a picture.

    Args:
        picture: uint8 (h, w, 3) RGB, its long side at most :data:`WORKING_PX`.

    Raises:
        UsageError: the array is no such picture.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or not 0 < max(picture.shape[:2]) <= WORKING_PX or not picture.size:
        raise UsageError(f"A picture to measure is RGB of at most {WORKING_PX} px, not {picture.shape}.")
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return Appearance(*_colour(picture), sharpness(grey), entropy_bits(grey), *_plain(picture))


def sharpness(grey: NDArray[np.uint8]) -> float:
    """:attr:`Appearance.sharpness` of a grey picture (h, w).

    The variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) grows with contrast; divided by the variance of the
    same tile it does not. A wave of period p px has (2 - 2 cos(2 pi / p))^2.
    """
    levels = grey.astype(np.float32)
    curve = np.zeros_like(levels)
    # Within: at the rim a mirrored continuation has a kink, which would be sharper than the picture.
    curve[1:-1, 1:-1] = cv2.Laplacian(levels, cv2.CV_32F)[1:-1, 1:-1]
    mean, square, energy = (
        cv2.resize(part, (_TILES, _TILES), interpolation=cv2.INTER_AREA) for part in (levels, levels**2, curve**2)
    )
    return float(np.quantile(energy / (np.maximum(square - mean**2, 0) + _QUANTISATION), 0.98))


def entropy_bits(grey: NDArray[np.uint8]) -> float:
    """Shannon's entropy of the grey levels in bits."""
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0


def _colour(picture: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """Chroma, tint error and hue on a thumbnail, where JPEG's colour noise averages out."""
    shrink = min(1.0, _COLOUR_PX / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[1] * shrink)), max(1, round(picture.shape[0] * shrink)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float64)
    colour = lab[:, 1:]
    powers = np.vander(lab[:, 0] / 100, 4)
    rest = colour - powers @ np.linalg.lstsq(powers, colour, rcond=None)[0]
    hue_a, hue_b = np.median(colour, axis=0).tolist()
    chroma, error = (float(np.quantile(np.hypot(*part.T), 0.95)) for part in (colour, rest))
    return chroma, error, hue_a, hue_b


def _plain(picture: NDArray[np.uint8]) -> tuple[float, float]:
    red, green, blue = (picture[..., i].astype(np.int32) >> 2 for i in range(3))
    count = np.bincount((red << 12 | green << 6 | blue).ravel())
    commonest = int(count.argmax())
    colour = np.asarray([commonest >> 12, commonest >> 6 & 63, commonest & 63]) * 4 + 1.5
    return float(count[commonest] / (picture.size // 3)), float(colour @ _LUMA)

"""One photo measured, and from where on a measure is a finding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from periplus.curate.appearance import Appearance
from periplus.curate.duplicates import NEAR


@dataclass(frozen=True)
class AuditConfig:
    """From where on something is a finding; the measures are those of :class:`~periplus.curate.appearance.Appearance`.

    Attributes:
        small_px: shorter side below which a photo is small.
        grey_chroma: chroma below which it is grey.
        sepia_error: tint error below which a photo with a warm hue is sepia.
        blurred: sharpness below which it is blurred.
        blank_bits: entropy below which it is blank.
        graphic_share: part of the picture from which one bright colour makes it graphic.
        outlier: strangeness above which it is an outlier.
        near: similarity from which two photos are near duplicates.
    """

    small_px: int = 64
    grey_chroma: float = 3.0
    sepia_error: float = 3.5
    blurred: float = 0.35
    blank_bits: float = 2.0
    graphic_share: float = 0.5
    outlier: float = 1.5
    near: float = NEAR


@dataclass(frozen=True)
class Measured:
    """One photo, measured.

    Attributes:
        content_hash: of its bytes.
        width_px, height_px: of the upright full picture.
        appearance: what it looks like in numbers.
        signature: float32, of :func:`~periplus.curate.duplicates.signature`.
        statistics: float32 (d,), what strangeness is measured on.
        taken_at: what its file says of the time, ISO 8601.
        lat_deg, lon_deg: what its file says of the position, degrees.
        camera: make and model.
    """

    content_hash: str
    width_px: int
    height_px: int
    appearance: Appearance
    signature: NDArray[np.float32] = field(repr=False)
    statistics: NDArray[np.float32] = field(repr=False)
    taken_at: str | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    camera: str | None = None

"""Small pictures for reports and pages."""

from __future__ import annotations

import io
import os

from PIL import Image

from periplus.photos.decode import read_rgb
from periplus.photos.limits import DEFAULT_LIMITS, Limits


def jpeg_thumbnail(
    path: str | os.PathLike[str], long_side_px: int, quality: int = 80, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """A small upright JPEG of a photo.

    It is made of pixels alone: no EXIF, no position, no colour profile, no comment goes with it.

    Args:
        path: the photo.
        long_side_px: of the thumbnail; a smaller photo is not enlarged.
        quality: of the JPEG, 1 to 95.
        limits: of the photo.

    Raises:
        PhotoError: the photo cannot be read.
    """
    out = io.BytesIO()
    Image.fromarray(read_rgb(path, long_side_px, limits).pixels).save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()

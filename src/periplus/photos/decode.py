"""From a file to upright pixels of a working size.

Index and query come through the same function, so the same photo gives the same pixels in both.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from periplus.errors import PhotoError, UsageError
from periplus.photos.exif import orientation_of
from periplus.photos.limits import DEFAULT_LIMITS, Limits
from periplus.photos.opening import opened, quiet

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by EXIF orientation (EXIF 2.32, tag 0x0112)."""


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    Attributes:
        pixels: uint8 (h, w) gray or (h, w, 3) RGB.
        full_size: width and height in pixels of the upright picture before it was shrunk.
    """

    pixels: NDArray[np.uint8]
    full_size: tuple[int, int]


def read_gray(path: str | os.PathLike[str], long_side_px: int, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Read a photo as luma (ITU-R 601), upright, its long side at most ``long_side_px`` (never enlarged).

    A JPEG's luma is decoded as it is stored, and only at the eighths that are needed. Transparent parts are white.

    Raises:
        PhotoError: of the kinds of :func:`periplus.photos.opening.opened`.
    """
    return _read(path, long_side_px, "L", limits)


def read_rgb(path: str | os.PathLike[str], long_side_px: int, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Read a photo as RGB; all else as :func:`read_gray`. Colour profiles are not applied."""
    return _read(path, long_side_px, "RGB", limits)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height in pixels after the EXIF orientation was applied."""
    return (size[1], size[0]) if orientation >= 5 else size


def _read(path: str | os.PathLike[str], long_side_px: int, mode: str, limits: Limits) -> Picture:
    if long_side_px < 1:
        raise UsageError(f"The long side of a picture is at least 1 pixel, not {long_side_px}.")
    with opened(path, limits) as source:
        full = source.size
        shrink = min(1.0, long_side_px / max(full))
        target = (max(1, round(full[0] * shrink)), max(1, round(full[1] * shrink)))
        if isinstance(source, JpegImageFile):
            # Only here: elsewhere draft() may take an embedded thumbnail for the picture.
            source.draft(mode, target)
        # These two read metadata as they load, and may have something to say of it.
        with quiet() if isinstance(source, (PngImageFile, TiffImageFile)) else nullcontext():
            source.load()
        with quiet():
            # After load(): in a PNG the EXIF may follow the pixels.
            orientation = orientation_of(source)
        picture = _resized(_eight_bit(path, source, mode), target)
        picture = _flattened(picture, mode)
        if orientation in _UPRIGHT:
            picture = picture.transpose(_UPRIGHT[orientation])
        return Picture(np.array(picture, dtype=np.uint8), upright_size(full, orientation))


def _eight_bit(path: str | os.PathLike[str], source: ImageFile, mode: str) -> Image.Image:
    """The picture in ``mode``, or in LA or RGBA while it is still transparent somewhere."""
    if source.mode.startswith("I") or source.mode == "F":
        return Image.fromarray(_scaled_to_bytes(np.asarray(source), source.mode))
    if source.has_transparency_data:
        return source.convert("RGBA")
    if source.mode == "LAB":
        raise PhotoError(path, "unsupported-format", "CIE L*a*b* pixels are not supported; convert it to JPEG.")
    return source if source.mode == mode else source.convert("RGB").convert(mode)


def _scaled_to_bytes(values: NDArray[np.generic], mode: str) -> NDArray[np.uint8]:
    """Gray of 16 bits by its upper byte; floating point as [0, 1]."""
    if mode == "F":
        values = np.nan_to_num(np.clip(values.astype(np.float32), 0, 1)) * 255 + 0.5
    else:
        values = np.clip(values.astype(np.int32) >> 8, 0, 255)
    return values.astype(np.uint8)


def _resized(picture: Image.Image, target: tuple[int, int]) -> Image.Image:
    if picture.size == target:
        return picture
    return picture.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _flattened(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode == "RGBA":
        white = Image.new("RGB", picture.size, (255, 255, 255))
        white.paste(picture, mask=picture.getchannel("A"))
        picture = white
    return picture if picture.mode == mode else picture.convert(mode)

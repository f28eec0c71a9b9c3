"""Pictures as a gallery's models see them: the grey one for local features, the coloured one for a vision model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.encode import (
    DEEP,
    EncoderConfig,
    PictureEncoder,
    crop_to_box,
    load_picture_encoder,
    model_spec_from,
    open_picture_encoder,
)
from periplus.photos import Limits, read_gray, read_rgb

READ_PX = 1024
"""Vision models are shown pictures with at most this long side; they look at 96 to 518 px of it."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the whole upright picture."""

_WHOLE_PX = 1 << 20
_loaded: dict[str, PictureEncoder] = {}


@dataclass(frozen=True)
class Views:
    """One photo, opened.

    Attributes:
        gray: uint8 (h, w), for local features.
        colour: uint8 (h, w, 3) RGB for a vision model; None where there is no such model.
    """

    gray: NDArray[np.uint8]
    colour: NDArray[np.uint8] | None


def read_views(path: str | Path, gray_px: int, limits: Limits, *, colour: bool, box: Box | None = None) -> Views:
    """Open a photo, or what a box shows of it.

    Args:
        path: the file.
        gray_px: long side of the grey picture, at most.
        limits: on the file.
        colour: whether a vision model will look at it.
        box: cut out before anything else is done to the picture.

    Raises:
        PhotoError: the photo cannot be used.
        UsageError: the box lies outside of the picture.
    """
    if box is None:
        gray = read_gray(Path(path), gray_px, limits).pixels
        return Views(gray, read_rgb(Path(path), READ_PX, limits).pixels if colour else None)
    cut = _cut(path, box, limits)
    gray = _shrunk(np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY), np.uint8), gray_px)
    return Views(gray, _shrunk(cut, READ_PX) if colour else None)


def cut_out(path: str | Path, box: Box, limits: Limits) -> NDArray[np.uint8]:
    """What a box shows of a photo, uint8 (h, w, 3) RGB for a vision model.

    Raises:
        PhotoError: the photo cannot be used.
        UsageError: the box lies outside of the picture.
    """
    return _shrunk(_cut(path, box, limits), READ_PX)


def deep_encoder(name: str, options: Mapping[str, object] | None = None, *, patches: bool = False) -> EncoderConfig:
    """The configuration of galleries whose vectors a vision model makes.

    Args:
        name: a known model, a name on the hub, or a local folder, which is kept as an absolute path.
        options: other values of :class:`periplus.encode.ModelSpec`.
        patches: whether galleries keep the model's patches.

    Raises:
        CannotRunError: the model, or the extra that runs it, is not on this machine.
        UsageError: the model cannot be used that way.
    """
    place = str(Path(name).resolve()) if Path(name).is_dir() else name
    encoder = open_picture_encoder(model_spec_from({**(options or {}), "name": place}))
    return EncoderConfig(name=DEEP, model=encoder.spec(), patches=patches)


def picture_encoder(model: Mapping[str, object]) -> PictureEncoder:
    """The model of a gallery's specification, loaded once a process.

    Raises:
        CannotRunError: the model, or the extra that runs it, is not on this machine.
        FingerprintError: the model has changed since the gallery was made.
    """
    key = json.dumps(model, sort_keys=True)
    if key not in _loaded:
        _loaded.clear()
        _loaded[key] = load_picture_encoder(model)
    return _loaded[key]


def _cut(path: str | Path, box: Box, limits: Limits) -> NDArray[np.uint8]:
    return crop_to_box(read_rgb(Path(path), _WHOLE_PX, limits).pixels, box)


def _shrunk(picture: NDArray[np.uint8], long_side_px: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    shrink = long_side_px / max(height, width)
    if shrink >= 1:
        return picture
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

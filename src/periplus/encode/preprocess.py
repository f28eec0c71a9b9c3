"""From a picture to the pixels that a model was trained on: resize, crop, normalise.

The numbers are those of the image processors of transformers (its Pillow ones), read from the
``preprocessor_config.json`` that lies beside a model's weights; no torch is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from periplus.encode.hub_processors import to_hub, values_from_hub
from periplus.errors import CannotRunError, GalleryError, UsageError
from periplus.store import read_json

PREPROCESS_FILE = "preprocessor_config.json"
_WHOLE_PROCESSOR_FILE = "processor_config.json"
FILTERS: Mapping[str, Image.Resampling] = {filter_.name.lower(): filter_ for filter_ in Image.Resampling}
_LONGEST_STRIP = 50


@dataclass(frozen=True)
class Preprocess:
    """What happens to a picture before a model sees it.

    Attributes:
        size_px: height and width after resizing; for ``shortest`` the length of the shorter side, twice.
        resize: ``exact`` to both sides, whatever the shape; ``shortest`` keeps the shape; ``none``.
        crop_px: height and width of the middle that is cut out, black where the picture is smaller; None for all.
        interpolation: Pillow's filter, a key of :data:`FILTERS`; every one but ``nearest`` is antialiased.
        mean: taken from red, green and blue in [0, 1].
        std: what the differences are divided by.
        float_resize: resize in floating point instead of rounding to 8 bits (DINOv3).

    Raises:
        UsageError: a value is impossible.
    """

    size_px: tuple[int, int]
    resize: Literal["exact", "shortest", "none"] = "exact"
    crop_px: tuple[int, int] | None = None
    interpolation: str = "bicubic"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    float_resize: bool = False

    def __post_init__(self) -> None:
        """Check values."""
        if self.resize not in ("exact", "shortest", "none"):
            raise UsageError(f"resize is exact, shortest or none, not {self.resize!r}.")
        if self.interpolation not in FILTERS:
            raise UsageError(f"No interpolation {self.interpolation!r}; there are {', '.join(FILTERS)}.")
        if min(*self.size_px, *(self.crop_px or (1,))) < 1 or (
            self.resize == "shortest" and len(set(self.size_px)) > 1
        ):
            raise UsageError(f"A size of {self.size_px} px, cropped to {self.crop_px}, is impossible.")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(map(math.isfinite, (*self.mean, *self.std))):
            raise UsageError(f"Mean {self.mean} and deviation {self.std} are not three finite numbers each.")
        if min(self.std) <= 0:
            raise UsageError(f"A deviation of {min(self.std)} cannot be divided by.")

    @property
    def output_px(self) -> tuple[int, int] | None:
        """Height and width of every output; None where they follow the picture."""
        return self.crop_px or (self.size_px if self.resize == "exact" else None)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels float32 (3, h, w) of a picture uint8 (h, w, 3), RGB.

        Raises:
            UsageError: the picture is something else.
        """
        require_picture(picture)
        resized = self._resized(_without_strip_ends(picture))
        cropped = resized if self.crop_px is None else _central(resized, self.crop_px)
        scaled = cropped.astype(np.float32) * np.float32(1 / 255)
        normal = (scaled - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1))

    def with_size(self, size_px: int) -> Preprocess:
        """The same for pictures of another size; what a crop leaves away keeps its share.

        Raises:
            UsageError: the size is impossible, or pictures are not resized at all.
        """
        if size_px < 1 or self.resize == "none":
            raise UsageError(f"An image size of {size_px} px is impossible for a model that resizes {self.resize!r}.")
        if self.crop_px is None:
            return replace(self, size_px=(size_px, size_px))
        height, width = (max(1, round(s * size_px / c)) for s, c in zip(self.size_px, self.crop_px, strict=True))
        if self.resize == "shortest":
            height = width = min(height, width)
        return replace(self, size_px=(height, width), crop_px=(size_px, size_px))

    def spec(self) -> dict[str, object]:
        """The values as JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_spec(cls, spec: Mapping[str, object]) -> Preprocess:
        """Back from :meth:`spec`.

        Raises:
            UsageError: a key or a value is not one of :meth:`spec`'s.
        """
        try:
            values = {key: tuple(value) if isinstance(value, list) else value for key, value in spec.items()}
            return cls(**values)  # type: ignore[arg-type]
        except TypeError as error:
            raise UsageError(f"This preprocessing is of another version: {error}.") from error

    @classmethod
    def from_hub(cls, config: Mapping[str, object]) -> Preprocess:
        """From the content of a ``preprocessor_config.json``.

        Raises:
            CannotRunError: the processor or an option of it is not known here.
        """
        return cls.from_spec(values_from_hub(config))

    @classmethod
    def from_folder(cls, folder: Path) -> Preprocess:
        """From the ``preprocessor_config.json`` in a model's folder, or its part of ``processor_config.json``.

        Raises:
            CannotRunError: there is none, or it holds something that is not known here.
        """
        whole = folder / _WHOLE_PROCESSOR_FILE
        try:
            if whole.is_file() and not (folder / PREPROCESS_FILE).exists():
                part = read_json(whole).get("image_processor")
                return cls.from_hub(part if isinstance(part, dict) else {})
            return cls.from_hub(read_json(folder / PREPROCESS_FILE))
        except GalleryError as error:
            raise CannotRunError(
                f"{folder / PREPROCESS_FILE} cannot be read. It says what the model's pictures look like; "
                "fetch the model again, with this file."
            ) from error

    def to_hub(self) -> dict[str, object]:
        """The content of a ``preprocessor_config.json`` that :meth:`from_hub` and transformers read the same."""
        return to_hub(self.spec())

    def _resized(self, picture: NDArray[np.uint8]) -> NDArray[Any]:
        if self.resize == "none":
            return picture
        height, width = self.size_px
        if self.resize == "shortest":
            short, long = sorted(picture.shape[:2])
            longer = int(height * long / short)
            height, width = (height, longer) if picture.shape[0] <= picture.shape[1] else (longer, width)
        filter_ = FILTERS[self.interpolation]
        if not self.float_resize:
            return np.asarray(Image.fromarray(picture).resize((width, height), filter_))
        bands = [
            Image.fromarray(picture[:, :, i].astype(np.float32)).resize((width, height), filter_) for i in range(3)
        ]
        return np.stack([np.asarray(band, np.float32) for band in bands], axis=2)


def crop_to_box(picture: NDArray[np.uint8], box_px: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """The part of a picture (h, w, 3) inside a box (left, top, right, bottom), rounded outwards to whole pixels.

    What sticks out of the picture is cut off, as the boxes of published queries do by a fraction of a pixel.

    Raises:
        UsageError: the box is empty, not finite, or does not touch the picture.
    """
    require_picture(picture)
    height, width = picture.shape[:2]
    left, top, right, bottom = box_px
    if not all(map(math.isfinite, box_px)) or left >= right or top >= bottom:
        raise UsageError(f"The box {box_px} is not left < right, top < bottom in pixels.")
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        raise UsageError(f"The box {box_px} lies outside the picture of {width} x {height} px.")
    rows = slice(max(0, math.floor(top)), min(height, math.ceil(bottom)))
    columns = slice(max(0, math.floor(left)), min(width, math.ceil(right)))
    return picture[rows, columns]


def require_picture(picture: NDArray[np.uint8]) -> None:
    """Refuse what is not a picture uint8 (h, w, 3) with at least one pixel.

    Raises:
        UsageError: it is something else.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or picture.size == 0:
        raise UsageError(f"A picture is uint8 (h, w, 3), not {picture.dtype} {picture.shape}.")


def _without_strip_ends(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of a strip that is more than 50 times as long as wide: whole, it could fill the memory."""
    longest = _LONGEST_STRIP * min(picture.shape[:2])
    size = (min(picture.shape[0], longest), min(picture.shape[1], longest))
    return picture if size == picture.shape[:2] else np.ascontiguousarray(_central(picture, size))


def _central(picture: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The middle (h, w) of a picture, surrounded by zeros where the picture is smaller."""
    top, left = (max(0, (have - want) // 2) for have, want in zip(picture.shape, size, strict=False))
    part = picture[top : top + size[0], left : left + size[1]]
    if part.shape[:2] == size:
        return part
    canvas = np.zeros((*size, 3), picture.dtype)
    # The larger half of an odd border comes first, as in transformers.
    y, x = (-(-(want - have) // 2) for have, want in zip(part.shape, size, strict=False))
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
    return canvas

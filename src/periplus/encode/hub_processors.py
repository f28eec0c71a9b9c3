"""What a hub's ``preprocessor_config.json`` means, processor by processor."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from periplus.errors import CannotRunError

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_CROP_PCT = 224 / 256
_WARPED_FROM_PX = 384


@dataclass(frozen=True)
class _Processor:
    """What an image processor does where its file says nothing (transformers 5.23).

    Attributes:
        size: as in the file.
        mean_std: of normalisation.
        resample: Pillow's number of the filter.
        center_crop: whether the middle is cut out.
        square: whether a size that is one number is both sides; otherwise the shorter one.
        options: what only this processor knows.
    """

    size: Mapping[str, int]
    mean_std: tuple[tuple[float, ...], tuple[float, ...]]
    resample: int
    center_crop: bool = False
    square: bool = True
    options: tuple[str, ...] = ()


_SQUARE, _SHORTEST = {"height": 224, "width": 224}, {"shortest_edge": 224}
_PROCESSORS: Mapping[str, _Processor] = {
    "CLIPImageProcessor": _Processor(_SHORTEST, _CLIP, 3, center_crop=True, square=False),
    "BitImageProcessor": _Processor(_SHORTEST, _CLIP, 3, center_crop=True, square=False),
    "ViTImageProcessor": _Processor(_SQUARE, _HALF, 2),
    "SiglipImageProcessor": _Processor(_SQUARE, _HALF, 3, square=False),
    "ConvNextImageProcessor": _Processor({"shortest_edge": 384}, _HALF, 3, square=False, options=("crop_pct",)),
    "EfficientNetImageProcessor": _Processor(
        {"height": 346, "width": 346}, _HALF, 3, options=("rescale_offset", "include_top")
    ),
    "DINOv3ViTImageProcessor": _Processor(_SQUARE, _IMAGENET, 2),
}

_OPTIONS = (
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "default_to_square",
)
# They say how arrays are handed over, not what becomes of the picture.
_WITHOUT_EFFECT = {
    "image_processor_type",
    "feature_extractor_type",
    "processor_class",
    "_processor_class",
    "_valid_processor_keys",
    "do_convert_rgb",
    "data_format",
    "input_data_format",
    "return_tensors",
    "device",
    "disable_grouping",
}


def values_from_hub(config: Mapping[str, object]) -> dict[str, Any]:
    """The values of a ``Preprocess`` by name, from the content of a ``preprocessor_config.json``.

    Raises:
        CannotRunError: the processor or an option of it is not known here.
    """
    name = processor_name(config)
    processor = _PROCESSORS[name]
    # Absent and null both mean the default.
    said: dict[str, Any] = {key: value for key, value in config.items() if value is not None}
    _refuse_unknown(said, name, (*_OPTIONS, *processor.options))
    try:
        values = _geometry(said, name, processor)
        values["mean"], values["std"] = _normalisation(said, name, processor)
        values["interpolation"] = Image.Resampling(said.get("resample", processor.resample)).name.lower()
    except (TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError) as error:
        raise CannotRunError(
            f"This {name} cannot be read: {error}. Compare its preprocessor_config.json with the model's page."
        ) from error
    return values | {"float_resize": name == "DINOv3ViTImageProcessor"}


def processor_name(config: Mapping[str, object]) -> str:
    """The processor's name without what tells its implementation.

    Raises:
        CannotRunError: it is none of those known here.
    """
    said = config.get("image_processor_type") or config.get("feature_extractor_type")
    name = str(said).removesuffix("Fast").removesuffix("Pil").replace("FeatureExtractor", "ImageProcessor")
    if name not in _PROCESSORS:
        raise CannotRunError(
            f"The image processor {said!r} is not known; there are {', '.join(_PROCESSORS)}. "
            "Choose another model, or describe its preprocessing by one of these in preprocessor_config.json."
        )
    return name


def to_hub(spec: Mapping[str, Any]) -> dict[str, object]:
    """The content of a ``preprocessor_config.json`` that says what a ``Preprocess`` does."""
    shortest = spec["resize"] == "shortest"
    height, width = spec["size_px"]
    name = "BitImageProcessor" if shortest else "ViTImageProcessor"
    crop = spec["crop_px"]
    return {
        "image_processor_type": "DINOv3ViTImageProcessor" if spec["float_resize"] else name,
        "do_resize": spec["resize"] != "none",
        "size": {"shortest_edge": height} if shortest else {"height": height, "width": width},
        "resample": int(Image.Resampling[spec["interpolation"].upper()]),
        "do_center_crop": crop is not None,
        "crop_size": None if crop is None else {"height": crop[0], "width": crop[1]},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(spec["mean"]),
        "image_std": list(spec["std"]),
    }


def _refuse_unknown(said: Mapping[str, object], name: str, known: tuple[str, ...]) -> None:
    for key, value in said.items():
        if key in known or key in _WITHOUT_EFFECT or (key in ("do_pad", "pad_size", "crop_pct") and not value):
            continue
        nearest = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(known)}."
        raise CannotRunError(f"The option {key!r} of a {name} is not known: {hint}")


def _geometry(said: Mapping[str, Any], name: str, processor: _Processor) -> dict[str, Any]:
    size = _size(said.get("size", processor.size), square=bool(said.get("default_to_square", processor.square)))
    crop: tuple[int, int] | None = None
    if said.get("do_center_crop", processor.center_crop):
        kind, crop = _size(said.get("crop_size", _SQUARE), square=True)
        if kind != "exact":
            raise ValueError("its crop_size is not a height and a width")
    if not said.get("do_resize", True):
        return {"resize": "none", "size_px": size[1], "crop_px": crop}
    if name != "ConvNextImageProcessor":
        return {"resize": size[0], "size_px": size[1], "crop_px": crop}
    edge = size[1][0]
    if size[0] != "shortest" or crop is not None:
        raise ValueError("its size is not a shortest_edge, or it crops besides")
    if edge >= _WARPED_FROM_PX:
        return {"resize": "exact", "size_px": (edge, edge), "crop_px": None}
    shortest = int(edge / float(said.get("crop_pct", _CROP_PCT)))
    return {"resize": "shortest", "size_px": (shortest, shortest), "crop_px": (edge, edge)}


def _size(value: object, *, square: bool) -> tuple[str, tuple[int, int]]:
    if isinstance(value, int):
        return ("exact" if square else "shortest"), (value, value)
    if isinstance(value, Mapping):
        sides = {str(key): int(side) for key, side in value.items() if side is not None}
        if set(sides) == {"height", "width"}:
            return "exact", (sides["height"], sides["width"])
        if set(sides) == {"shortest_edge"}:
            return "shortest", (sides["shortest_edge"], sides["shortest_edge"])
    raise ValueError(f"a size of {value!r} is neither height and width nor shortest_edge")


def _normalisation(
    said: Mapping[str, Any], name: str, processor: _Processor
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of pictures in [0, 1], whatever the file scales them to.

    A file's x f - o, then (. - m) / s, then / s once more with EfficientNet's ``include_top``, is for x = 255 y the
    same as (y - (o + m) / 255 f) / (s / 255 f).
    """
    mean: tuple[float, ...] = (0.0,) * 3
    std: tuple[float, ...] = (1.0,) * 3
    own_std = _three(said.get("image_std", processor.mean_std[1]))
    if said.get("do_normalize", True):
        mean, std = _three(said.get("image_mean", processor.mean_std[0])), own_std
    efficient = name == "EfficientNetImageProcessor"
    offset = 1.0 if efficient and said.get("rescale_offset", False) and said.get("do_rescale", True) else 0.0
    scale = 255 * (float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0)
    scale = 1.0 if math.isclose(scale, 1.0, rel_tol=1e-9) else scale
    twice = own_std if efficient and said.get("include_top", True) else (1.0,) * 3
    return (
        tuple((offset + m) / scale for m in mean),
        tuple(s * t / scale for s, t in zip(std, twice, strict=True)),
    )


def _three(value: object) -> tuple[float, ...]:
    if isinstance(value, int | float):
        return (float(value),) * 3
    if isinstance(value, list | tuple) and len(value) == 3:
        return tuple(float(number) for number in value)
    raise ValueError(f"{value!r} is not three numbers")

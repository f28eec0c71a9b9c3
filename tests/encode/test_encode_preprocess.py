from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from periplus.encode.preprocess import Preprocess, crop_to_box
from periplus.errors import CannotRunError, UsageError

CLASSES: dict[str, Any] = {
    "CLIPImageProcessor": CLIPImageProcessorPil,
    "BitImageProcessor": BitImageProcessorPil,
    "ViTImageProcessor": ViTImageProcessorPil,
    "SiglipImageProcessor": SiglipImageProcessorPil,
    "ConvNextImageProcessor": ConvNextImageProcessorPil,
    "EfficientNetImageProcessor": EfficientNetImageProcessorPil,
}
SIDE = {"height": 48, "width": 48}
CONFIGS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in CLASSES),
    ("CLIPImageProcessor", {"size": {"shortest_edge": 40}, "crop_size": {"height": 40, "width": 32}}),
    ("CLIPImageProcessor", {"size": 50, "crop_size": 33}),
    ("CLIPImageProcessor", {"size": {"shortest_edge": 30}, "crop_size": SIDE}),
    ("CLIPImageProcessor", {"size": {"shortest_edge": 31}, "crop_size": {"height": 20, "width": 64}}),
    ("BitImageProcessor", {"size": {"shortest_edge": 64}, "do_center_crop": False}),
    ("BitImageProcessor", {"size": {"shortest_edge": 51}, "crop_size": SIDE, "resample": 2}),
    ("ViTImageProcessor", {"size": 48, "do_rescale": False}),
    ("ViTImageProcessor", {"size": SIDE, "do_normalize": False}),
    ("ViTImageProcessor", {"size": {"height": 32, "width": 60}, "resample": 1, "image_mean": [0.1, 0.2, 0.3]}),
    ("ViTImageProcessor", {"size": SIDE, "rescale_factor": 1 / 127.5}),
    ("ViTImageProcessor", {"do_resize": False}),
    ("SiglipImageProcessor", {"size": SIDE, "resample": 3}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 48}, "crop_pct": 0.875}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 48}, "crop_pct": 0.95}),
    ("EfficientNetImageProcessor", {"size": SIDE, "resample": 0}),
    ("EfficientNetImageProcessor", {"size": SIDE, "include_top": False, "rescale_offset": True}),
    ("EfficientNetImageProcessor", {"size": SIDE, "rescale_offset": True, "rescale_factor": 1 / 127.5}),
    ("EfficientNetImageProcessor", {"size": SIDE, "do_normalize": False}),
    ("EfficientNetImageProcessor", {"size": SIDE, "do_center_crop": True, "crop_size": {"height": 31, "width": 31}}),
]
SHAPES = [(37, 53), (53, 37), (301, 203), (9, 200), (64, 64)]


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("name", "options"), CONFIGS)
def test_equals_transformers(name: str, options: dict[str, Any]) -> None:
    reference = CLASSES[name](**options)
    ours = Preprocess.from_hub({"image_processor_type": name, **options})
    # What the library writes itself, every option spelled out, means the same.
    assert Preprocess.from_hub(json.loads(reference.to_json_string())) == ours
    for height, width in SHAPES:
        shot = picture(height, width)
        expected = reference([shot], return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
        pixels = ours.apply(shot)
        assert pixels.dtype == np.float32
        assert pixels.flags.c_contiguous
        np.testing.assert_allclose(pixels, expected, atol=2e-5, rtol=1e-6)
        assert ours.output_px in (None, pixels.shape[1:])


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_dinov3_resizes_before_rounding(height: int, width: int) -> None:
    ours = Preprocess.from_hub({"image_processor_type": "DINOv3ViTImageProcessorFast", "size": SIDE})
    shot = picture(height, width)
    pixels = torch.from_numpy(shot).permute(2, 0, 1)[None].float() / 255
    resized = torch.nn.functional.interpolate(
        pixels, size=(48, 48), mode="bilinear", align_corners=False, antialias=True
    )
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    np.testing.assert_allclose(ours.apply(shot), ((resized[0] - mean) / std).numpy(), atol=2e-5)


@pytest.mark.parametrize(("name", "options"), CONFIGS)
def test_written_for_the_hub_and_read_again(name: str, options: dict[str, Any]) -> None:
    ours = Preprocess.from_hub({"image_processor_type": name, **options})
    written = json.loads(json.dumps(ours.to_hub()))
    assert Preprocess.from_hub(written) == ours
    reference = CLASSES[str(written["image_processor_type"])](**written)
    shot = picture(60, 83)
    expected = reference([shot], return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    np.testing.assert_allclose(ours.apply(shot), expected, atol=2e-5, rtol=1e-5)


def test_files_of_old_versions() -> None:
    """The files that lie on the hub beside CLIP ViT-B/32 and ResNet-50."""
    clip = {
        "crop_size": 224,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": 224,
    }
    ours = Preprocess.from_hub(clip)
    assert (ours.resize, ours.size_px, ours.crop_px, ours.interpolation) == (
        "shortest",
        (224, 224),
        (224, 224),
        "bicubic",
    )
    resnet = {
        "crop_pct": 0.875,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "ConvNextFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
        "size": 224,
    }
    ours = Preprocess.from_hub(resnet)
    assert (ours.resize, ours.size_px, ours.crop_px) == ("shortest", (256, 256), (224, 224))


def test_spec_round_trip() -> None:
    ours = Preprocess((64, 64), "shortest", (48, 40), "lanczos", float_resize=True)
    assert Preprocess.from_spec(json.loads(json.dumps(ours.spec()))) == ours
    with pytest.raises(UsageError, match="another version"):
        Preprocess.from_spec({**ours.spec(), "colour": "sepia"})


def test_with_size() -> None:
    assert Preprocess((224, 224)).with_size(96) == Preprocess((96, 96))
    cropped = Preprocess((256, 256), "shortest", (224, 224))
    assert cropped.with_size(112) == Preprocess((128, 128), "shortest", (112, 112))
    assert cropped.with_size(112).output_px == (112, 112)
    with pytest.raises(UsageError, match="impossible"):
        cropped.with_size(0)
    with pytest.raises(UsageError, match="impossible"):
        Preprocess((8, 8), "none").with_size(16)


def test_a_very_long_strip_does_not_fill_the_memory() -> None:
    strip = np.zeros((1, 60_000, 3), np.uint8)
    pixels = Preprocess((32, 32), "shortest").apply(strip)
    assert pixels.shape == (3, 32, 1600)
    assert Preprocess((32, 32), "shortest", (32, 32)).apply(strip.transpose(1, 0, 2)).shape == (3, 32, 32)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(["exact", "shortest"]), st.booleans())
def test_sizes_are_as_promised(height: int, width: int, resize: str, crop: bool) -> None:
    ours = Preprocess((17, 17), resize, (12, 23) if crop else None)  # type: ignore[arg-type]
    pixels = ours.apply(picture(height, width))
    if ours.output_px:
        assert pixels.shape == (3, *ours.output_px)
    else:
        assert min(pixels.shape[1:]) == 17
    assert np.isfinite(pixels).all()


def test_a_grey_picture_is_the_same_everywhere() -> None:
    """A constant picture stays constant under every filter, so its value has a closed form."""
    for name in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"):
        pixels = Preprocess((8, 8), interpolation=name).apply(np.full((5, 31, 3), 51, np.uint8))
        expected = (0.2 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
        np.testing.assert_allclose(pixels, np.broadcast_to(expected[:, None, None], (3, 8, 8)), atol=1e-6)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"image_processor_type": "MagicImageProcessor"}, "'MagicImageProcessor' is not known"),
        ({}, "None is not known"),
        ({"image_processor_type": "Siglip2ImageProcessor"}, "'Siglip2ImageProcessor' is not known"),
        ({"image_processor_type": "CLIPImageProcessor", "image_maen": [0, 0, 0]}, "did you mean 'image_mean'"),
        ({"image_processor_type": "CLIPImageProcessor", "do_pad": True}, "'do_pad'"),
        ({"image_processor_type": "CLIPImageProcessor", "include_top": True}, "'include_top'"),
        ({"image_processor_type": "CLIPImageProcessor", "auto_map": {}}, "'auto_map'"),
        ({"image_processor_type": "ViTImageProcessor", "size": {"longest_edge": 3}}, "neither height and width"),
        (
            {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 3, "longest_edge": 9}},
            "neither height and width",
        ),
        ({"image_processor_type": "ViTImageProcessor", "image_mean": [0.5]}, "not three numbers"),
        ({"image_processor_type": "ViTImageProcessor", "resample": 17}, "17"),
        ({"image_processor_type": "ViTImageProcessor", "resample": "soft"}, "soft"),
        ({"image_processor_type": "ViTImageProcessor", "rescale_factor": 0}, "division"),
        ({"image_processor_type": "ConvNextImageProcessor", "size": SIDE}, "shortest_edge"),
    ],
)
def test_what_is_not_known_is_named(config: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotRunError, match=message):
        Preprocess.from_hub(config)


def test_nulls_mean_defaults() -> None:
    config = {"image_processor_type": "ViTImageProcessor", "size": SIDE}
    nulls = {"do_pad": None, "crop_size": None, "resample": None, "device": None, "anything": None}
    assert Preprocess.from_hub({**config, **nulls}) == Preprocess.from_hub(config)


def test_folders_without_a_readable_file(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"preprocessor_config\.json cannot be read"):
        Preprocess.from_folder(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("[", encoding="utf-8")
    with pytest.raises(CannotRunError, match="cannot be read"):
        Preprocess.from_folder(tmp_path)


def test_a_whole_processor_s_file(tmp_path: Path) -> None:
    part = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 40}, "crop_size": SIDE}
    whole = {"processor_class": "CLIPProcessor", "image_processor": part, "tokenizer": {}}
    (tmp_path / "processor_config.json").write_text(json.dumps(whole), encoding="utf-8")
    assert Preprocess.from_folder(tmp_path) == Preprocess.from_hub(part)
    (tmp_path / "processor_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CannotRunError, match="None is not known"):
        Preprocess.from_folder(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"size_px": (0, 4)},
        {"size_px": (4, 4), "crop_px": (0, 1)},
        {"size_px": (4, 5), "resize": "shortest"},
        {"size_px": (4, 4), "resize": "stretch"},
        {"size_px": (4, 4), "interpolation": "smooth"},
        {"size_px": (4, 4), "std": (1.0, 0.0, 1.0)},
        {"size_px": (4, 4), "mean": (1.0, float("nan"), 1.0)},
        {"size_px": (4, 4), "mean": (1.0,)},
    ],
)
def test_impossible_values(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Preprocess(**values)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture(wrong: NDArray[Any]) -> None:
    with pytest.raises(UsageError, match=r"uint8 \(h, w, 3\)"):
        Preprocess((4, 4)).apply(wrong)
    with pytest.raises(UsageError, match=r"uint8 \(h, w, 3\)"):
        crop_to_box(wrong, (0, 0, 1, 1))


def test_crop_to_box() -> None:
    shot = picture(20, 30)
    np.testing.assert_array_equal(crop_to_box(shot, (3, 5, 10, 12)), shot[5:12, 3:10])
    np.testing.assert_array_equal(crop_to_box(shot, (2.6, 4.9, 9.1, 11.5)), shot[4:12, 2:10])
    np.testing.assert_array_equal(crop_to_box(shot, (-3.5, -1, 30.4, 99)), shot)


@given(st.tuples(*[st.floats(-50, 80) for _ in range(4)]))
def test_a_crop_is_never_empty(box: tuple[float, float, float, float]) -> None:
    shot = picture(20, 30)
    try:
        cropped = crop_to_box(shot, box)
    except UsageError:
        left, top, right, bottom = box
        assert left >= right or top >= bottom or left >= 30 or top >= 20 or right <= 0 or bottom <= 0
    else:
        assert cropped.size > 0


@pytest.mark.parametrize(
    "box", [(5, 5, 5, 9), (9, 5, 5, 9), (0, 0, float("nan"), 3), (30, 0, 40, 5), (0, -9, 5, 0), (0, 0, float("inf"), 1)]
)
def test_boxes_that_hold_nothing(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(UsageError, match="box"):
        crop_to_box(picture(20, 30), box)

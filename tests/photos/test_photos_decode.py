from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from periplus.errors import PhotoError, UsageError
from periplus.photos import Limits, read_gray, read_metadata, read_rgb

T = Image.Transpose
TURNED_AS_STORED = {
    2: T.FLIP_LEFT_RIGHT,
    3: T.ROTATE_180,
    4: T.FLIP_TOP_BOTTOM,
    5: T.TRANSPOSE,
    6: T.ROTATE_90,
    7: T.TRANSVERSE,
    8: T.ROTATE_270,
}
FORMATS: dict[str, dict[str, Any]] = {
    "a.jpg": {"quality": 95},
    "a.png": {},
    "a.webp": {"lossless": True},
    "a.tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "a.avif": {"quality": 95},
    "a.heic": {"quality": 95},
}


def scene(width: int = 64, height: int = 40) -> NDArray[np.uint8]:
    """A picture without any symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x > width // 2) * 200], axis=-1).astype(np.uint8)


def save(path: Path, picture: Image.Image, orientation: int, options: dict[str, Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if path.suffix == ".heic":
        heif = pillow_heif.from_pillow(picture)
        heif.info["exif"] = exif.tobytes()
        heif.save(path, **options)
    else:
        picture.save(path, exif=exif, **options)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_format_comes_upright(tmp_path: Path, name: str, orientation: int) -> None:
    picture = Image.fromarray(scene())
    if orientation in TURNED_AS_STORED:
        picture = picture.transpose(TURNED_AS_STORED[orientation])
    save(tmp_path / name, picture, orientation, FORMATS[name])
    found = read_rgb(tmp_path / name, 64)
    assert found.full_size == (64, 40)
    assert np.abs(found.pixels.astype(int) - scene()).mean() < 3
    metadata = read_metadata(tmp_path / name)
    assert (metadata.width_px, metadata.height_px) == (64, 40)
    assert read_gray(tmp_path / name, 32).pixels.shape == (20, 32)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_turns_nothing(tmp_path: Path, orientation: int) -> None:
    save(tmp_path / "a.png", Image.fromarray(scene()), orientation, {})
    assert (read_rgb(tmp_path / "a.png", 64).pixels == scene()).all()


GRAY = Image.fromarray(scene()).convert("L")
LUMA = np.asarray(GRAY).astype(int)


def test_16_bit_png_keeps_its_upper_byte(tmp_path: Path) -> None:
    Image.fromarray((LUMA * 257).astype(np.uint16)).save(tmp_path / "a.png")
    assert (read_gray(tmp_path / "a.png", 64).pixels == LUMA).all()
    assert (read_rgb(tmp_path / "a.png", 64).pixels == LUMA[..., None]).all()


def test_floating_point_tiff_is_read_as_zero_to_one(tmp_path: Path) -> None:
    values = (LUMA / 255).astype(np.float32)
    values[0, :3] = (np.nan, -5, 7)
    Image.fromarray(values).save(tmp_path / "a.tif")
    found = read_gray(tmp_path / "a.tif", 64).pixels
    assert found[0, :3].tolist() == [0, 0, 255]
    assert (found[1:] == LUMA[1:]).all()


@pytest.mark.parametrize(
    ("name", "picture", "tolerance"),
    [
        ("cmyk.jpg", Image.fromarray(scene()).convert("CMYK"), 4),
        ("gray.jpg", GRAY, 2),
        ("palette.png", Image.fromarray(scene()).quantize(256), 12),
        ("cmyk.tif", Image.fromarray(scene()).convert("CMYK"), 4),
        ("ycbcr.tif", Image.fromarray(scene()).convert("YCbCr"), 2),
        ("big-endian-16.tif", Image.frombytes("I;16B", (64, 40), (LUMA * 257).astype(">u2").tobytes()), 0),
    ],
)
def test_modes_give_the_luma_of_what_they_show(tmp_path: Path, name: str, picture: Image.Image, tolerance: int) -> None:
    picture.save(tmp_path / name)
    found = read_gray(tmp_path / name, 64)
    assert found.pixels.shape == (40, 64)
    assert np.abs(found.pixels - LUMA).mean() <= tolerance
    assert read_rgb(tmp_path / name, 64).pixels.shape == (40, 64, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_transparent_parts_are_white(tmp_path: Path, mode: str, suffix: str) -> None:
    picture = Image.fromarray(scene()).convert("RGBA")
    picture.putalpha(Image.fromarray(np.where(np.arange(64) < 32, 255, 0).astype(np.uint8)[None].repeat(40, 0)))
    if mode == "PA" and suffix == ".tif":
        mode = "RGBA"
    (picture.quantize(64) if mode == "PA" else picture.convert(mode)).save(tmp_path / f"a{suffix}")
    found = read_gray(tmp_path / f"a{suffix}", 64).pixels
    assert (found[:, 33:] == 255).all()
    assert np.abs(found[:, :31].astype(int) - LUMA[:, :31]).mean() < 12


def test_one_bit_and_lab(tmp_path: Path) -> None:
    Image.fromarray(LUMA > 100).save(tmp_path / "bit.png")
    assert (read_gray(tmp_path / "bit.png", 64).pixels == (LUMA > 100) * 255).all()
    Image.new("LAB", (8, 8)).save(tmp_path / "lab.tif")
    with pytest.raises(PhotoError) as caught:
        read_gray(tmp_path / "lab.tif", 64)
    assert caught.value.kind == "unsupported-format"


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.fromarray(scene()), Image.new("RGB", (64, 40), "red")]
    for name in ("a.webp", "a.png", "a.avif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], quality=95)
        assert np.abs(read_rgb(tmp_path / name, 64).pixels.astype(int) - scene()).mean() < 6, name


def test_one_pixel(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (10, 20, 30)).save(tmp_path / "a.png")
    found = read_rgb(tmp_path / "a.png", 640)
    assert found.pixels.tolist() == [[[10, 20, 30]]]
    assert found.full_size == (1, 1)


@given(width=st.integers(1, 70), height=st.integers(1, 70), long_side_px=st.integers(1, 90))
def test_the_long_side_shrinks_and_never_grows(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, long_side_px: int
) -> None:
    path = tmp_path_factory.mktemp("sizes") / "a.jpg"
    Image.new("RGB", (width, height), "blue").save(path)
    found = read_gray(path, long_side_px)
    assert found.full_size == (width, height)
    assert max(found.pixels.shape) == min(long_side_px, max(width, height))
    shrink = min(1, long_side_px / max(width, height))
    assert abs(found.pixels.shape[1] - width * shrink) <= 1
    assert abs(found.pixels.shape[0] - height * shrink) <= 1


def test_a_working_size_below_one_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not 0"):
        read_gray(tmp_path / "a.jpg", 0)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_reduced_decoding_is_close_to_the_full_one(tmp_path: Path, factor: int) -> None:
    Image.fromarray(scene(640, 480)).save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as full:
        slow = np.asarray(full.convert("L").resize((640 // factor, 480 // factor), Image.Resampling.BOX), dtype=int)
    assert np.abs(read_gray(tmp_path / "a.jpg", 640 // factor).pixels - slow).mean() < 2


def test_pixels_are_writable_and_contiguous(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", Image.fromarray(scene()), 6, {})
    pixels = read_gray(tmp_path / "a.jpg", 64).pixels
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


def test_a_picture_beyond_pillows_own_limit_is_judged_by_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.fromarray(scene()).save(tmp_path / "a.png")
    assert read_rgb(tmp_path / "a.png", 64).pixels.shape == (40, 64, 3)
    with pytest.raises(PhotoError, match="64 x 40"):
        read_rgb(tmp_path / "a.png", 64, Limits(max_pixels=2559))

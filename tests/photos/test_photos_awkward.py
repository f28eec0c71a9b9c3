"""Every real file with something odd about it has its expected outcome here."""

from __future__ import annotations

import csv
from pathlib import Path

import exifread
import exifread.utils
import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from periplus.errors import PhotoError
from periplus.photos import read_gray, read_metadata, read_rgb

NIKON = "NIKON COOLPIX P6000"
ONEPLUS = (48.0810453, -1.6678411, 16, 16, "ONEPLUS A3003")
NONE = (None, None)

# name: (lat_deg, lon_deg, width_px, height_px, camera)
EXPECTED: dict[str, tuple[float | None, float | None, int, int, str | None]] = {
    "exif-samples_DSCN0010.jpg": (43.4674483, 11.8851267, 640, 480, NIKON),
    "exif-samples_DSCN0012.jpg": (43.4671567, 11.8853950, 640, 480, NIKON),
    "exif-samples_DSCN0021.jpg": (43.4670817, 11.8845383, 640, 480, NIKON),
    "exif-samples_DSCN0025.jpg": (43.4683650, 11.8816350, 640, 480, NIKON),
    "exif-samples_DSCN0027.jpg": (43.4684417, 11.8815150, 640, 480, NIKON),
    "exif-samples_DSCN0029.jpg": (43.4682433, 11.8801717, 640, 480, NIKON),
    "exif-samples_DSCN0038.jpg": (43.4672550, 11.8792133, 640, 480, NIKON),
    "exif-samples_DSCN0040.jpg": (43.4660117, 11.8791117, 640, 480, NIKON),
    "exif-samples_DSCN0042.jpg": (43.4644550, 11.8814783, 640, 480, NIKON),
    "exif-samples_image00971.jpg": (*NONE, 636, 227, None),
    "exif-samples_image01088.jpg": (*NONE, 425, 120, None),
    "exif-samples_image01137.jpg": (*NONE, 88, 64, None),
    "exif-samples_image01551.jpg": (*NONE, 61, 58, None),
    "exif-samples_image01713.jpg": (*NONE, 49, 500, None),
    "exif-samples_image01980.jpg": (*NONE, 284, 25, None),
    "exif-samples_image02206.jpg": (*NONE, 65, 65, None),
    **{f"exif-samples_landscape_{o}.jpg": (*NONE, 600, 450, None) for o in range(1, 9)},
    **{f"exif-samples_portrait_{o}.jpg": (*NONE, 450, 600, None) for o in range(1, 9)},
    "immich_10bit-HDR-P3-nclx.avif": (*NONE, 3681, 5594, None),
    "immich_8bit-sRGB.avif": (*NONE, 1617, 1080, None),
    "immich_IMG_2682.heic": (41.2203000, -96.0716250, 4032, 3024, "Apple iPhone 7"),
    "immich_denali.webp": (*NONE, 600, 315, "Canon EOS 7D"),
    "immich_density_plot.png": (*NONE, 800, 800, None),
    "immich_empty_gps.jpg": (*NONE, 4640, 3472, "motorola moto g(9) plus"),
    "immich_thompson-springs.jpg": (39.1150000, -108.4009683, 150, 103, None),
    "mapillary_tools_corrupt_exif.jpg": ONEPLUS,
    "mapillary_tools_corrupt_exif_2.jpg": ONEPLUS,
    "mapillary_tools_corrupt_exif_large_thumbnail.jpg": (*NONE, 100, 100, None),
    "mapillary_tools_corrupt_exif_trusted_wrong_type.jpg": (*NONE, 32, 32, None),
    "mapillary_tools_corrupt_exif_wrong_type.jpg": (*NONE, 32, 32, None),
    "mapillary_tools_empty_exif.jpg": (*NONE, 16, 16, None),
    "mapillary_tools_fixed_exif.jpg": ONEPLUS,
    "mapillary_tools_fixed_exif_2.jpg": ONEPLUS,
    "mapillary_tools_test_exif.jpg": (35.9125167, 14.4988056, 16, 16, "HTC Legend"),
}


def test_the_table_is_complete(shared: Path) -> None:
    there = {path.name for path in (shared / "awkward-files").iterdir()}
    assert there == {*EXPECTED, "SOURCE.md"}


@pytest.mark.parametrize("name", EXPECTED)
def test_metadata_and_pixels(shared: Path, name: str) -> None:
    lat_deg, lon_deg, width_px, height_px, camera = EXPECTED[name]
    path = shared / "awkward-files" / name
    found = read_metadata(path)
    assert found.lat_deg == pytest.approx(lat_deg, abs=1e-6)
    assert found.lon_deg == pytest.approx(lon_deg, abs=1e-6)
    assert found.position_source == (None if lat_deg is None else "exif")
    assert (found.width_px, found.height_px, found.camera) == (width_px, height_px, camera)
    gray, rgb = read_gray(path, 128), read_rgb(path, 128)
    assert gray.full_size == rgb.full_size == (width_px, height_px)
    assert max(gray.pixels.shape) == min(128, max(width_px, height_px))
    assert rgb.pixels.shape == (*gray.pixels.shape, 3)
    luma = rgb.pixels.astype(float) @ (0.299, 0.587, 0.114)
    assert np.abs(luma - gray.pixels).mean() < 3


def test_a_file_without_picture_is_no_photo(shared: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        read_metadata(shared / "awkward-files" / "SOURCE.md")
    assert caught.value.kind == "not-a-photo"


def test_the_rest_of_what_is_said(shared: Path) -> None:
    thompson = read_metadata(shared / "awkward-files/immich_thompson-springs.jpg")
    assert thompson.altitude_m == pytest.approx(1483.9)
    assert (thompson.bearing_deg, thompson.bearing_reference) == (206.0, "magnetic")
    phone = read_metadata(shared / "awkward-files/immich_IMG_2682.heic")
    assert phone.altitude_m == pytest.approx(351.26693)
    assert phone.bearing_deg == pytest.approx(320.60028)
    assert (phone.bearing_reference, phone.taken_at) == ("true", "2019-03-21T11:04:22")
    assert read_metadata(shared / "awkward-files/mapillary_tools_test_exif.jpg").taken_at == "2018-06-26T17:46:33"
    empty = read_metadata(shared / "awkward-files/immich_empty_gps.jpg")
    assert empty.warnings == ("The GPS latitude (nan, nan, nan) is not a number.",)
    assert empty.taken_at == "2025-06-01T16:59:26"


@pytest.mark.parametrize("folder", ["awkward-files", "street-photos/photos"])
def test_positions_agree_with_an_independent_reader(shared: Path, folder: str) -> None:
    compared = 0
    for path in sorted((shared / folder).glob("*.jpg")):
        with path.open("rb") as file:
            theirs = exifread.utils.get_gps_coords(exifread.process_file(file, details=False))
        ours = read_metadata(path)
        assert (theirs is None) == (ours.lat_deg is None), path.name
        if theirs:
            assert (ours.lat_deg, ours.lon_deg) == pytest.approx(theirs, abs=1e-6), path.name
            compared += 1
    assert compared == {"awkward-files": 15, "street-photos/photos": 32}[folder]


def test_heic_position_agrees_with_an_independent_reader(shared: Path) -> None:
    path = shared / "awkward-files/immich_IMG_2682.heic"
    with path.open("rb") as file:
        theirs = exifread.utils.get_gps_coords(exifread.process_file(file, details=False))
    found = read_metadata(path)
    assert (found.lat_deg, found.lon_deg) == pytest.approx(theirs, abs=1e-6)
    assert pillow_heif.open_heif(path).size == (found.width_px, found.height_px)


def test_street_photos_stand_where_their_table_says(shared: Path) -> None:
    root = shared / "street-photos"
    with (root / "photos.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["note"].startswith("opensfm")]
    assert len(rows) == 32
    for row in rows:
        found = read_metadata(root / row["file"])
        assert (found.lat_deg, found.lon_deg) == pytest.approx((float(row["lat"]), float(row["lon"])), abs=1e-6)


@pytest.mark.parametrize("shape", ["landscape", "portrait"])
def test_all_orientations_show_the_same_upright_picture(shared: Path, shape: str) -> None:
    paths = [shared / "awkward-files" / f"exif-samples_{shape}_{o}.jpg" for o in range(1, 9)]
    pictures = [read_gray(path, 150).pixels for path in paths]
    first = pictures[0]
    # Each has its own number and tone, so they correlate, and far more than with any turned one.
    for picture in pictures:
        assert picture.shape == first.shape
        assert correlation(first, picture) > 0.95
        turned = (picture[::-1], picture[:, ::-1], picture[::-1, ::-1])
        assert max(correlation(first, other) for other in turned) < 0.6


def correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_gray_is_the_luma_of_the_full_decoding(shared: Path) -> None:
    path = shared / "awkward-files/immich_empty_gps.jpg"
    with Image.open(path) as picture:
        slow = np.asarray(picture.convert("L").resize((640, 479), Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(read_gray(path, 640).pixels - slow).mean() < 1.5

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from periplus.photos import PhotoMetadata, jpeg_thumbnail, read_metadata

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="{}" exif:GPSLongitude="{}"/>'
    "</rdf:RDF></x:xmpmeta>"
)
GPS = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 42.0), 5: b"\1", 6: 12.5, 16: "T", 17: 90.0}


def exif(gps: dict[int, object] | None = None, **ifd0: object) -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0110] = ifd0.get("make", "Maker"), ifd0.get("model", "Model 1")
    made.get_ifd(0x8769)[0x9003] = ifd0.get("time", "2020:05:06 07:08:09")
    made.get_ifd(0x8769)[0x9011] = "+02:00"
    made.get_ifd(0x8825).update(gps or {})
    return made


def forge(path: Path, gps: dict[int, object] | None = None, xmp: str | None = None, **ifd0: object) -> Path:
    options: dict[str, Any] = {"xmp": xmp.encode()} if xmp else {}
    Image.new("RGB", (30, 20), "green").save(path, exif=exif(gps, **ifd0).tobytes(), **options)
    return path


def test_all_that_a_camera_says(tmp_path: Path) -> None:
    assert read_metadata(forge(tmp_path / "a.jpg", GPS)) == PhotoMetadata(
        lat_deg=48 + 51 / 60 + 30 / 3600,
        lon_deg=2.295,
        position_source="exif",
        altitude_m=-12.5,
        bearing_deg=90.0,
        bearing_reference="true",
        taken_at="2020-05-06T07:08:09+02:00",
        camera="Maker Model 1",
        width_px=30,
        height_px=20,
    )


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png", ".tif", ".avif"])
def test_every_format_carries_it(tmp_path: Path, suffix: str) -> None:
    found = read_metadata(forge(tmp_path / f"a{suffix}", GPS))
    assert (found.lat_deg, found.lon_deg) == pytest.approx((48.8583333333, 2.295))
    assert (found.camera, found.taken_at, found.warnings) == ("Maker Model 1", "2020-05-06T07:08:09+02:00", ())


def test_png_with_exif_behind_the_pixels(tmp_path: Path) -> None:
    data = forge(tmp_path / "a.png", GPS).read_bytes()
    at = data.index(b"eXIf") - 4
    chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
    end = data.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(data[:at] + data[at + len(chunk) : end] + chunk + data[end:])
    assert read_metadata(tmp_path / "a.png").lon_deg == 2.295


def test_the_sidecar_wins_over_exif_and_exif_over_the_packet_inside(tmp_path: Path) -> None:
    path = forge(tmp_path / "a.jpg", GPS, XMP.format("10,0N", "20,0E"))
    assert (read_metadata(path).position_source, read_metadata(path).lon_deg) == ("exif", 2.295)
    (tmp_path / "a.xmp").write_text(XMP.format("30,0N", "40,0E"))
    found = read_metadata(path)
    assert (found.position_source, found.lat_deg, found.lon_deg) == ("xmp", 30, 40)
    assert (found.altitude_m, found.bearing_deg) == (-12.5, 90)
    (tmp_path / "a.jpg.xmp").write_text(XMP.format("50,0N", "60,0E"))
    assert read_metadata(path).lat_deg == 50
    assert read_metadata(path, sidecar=False).lon_deg == 2.295


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png", ".tif", ".avif"])
def test_the_packet_inside_is_read_where_exif_has_no_position(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.format("10,30N", "20,15W"))
        Image.new("RGB", (30, 20)).save(path, pnginfo=text)
    elif suffix == ".tif":
        Image.new("RGB", (30, 20)).save(path, tiffinfo={700: XMP.format("10,30N", "20,15W").encode()})
    else:
        forge(path, None, XMP.format("10,30N", "20,15W"))
    found = read_metadata(path)
    assert (found.position_source, found.lat_deg, found.lon_deg) == ("xmp", 10.5, -20.25)


def test_a_bad_sidecar_is_a_warning_and_exif_counts(tmp_path: Path) -> None:
    path = forge(tmp_path / "a.jpg", GPS)
    (tmp_path / "a.xmp").write_text('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    found = read_metadata(path)
    assert found.position_source == "exif"
    assert found.warnings == (
        "The sidecar a.xmp is not sound XML (it declares a document type, which XMP never does).",
    )


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("jfif", [True, False])
def test_a_torn_exif_block_is_a_warning(tmp_path: Path, suffix: str, jfif: bool) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (30, 20)).save(path, exif=exif(GPS).tobytes()[:60])
    if suffix == ".jpg" and not jfif:
        # Without the JFIF header the EXIF is read when the file is opened.
        data = path.read_bytes()
        path.write_bytes(data[:2] + data[4 + int.from_bytes(data[4:6], "big") :])
    found = read_metadata(path)
    assert (found.lat_deg, found.width_px) == (None, 30)
    assert found.warnings


def test_exif_that_is_none(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=b"Exif\0\0this is not TIFF")
    found = read_metadata(tmp_path / "a.jpg")
    assert found.camera is None
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 7D", "Canon EOS 7D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple\0\0", " iPhone 7 ", "Apple iPhone 7"),
        ("", "Lonely", "Lonely"),
        ("Maker", "", "Maker"),
        ("", "", None),
        ("\x1b[31m", "", "[31m"),
    ],
)
def test_camera_names(tmp_path: Path, make: str, model: str, camera: str | None) -> None:
    assert read_metadata(forge(tmp_path / "a.jpg", make=make, model=model)).camera == camera


def test_a_time_that_is_none_falls_back_to_the_digitized_one(tmp_path: Path) -> None:
    made = exif(time="0000:00:00 00:00:00")
    made.get_ifd(0x8769)[0x9004] = "2021:01:02 03:04:05"
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=made)
    assert read_metadata(tmp_path / "a.jpg").taken_at == "2021-01-02T03:04:05"


def test_a_thumbnail_is_upright_small_and_bare(tmp_path: Path) -> None:
    made = exif(GPS)
    made[0x0112] = 6
    picture = Image.new("RGB", (300, 200), "green")
    picture.paste("red", (0, 0, 150, 200))
    picture.save(tmp_path / "a.jpg", exif=made, xmp=XMP.format("1,0N", "2,0E").encode(), comment=b"secret", quality=95)
    data = jpeg_thumbnail(tmp_path / "a.jpg", 90)
    for trace in (b"Exif", b"adobe", b"Maker", b"secret", b"ICC_PROFILE"):
        assert trace not in data
    with Image.open(io.BytesIO(data)) as small:
        assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (60, 90))
        assert set(small.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        top, bottom = small.getpixel((30, 10)), small.getpixel((30, 80))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200
    assert bottom[1] > 100


def test_a_thumbnail_is_never_enlarged(tmp_path: Path) -> None:
    forge(tmp_path / "a.png")
    with Image.open(io.BytesIO(jpeg_thumbnail(tmp_path / "a.png", 400, quality=30))) as small:
        assert small.size == (30, 20)

"""Files that are forged, broken, missing or no files at all."""

from __future__ import annotations

import io
import os
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from periplus.errors import PhotoError
from periplus.photos import Format, Limits, is_photo_name, jpeg_thumbnail, read_gray, read_metadata, read_rgb, sniff

READERS: list[Callable[[Path], object]] = [
    read_metadata,
    lambda path: read_gray(path, 64),
    lambda path: read_rgb(path, 64),
    lambda path: jpeg_thumbnail(path, 64),
]


def encoded(kind: str, size: tuple[int, int] = (64, 40), **options: Any) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png_header(width: int, height: int) -> bytes:
    ihdr = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def webp_header(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + b"\0\0\0\0" + size
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def jpeg_header(width: int, height: int) -> bytes:
    data = bytearray(encoded("JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty.jpg": (b"", "damaged"),
    "text.jpg": (b"this is no picture, whatever its name says\n" * 9, "not-a-photo"),
    "zeros.png": (bytes(1000), "not-a-photo"),
    "page.jpg": (b"<!DOCTYPE html><html></html>", "not-a-photo"),
    "one-byte.jpg": (b"\xff", "not-a-photo"),
    "start-only.jpg": (b"\xff\xd8\xff\xe0", "damaged"),
    "video.heic": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "not-a-photo"),
    "no-items.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged"),
    "no-items.avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "damaged"),
    "tiff-loop.tif": (b"II*\0\x08\0\0\0\x01\0\xff\xff\x04\0\xff\xff\xff\xff\x08\0\0\0\x08\0\0\0", "damaged"),
    "codestream.jxl": (b"\xff\x0a" + bytes(50), "unsupported-format"),
    "container.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "unsupported-format"),
    "moving.jpg": (encoded("GIF"), "unsupported-format"),
    "bitmap.jpg": (encoded("BMP"), "unsupported-format"),
    "bomb.png": (png_header(30_000, 30_000), "too-large"),
    "bomb.webp": (webp_header(1 << 24, 1 << 24), "too-large"),
    "bomb-lossless.webp": (b"RIFF\x20\0\0\0WEBPVP8L\x10\0\0\0\x2f\xff\xff\xff\x0f" + bytes(16), "too-large"),
    "bomb-lossy.webp": (
        b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0\x30\x01\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(9),
        "too-large",
    ),
    "bomb.jpg": (jpeg_header(65_000, 65_000), "too-large"),
    "flat.jpg": (jpeg_header(64, 0), "damaged"),
}


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_named_for_what_they_are(tmp_path: Path, name: str, read: Callable[[Path], object]) -> None:
    data, kind = HOSTILE[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(PhotoError) as caught:
        read(path)
    assert caught.value.kind == kind
    assert caught.value.path == str(path)
    assert caught.value.reason.endswith((".", "'"))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith("bomb")])
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name][0])
    tracemalloc.start()
    with pytest.raises(PhotoError, match="limit"):
        read_gray(tmp_path / name, 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_damaged(tmp_path: Path, kind: str, part: float) -> None:
    whole = encoded(kind)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(PhotoError) as caught:
        read_gray(path, 64)
    assert caught.value.kind == "damaged"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_flipped_bytes_give_a_picture_or_a_named_error(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    whole = encoded(kind, (24, 16), exif=exif)
    random = np.random.default_rng(7)
    path = tmp_path / "a"
    for _ in range(60):
        data = np.frombuffer(whole, np.uint8).copy()
        at = random.integers(0, min(len(data), 400), random.integers(1, 9))
        data[at] = random.integers(0, 256, len(at))
        path.write_bytes(data.tobytes())
        for read in READERS:
            try:
                read(path)
            except PhotoError as error:
                assert error.kind in {"damaged", "not-a-photo", "too-large", "unsupported-format"}  # noqa: PT017


def test_a_photo_under_a_wrong_name_is_read_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("PNG"))
    assert read_gray(tmp_path / "a.jpg", 64).full_size == (64, 40)


@pytest.mark.parametrize("read", READERS)
def test_what_is_not_a_file_never_blocks(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    for path, kind in [
        (tmp_path / "pipe.jpg", "not-a-file"),
        (tmp_path / "folder.jpg", "not-a-file"),
        (Path("/dev/zero"), "not-a-file"),
        (tmp_path / "missing.jpg", "missing"),
        (tmp_path / "pipe.jpg" / "below.jpg", "missing"),
        (tmp_path / ("long" * 100), "unreadable"),
    ]:
        with pytest.raises(PhotoError) as caught:
            read(path)
        assert caught.value.kind == kind


def test_a_link_in_a_circle_and_a_name_with_nul(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    for path in (tmp_path / "a.jpg", "nul\0.jpg"):
        with pytest.raises(PhotoError) as caught:
            read_metadata(path)
        assert caught.value.kind == "unreadable"


def test_permission_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))

    def refuse(*_: object) -> int:
        # Root may read everything, so the refusal is played.
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PhotoError, match="Permission denied") as caught:
        read_gray(tmp_path / "a.jpg", 64)
    assert caught.value.kind == "unreadable"


def test_the_byte_limit(tmp_path: Path) -> None:
    data = encoded("JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_gray(tmp_path / "a.jpg", 64, Limits(max_bytes=len(data))).full_size == (64, 40)
    with pytest.raises(PhotoError) as caught:
        read_gray(tmp_path / "a.jpg", 64, Limits(max_bytes=len(data) - 1))
    assert caught.value.kind == "too-large"


def test_the_pixel_limit_is_inclusive(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(encoded("WEBP"))
    assert read_metadata(tmp_path / "a.webp", Limits(max_pixels=64 * 40)).width_px == 64
    with pytest.raises(PhotoError, match="64 x 40 pixels"):
        read_metadata(tmp_path / "a.webp", Limits(max_pixels=64 * 40 - 1))


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 80}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}]
)
def test_the_webp_header_says_the_size_that_the_decoder_finds(tmp_path: Path, options: dict[str, Any]) -> None:
    from periplus.photos.opening import _webp_size

    data = encoded("WEBP", (67, 43), **options)
    assert _webp_size(data[:30]) == (67, 43)


def test_heic_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"periplus\[heif\]") as caught:
        read_gray(tmp_path / "a.heic", 64)
    assert caught.value.kind == "needs-heif"


def test_pillows_global_state_stays_as_it_was(shared: Path) -> None:
    before = (Image.MAX_IMAGE_PIXELS, set(Image.OPEN), dict(Image.EXTENSION))
    read_gray(shared / "awkward-files/immich_IMG_2682.heic", 64)
    assert (Image.MAX_IMAGE_PIXELS, set(Image.OPEN), dict(Image.EXTENSION)) == before
    assert "HEIF" not in Image.OPEN


@pytest.mark.parametrize("name", ["a b/ö é.jpg", "📷🗼.jpg", "שלום-مرحبا.jpg", "new\nline.jpg", "-rf.jpg"])
def test_any_name_works(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encoded("JPEG"))
    assert read_gray(path, 64).full_size == (64, 40)
    assert read_metadata(str(path)).width_px == 64


def test_names_of_photos() -> None:
    assert all(is_photo_name(name) for name in ("a.jpg", "A.JPEG", "b.HeIc", "c.jxl", "x/y.tiff", "d.avif"))
    assert not any(is_photo_name(name) for name in ("a", "jpg", ".jpg", "a.jpg.xmp", "a.txt", "a.gif", "a.mp4"))


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe1", Format.JPEG),
        (b"II*\0", Format.TIFF),
        (b"MM\0+", Format.TIFF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Format.AVIF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", Format.HEIF),
        (b"\0\0\0\x10ftypmif1\0\0\0\0avif", Format.HEIF),  # what follows the box is not a brand
        (b"\0\0\0\x00ftyp", None),
        (b"", None),
        (b"RIFF\0\0\0\0WAVE", None),
    ],
)
def test_sniffing(head: bytes, found: Format | None) -> None:
    assert sniff(head) is found

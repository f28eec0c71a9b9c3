"""What kind of picture a file holds: by its name for finding, by its first bytes for opening."""

from __future__ import annotations

from enum import Enum
from pathlib import PurePath


class Format(Enum):
    """A picture format that is known; those of :data:`READABLE` can be opened."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WebP"
    AVIF = "AVIF"
    HEIF = "HEIC/HEIF"
    TIFF = "TIFF"
    JXL = "JPEG XL"
    GIF = "GIF"
    BMP = "BMP"


READABLE = frozenset({Format.JPEG, Format.PNG, Format.WEBP, Format.AVIF, Format.HEIF, Format.TIFF})

PHOTO_SUFFIXES: dict[str, Format] = {
    ".jpg": Format.JPEG,
    ".jpeg": Format.JPEG,
    ".jpe": Format.JPEG,
    ".jfif": Format.JPEG,
    ".png": Format.PNG,
    ".webp": Format.WEBP,
    ".avif": Format.AVIF,
    ".heic": Format.HEIF,
    ".heif": Format.HEIF,
    ".hif": Format.HEIF,
    ".tif": Format.TIFF,
    ".tiff": Format.TIFF,
    ".jxl": Format.JXL,
}
"""Suffixes of files that are taken for photos. Those of a format that cannot be opened are here too, so that such a
photo is reported and not silently passed over."""

SNIFF_BYTES = 64
"""How many first bytes :func:`sniff` wants to see."""

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),
    (b"MM\0+", Format.TIFF),
    (b"\xff\x0a", Format.JXL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Format.JXL),
    (b"GIF8", Format.GIF),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"})


def is_photo_name(name: str | PurePath) -> bool:
    """Whether a file of this name is taken for a photo (by its suffix, in any case)."""
    return PurePath(name).suffix.lower() in PHOTO_SUFFIXES


def sniff(head: bytes) -> Format | None:
    """The format that the first :data:`SNIFF_BYTES` of a file announce; None for anything but a known picture."""
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and len(head) > 26:
        return Format.BMP
    return _sniff_boxes(head) if head[4:8] == b"ftyp" else None


def _sniff_boxes(head: bytes) -> Format | None:
    """The format of an ISO base media file, by its major brand and then by the compatible ones (ISO 23008-12)."""
    box = head[: max(int.from_bytes(head[:4], "big"), 16)]
    major, compatible = box[8:12], {box[i : i + 4] for i in range(16, len(box) - 3, 4)}
    if major in _AVIF_BRANDS or (major in (b"mif1", b"msf1") and compatible & _AVIF_BRANDS):
        return Format.AVIF
    return Format.HEIF if ({major} | compatible) & _HEIF_BRANDS else None

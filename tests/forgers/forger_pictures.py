"""Tiny pictures that differ from one another."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image


def jpeg_bytes(seed: str, size_px: tuple[int, int] = (16, 12)) -> bytes:
    """A JPEG whose colour comes from the seed."""
    red, green, blue = hashlib.blake2b(seed.encode(), digest_size=3).digest()
    file = io.BytesIO()
    Image.new("RGB", size_px, (red, green, blue)).save(file, "JPEG")
    return file.getvalue()


def write_jpeg(path: Path, seed: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg_bytes(seed))

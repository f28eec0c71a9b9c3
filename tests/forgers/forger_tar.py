"""TAR archives, sound and hostile."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "w") -> None:
    """A sound archive; ``mode`` is ``w``, ``w:gz``, ``w:bz2`` or ``w:xz``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            add(tar, name, data)
    path.write_bytes(file.getvalue())


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(data), kind, target
    tar.addfile(member, io.BytesIO(data))


def write_hostile(path: Path) -> list[str]:
    """An archive that tries to get out of its folder; the names that must not be written, in order.

    Between them are two good pictures, ``a/good.jpg`` and ``b/good2.jpg``.
    """
    plain, link, hard = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    bad = [
        ("../up.jpg", plain, ""),
        ("a/../../up.jpg", plain, ""),
        ("/tmp/absolute.jpg", plain, ""),
        ("a/link.jpg", link, "/etc/passwd"),
        ("out", link, ".."),
        ("out/through.jpg", plain, ""),
        ("a/hard.jpg", hard, "a/good.jpg"),
        ("a/pipe.jpg", tarfile.FIFOTYPE, ""),
        ("a/device.jpg", tarfile.CHRTYPE, ""),
        ("a\\..\\x.jpg", plain, ""),
        ("c:x.jpg", plain, ""),
        ("a/\x1b[2Jx.jpg", plain, ""),
        ("a/b/c/d/e/f/g/h/i/j/k.jpg", plain, ""),
        ("a/" + "x" * 300 + ".jpg", plain, ""),
    ]
    with tarfile.open(path, "w") as tar:
        add(tar, "a/good.jpg", b"good")
        for name, kind, target in bad:
            add(tar, name, b"bad" if kind == plain else b"", kind, target)
        add(tar, "b/good2.jpg", b"good2")
    # Through "out" nothing leads anywhere, since it was not made: its file is a plain one.
    return [name for name, *_ in bad if name != "out/through.jpg"]


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """One block that announces a member; negative sizes as base-256, which no writer would write."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, max(size, 0)
    block = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    if size < 0:
        block[124:136] = b"\xff" + (256**11 + size).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)

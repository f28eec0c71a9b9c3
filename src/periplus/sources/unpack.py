"""Unpacking TAR archives that may be hostile: plain files only, below one folder, bounded in number and size.

The standard library's ``data`` filter follows links inside the folder and has been got round more than once. Here links
are not made at all: a member is a plain file with a plain relative name, or it is passed over and counted.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from periplus.errors import CannotRunError
from periplus.records import Skip
from periplus.store import writing

_MAX_MEMBERS = 200_000
_MAX_MEMBER_BYTES = 1 << 28
_MAX_DEPTH = 10
_MAX_HEADER_BYTES = 1 << 20
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_BLOCK_BYTES = 1 << 20


class ArchiveError(CannotRunError):
    """An archive is not what it should be."""


@dataclass
class Unpacked:
    """What came of an archive.

    Attributes:
        files: how many were written.
        size_bytes: of them together.
        skipped: members that were passed over: ``link``, ``outside``, ``not-a-file``, ``bad-name``.
    """

    files: int = 0
    size_bytes: int = 0
    skipped: list[Skip] = field(default_factory=list)


class _Member(tarfile.TarInfo):
    """A member whose header is refused where the library would believe it and read without end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        member = super().frombuf(buf, encoding, errors)
        # A negative size would send the library back to what it has read, for ever.
        if member.size < 0 or (member.type in _EXTENSIONS and member.size > _MAX_HEADER_BYTES):
            raise tarfile.ReadError(f"a header announces {member.size} bytes")
        return member


def unpack(
    archive: Path,
    folder: Path,
    *,
    suffixes: Container[str],
    flat: bool,
    limit_bytes: int,
    tell: Callable[[int], None] = lambda _: None,
) -> Unpacked:
    """Write the files of a TAR (plain, gzip, bzip2 or xz) below a folder.

    Args:
        archive: the file.
        folder: where they go; made if missing.
        suffixes: of names that are wanted, in lower case; other members are left out silently.
        flat: put all into the folder itself, whatever their folders in the archive.
        limit_bytes: all files together must not be larger.
        tell: told how many bytes are written.

    Raises:
        ArchiveError: it is damaged or too large. What was written stays.
        CannotRunError: the system refused to write.
    """
    done = Unpacked()
    try:
        with tarfile.open(archive, "r:*", tarinfo=_Member, encoding="utf-8") as tar:
            for count, member in enumerate(tar):
                if count >= _MAX_MEMBERS:
                    raise ArchiveError(f"{archive} has more than {_MAX_MEMBERS} members.")
                # Checked before it is passed over: passing over is reading, too.
                if not 0 <= member.size <= _MAX_MEMBER_BYTES or done.size_bytes + member.size > limit_bytes:
                    raise ArchiveError(
                        f"{archive}: {member.name[:200]!r} of {member.size} bytes is more than it may hold."
                    )
                _take(tar, member, folder, done, suffixes, flat)
                tell(done.size_bytes)
    except (tarfile.TarError, EOFError, ValueError, zlib.error, UnicodeError) as error:
        raise ArchiveError(f"{archive} is damaged: {str(error)[:200]}. Fetch it again.") from error
    return done


def _take(
    tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, done: Unpacked, suffixes: Container[str], flat: bool
) -> None:
    if member.isdir():
        return
    refused = _refusal(member)
    if refused:
        done.skipped.append(Skip(member.name.encode("utf-8", "backslashreplace").decode()[:200], *refused))
        return
    name = PurePosixPath(member.name)
    if name.suffix.lower() not in suffixes or name.name.startswith("."):
        return
    target = folder / name.name if flat else folder / name
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(tar, member, target)
    done.files += 1
    done.size_bytes += member.size


def _refusal(member: tarfile.TarInfo) -> tuple[str, str] | None:
    """Why a member is not written: a kind and a sentence."""
    if member.issym() or member.islnk():
        return "link", "it is a link."
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        return "not-a-file", "it is no plain file."
    name = member.name
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or len(parts) > _MAX_DEPTH or not parts:
        return "outside", "its name leads out of the folder."
    if "\\" in name or ":" in name or not name.isprintable() or any(len(part.encode()) > 255 for part in parts):
        return "bad-name", "its name has characters that no picture needs."
    return None


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one file under another name first: what has its name is whole."""
    temporary = target.with_name(f".{target.name[:200]}.part")
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as file, tar.extractfile(member) or io.BytesIO() as source:
            shutil.copyfileobj(source, file, _BLOCK_BYTES)
        os.replace(temporary, target)  # noqa: PTH105
    finally:
        temporary.unlink(missing_ok=True)

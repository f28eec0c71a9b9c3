"""Fetching a data set: what is there is left alone, what was begun is continued, archives are unpacked and removed.

``periplus-data.json`` in the folder says which files have come; it is written after each, so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from periplus.errors import CannotRunError, UsageError
from periplus.records import Skip
from periplus.sources.datasets import RemoteFile
from periplus.sources.fetch import Net, Tell, download
from periplus.sources.unpack import ArchiveError, unpack
from periplus.store import Lock, write_json_atomic, writing

Done = dict[str, dict[str, object]]
"""What is known of each file, by its path."""

DONE = "periplus-data.json"
_LOCK = ".periplus-data.lock"
_FORMAT = 1
_MAX_DONE_BYTES = 1 << 24
_UNPACKED_PER_PACKED = 4
"""How much larger than its archive a data set may be when it is unpacked; pictures hardly shrink."""


@dataclass(frozen=True)
class Fetched:
    """One file that is now there.

    Attributes:
        path: below the folder; of an archive, where it was.
        url: where it came from.
        size_bytes: of it.
        md5: of it.
        verified: whether that is the published one.
        unpacked: how many files an archive held; None for a file that is none.
        fresh: whether it came just now.
    """

    path: str
    url: str
    size_bytes: int
    md5: str
    verified: bool
    unpacked: int | None
    fresh: bool


def pending(files: Sequence[RemoteFile], folder: Path) -> tuple[RemoteFile, ...]:
    """Those of the files that are still to be fetched.

    Raises:
        CannotRunError: the folder's list of what is done is damaged.
    """
    done = _read_done(folder)
    return tuple(file for file in files if not _is_done(file, folder, done))


def fetch_files(
    files: Sequence[RemoteFile], folder: Path, net: Net, tell: Tell = lambda *_: None
) -> tuple[tuple[Fetched, ...], tuple[Skip, ...]]:
    """Fetch files one after the other, verify and unpack them.

    Args:
        files: which; see :meth:`~periplus.sources.datasets.DataSet.select`.
        folder: where to; made if missing.
        net: how.
        tell: told of the bytes of each file, and of ``unpacking NAME``.

    Returns:
        Every file, and the members of archives that were passed over.

    Raises:
        CannotRunError: out of reach, not there, damaged, no room, or not to be written. What is done is kept.
        GalleryError: another process writes to the folder.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder / _LOCK, str(folder))
    try:
        _check_room(pending(files, folder), folder)
        done = _read_done(folder)
        told: list[Fetched] = []
        skipped: list[Skip] = []
        for file in files:
            fresh = not _is_done(file, folder, done)
            if fresh:
                _fetch_one(file, folder, net, tell, done)
                skipped += _unpack_one(file, folder, done, tell)
            told.append(_told(file, done[file.path], fresh=fresh))
        return tuple(told), tuple(skipped)
    finally:
        lock.release()


def _fetch_one(file: RemoteFile, folder: Path, net: Net, tell: Tell, done: Done) -> None:
    """Fetch a file, unless an archive of an earlier run is there that only was not unpacked."""
    target = folder / file.path
    if _is_there(target, done.get(file.path)):
        return
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    md5, verified = download(file.url, target, file.limit_bytes, net, tell, file.md5_url)
    size = target.stat().st_size
    done[file.path] = {"url": net.address(file.url), "bytes": size, "md5": md5, "verified": verified}
    _write_done(folder, done)


def _unpack_one(file: RemoteFile, folder: Path, done: Done, tell: Tell) -> list[Skip]:
    """Unpack an archive and remove it; its members that were passed over."""
    if file.unpack is None:
        return []
    archive = folder / file.path
    limit_bytes = _UNPACKED_PER_PACKED * file.limit_bytes
    try:
        unpacked = unpack(
            archive,
            folder / file.unpack,
            suffixes=file.suffixes,
            flat=file.flat,
            limit_bytes=limit_bytes,
            tell=lambda size: tell(f"unpacking {archive.name}", size, None),
        )
        if not unpacked.files:
            raise ArchiveError(f"{archive} holds no file ending in {' or '.join(file.suffixes)}.")
    except ArchiveError:
        del done[file.path]
        _write_done(folder, done)
        _remove(archive, folder)
        raise
    done[file.path]["unpacked"] = unpacked.files
    _write_done(folder, done)
    _remove(archive, folder)
    return [Skip(f"{file.path}: {skip.path}", skip.kind, skip.reason) for skip in unpacked.skipped]


def _is_done(file: RemoteFile, folder: Path, done: Done) -> bool:
    """Whether an archive was unpacked, or a file is there as it came."""
    entry = done.get(file.path)
    if file.unpack is not None:
        return entry is not None and "unpacked" in entry and (folder / file.unpack).is_dir()
    return _is_there(folder / file.path, entry)


def _is_there(path: Path, entry: dict[str, object] | None) -> bool:
    return entry is not None and path.is_file() and path.stat().st_size == entry.get("bytes")


def _told(file: RemoteFile, entry: dict[str, object], *, fresh: bool) -> Fetched:
    size, unpacked = entry.get("bytes"), entry.get("unpacked")
    return Fetched(
        file.path,
        str(entry.get("url", "")),
        size if isinstance(size, int) else 0,
        str(entry.get("md5", "")),
        entry.get("verified") is True,
        unpacked if isinstance(unpacked, int) else None,
        fresh,
    )


def _read_done(folder: Path) -> Done:
    path = folder / DONE
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder to fetch into.")
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MAX_DONE_BYTES))
        if found["format"] != _FORMAT:
            raise ValueError(f"its format is {found['format']}")
        return {str(name): dict(entry) for name, entry in found["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotRunError(
            f"{path} is damaged ({error}). Delete it: files that are there are fetched again."
        ) from error


def _write_done(folder: Path, done: Done) -> None:
    write_json_atomic(folder / DONE, {"format": _FORMAT, "files": done})


def _check_room(files: Sequence[RemoteFile], folder: Path) -> None:
    """Refuse at once what would fail after hours: all files, and the largest archive beside what it holds."""
    needed = sum(file.size_bytes for file in files) + max(
        (f.size_bytes for f in files if f.unpack is not None), default=0
    )
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise CannotRunError(
            f"About {needed / 1e9:.1f} GB are needed in {folder}, and {free / 1e9:.1f} GB are free. "
            "Free some, choose another folder, or fetch fewer files with --part."
        )


def _remove(archive: Path, folder: Path) -> None:
    """Remove an archive that was unpacked, and its folders when they are empty."""
    with writing(archive):
        archive.unlink(missing_ok=True)
        for parent in archive.parents:
            if parent == folder or any(parent.iterdir()):
                break
            parent.rmdir()

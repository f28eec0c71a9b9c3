"""A folder of photographs, with what their files say of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from periplus.errors import PhotoError, UsageError
from periplus.photos import DEFAULT_LIMITS, Limits, PhotoMetadata, is_photo_name, read_metadata
from periplus.records import SCHEMA, Catalog, Skip
from periplus.sources.scan import Scan

FOLDER_SCHEMA = pa.schema(
    [
        *SCHEMA,
        pa.field("altitude_m", pa.float64()),
        pa.field("bearing_deg", pa.float64()),
        pa.field("camera", pa.string()),
        pa.field("position_source", pa.string()),
        pa.field("width_px", pa.int64()),
        pa.field("height_px", pa.int64()),
    ]
)
"""The columns of a folder's catalog."""


@dataclass
class _Walk:
    """What a walk through the folders gathers: photos by relative POSIX path."""

    root: Path
    photos: list[str] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    ignored: int = 0


def read_folder(
    root: str | os.PathLike[str],
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int], None] | None = None,
) -> Scan:
    """Read every photo below a folder; the pictures are opened, not decoded.

    A photo's id is its path relative to the folder, with slashes. Rows are sorted by it. Links to files inside the
    folder are photos of their own; links that lead outside, nowhere, or to folders are not followed.

    Args:
        root: the folder.
        limits: of each photo.
        progress: called with the number of photos done so far, after each.

    Returns:
        The photos as :data:`FOLDER_SCHEMA`, their ``path`` absolute; skips of the kinds of
        :class:`~periplus.errors.PhotoError`, and ``symlink`` and ``bad-name``.

    Raises:
        UsageError: there is no such folder.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(root)!r} to read photos from.")
    walk = _Walk(folder.resolve())
    _collect(walk)
    rows: list[dict[str, object]] = []
    notes: list[Skip] = []
    for done, name in enumerate(sorted(walk.photos), start=1):
        path = walk.root / name
        try:
            found = read_metadata(path, limits)
        except PhotoError as error:
            walk.skipped.append(Skip(name, error.kind, error.reason))
        else:
            rows.append(_row(name, path, found))
            notes.extend(Skip(name, "metadata", warning) for warning in found.warnings)
        if progress:
            progress(done)
    catalog = Catalog(pa.Table.from_pylist(rows, schema=FOLDER_SCHEMA))
    skipped = tuple(sorted(walk.skipped, key=lambda skip: skip.path))
    return Scan(catalog, skipped, walk.root, walk.ignored, tuple(notes))


def _row(name: str, path: Path, found: PhotoMetadata) -> dict[str, object]:
    return {
        "id": name,
        "path": str(path),
        "lat_deg": found.lat_deg,
        "lon_deg": found.lon_deg,
        "taken_at": found.taken_at,
        "altitude_m": found.altitude_m,
        "bearing_deg": found.bearing_deg,
        "camera": found.camera,
        "position_source": found.position_source,
        "width_px": found.width_px,
        "height_px": found.height_px,
    }


def _collect(walk: _Walk) -> None:
    """Find the photos by their names, without opening any; a stack, because folders may be deep."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(walk.root / folder) as entries:
                found = list(entries)
        except OSError as error:
            walk.skipped.append(Skip(folder or ".", "unreadable", f"the folder cannot be read ({error.strerror})."))
            continue
        for entry in found:
            if not entry.name.startswith("."):
                _sort_entry(walk, f"{folder}/{entry.name}" if folder else entry.name, entry, folders)


def _sort_entry(walk: _Walk, name: str, entry: os.DirEntry[str], folders: list[str]) -> None:
    """Put one directory entry where it belongs: a folder to walk, a photo, a skip, or nothing."""
    is_folder = entry.is_dir(follow_symlinks=False)
    is_photo = not is_folder and is_photo_name(entry.name)
    reason = _link_reason(walk.root, entry, is_photo) if entry.is_symlink() else None
    if (is_folder or is_photo) and not is_valid_name(name):
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        walk.skipped.append(Skip(shown, "bad-name", "the name is no valid UTF-8; rename it."))
    elif reason:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        walk.skipped.append(Skip(shown, "symlink", reason))
    elif is_folder:
        folders.append(name)
    elif is_photo:
        walk.photos.append(name)
    elif not entry.name.lower().endswith(".xmp"):
        walk.ignored += 1


def _link_reason(root: Path, entry: os.DirEntry[str], is_photo: bool) -> str | None:
    """Why a link is not followed; None where it is, or where nothing would be there to see."""
    target = Path(os.path.realpath(entry.path))
    if target.is_dir():
        inside = target.is_relative_to(root)
        return "the link leads to a folder " + ("that is read where it lies." if inside else f"outside: {target}.")
    if not is_photo:
        return None
    if not os.path.lexists(target) or target.is_symlink():
        return f"the link leads nowhere: {target}."
    return None if target.is_relative_to(root) else f"the link leads outside: {target}."


def is_valid_name(name: str) -> bool:
    """Whether a file's name is valid UTF-8, so that it can be written into a table."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

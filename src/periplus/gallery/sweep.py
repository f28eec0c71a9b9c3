"""Deleting what does not belong to a gallery (any more), and nothing that a person put there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from pathlib import Path

from periplus.gallery import layout
from periplus.gallery.manifest import Manifest
from periplus.store import TEMPORARY


def sweep(root: Path, manifest: Manifest, busy: Collection[str] = ()) -> None:
    """Delete files that a gallery made but its manifest does not name: orphans of a kill, or what was replaced.

    Only plain files that carry the gallery's own names in its own folders are touched. What cannot be deleted stays:
    it does no harm, and the next sweep tries again.

    Args:
        root: the gallery.
        manifest: as it is on disk now.
        busy: segments that are being written.
    """
    kept = {info.name for info in manifest.segments} | set(busy)
    for folder in _entries(root / layout.SEGMENTS):
        if layout.SEGMENT_NAME.fullmatch(folder.name) and folder.name not in kept and _is_own_folder(folder):
            _delete(folder, layout.SEGMENT_FILE, ())
            with contextlib.suppress(OSError):
                folder.rmdir()
    _delete(root / layout.TOMBSTONES, layout.TOMBSTONE_FILE, (manifest.tombstones or "",))
    _delete(root / layout.RESOURCES, layout.RESOURCE_FILE, manifest.resources.values())
    _delete(root, TEMPORARY, ())


def _delete(folder: Path, pattern: re.Pattern[str], kept: Collection[str]) -> None:
    for entry in _entries(folder):
        own = pattern.fullmatch(entry.name) or TEMPORARY.fullmatch(entry.name)
        if own and entry.name not in kept and entry.is_file() and not entry.is_symlink():
            with contextlib.suppress(OSError):
                entry.unlink()


def _entries(folder: Path) -> list[Path]:
    # A linked folder may be someone else's.
    return list(folder.iterdir()) if _is_own_folder(folder) else []


def _is_own_folder(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()

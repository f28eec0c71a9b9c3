"""Which pictures of a benchmark are there: found by listing folders, without opening any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from periplus.photos import is_photo_name
from periplus.records import Skip

SHOWN = 1000
"""So many missing pictures are told one by one; the rest is told as one number, since it may be millions."""


def list_photos(folder: Path) -> dict[str, str]:
    """The photos below a folder, whatever the folders between: absolute paths by name without suffix.

    Of two with one name the first in order of path counts. Links to folders are not followed.
    """
    found: dict[str, str] = {}
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and is_photo_name(name):
                found.setdefault(os.path.splitext(name)[0], f"{root}/{name}")  # noqa: PTH122 - a million times
    return found


def missing_skips(names: Sequence[str], place: Path, count: int | None = None) -> tuple[Skip, ...]:
    """Skips for pictures that are listed but not there.

    Args:
        names: the pictures; the first :data:`SHOWN` suffice.
        place: the folder that they should be in.
        count: how many they are, where not all are given.
    """
    reason = f"there is no such picture in {place}."
    skips = [Skip(name, "missing", reason) for name in names[:SHOWN]]
    if (more := (len(names) if count is None else count) - SHOWN) > 0:
        skips.append(Skip(str(place), "missing", f"{more:,} more of its pictures are not there."))
    return tuple(skips)

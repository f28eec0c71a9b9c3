"""Tiny class folders, as ImageFolder has them, plain or below splits."""

from __future__ import annotations

from pathlib import Path

from forger_pictures import write_jpeg

PHOTOS = {"colosseum": ("a.jpg", "b.jpg"), "Notre Dame": ("c.jpg", "2019/d.jpg")}


def forge_classes(root: Path, splits: tuple[str, ...] = ()) -> dict[str, tuple[str | None, str]]:
    """Write the photos; their split and landmark by id."""
    made: dict[str, tuple[str | None, str]] = {}
    for split in splits or ("",):
        for landmark, names in PHOTOS.items():
            for name in names:
                photo = "/".join(filter(None, (split, landmark, name)))
                write_jpeg(root / photo, photo)
                made[photo] = (split or None, landmark)
    return made

"""Open any gallery to be asked where photos were taken, whatever its rows are."""

from __future__ import annotations

from pathlib import Path

from periplus.gallery import read_manifest
from periplus.pipeline.opened import OpenedGallery, kept_for_search, open_for_search
from periplus.pipeline.world.opened import OpenedWorld, kept_world, open_world
from periplus.pipeline.world.spec import WORLD

AnyGallery = OpenedGallery | OpenedWorld
"""A gallery of photos with their local features, or a world-wide one."""


def open_any(path: str | Path) -> AnyGallery:
    """Open a gallery for locating and searching.

    Raises:
        GalleryError: it is missing, damaged, or was made by an encoder that this version does not know.
    """
    return open_world(path) if is_world(path) else open_for_search(path)


def kept_any(path: str) -> AnyGallery:
    """The gallery opened once a process and again only when it has changed; for workers."""
    return kept_world(path) if is_world(path) else kept_for_search(path)


def is_world(path: str | Path) -> bool:
    """Whether the gallery at a path is a world-wide one."""
    return read_manifest(Path(path)).encoder.get("name") == WORLD

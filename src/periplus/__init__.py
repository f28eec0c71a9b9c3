"""Periplus tells where a photograph was taken, how sure it is, and shows the evidence.

import periplus

gallery = periplus.open_gallery("town.gallery")
fix = periplus.locate("photo.jpg", gallery)
print(fix.lat_deg, fix.lon_deg, fix.radius_km_90, fix.abstained)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from periplus.pipeline import IndexResult, OpenedGallery
    from periplus.records import Fix

__version__ = "0.1.0"
__all__ = ["__version__", "index", "locate", "open_gallery"]


def open_gallery(path: str | Path) -> OpenedGallery:
    """Open a gallery for searching and locating.

    Raises:
        periplus.errors.GalleryError: it is missing, damaged, or of another version.
    """
    from periplus.pipeline import open_for_search

    return open_for_search(path)


def locate(photo: str | Path, gallery: OpenedGallery, *, ignore_exif: bool = False) -> Fix:
    """Tell where the camera stood that took a photo.

    Raises:
        periplus.errors.PhotoError: the photo cannot be used.
    """
    from periplus.pipeline import locate as run

    return run(photo, gallery, ignore_exif=ignore_exif).fix


def index(source: str, gallery: str | Path, *, encoder: str = "asmk", jobs: int = 0) -> IndexResult:
    """Make a gallery of a source's photos, or bring an existing one up to date; see :mod:`periplus.pipeline`.

    Raises:
        periplus.errors.PeriplusError: nothing can be indexed, or the gallery cannot be written.
    """
    from periplus.encode import EncoderConfig
    from periplus.pipeline import IndexConfig
    from periplus.pipeline import index as run
    from periplus.sources import open_source

    return run(open_source(source), gallery, IndexConfig(encoder=EncoderConfig(name=encoder), jobs=jobs))

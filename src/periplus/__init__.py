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

    from periplus.pipeline import AnyGallery, IndexResult
    from periplus.records import Fix

__version__ = "0.1.0"
__all__ = ["__version__", "index", "locate", "open_gallery"]


def open_gallery(path: str | Path) -> AnyGallery:
    """Open a gallery for searching and locating.

    Raises:
        periplus.errors.GalleryError: it is missing, damaged, or of another version.
    """
    from periplus.pipeline import open_any

    return open_any(path)


def locate(photo: str | Path, *galleries: AnyGallery, ignore_exif: bool = False) -> Fix:
    """Tell where the camera stood that took a photo; several galleries of different kinds answer together.

    Raises:
        periplus.errors.PhotoError: the photo cannot be used.
        periplus.errors.UsageError: there is no gallery, or there are two of one kind.
    """
    from periplus.pipeline import locate as run
    from periplus.pipeline import locate_together, together

    if len(galleries) == 1:
        return run(photo, galleries[0], ignore_exif=ignore_exif).fix
    return locate_together(photo, together(galleries), ignore_exif=ignore_exif).fix


def index(source: str, gallery: str | Path, *, encoder: str = "asmk", jobs: int = 0) -> IndexResult:
    """Make a gallery of a source's photos, or bring an existing one up to date; see :mod:`periplus.pipeline`.

    With a geo model (``"planet"``, ``"geoclip"`` or a folder) it is a world-wide one, of photos or of bare positions.

    Raises:
        periplus.errors.PeriplusError: nothing can be indexed, or the gallery cannot be written.
    """
    from periplus.encode import EncoderConfig
    from periplus.pipeline import IndexConfig
    from periplus.pipeline import index as run
    from periplus.pipeline.world import WorldIndexConfig, choose_spec, index_world, is_geo_model
    from periplus.sources import open_source

    if is_geo_model(encoder):
        scan = open_source(source)
        return index_world(scan, gallery, choose_spec(scan, encoder), WorldIndexConfig(jobs=jobs))
    return run(open_source(source), gallery, IndexConfig(encoder=EncoderConfig(name=encoder), jobs=jobs))

"""``periplus gallery add``: more photos for a gallery."""

from __future__ import annotations

from periplus.cli.guard import resumable
from periplus.cli.index import run_index
from periplus.cli.options import GalleryArgument, Jobs, Json, NoCalibration, Source


@resumable
def add(
    gallery: GalleryArgument, source: Source, jobs: Jobs = 0, no_calibration: NoCalibration = False, json: Json = False
) -> int:
    """Add the photos of a source to a gallery that exists; nothing is forgotten.

    Example: periplus gallery add town.gallery ~/more-photos
    """
    from periplus.gallery import open_gallery
    from periplus.pipeline import IndexConfig

    open_gallery(gallery)
    calibration_photos = 0 if no_calibration else IndexConfig.calibration_photos
    return run_index(source, gallery, IndexConfig(jobs=jobs, calibration_photos=calibration_photos), as_json=json)

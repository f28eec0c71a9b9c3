"""``periplus gallery add``: more photos for a gallery."""

from __future__ import annotations

from periplus.cli.guard import resumable
from periplus.cli.index import photo_indexer, run_index, world_indexer
from periplus.cli.options import Columns, GalleryArgument, Jobs, Json, NoCalibration, Source, mapping
from periplus.cli.selecting import Selection


@resumable
def add(
    gallery: GalleryArgument,
    source: Source,
    column: Columns = None,
    jobs: Jobs = 0,
    no_calibration: NoCalibration = False,
    json: Json = False,
) -> int:
    """Add the photos of a source to a gallery that exists; nothing is forgotten.

    Example: periplus gallery add town.gallery ~/more-photos
    """
    from periplus.gallery import open_gallery
    from periplus.pipeline import IndexConfig
    from periplus.pipeline.world import WorldIndexConfig, world_gallery_at

    open_gallery(gallery)
    if world_gallery_at(gallery):
        how = world_indexer(None, None, False, WorldIndexConfig(jobs=jobs))
    else:
        calibration_photos = 0 if no_calibration else IndexConfig.calibration_photos
        how = photo_indexer(IndexConfig(jobs=jobs, calibration_photos=calibration_photos))
    return run_index(source, gallery, how, Selection(mapping(column)), as_json=json, advise_prune=False)

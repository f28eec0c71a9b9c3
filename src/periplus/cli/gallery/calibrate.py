"""``periplus gallery calibrate``: fit a world-wide gallery's radii and confidence to photos of known position."""

from __future__ import annotations

from typing import Annotated

import typer

from periplus.cli.guard import verb
from periplus.cli.options import Columns, GalleryArgument, Jobs, Json, Source, Splits, mapping
from periplus.cli.progress import progress
from periplus.cli.selecting import Selection, open_selected
from periplus.cli.text import counted, emit, show, skips_json, status_of, tell_skipped
from periplus.cli.world_options import BufferOption, ExcludeOption, exclusion_of
from periplus.errors import UsageError


@verb
def calibrate(
    gallery: GalleryArgument,
    source: Source,
    photos: Annotated[int, typer.Option(min=1, help="At most so many photos, evenly spaced over SOURCE.")] = 5000,
    right_km: Annotated[float, typer.Option(min=0.001, max=20_000, help="The distance that counts as right.")] = 200.0,
    answer_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="A guess that is less sure to be right is no answer.")
    ] = 0.5,
    guess: Annotated[
        str, typer.Option(metavar="NAME", help="How one position is chosen: score, mode, cell or row.")
    ] = "score",
    exclude: ExcludeOption = None,
    buffer_km: BufferOption = 0.0,
    split: Splits = None,
    column: Columns = None,
    jobs: Jobs = 0,
    json: Json = False,
) -> int:
    """Fit a world-wide gallery's temperature, regions, radii and confidence to photos whose position is known.

    The photos should be like those that will be asked, and new to the models: of other photographers.

    Example: periplus gallery calibrate world.gallery planet/photos.parquet --split val
    """
    from periplus.pipeline.world import CalibrateConfig, calibrate_world_gallery, world_gallery_at

    if world_gallery_at(gallery) is None:
        raise UsageError(f"{gallery} is calibrated on its own photos, by periplus index: it is no world-wide gallery.")
    config = CalibrateConfig(photos, right_km, answer_confidence, guess, exclusion_of(exclude, buffer_km), jobs)
    with progress() as tell:
        scan = open_selected(source, Selection(mapping(column), tuple(split or ())), tell)
        calibration, skipped = calibrate_world_gallery(scan, gallery, config, tell)
    if json:
        emit({"gallery": str(gallery), "calibration": calibration.to_json(), "skipped": skips_json(skipped)})
    else:
        show(f"{gallery}: calibrated on {counted(calibration.queries, 'photo')}.")
        show(f"temperature {calibration.temperature:.3g}", indent=2)
        for share, level, factor in zip((50, 90), calibration.levels, calibration.radius_factors, strict=True):
            show(
                f"{share} % of the truths: region of {level:.1%} of the belief, its radius times {factor:.3g}", indent=2
            )
    tell_skipped(skipped)
    return status_of(calibration.queries, skipped)

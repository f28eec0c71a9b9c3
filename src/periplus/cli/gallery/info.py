"""``periplus gallery info``: what a gallery holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from periplus.cli.guard import verb
from periplus.cli.options import GalleryArgument, Json
from periplus.cli.text import counted, emit, show, size_words

if TYPE_CHECKING:
    from periplus.gallery import Gallery

_COUNTS = ("rows", "with_position", "deleted_rows", "segments")


@verb
def info(gallery: GalleryArgument, json: Json = False) -> int:
    """Tell what a gallery holds, and how large it is.

    Example: periplus gallery info town.gallery
    """
    from periplus.gallery import info as read_info
    from periplus.gallery import open_gallery

    opened = open_gallery(gallery)
    told = {**read_info(opened), "calibration": _calibration(opened)}
    if json:
        emit(told)
    else:
        _show(told)
    return 0


def _calibration(gallery: Gallery) -> dict[str, object] | None:
    """On how many left-out photos it rests, and whether the gallery is still what it was then."""
    from periplus.pipeline.calibrating import calibrated_content
    from periplus.pipeline.opened import CALIBRATION
    from periplus.pipeline.world.opened import CALIBRATION as WORLD_CALIBRATION
    from periplus.pipeline.world.opened import is_calibration_current
    from periplus.position import calibration_from, world_calibration_from

    if gallery.has_resource(WORLD_CALIBRATION):
        queries = world_calibration_from(gallery.resource(WORLD_CALIBRATION)).queries
        return {"queries": queries, "current": is_calibration_current(gallery)}
    if not gallery.has_resource(CALIBRATION):
        return None
    kept = gallery.resource(CALIBRATION)
    queries = calibration_from(kept.get("calibration", {})).queries
    return {"queries": queries, "current": kept.get("content") == calibrated_content(gallery)}


def _show(told: dict[str, object]) -> None:
    disk = cast("dict[str, int]", told["disk_bytes"])
    encoder = cast("dict[str, object]", told["encoder"])
    per_photo = cast("float | None", told["bytes_per_photo"])
    show(told["path"], strong=True)
    rows, placed, deleted, segments = (cast("int", told[key]) for key in _COUNTS)
    noun = str(encoder.get("rows", "photos")).removesuffix("s")
    show(f"{counted(rows, noun)}, {placed:,} with a position, in {counted(segments, 'segment')}", indent=2)
    if deleted:
        show(f"{counted(deleted, 'deleted row')} (periplus gallery compact frees their space)", indent=2)
    show(f"encoder {encoder.get('name')}, fingerprint {told['fingerprint']}", indent=2)
    world = f"periplus gallery calibrate {told['path']} SOURCE" if "rows" in encoder else None
    show(_calibration_words(cast("dict[str, object] | None", told["calibration"]), world), indent=2)
    each = f", {size_words(per_photo)} a {noun}" if per_photo else ""
    show(f"{size_words(disk['total'])} on disk{each}:", indent=2)
    for kind, size in disk.items():
        if kind != "total" and size:
            show(f"{kind:<12}{size_words(size):>10}", indent=4)


def _calibration_words(calibration: dict[str, object] | None, world: str | None) -> str:
    """On what it rests; a world-wide gallery is calibrated by a command of its own, on photos that may be others."""
    if calibration is None or not calibration["queries"]:
        return "not calibrated: confidence and radii are rough"
    own = "" if world else " of its own"
    text = f"calibrated on {counted(cast('int', calibration['queries']), 'photo')}{own}, none of which answered itself"
    return (
        text if calibration["current"] else f"{text}, before it last changed ({world or 'periplus index'} renews that)"
    )

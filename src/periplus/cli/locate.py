"""``periplus locate``: where photos were taken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.fix_text import fix_document, show_fix
from periplus.cli.guard import verb
from periplus.cli.inputs import find_photos
from periplus.cli.options import GalleryOptions, Json, Photos
from periplus.cli.outputs import check_folders
from periplus.cli.progress import progress
from periplus.cli.text import counted, emit, say, skips_json, status_of, tell_skipped
from periplus.cli.world_options import GuessOption, NeighboursOption, world_config
from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.pipeline import AnyGallery, Located


@verb
def locate(
    photos: Photos,
    gallery: GalleryOptions,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with maps and evidence; it opens offline.")
    ] = None,
    geojson: Annotated[Path | None, typer.Option(metavar="FILE", help="Write positions and circles for a map.")] = None,
    map_: Annotated[
        Path | None, typer.Option("--map", metavar="FILE.svg", help="Write a world map of the belief; for one photo.")
    ] = None,
    neighbours: NeighboursOption = None,
    guess: GuessOption = None,
    ignore_exif: Annotated[
        bool, typer.Option("--ignore-exif", help="Do not read the position that a file itself records.")
    ] = False,
    json: Json = False,
) -> int:
    """Tell where photos were taken: the camera's position, not that of what it shows.

    The gallery's photos answer, never the position that a file records: that one is told beside the answer. A photo
    that no gallery photo speaks for gets no answer, and the reason. Several galleries of different kinds (photos with
    local features; world-wide photos, positions, texts) answer together, and the answer tells which of them carried it.

    Example: periplus locate holiday.jpg -g town.gallery --html holiday.html

    Example: periplus locate holiday.jpg -g town.gallery -g geoclip-100k.gallery
    """
    from periplus.pipeline import locate as run
    from periplus.pipeline import locate_together, open_any, together

    check_folders(html, geojson, map_)
    opened = [open_any(path) for path in gallery]
    for path, asked in zip(gallery, opened, strict=True):
        if not asked.calibration.queries:
            say(f"{path} is not calibrated: confidence and radii are rough. {_how_to_calibrate(path, asked)}")
        _warn_of_toy(asked)
    world = world_config(neighbours, guess)
    fused = together(opened, world) if len(opened) > 1 else None

    def ask(photo: Path) -> Located:
        if fused is None:
            return run(photo, opened[0], ignore_exif=ignore_exif, world=world)
        return locate_together(photo, fused, ignore_exif=ignore_exif)

    located: list[Located] = []
    # On a terminal the answers themselves are the progress, and a bar would run through them.
    with progress(json or not sys.stdout.isatty()) as tell:
        inputs = find_photos(photos, tell)
        if map_ is not None and len(inputs.photos) > 1:
            raise UsageError(f"--map draws the belief about one photo, not about {len(inputs.photos)}: use --html.")
        for _, one in inputs.each("locate", ask, tell):
            located.append(one)
            if not json:
                show_fix(one)
    if json:
        answers = [fix_document(one) for one in located]
        named = str(gallery[0]) if len(gallery) == 1 else [str(path) for path in gallery]
        emit({"gallery": named, "photos": answers, "skipped": skips_json(inputs.skipped)})
    _write(located, opened, html, geojson)
    if map_ is not None and located:
        _write_map(located[0], map_)
    tell_skipped(inputs.skipped)
    answered = sum(one.fix.answered for one in located)
    if len(located) > 1:
        say(f"{counted(len(located), 'photo')}: {answered:,} located, {len(located) - answered:,} without an answer.")
    return status_of(len(located), inputs.skipped)


def _warn_of_toy(opened: AnyGallery) -> None:
    from periplus.pipeline.world import OpenedWorld

    if isinstance(opened, OpenedWorld) and opened.spec.geo_model == "planet":
        say("The model planet is a toy for photos of periplus synth planet: of real photos it knows nothing.")


def _how_to_calibrate(path: Path, opened: AnyGallery) -> str:
    from periplus.pipeline.world import OpenedWorld

    if isinstance(opened, OpenedWorld):
        return f"Photos of known position help: periplus gallery calibrate {path} SOURCE"
    return "periplus index calibrates a gallery on its own photos."


def _write(located: list[Located], opened: list[AnyGallery], html: Path | None, geojson: Path | None) -> None:
    if not located:
        return
    if html is not None:
        import numpy as np

        from periplus.plots import ReportEntry, write_report

        entries = [ReportEntry(one.query_path, one.fix, one.seconds) for one in located]
        lat, lon = zip(*(one.gallery.catalog.positions for one in opened), strict=True)
        write_report(html, entries, (np.concatenate(lat), np.concatenate(lon)))
        say(f"Wrote {html}.")
    if geojson is not None:
        from periplus.plots import world_regions
        from periplus.store import write_json_atomic
        from periplus.store.exports import fixes_to_geojson

        write_json_atomic(geojson, fixes_to_geojson(located, world_regions))
        say(f"Wrote {geojson}.")


def _write_map(one: Located, path: Path) -> None:
    """The belief about one photo as a figure."""
    from periplus.plots import world_figure
    from periplus.store import write_bytes_atomic

    write_bytes_atomic(path, str(world_figure(one.fix, one.query_path.name)).encode("utf-8"))
    say(f"Wrote {path}.")

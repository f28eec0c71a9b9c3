"""``periplus locate``: where photos were taken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.fix_text import fix_document, show_fix
from periplus.cli.guard import verb
from periplus.cli.inputs import find_photos
from periplus.cli.options import GalleryOption, Json, Photos
from periplus.cli.outputs import check_folders
from periplus.cli.progress import progress
from periplus.cli.text import counted, emit, say, skips_json, status_of, tell_skipped

if TYPE_CHECKING:
    from periplus.pipeline import Located, OpenedGallery


@verb
def locate(
    photos: Photos,
    gallery: GalleryOption,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with maps and evidence; it opens offline.")
    ] = None,
    geojson: Annotated[Path | None, typer.Option(metavar="FILE", help="Write positions and circles for a map.")] = None,
    ignore_exif: Annotated[
        bool, typer.Option("--ignore-exif", help="Do not read the position that a file itself records.")
    ] = False,
    json: Json = False,
) -> int:
    """Tell where photos were taken: the camera's position, not that of what it shows.

    The gallery's photos answer, never the position that a file records: that one is told beside the answer. A photo
    that no gallery photo speaks for gets no answer, and the reason.

    Example: periplus locate holiday.jpg -g town.gallery --html holiday.html
    """
    from periplus.pipeline import locate as run
    from periplus.pipeline import open_for_search

    check_folders(html, geojson)
    opened = open_for_search(gallery)
    if not opened.calibration.queries:
        say(f"{gallery} is not calibrated on its own photos: confidence and radii are rough.")
    located: list[Located] = []
    # On a terminal the answers themselves are the progress, and a bar would run through them.
    with progress(json or not sys.stdout.isatty()) as tell:
        inputs = find_photos(photos, tell)
        for _, one in inputs.each("locate", lambda photo: run(photo, opened, ignore_exif=ignore_exif), tell):
            located.append(one)
            if not json:
                show_fix(one)
    if json:
        answers = [fix_document(one) for one in located]
        emit({"gallery": str(gallery), "photos": answers, "skipped": skips_json(inputs.skipped)})
    _write(located, opened, html, geojson)
    tell_skipped(inputs.skipped)
    answered = sum(one.fix.answered for one in located)
    if len(located) > 1:
        say(f"{counted(len(located), 'photo')}: {answered:,} located, {len(located) - answered:,} without an answer.")
    return status_of(len(located), inputs.skipped)


def _write(located: list[Located], opened: OpenedGallery, html: Path | None, geojson: Path | None) -> None:
    if not located:
        return
    if html is not None:
        from periplus.plots import ReportEntry, write_report

        entries = [ReportEntry(one.query_path, one.fix, one.seconds) for one in located]
        write_report(html, entries, opened.gallery.catalog.positions)
        say(f"Wrote {html}.")
    if geojson is not None:
        from periplus.store import write_json_atomic
        from periplus.store.exports import fixes_to_geojson

        write_json_atomic(geojson, fixes_to_geojson(located))
        say(f"Wrote {geojson}.")

"""``periplus gallery export``: a gallery's photos and positions for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from periplus.cli.guard import verb
from periplus.cli.options import GalleryArgument, Json
from periplus.cli.text import counted, emit, say, show


@verb
def export(
    gallery: GalleryArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Its suffix says what: .csv .geojson .parquet .gpx .kml"),
    ],
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="csv, geojson, geoparquet, gpx or kml, whatever the suffix."),
    ] = None,
    json: Json = False,
) -> int:
    """Write a gallery's photos and their positions as a table or a map.

    Photos without position are in the .csv only.

    Example: periplus gallery export town.gallery -o town.geojson
    """
    from periplus.gallery import open_gallery
    from periplus.store.exports import write_catalog

    catalog = open_gallery(gallery).catalog
    done = write_catalog(catalog, output, format_)
    left_out = len(catalog) - done.written
    if json:
        told = {"written": done.written, "without_position": done.without_position, "left_out": left_out}
        emit({"gallery": str(gallery), "output": str(output), **told})
    else:
        show(f"{output}: {counted(done.written, 'photo')}.")
    if left_out:
        say(f"{counted(left_out, 'photo')} without position left out; a .csv holds them too.")
    return 0

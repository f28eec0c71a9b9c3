"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from periplus.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document (docs/json.md).")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, max=256, help="Worker processes; 0 for one a core.")]
GalleryOption = Annotated[Path, typer.Option("--gallery", "-g", metavar="G.gallery", help="The gallery to ask.")]
GalleryOptions = Annotated[
    list[Path],
    typer.Option("--gallery", "-g", metavar="G.gallery", help="The gallery to ask; several answer together."),
]
GalleryArgument = Annotated[Path, typer.Argument(metavar="G.gallery", help="The gallery.", show_default=False)]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A folder of photos, a table (.csv, .parquet) of photos and their positions, or a data set as name:path.",
        show_default=False,
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=NAME",
        help="Which column of a table is which, as in lat_deg=mean_lat; found by name where not said. Repeatable.",
    ),
]
Splits = Annotated[
    list[str] | None,
    typer.Option("--split", metavar="NAME", help="Only photos of this split of SOURCE, such as gallery. Repeatable."),
]
BoxOption = Annotated[
    str | None,
    typer.Option("--box", metavar="X1,Y1,X2,Y2", help="Ask about this part of each picture only; pixels, upright."),
]
Photos = Annotated[
    list[str],
    typer.Argument(metavar="PHOTO", help="Photos, or folders of photos.", show_default=False),
]
Codebook = Annotated[
    Path | None,
    typer.Option(metavar="OTHER.gallery", help="Take this gallery's encoder over instead of learning one."),
]
NoCalibration = Annotated[
    bool,
    typer.Option("--no-calibration", help="Do not ask the gallery's own photos; confidence and radii stay rough."),
]


def box_of(text: str | None) -> tuple[float, float, float, float] | None:
    """What ``--box X1,Y1,X2,Y2`` says.

    Raises:
        UsageError: it is not of this form.
    """
    if text is None:
        return None
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--box {text!r} is not X1,Y1,X2,Y2 in pixels, as in 10,20,300,240.") from error
    return x1, y1, x2, y2


def mapping(columns: list[str] | None) -> dict[str, str] | None:
    """What ``--column FIELD=NAME`` says, by field.

    Raises:
        UsageError: one is not of this form.
    """
    pairs = [text.partition("=") for text in columns or ()]
    for (field, sign, _), text in zip(pairs, columns or (), strict=True):
        if not field or not sign:
            raise UsageError(f"--column {text!r} is not FIELD=NAME, as in lat_deg=mean_lat.")
    return {field: name for field, _, name in pairs} or None

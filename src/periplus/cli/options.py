"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document (docs/json.md).")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, max=256, help="Worker processes; 0 for one a core.")]
GalleryOption = Annotated[Path, typer.Option("--gallery", "-g", metavar="G.gallery", help="The gallery to ask.")]
GalleryArgument = Annotated[Path, typer.Argument(metavar="G.gallery", help="The gallery.", show_default=False)]
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A folder of photos, or a table (.csv, .parquet) of photos and their positions.",
        show_default=False,
    ),
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

"""``periplus gallery``: look at a gallery and change it, one verb a file."""

from __future__ import annotations

import typer

from periplus.cli.gallery.add import add
from periplus.cli.gallery.calibrate import calibrate
from periplus.cli.gallery.check import check
from periplus.cli.gallery.compact import compact
from periplus.cli.gallery.export import export
from periplus.cli.gallery.info import info
from periplus.cli.gallery.remove import remove

gallery_app = typer.Typer(
    help="Look at a gallery, change it, export it.", no_args_is_help=True, rich_markup_mode="markdown"
)
for _verb in (info, add, calibrate, remove, compact, export, check):
    gallery_app.command()(_verb)

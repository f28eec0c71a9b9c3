"""``periplus spatial``: how what photos show changes with distance."""

from __future__ import annotations

import typer

from periplus.cli.spatial.collapse import collapse
from periplus.cli.spatial.similarity import similarity
from periplus.cli.spatial.variogram import variogram

spatial_app = typer.Typer(
    help="Look at an embedding space: semivariograms, similarity against distance, collapse.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
spatial_app.command("variogram")(variogram)
spatial_app.command("similarity")(similarity)
spatial_app.command("collapse")(collapse)

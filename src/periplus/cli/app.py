"""The verbs, gathered."""

from __future__ import annotations

from typing import cast

import typer

from periplus import __version__
from periplus.cli.audit import audit
from periplus.cli.data import data
from periplus.cli.evaluate import evaluate_app
from periplus.cli.gallery import gallery_app
from periplus.cli.index import index
from periplus.cli.locate import locate
from periplus.cli.models import models
from periplus.cli.search import search
from periplus.cli.spatial import spatial_app
from periplus.cli.synth import synth_app
from periplus.cli.text import say
from periplus.cli.train import compare, train

_STATUSES = (
    "Exit status: 0 done, 1 done but some inputs could not be used, 2 wrong use, 3 cannot run, 130 stopped.\n\n"
    "Nothing leaves this machine: no photo, no position, no word about its use. The network serves one thing only: "
    "to fetch a data set or a model that you name."
)

app = typer.Typer(
    name="periplus",
    help="Tell where photographs were taken, how sure that is, and show the evidence.",
    epilog=_STATUSES,
    no_args_is_help=True,
    rich_markup_mode="markdown",  # the other modes keep the line breaks of a docstring
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(index)
app.command()(locate)
app.command()(search)
app.command()(audit)
app.command()(train)
app.command()(compare)
app.command()(models)
app.command()(data)
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(gallery_app, name="gallery")
app.add_typer(spatial_app, name="spatial")
app.add_typer(synth_app, name="synth")

_WRONG_USE = cast("tuple[type[typer.BadParameter], ...]", typer.BadParameter.__bases__)
"""What the parser raises; Typer has no public name for it in all its versions."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"periplus {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    """Hold the options of the program itself."""


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    try:
        return int(app(arguments, prog_name="periplus", standalone_mode=False) or 0)
    except _WRONG_USE as error:
        # Typer would show the arguments as they are, escape sequences and all.
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "periplus"
        if message := error.format_message():
            say(f"{message.rstrip('.')}. See: {command} --help")
        return 2
    except typer.Abort:
        return 130

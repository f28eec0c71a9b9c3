"""Options that the spatial verbs share."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.model_options import model_options
from periplus.cli.options import mapping
from periplus.cli.outputs import check_folders
from periplus.cli.query_table import check_table, write_arrow
from periplus.cli.text import counted, say, skips_json, status_of, tell_skipped
from periplus.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from periplus.pipeline.spatial import Placed, Reading
    from periplus.plots.spatial.about import About

FIGURES = (".png", ".svg", ".pdf")

SpatialSource = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A gallery; or a folder of photos, a table (.csv, .parquet), or a data set as name:path.",
        show_default=False,
    ),
]
EncoderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        metavar="NAME",
        help="What looks at the photos of SOURCE: asmk, vlad, planet, geoclip, a vision model; a gallery has its own. "
        "Repeatable: side by side.",
    ),
]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option("--against", metavar="SOURCE", help="Another gallery or source, side by side. Repeatable."),
]
VectorsOption = Annotated[
    Path | None, typer.Option(metavar="FILE.npy", help="Vectors (n, d) of your own, one row for each row of SOURCE.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep what an encoder saw here, and look only at what is new next time."),
]
CheckpointOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keep what is done here; the same command goes on from it.")
]
PhotosOption = Annotated[
    int, typer.Option("--photos", min=0, metavar="N", help="Look at N photos chosen by lot; 0 for all.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Of every lot.")]
TableOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the numbers, as .csv or .parquet.")]
FigureOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the figure, as .png, .svg or .pdf.")]
HtmlOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a page with figure, numbers and pictures; opens offline.")
]


@dataclass(frozen=True)
class Outputs:
    """Files that are asked for.

    Attributes:
        table, figure, html: where to, or None.
        others: files that the verb writes besides.

    Raises:
        UsageError: a name says no known format.
        CannotRunError: a folder is missing, or figures cannot be drawn here.
    """

    table: Path | None
    figure: Path | None
    html: Path | None
    others: tuple[Path | None, ...] = ()

    def __post_init__(self) -> None:
        """Fail before the work, not after it."""
        check_table(self.table)
        if self.figure is not None and self.figure.suffix.lower() not in FIGURES:
            raise UsageError(f"{self.figure}: a figure ends in {', '.join(FIGURES[:-1])} or {FIGURES[-1]}.")
        check_folders(self.table, self.figure, self.html, *self.others)
        if self.figure is not None or self.html is not None:
            from periplus.plots.spatial.canvas import require_matplotlib

            require_matplotlib()

    def require_room(self, shown: int, most: int) -> None:
        """Fail before the work, where figure or page cannot show so many side by side.

        Raises:
            UsageError: so it is.
        """
        if shown > most and (self.figure is not None or self.html is not None):
            raise UsageError(
                f"A figure shows {most} side by side at most, not {shown}: give fewer, or no --figure and --html."
            )

    def write_table(self, table: Callable[[], pa.Table]) -> None:
        """Write the numbers, where that is asked."""
        if self.table is not None:
            write_arrow(table(), self.table)

    def write_figure(self, write: Callable[[Path], None]) -> None:
        """Draw the figure to where it is asked for."""
        assert self.figure is not None
        write(self.figure)
        say(f"Wrote {self.figure}.")

    def write_page(self, page: str) -> None:
        """Write the page to where it is asked for."""
        from periplus.store import write_bytes_atomic

        assert self.html is not None
        write_bytes_atomic(self.html, page.encode())
        say(f"Wrote {self.html}.")


def reading_of(
    model: list[str] | None,
    vectors: Path | None,
    cache: Path | None,
    split: list[str] | None,
    column: list[str] | None,
    lot: tuple[int, int],
    jobs: int,
) -> Reading:
    """How the source is read; ``lot`` is how many photos at most, and the seed."""
    from periplus.pipeline.spatial import Reading

    return Reading(
        options=model_options(model),
        vectors=vectors,
        cache=cache,
        splits=tuple(split or ()),
        columns=mapping(column),
        photos=lot[0],
        seed=lot[1],
        jobs=jobs,
    )


def side_by_side(encoders: list[str] | None, against: list[str] | None) -> int:
    """How many sets of vectors are compared."""
    return max(len(encoders or ()), 1) + len(against or ())


@contextmanager
def saying_what_is_kept(*kept: Path | None) -> Iterator[None]:
    """Where the work is stopped, tell in which files or folders a part of it is."""
    try:
        yield
    except KeyboardInterrupt:
        # Of several passes each has a checkpoint of its own, of the same name with a number after it.
        there = [str(one) for one in kept if one is not None and any(one.parent.glob(f"{glob.escape(one.name)}*"))]
        if there:
            say(f"What was done is kept in {' and '.join(there)}; run the same command to go on.")
        raise


def numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    """What ``--option A,B,C`` says.

    Raises:
        UsageError: it is no list of numbers.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no list of numbers, as in 0,10,100.") from error


def read_json_of(found: Sequence[Placed]) -> dict[str, object]:
    """What was read, for programs."""
    kept = [
        {"label": one.label, "photos": len(one), "without_position": one.unplaced, "left_out": one.left_out}
        for one in found
    ]
    return {"sources": kept, "skipped": [skip for one in found for skip in skips_json(one.skipped)]}


def tell_read(found: Sequence[Placed]) -> int:
    """Say what was left out of the sources; returns the exit status."""
    for one in found:
        of = f" of {one.label}" if len(found) > 1 else ""
        tell_skipped(one.skipped)
        if one.unplaced:
            say(f"{counted(one.unplaced, 'row')}{of} without position left out.")
        if one.left_out:
            say(f"{counted(one.left_out, 'row')}{of} left out by lot (--photos).")
    return max(status_of(len(one), one.skipped) for one in found)


def about(title: str, source: str, placed: Sequence[Placed], seed: int | None) -> About:
    """What a page says of how its numbers came about; ``title`` says what they are of a source."""
    from periplus.plots.spatial.about import About

    names = ", ".join(one.label for one in placed)
    facts = {}
    if left := sum(one.unplaced for one in placed):
        facts["Without position"] = f"{left:,} left out"
    if left := sum(one.left_out for one in placed):
        facts["By lot"] = f"{left:,} left out"
    if left := sum(len(one.skipped) for one in placed):
        facts["Unreadable"] = f"{left:,} skipped"
    name = Path(source).name or source
    return About(f"{title} of {name}", name, names, seed, facts)


def paths_of(placed: Placed) -> list[str | None]:
    """The picture of each row, where it has one."""
    return [None if path is None else str(path) for path in placed.catalog.column("path")]

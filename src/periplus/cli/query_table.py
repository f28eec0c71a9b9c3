"""The table of single queries that an evaluation writes on request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.text import say
from periplus.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from periplus.records import Report

TableOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write one row a query, as .csv or .parquet.")]
_ENDINGS = (".csv", ".parquet")


def check_table(path: Path | None) -> None:
    """Refuse a name that says no known format, before the work is done.

    Raises:
        UsageError: so it is.
    """
    if path is not None and path.suffix.lower() not in _ENDINGS:
        raise UsageError(f"{path}: a table ends in {' or '.join(_ENDINGS)}.")


def write_table(report: Report, path: Path) -> None:
    """Write a report's queries, and say so."""
    write_arrow(report.table, path)


def write_arrow(table: pa.Table, path: Path) -> None:
    """Write a table by its name's ending, and say so."""
    import pyarrow.csv
    import pyarrow.parquet

    from periplus.store import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(table, temporary)
        else:
            pyarrow.parquet.write_table(table, temporary)
    say(f"Wrote {path}.")

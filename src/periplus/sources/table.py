"""A table of photos, or of bare positions: CSV or Parquet."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from periplus.errors import CatalogError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.records import SCHEMA, Catalog, Skip
from periplus.sources.columns import find_columns
from periplus.sources.inside import Inside
from periplus.sources.positions import read_positions
from periplus.sources.scan import Scan
from periplus.sources.tablefile import read_arrow, row_place


def read_table(
    path: str | os.PathLike[str],
    columns: Mapping[str, str] | None = None,
    root: str | os.PathLike[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int], None] | None = None,
) -> Scan:
    """Read a table with one row a photo; without a column of files, one row a bare position.

    Columns are found by their usual names (:data:`periplus.sources.columns.SPELLINGS`). The others are kept as they
    are; one that has the name of a catalog's column but not its meaning gets ``table_`` before it. Files are looked
    for, not opened.

    Args:
        path: the ``.csv`` or ``.parquet`` file.
        columns: catalog column to table column, where the names do not say it; ``""`` leaves one out.
        root: the folder that the files are relative to, and must lie in; the table's own folder by default.
        limits: of the table.
        progress: called with the number of files looked for so far, after each.

    Returns:
        The rows in the table's order. Without an id column the id is the file as the table has it, or the row's
        number from 0. Skips are ``missing`` and ``outside``.

    Raises:
        UsageError: there is no such table.
        CatalogError: the table breaks its rules; the message names the line.
    """
    file = Path(path)
    table = read_arrow(file, limits)
    where = partial(row_place, file)
    found = find_columns(table.column_names, columns, file.name)
    base = Path(root if root is not None else file.parent).resolve()
    known: dict[str, pa.Array | pa.ChunkedArray] = {
        name: _text(table.column(found[name]))
        for name in SCHEMA.names
        if name in found and name not in ("lat_deg", "lon_deg")
    }
    if "lat_deg" in found:
        names = (found["lat_deg"], found["lon_deg"])
        degrees = read_positions(table.column(names[0]), table.column(names[1]), names, where)
        known |= {name: pa.array(d, from_pandas=True) for name, d in zip(("lat_deg", "lon_deg"), degrees, strict=True)}
    if "id" not in known:
        numbers = pa.array(np.arange(table.num_rows)).cast(pa.string())
        known["id"] = pc.coalesce(known["path"], numbers) if "path" in known else numbers
    _check_ids(known["id"], where)
    keep = np.ones(table.num_rows, dtype=np.bool_)
    skipped: tuple[Skip, ...] = ()
    # A column of files that is empty throughout is that of a catalog of bare positions.
    if "path" in known and known["path"].null_count < table.num_rows:
        known["path"], keep, skipped = _find_files(known["path"].to_pylist(), Inside(base), progress)
    catalog = Catalog(_assembled(table, known, set(found.values())).filter(pa.array(keep)))
    return Scan(catalog, skipped, base)


def _assembled(table: pa.Table, known: Mapping[str, pa.Array | pa.ChunkedArray], used: set[str]) -> pa.Table:
    """The catalog's columns, then the rest of the table's."""
    parts = [known.get(field.name, pa.nulls(table.num_rows, field.type)) for field in SCHEMA]
    rest = {name: table.column(name) for name in table.column_names if name not in used}
    named = {f"table_{name}" if name in SCHEMA.names else name: column for name, column in rest.items()}
    fields = [*SCHEMA, *(pa.field(name, column.type) for name, column in named.items())]
    return pa.Table.from_arrays([*parts, *named.values()], schema=pa.schema(fields))


def _find_files(
    files: list[str | None], inside: Inside, progress: Callable[[int], None] | None
) -> tuple[pa.Array, NDArray[np.bool_], tuple[Skip, ...]]:
    """Absolute paths, which rows have one, and why the others have none."""
    paths: list[str | None] = []
    skipped: list[Skip] = []
    for row, file in enumerate(files):
        outcome = inside.find(file) if file else Skip(f"row {row + 1}", "missing", "the table names no file here.")
        if isinstance(outcome, Skip):
            skipped.append(outcome)
            paths.append(None)
        else:
            paths.append(outcome)
        if progress:
            progress(row + 1)
    return pa.array(paths, pa.string()), np.array([p is not None for p in paths], dtype=np.bool_), tuple(skipped)


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as text; only the empty text is null."""
    text = pc.cast(values, pa.string())
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _check_ids(ids: pa.Array | pa.ChunkedArray, where: Callable[[int], str]) -> None:
    if not ids.null_count and len(pc.unique(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for row, photo in enumerate(ids.to_pylist()):
        if photo is None:
            raise CatalogError(f"{where(row)} has no id; every photo needs one.")
        if photo in first:
            raise CatalogError(
                f"The id {photo!r} stands at {where(first[photo])} and again at {where(row)}. Every photo is there "
                "once: remove one, or map a column of ids: --column id=NAME."
            )
        first[photo] = row

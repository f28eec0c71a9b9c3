"""Large CSV files whose columns are known: streamed, checked, and only the rows that are wanted kept."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from periplus.errors import CatalogError
from periplus.photos import Limits
from periplus.sources.tablefile import row_place

_BLOCK_BYTES = 1 << 24
_SIEVED_ROWS = 1_000_000
_HEADER_BYTES = 1 << 16


def read_columns(
    path: Path, columns: Mapping[str, str], limits: Limits, wanted: pa.Array | pa.ChunkedArray | None = None
) -> pa.Table:
    """Columns of a CSV as text, block by block; the others are not kept.

    Args:
        path: the file.
        columns: those to read, each with a regular expression that every value must match as a whole; ``""`` for any
            text, which may also be missing.
        limits: of the table.
        wanted: values of the first column; other rows are dropped as they are read.

    Returns:
        The columns in the order of ``columns``, empty text as null.

    Raises:
        CatalogError: there is no such file, it is too large, or it breaks its rules; the message names the row.
    """
    _check_header(path, columns, limits)
    schema = pa.schema([(name, pa.string()) for name in columns])
    kept: list[pa.Table] = []
    fresh: list[pa.RecordBatch] = []
    rows = 0
    try:
        with pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=schema, include_columns=list(columns), null_values=[""], strings_can_be_null=True
            ),
        ) as reader:
            for batch in reader:
                _check_values(batch, columns, path, rows)
                rows += batch.num_rows
                if rows > limits.max_table_rows:
                    raise CatalogError(f"{path} has more than {limits.max_table_rows} rows, the limit of a table.")
                fresh.append(batch)
                # Every sieving hashes all that is wanted anew.
                if sum(map(len, fresh)) >= _SIEVED_ROWS:
                    kept.append(_sieved(pa.Table.from_batches(fresh, schema), wanted))
                    fresh.clear()
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise CatalogError(f"{path} cannot be read as CSV after row {rows}: {str(error)[:300]}") from error
    return pa.concat_tables([*kept, _sieved(pa.Table.from_batches(fresh, schema), wanted)])


def _sieved(table: pa.Table, wanted: pa.Array | pa.ChunkedArray | None) -> pa.Table:
    return table if wanted is None else table.filter(pc.is_in(table.column(0), wanted))


def check_unique(values: pa.ChunkedArray, path: Path, name: str) -> None:
    """Check that no value stands twice.

    Raises:
        CatalogError: one does; the message names it and its row.
    """
    if len(pc.unique(values)) == len(values):
        return
    seen: dict[str, int] = {}
    for row, value in enumerate(values.to_pylist()):
        if value in seen:
            raise CatalogError(
                f"{place(path, row)}: {name} {value!r} stands there again, first in row {seen[value] + 1}."
            )
        seen[value] = row


def place(path: Path, row: int) -> str:
    """Where a person finds a row: the line, or the row where the lines are too long to be counted."""
    try:
        return row_place(path, row)
    except csv.Error:
        return f"{path.name} row {row + 1}"


def _check_header(path: Path, columns: Mapping[str, str], limits: Limits) -> None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.readline(_HEADER_BYTES).decode("utf-8")
        names = next(csv.reader([head]), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"{path} cannot be read as CSV in UTF-8: {error}.") from error
    if size > limits.max_table_bytes:
        raise CatalogError(f"{path} has {size} bytes; the limit of a table is {limits.max_table_bytes}.")
    missing = [name for name in columns if names.count(name) != 1]
    if missing:
        raise CatalogError(
            f"{path.name} needs each of the columns {', '.join(columns)} once; it has {', '.join(names)[:200]!r}."
        )


def _check_values(batch: pa.RecordBatch, columns: Mapping[str, str], path: Path, before: int) -> None:
    for name, pattern in columns.items():
        if not pattern:
            continue
        values = batch.column(name)
        good = pc.fill_null(pc.match_substring_regex(values, f"^(?:{pattern})$"), False)
        if not pc.all(good).as_py() and batch.num_rows:
            row = int(np.flatnonzero(~good.to_numpy(zero_copy_only=False))[0])
            shown = (values[row].as_py() or "")[:60]
            raise CatalogError(f"{place(path, before + row)}: {name} is {shown!r}, which does not match {pattern}.")

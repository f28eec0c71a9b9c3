"""CSV and Parquet files as Arrow tables, nothing guessed: what is text in a file stays text."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from periplus.errors import CatalogError, UsageError
from periplus.photos import Limits

TABLE_SUFFIXES = (".csv", ".parquet")


def read_arrow(path: Path, limits: Limits) -> pa.Table:
    """Read a table; the columns of a CSV are all text, and only the empty text is null ("NA" is Namibia).

    Raises:
        UsageError: the name is no table's, or there is no such file.
        CatalogError: too large, or not what its name says.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise UsageError(f"{path} is no table: a table's name ends in {' or '.join(TABLE_SUFFIXES)}.")
    if not path.is_file():
        raise UsageError(f"There is no table {str(path)!r}.")
    size = path.stat().st_size
    if size > limits.max_table_bytes:
        raise CatalogError(f"{path} has {size} bytes; the limit of a table is {limits.max_table_bytes}.")
    table = _read_csv(path) if suffix == ".csv" else _read_parquet(path, limits)
    if table.num_rows > limits.max_table_rows:
        raise CatalogError(f"{path} has {table.num_rows} rows; the limit of a table is {limits.max_table_rows}.")
    return table


def row_place(path: Path, row: int) -> str:
    """Where a person finds a row: the line of a CSV (the header is line 1), the row of a Parquet file (from 1)."""
    if path.suffix.lower() != ".csv":
        return f"{path.name} row {row + 1}"
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        # Quoted fields may span lines, so lines are counted, not computed; empty lines are no rows.
        line, seen = 1, -1
        for fields in reader:
            seen += bool(fields)
            if seen > row:
                break
            line = reader.line_num + 1
        return f"{path.name} line {line}"


def _read_csv(path: Path) -> pa.Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(filter(None, csv.reader(file)), None)
    except (csv.Error, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} cannot be read as CSV in UTF-8: {error}.") from error
    if not names:
        raise CatalogError(f"{path} is empty; a table begins with the names of its columns.")
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise CatalogError(
            f"{path} is not separated by commas; its first line is {names[0][:80]!r}. Save it with commas."
        )
    try:
        table = pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(use_threads=False),  # threads would lose the row numbers of messages
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise CatalogError(f"{path} cannot be read as CSV: {str(error)[:300]}") from error
    return table


def _read_parquet(path: Path, limits: Limits) -> pa.Table:
    try:
        with pa.parquet.ParquetFile(path) as file:
            if file.metadata.num_rows > limits.max_table_rows:
                rows = file.metadata.num_rows
                raise CatalogError(f"{path} has {rows} rows; the limit of a table is {limits.max_table_rows}.")
            return file.read()
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{path} cannot be read as Parquet: {str(error)[:300]}") from error

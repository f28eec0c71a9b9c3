"""Catalogs as Parquet: one table a segment, one catalog for all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from periplus.errors import CatalogError
from periplus.records import SCHEMA, Catalog, column_of
from periplus.store import bytes_hash, damaged, plain_size, read_bytes

CONTENT_HASH = pa.field("content_hash", pa.string(), nullable=False)
"""The column that a gallery's catalog has beside :data:`SCHEMA`: of the photo's file, to see that it changed."""

_FIXED = pa.schema([*SCHEMA, CONTENT_HASH])
_TOMBSTONES = pa.schema([pa.field("segment", pa.string()), pa.field("row", pa.int64())])
_BASE_BYTES, _ROW_BYTES = 1 << 20, 1 << 16


def check_row(row: dict[str, object]) -> None:
    """Check one row before it is taken, so that it alone can be refused.

    Raises:
        CatalogError: an id or content hash is missing, a position impossible, a value cannot be stored.
    """
    for name in ("id", CONTENT_HASH.name):
        if not isinstance(row.get(name), str) or not row[name]:
            raise CatalogError(f"A gallery's row needs the text {name!r}; {row.get('path')!r} has {row.get(name)!r}.")
    try:
        Catalog.from_rows([row])
    except (pa.ArrowException, OverflowError, UnicodeEncodeError, TypeError) as error:
        raise CatalogError(f"The row of {row['id']!r} holds a value that a table cannot: {error}.") from error


def table_of(rows: Sequence[dict[str, object]]) -> pa.Table:
    """Rows as a table: the fixed columns, then the others in order of appearance; mixed types become text."""
    extra = [name for name in dict.fromkeys(k for row in rows for k in row) if name not in _FIXED.names]
    fixed = [pa.array([row.get(f.name) for row in rows], type=f.type) for f in _FIXED]
    others = [_column([row.get(name) for row in rows]) for name in extra]
    fields = [*_FIXED, *(pa.field(name, array.type) for name, array in zip(extra, others, strict=True))]
    return pa.Table.from_arrays([*fixed, *others], schema=pa.schema(fields))


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables one below the other; columns that some lack are null there, types that disagree become text."""
    extra = [n for n in dict.fromkeys(n for table in tables for n in table.column_names) if n not in _FIXED.names]
    columns = [pa.chunked_array([c for t in tables for c in t.column(f.name).chunks], f.type) for f in _FIXED]
    columns += [_stacked([(t.column(n) if n in t.column_names else None, len(t)) for t in tables]) for n in extra]
    fields = [*_FIXED, *(pa.field(n, c.type) for n, c in zip(extra, columns[len(_FIXED) :], strict=True))]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields)).combine_chunks()


def to_parquet(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def read_catalog(path: Path, rows: int, digest: str) -> pa.Table:
    """The catalog of a segment.

    Args:
        path: the Parquet file.
        rows: that it must have.
        digest: content hash that it must have.

    Raises:
        GalleryError: the file is missing or damaged.
    """
    table = _read_parquet(path, rows, digest)
    for field in _FIXED:
        if table.column_names.count(field.name) != 1 or table.schema.field(field.name).type != field.type:
            raise damaged(path, f"it has no column {field.name!r} of type {field.type}")
    if len(table) != rows:
        raise damaged(path, f"it has {len(table)} rows, not {rows}")
    return table


def tombstones_table(dead: Iterable[tuple[str, int]]) -> pa.Table:
    """Deleted rows, as (segment, row), as a table."""
    pairs = sorted(dead)
    return pa.table([[s for s, _ in pairs], [r for _, r in pairs]], schema=_TOMBSTONES)


def read_tombstones(path: Path, rows: dict[str, int], digest: str) -> dict[str, NDArray[np.int64]]:
    """Deleted rows by segment.

    Args:
        path: the Parquet file.
        rows: rows of each segment.
        digest: content hash that the file must have.

    Raises:
        GalleryError: the file is missing or damaged, or names rows that do not exist.
    """
    table = _read_parquet(path, sum(rows.values()), digest)
    if not table.schema.equals(_TOMBSTONES) or any(column.null_count for column in table.columns):
        raise damaged(path, f"it has the columns {table.schema.names}, not segment and row")
    dead: dict[str, list[int]] = {}
    for segment, row in zip(table.column(0).to_pylist(), table.column(1).to_pylist(), strict=True):
        if not 0 <= row < rows.get(segment, 0):
            raise damaged(path, f"it deletes row {row} of segment {segment!r}, which does not exist")
        dead.setdefault(segment, []).append(row)
    return {segment: np.unique(np.array(found, dtype=np.int64)) for segment, found in dead.items()}


def _read_parquet(path: Path, rows: int, digest: str) -> pa.Table:
    limit = _BASE_BYTES + rows * _ROW_BYTES
    # A read takes as much memory as it may return, and what many rows may have is more than there is.
    data = read_bytes(path, min(limit, plain_size(path)))
    if bytes_hash(data) != digest:
        raise damaged(path, "its bytes are not those that were written")
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            found = file.metadata
            unpacked = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
            if found.num_rows > rows or unpacked > limit:
                raise damaged(path, f"it has {found.num_rows} rows of {unpacked} bytes, where {rows} were expected")
            return file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, f"it is not a Parquet table ({error})") from error


def _column(values: list[object]) -> pa.Array:
    try:
        array = column_of(values)
    except (pa.ArrowException, OverflowError, TypeError):
        return _texts(values)
    # Parquet cannot hold an empty struct; text can.
    return _texts(values) if pa.types.is_struct(array.type) else array


def _texts(values: Iterable[object]) -> pa.Array:
    return pa.array([v if v is None or isinstance(v, str) else json.dumps(v, default=str) for v in values], pa.string())


def _stacked(parts: list[tuple[pa.ChunkedArray | None, int]]) -> pa.ChunkedArray:
    types = {column.type for column, _ in parts if column is not None and not pa.types.is_null(column.type)}
    common = next(iter(types), pa.null()) if len(types) < 2 else _common_type(types)
    chunks: list[pa.Array] = []
    for column, rows in parts:
        if column is None or pa.types.is_null(column.type):
            chunks.append(pa.nulls(rows, common))
        elif column.type == common:
            chunks.extend(column.chunks)
        else:
            chunks.append(_texts(column.to_pylist()) if common == pa.string() else column.cast(common).combine_chunks())
    return pa.chunked_array(chunks, common)


def _common_type(types: set[pa.DataType]) -> pa.DataType:
    numeric = all(pa.types.is_integer(t) or pa.types.is_floating(t) for t in types)
    return pa.float64() if numeric else pa.string()

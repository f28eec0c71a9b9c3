"""Many rows at once: a table of them is checked as a whole, not row by row."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import CatalogError
from periplus.gallery.tables import CONTENT_HASH
from periplus.records import SCHEMA, Catalog

BULK_ROWS = 65_536
"""Rows of a segment that is written at once: 64 MiB of vectors of 512 numbers."""

PROMPT = "prompt"
"""The column of what is said of a place; with the position it is what a bare row's vector is made from."""

_ROWS_AT_ONCE = 8192
_HALF_EXPONENT = np.uint16(0x7C00)


def checked_table(table: pa.Table) -> pa.Table:
    """A table as a gallery's catalog has it: the fixed columns first, those that were missing null.

    Args:
        table: with ``id``, any other columns of :data:`periplus.records.SCHEMA`, and columns of numbers, truth values
            or text. Without ``content_hash`` all rows must be bare; theirs is :func:`bare_hashes`.

    Raises:
        CatalogError: an id is missing, empty or repeated, a position impossible, or a column cannot be stored.
    """
    if len(set(table.column_names)) < len(table.column_names):
        raise CatalogError(f"A table has two columns of one name: {table.column_names}.")
    fields = [*SCHEMA, CONTENT_HASH]
    columns = [_fixed(table, field) for field in SCHEMA]
    if CONTENT_HASH.name in table.column_names:
        columns.append(_fixed(table, CONTENT_HASH))
    elif columns[SCHEMA.get_field_index("path")].null_count == len(table):
        columns.append(bare_hashes(table))
    else:
        raise CatalogError(f"A table of photos needs the column {CONTENT_HASH.name!r}; it has {table.column_names}.")
    for name in table.column_names:
        if name not in SCHEMA.names and name != CONTENT_HASH.name:
            columns.append(_plain(table.column(name), name))
            fields.append(pa.field(name, columns[-1].type))
    whole = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid as error:
        raise CatalogError(f"A table is not sound: {error}.") from error
    Catalog(whole)
    for name in ("id", CONTENT_HASH.name):
        values = whole.column(name)
        empty = np.flatnonzero([not value for value in values.to_pylist()])
        if len(empty):
            raise CatalogError(f"A gallery's row needs the text {name!r}; row {empty[0]} has none.")
    return whole


def bare_hashes(table: pa.Table) -> pa.Array:
    """The content hash of rows without a picture: of the position and the prompt, where there is one."""
    missing = [None] * len(table)
    parts = [
        table.column(name).to_pylist() if name in table.column_names else missing
        for name in ("lat_deg", "lon_deg", PROMPT)
    ]
    texts = (f"{lat!r},{lon!r},{prompt or ''}".encode() for lat, lon, prompt in zip(*parts, strict=True))
    return pa.array([hashlib.blake2b(text, digest_size=16).hexdigest() for text in texts], pa.string())


def checked_halves(vectors: NDArray[np.floating], rows: int, dim: int) -> NDArray[np.float16]:
    """Vectors as float16 (rows, dim).

    Raises:
        CatalogError: their shape is another, or one is not finite as float16; the message names the first.
    """
    if vectors.shape != (rows, dim):
        raise CatalogError(f"The vectors have shape {vectors.shape}; they must be ({rows}, {dim}).")
    with np.errstate(over="ignore"):
        halves = np.ascontiguousarray(vectors, np.float16)
    for first in range(0, rows, _ROWS_AT_ONCE):
        # Half as long as isfinite: NaN and infinity have all bits of the exponent.
        bits = halves[first : first + _ROWS_AT_ONCE].view(np.uint16) & _HALF_EXPONENT
        if bits.max(initial=0) == _HALF_EXPONENT:
            row = first + int(np.flatnonzero((bits == _HALF_EXPONENT).any(axis=1))[0])
            raise CatalogError(f"The vector of row {row} is not finite as float16.")
    return halves


def _fixed(table: pa.Table, field: pa.Field) -> pa.Array | pa.ChunkedArray:
    if field.name not in table.column_names:
        return pa.nulls(len(table), field.type)
    column = table.column(field.name)
    if column.type == field.type:
        return column
    if pa.types.is_null(column.type) or pa.types.is_large_string(column.type):
        return column.cast(field.type)
    raise CatalogError(f"Column {field.name!r} of a catalog is {field.type}; found {column.type}.")


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        column = column.cast(pa.string())
    elif not (pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_null(kind)):
        raise CatalogError(f"Column {name!r} is {kind}; a gallery keeps numbers, truth values and text.")
    return column

"""The catalog: an Arrow table with one row a photo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from periplus.errors import CatalogError

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("lat_deg", pa.float64()),
        pa.field("lon_deg", pa.float64()),
        pa.field("landmark", pa.string()),
        pa.field("author", pa.string()),
        pa.field("sequence", pa.string()),
        pa.field("taken_at", pa.string()),
        pa.field("split", pa.string()),
    ]
)
"""The columns that every catalog has. ``path`` is null for a bare position; ``lat_deg`` and ``lon_deg`` are
WGS84 degrees, both null where unknown; ``taken_at`` is ISO 8601 local time, with its UTC offset where known."""


@dataclass(frozen=True)
class Catalog:
    """Photos and what is known of them.

    Attributes:
        table: the columns of :data:`SCHEMA` first, then whatever columns the source has.

    Raises:
        CatalogError: an id is missing or stands twice, a position is half known or impossible.
    """

    table: pa.Table

    def __post_init__(self) -> None:
        """Check ids and positions."""
        for field in SCHEMA:
            if field.name not in self.table.column_names:
                raise CatalogError(f"A catalog needs the column {field.name!r}; it has {self.table.column_names}.")
            if self.table.schema.field(field.name).type != field.type:
                found = self.table.schema.field(field.name).type
                raise CatalogError(f"Column {field.name!r} of a catalog is {field.type}; found {found}.")
        ids = self.table.column("id")
        if ids.null_count or len(pc.unique(ids)) != len(ids):
            raise CatalogError(f"Every id must be there once: {_first_repeated(ids.to_pylist())}.")
        _check_positions(self.table)

    @classmethod
    def from_rows(cls, rows: Iterable[dict[str, object]]) -> Catalog:
        """Make a catalog of dictionaries; missing columns of the schema become null, others are kept."""
        rows = list(rows)
        extra = [name for name in dict.fromkeys(k for row in rows for k in row) if name not in SCHEMA.names]
        arrays = [pa.array([row.get(f.name) for row in rows], type=f.type) for f in SCHEMA]
        extras = [column_of([row.get(name) for row in rows]) for name in extra]
        fields = [*SCHEMA, *(pa.field(n, a.type) for n, a in zip(extra, extras, strict=True))]
        return cls(pa.Table.from_arrays([*arrays, *extras], schema=pa.schema(fields)))

    @classmethod
    def empty(cls) -> Catalog:
        """Make a catalog without photos."""
        return cls(SCHEMA.empty_table())

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def ids(self) -> list[str]:
        """The ids, in row order."""
        return list(self.table.column("id").to_pylist())

    def column(self, name: str) -> list[object]:
        """One column as Python values."""
        return list(self.table.column(name).to_pylist())

    @property
    def positions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude in degrees, float64 (n,) each; NaN where unknown."""
        lat, lon = (
            self.table.column(name).to_numpy(zero_copy_only=False).astype(np.float64, copy=True)
            for name in ("lat_deg", "lon_deg")
        )
        return lat, lon

    @property
    def has_position(self) -> NDArray[np.bool_]:
        """Which rows have a position, bool (n,)."""
        return ~np.isnan(self.positions[0])

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Catalog:
        """The catalog of some rows: a mask (n,) or row numbers (m,)."""
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Catalog(self.table.take(pa.array(index)))

    def row(self, index: int) -> dict[str, object]:
        """One row as a dictionary."""
        return dict(self.table.slice(index, 1).to_pylist()[0])


_KINDS = {frozenset({str}): pa.string(), frozenset({float}): pa.float64(), frozenset({int}): pa.int64()}


def column_of(values: list[object]) -> pa.Array:
    """The column of these values; of one plain type without Arrow's guessing.

    To guess, Arrow asks each time for a package that is not installed here, and while it does so Ctrl-C is lost.
    """
    return pa.array(values, type=_KINDS.get(frozenset(map(type, values)) - {type(None)}))


def _first_repeated(ids: list[str | None]) -> str:
    seen: set[str] = set()
    for row, photo in enumerate(ids):
        if photo is None:
            return f"row {row} has none"
        if photo in seen:
            return f"{photo!r} stands again at row {row}"
        seen.add(photo)
    return "no repetition found"


def _check_positions(table: pa.Table) -> None:
    lat, lon = (table.column(n).to_numpy(zero_copy_only=False).astype(np.float64) for n in ("lat_deg", "lon_deg"))
    half = np.isnan(lat) != np.isnan(lon)
    # NaN compares false: unknown positions pass.
    wrong = half | (np.abs(lat) > 90) | (lon < -180) | (lon >= 180) | np.isinf(lat) | np.isinf(lon)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        photo = table.column("id")[row].as_py()
        raise CatalogError(
            f"Row {row} ({photo!r}) has the impossible position lat {lat[row]}, lon {lon[row]}: latitudes lie in "
            "[-90, 90], longitudes in [-180, 180), and both or neither must be known."
        )

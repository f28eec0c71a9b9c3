"""What is observed at the places of a source, and which places are looked at together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import on_land
from periplus.geo.regions import place_codes
from periplus.pipeline.spatial.opening import Placed, Vectors
from periplus.records import Catalog
from periplus.spatial import Observations

Rows = NDArray[np.int64]
GROUPINGS: Final = {
    "continent": "the continent of the nearest town",
    "country": "the country of the nearest town",
    "land": "on land or at sea",
}
"""What places are grouped by where no column of the source has the name."""
FEWEST: Final = 30
"""A group of fewer places is left out: its pairs say nothing."""
_LARGEST: Final = 1e100
"""Squares of larger numbers, and sums of them, overflow."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What is observed at places.

    Attributes:
        observations: values at the places.
        rows: int64 (n,), which rows of the source these are.
        label: what is observed.
        unknown: how many rows have no value and were left out.
    """

    observations: Observations
    rows: Rows
    label: str
    unknown: int


def observed(placed: Placed, columns: Sequence[str] = (), cross: str | None = None) -> Iterator[Observed]:
    """Each column as a variable of its own; without columns the vectors.

    Args:
        placed: the source.
        columns: of numbers.
        cross: a second column of numbers, for cross-variograms with each of the others.

    Raises:
        UsageError: there is nothing to observe, or a column holds no numbers.
    """
    lat, lon = placed.catalog.positions
    if not columns:
        if cross is not None:
            raise UsageError("A cross-variogram is of two columns: --values ONE --cross OTHER.")
        vectors = vectors_of(placed)
        rows = np.flatnonzero(_has_length(vectors)).astype(np.int64)
        whole = len(rows) == len(vectors)
        yield Observed(
            Observations(lat, lon, vectors) if whole else Observations(lat[rows], lon[rows], vectors[rows]),
            rows,
            placed.label,
            len(vectors) - len(rows),
        )
        return
    other = None if cross is None else numbers_of(placed.catalog, cross)
    for column in columns:
        values = numbers_of(placed.catalog, column)
        known = np.isfinite(values) if other is None else np.isfinite(values) & np.isfinite(other)
        rows = np.flatnonzero(known).astype(np.int64)
        label = column if cross is None else f"{column} and {cross}"
        if len(rows) < 2:
            raise UsageError(f"The column {label!r} has a number at {len(rows)} place(s); two are needed at least.")
        second = None if other is None else other[rows]
        yield Observed(Observations(lat[rows], lon[rows], values[rows], second), rows, label, len(values) - len(rows))


def vectors_of(placed: Placed) -> Vectors:
    """The vectors of a source.

    Raises:
        UsageError: it has none.
    """
    if placed.vectors is None:
        raise UsageError(
            "There are no vectors to look at: give a gallery, or photos and --encoder NAME, or a table and "
            "--vectors FILE.npy. A semivariogram can also be of a table's numbers: --values COLUMN."
        )
    return placed.vectors


def numbers_of(catalog: Catalog, column: str) -> NDArray[np.float64]:
    """A column as numbers, float64 (n,); NaN where it has none.

    Raises:
        UsageError: there is no such column, it holds no numbers, or too large ones.
    """
    values = _column(catalog, column)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    try:
        # Not safe: whole numbers above 2^53 may lose their last digits.
        numbers = np.array(pc.cast(values, pa.float64(), safe=False).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"The column {column!r} holds no numbers ({str(error)[:120]}).") from error
    numbers[~np.isfinite(numbers)] = np.nan
    if (np.abs(numbers) > _LARGEST).any():
        raise UsageError(f"The column {column!r} has numbers beyond {_LARGEST:g}, whose squares are infinite.")
    return numbers


def groups_of(catalog: Catalog, by: str) -> tuple[dict[str, Rows], int]:
    """Places that are looked at together: rows by name, the largest group first, and how many rows are in none.

    Args:
        catalog: rows with positions.
        by: a column, or one of :data:`GROUPINGS`.

    Raises:
        UsageError: there is no such column, or no group is large enough.
    """
    if by in catalog.table.column_names:
        names: list[object] = list(_column(catalog, by).to_pylist())
    elif by in GROUPINGS:
        names = _names(catalog, by)
    else:
        raise UsageError(f"Places are grouped by a column or by {', '.join(GROUPINGS)}; {by!r} is neither.")
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        # NaN, the number that is none, is not what it is.
        if name is not None and name == name:
            found.setdefault(str(name), []).append(row)
    large = {name: rows for name, rows in found.items() if len(rows) >= FEWEST}
    if not large:
        raise UsageError(f"No group of {by!r} has {FEWEST} places or more: the pairs of fewer say nothing.")
    ordered = sorted(large.items(), key=lambda item: (-len(item[1]), item[0]))
    taken = {name: np.array(rows, np.int64) for name, rows in ordered}
    return taken, len(names) - sum(map(len, taken.values()))


def _names(catalog: Catalog, by: str) -> list[object]:
    lat, lon = catalog.positions
    if by == "land":
        return ["land" if one else "sea" for one in on_land(lat, lon)]
    return list(place_codes(lat, lon).names(by))


def _column(catalog: Catalog, column: str) -> pa.ChunkedArray:
    names = [name for name in catalog.table.column_names if name not in ("id", "path", "content_hash")]
    if column not in names:
        raise UsageError(f"There is no column {column!r}; there are {', '.join(map(repr, names))}.")
    return catalog.table.column(column)


def _has_length(vectors: Vectors) -> NDArray[np.bool_]:
    """Which vectors are not 0: photos without features have no appearance to compare."""
    return np.concatenate([vectors[at : at + 4096].any(axis=1) for at in range(0, len(vectors), 4096)])

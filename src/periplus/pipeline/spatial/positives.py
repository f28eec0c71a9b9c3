"""Photos that belong together: those whose vectors should be near each other."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import Neighbours
from periplus.pipeline.spatial.opening import Placed

Rows = NDArray[np.int64]
BY_DEFAULT: Final = ("landmark", "sequence")
"""Columns whose equal values make photos belong together, where nothing is said."""


def positives_of(placed: Placed, by: str | None, within_km: float | None, seed: int = 0) -> tuple[Rows | None, str]:
    """Pairs of rows that belong together, int64 (m, 2), and what makes them so; None and why where there are none.

    By a column each photo is paired with one other of its group, by lot; by distance with the nearest other, where
    that is near enough. So no large group outweighs the rest.

    Args:
        placed: the source.
        by: a column; the first of :data:`BY_DEFAULT` that has pairs where None.
        within_km: take near photos instead of a column's.
        seed: of the lot.

    Raises:
        UsageError: there is no such column, or it has no pairs.
    """
    if within_km is not None:
        lat, lon = placed.catalog.positions
        rows, km = Neighbours(lat, lon).nearest(lat, lon, k=2)
        # The first of the two is the photo itself, or one at the very same place.
        other = np.where(rows[:, 0] == np.arange(len(lat)), rows[:, 1], rows[:, 0])
        pairs = np.stack([np.arange(len(lat)), other], axis=1)[km[:, 1] <= within_km]
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        return (pairs, f"nearest photos within {within_km:g} km") if len(pairs) else (None, "no two are so near")
    for column in (by,) if by is not None else BY_DEFAULT:
        if column not in placed.catalog.table.column_names:
            raise UsageError(f"There is no column {column!r} that says which photos belong together.")
        pairs = _of_one_group(placed.catalog.column(column), seed)
        if len(pairs):
            return pairs, f"photos of one {column}"
    if by is not None:
        raise UsageError(f"No two photos have the same {by}: nothing belongs together.")
    return None, f"no two photos have one {' or '.join(BY_DEFAULT)}"


def _of_one_group(names: list[object], seed: int) -> Rows:
    """Each row with the next of its group, after a shuffle."""
    groups: dict[object, list[int]] = {}
    for row in np.random.default_rng(seed).permutation(len(names)).tolist():
        if names[row] is not None:
            groups.setdefault(names[row], []).append(row)
    pairs = [(a, b) for rows in groups.values() for a, b in zip(rows, [*rows[1:], rows[0]], strict=True) if a != b]
    return np.unique(np.sort(np.array(pairs, np.int64).reshape(-1, 2), axis=1), axis=0)

"""Which gallery rows must not answer a query if an evaluation is to be honest.

A photo by the same person, of the same walk or from a few steps away is the query once more: it measures memory, not
the skill to tell a place.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from periplus.geo import Neighbours
from periplus.records import Catalog

Rows = NDArray[np.int64]


class Exclusions:
    """Finds the rows of a gallery that are too close to a query; made once for many queries.

    Args:
        catalog: of the gallery.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._authors = _groups(catalog, "author")
        self._sequences = _groups(catalog, "sequence")
        self._neighbours = Neighbours(*catalog.positions)

    def rows(
        self,
        author: str | None = None,
        sequence: str | None = None,
        position: tuple[float, float] | None = None,
        buffer_km: float = 0.0,
    ) -> Rows:
        """Rows by the author, of the sequence or within the buffer: int64 (m,), rising, each once.

        Args:
            author: of the query; none and "" exclude nobody.
            sequence: the same.
            position: latitude and longitude of the query in degrees, if it counts.
            buffer_km: 0 excludes no row for its position.
        """
        found = [self._authors.get(author or "", _NONE), self._sequences.get(sequence or "", _NONE)]
        if position is not None and buffer_km > 0:
            found.append(self._neighbours.within_km(*position, buffer_km)[0])
        return np.unique(np.concatenate(found))


_NONE: Rows = np.empty(0, np.int64)


def _groups(catalog: Catalog, name: str) -> dict[str, Rows]:
    """The rows of each value of a column; unknown and empty values are no group."""
    column = pc.dictionary_encode(catalog.table.column(name).combine_chunks())
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.argsort(codes, kind="stable").astype(np.int64)
    values = column.dictionary.to_pylist()
    starts = np.searchsorted(codes[order], np.arange(len(values) + 1))
    return {value: order[starts[i] : starts[i + 1]] for i, value in enumerate(values) if value}

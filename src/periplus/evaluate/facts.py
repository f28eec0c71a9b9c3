"""What is known of queries beside their positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate.clustered import cluster_codes
from periplus.evaluate.strata import Positions

CLUSTER_COLUMNS: Final = ("author", "sequence")
"""Which columns tell whose photos belong together, in order of preference."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which queries belong together.

    Attributes:
        column: what tells.
        labels: n names, None for a query by itself.
        codes: int64 (n,), the number of each query's cluster.
    """

    column: str
    labels: list[str | None]
    codes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class QueryFacts:
    """What n queries and their gallery are known by.

    Attributes:
        columns: n rows of the source: true places (:data:`periplus.evaluate.places.SPELLINGS`), author, sequence.
        gallery: latitudes and longitudes (m,) of the gallery's rows, NaN where unknown; None: nothing is said of it.
        cluster: the column that tells whose photos belong together; None: the first of ``author`` and ``sequence``
            that has any value.

    Raises:
        UsageError: there is no such column.
    """

    columns: pa.Table | None = None
    gallery: Positions | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        """Check that the column of clusters is there."""
        names = [] if self.columns is None else self.columns.column_names
        if self.cluster is not None and self.cluster not in names:
            near = get_close_matches(self.cluster, names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(
                f"The queries have no column {self.cluster!r}: {hint}They have {', '.join(names) or 'none'}."
            )

    def of(self, rows: NDArray[np.bool_]) -> QueryFacts:
        """The facts of some queries, by a mask (n,).

        Raises:
            UsageError: there is not one row a query.
        """
        if self.columns is None:
            return self
        if self.columns.num_rows != len(rows):
            raise UsageError(f"{self.columns.num_rows} rows of the source do not fit {len(rows)} queries.")
        return replace(self, columns=self.columns.filter(pa.array(rows)))

    def clusters(self, ids: Sequence[str]) -> Clusters | None:
        """Which of the n queries belong together; None where nothing tells."""
        if self.columns is None:
            return None
        for name in CLUSTER_COLUMNS if self.cluster is None else (self.cluster,):
            if name in self.columns.column_names and self.columns.column(name).null_count < len(ids):
                labels = self.columns.column(name).cast(pa.string()).to_pylist()
                return Clusters(name, labels, cluster_codes(labels, ids))
        return None


NO_FACTS: Final = QueryFacts()

"""What each photo of a collection is for: training, gallery, public or private query."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.curate import (
    QUERY_PRIVATE,
    QUERY_PUBLIC,
    groups,
    near_duplicates,
    signature,
    split_by_group,
)
from periplus.errors import PhotoError
from periplus.photos import DEFAULT_LIMITS, Limits, read_gray
from periplus.pipeline.ranking import Progress
from periplus.pipeline.workers import default_jobs, workers
from periplus.records import Catalog

_SIGNATURE_PX = 256


def with_splits(
    catalog: Catalog,
    *,
    public: float,
    private: float,
    index_only: float,
    seed: int,
    jobs: int = 0,
    progress: Progress | None = None,
) -> Catalog:
    """The catalog with a role in its column ``split`` for every photo.

    A catalog that names public or private queries keeps its splits. Otherwise photos are split by landmark, near
    duplicates together.

    Args:
        catalog: the photos.
        public: queries to choose settings by, as a count (1 or more) or a share.
        private: queries to report, likewise.
        index_only: share of the others that is in the gallery but not trained on.
        seed: of the split.
        jobs: worker processes; 0 for one a core. The result does not depend on it.
        progress: told of every photo.
    """
    if {QUERY_PUBLIC, QUERY_PRIVATE} & set(catalog.column("split")):
        return catalog
    n = len(catalog)
    sizes = {QUERY_PUBLIC: _count(public, n), QUERY_PRIVATE: _count(private, n)}
    signatures = _signatures(catalog, jobs or default_jobs(), progress or (lambda *_: None))
    together = groups(n, near_duplicates(signatures)[0])
    labels = [None if name is None else str(name) for name in catalog.column("landmark")]
    roles = split_by_group(together, labels, sizes=sizes, seed=seed, index_only=index_only)
    place = catalog.table.column_names.index("split")
    return Catalog(catalog.table.set_column(place, "split", pa.array(roles, pa.string())))


def _count(wanted: float, n: int) -> int:
    return round(wanted if wanted >= 1 else wanted * n)


def _signatures(catalog: Catalog, jobs: int, tell: Progress) -> NDArray[np.float32]:
    """A signature a row; zero, which is like nothing, where there is no picture."""
    blank = signature(np.zeros((8, 8), np.uint8))
    found = np.zeros((len(catalog), len(blank)), np.float32)
    paths = catalog.column("path")
    rows = [row for row, path in enumerate(paths) if path is not None]
    with workers(DEFAULT_LIMITS, _sign, jobs) as spread:
        for done, (row, one) in enumerate(zip(rows, spread([str(paths[row]) for row in rows]), strict=True), 1):
            tell("compare", done, len(rows))
            found[row] = one
    return found


def _sign(limits: Limits, path: str) -> NDArray[np.float32]:
    try:
        return signature(read_gray(Path(path), _SIGNATURE_PX, limits).pixels)
    except PhotoError:
        return signature(np.zeros((8, 8), np.uint8))

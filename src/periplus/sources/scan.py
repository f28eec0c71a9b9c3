"""What a source found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from periplus.errors import UsageError
from periplus.records import Catalog, Skip


@dataclass(frozen=True)
class Scan:
    """The photos of a source and those that could not be taken.

    Attributes:
        catalog: one row a photo (or a bare position), in a stable order.
        skipped: the photos that were passed over, each with its reason.
        root: the folder that the photos lie under.
        ignored: how many files are no photos by their names (hidden files and sidecars do not count).
        notes: photos that were taken, but whose metadata could not all be believed.
    """

    catalog: Catalog
    skipped: tuple[Skip, ...]
    root: Path
    ignored: int = 0
    notes: tuple[Skip, ...] = ()

    def of_splits(self, splits: Collection[str]) -> Scan:
        """The photos of some splits; all where none is named.

        Raises:
            UsageError: the source has no such split.
        """
        if not splits:
            return self
        named = self.catalog.column("split")
        if unknown := sorted(set(splits) - {str(name) for name in named}):
            have = ", ".join(sorted({str(name) for name in named if name is not None})) or "none"
            raise UsageError(f"There is no split {unknown[0]!r} in this source; it has {have}.")
        return replace(self, catalog=self.catalog.select(np.array([name in splits for name in named], np.bool_)))

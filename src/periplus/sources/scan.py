"""What a source found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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

"""Class folders: a folder a landmark, as ImageFolder and most training sets lay photos out.

::

    photos/colosseum/a.jpg           landmark colosseum
    photos/louvre/2019/b.jpg         landmark louvre

or, where every folder on top is a split::

    photos/train/colosseum/a.jpg     split train, landmark colosseum
    photos/query/colosseum/c.jpg
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.records import Catalog, Skip
from periplus.sources.folder import read_folder
from periplus.sources.scan import Scan

SPLITS = frozenset({"train", "val", "test", "index", "gallery", "query", "query-public", "query-private"})
"""Names of folders that are splits, where no other folder is beside them."""


def read_classes(root: Path, limits: Limits = DEFAULT_LIMITS, progress: Callable[[int], None] | None = None) -> Scan:
    """Read a folder of class folders; what the photos' files say is read too, as of any folder.

    Args:
        root: the folder.
        limits: of each photo.
        progress: called with the number of photos done so far.

    Returns:
        The columns of a folder's catalog, with ``landmark``, and with ``split`` where the folders on top are
        :data:`SPLITS`. Photos that are in no class folder are skipped (``no-class``).

    Raises:
        UsageError: there is no such folder.
    """
    scan = read_folder(root, limits, progress)
    parts = [photo.split("/") for photo in scan.catalog.ids]
    depth = 1 if parts and all(part[0] in SPLITS and len(part) > 1 for part in parts) else 0
    kept = [row for row, part in enumerate(parts) if len(part) > depth + 1]
    loose = [
        Skip("/".join(part), "no-class", "it lies in no class folder.") for part in parts if len(part) <= depth + 1
    ]
    table = scan.catalog.table.take(pa.array(kept, pa.int64()))
    told = {
        "landmark": [parts[row][depth] for row in kept],
        "split": [parts[row][0] if depth else None for row in kept],
    }
    for name, values in told.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    skipped = tuple(sorted((*scan.skipped, *loose), key=lambda skip: skip.path))
    return Scan(Catalog(table), skipped, scan.root, scan.ignored, scan.notes)

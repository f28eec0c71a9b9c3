"""Which rows of a gallery must not answer a query, so that an evaluation stays honest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.gallery import Gallery
from periplus.position import Exclusions

NO_ROWS = np.zeros(0, np.int64)


class AskedGallery:
    """A snapshot that knows its rows by content, author, sequence and position; each is read once, not for every query.

    Attributes:
        gallery: the snapshot on disk.
    """

    gallery: Gallery

    def __len__(self) -> int:
        return len(self.gallery)

    def rows_with_content(self, digest: str) -> NDArray[np.int64]:
        """The rows whose file has this content hash, byte for byte: they would make locating look easier than it is."""
        return np.flatnonzero(self._contents == digest).astype(np.int64)

    @cached_property
    def exclusions(self) -> Exclusions:
        """Rows of one photographer, of one way, near one place."""
        return Exclusions(self.gallery.catalog)

    @cached_property
    def _contents(self) -> NDArray[np.object_]:
        return np.array(self.gallery.catalog.column("content_hash"), dtype=object)


@dataclass(frozen=True)
class Exclusion:
    """What a query has in common with gallery rows that must not answer it; bare rows have only a position.

    Attributes:
        content: the very bytes of the file.
        author, sequence: who took it, and on which way.
        buffer_km: rows at most so far from where it was taken; 0 for none.

    Raises:
        UsageError: the buffer is no distance.
    """

    content: bool = True
    author: bool = False
    sequence: bool = False
    buffer_km: float = 0.0

    def __post_init__(self) -> None:
        """Check the buffer."""
        if not 0 <= self.buffer_km < 20_040:
            raise UsageError(f"A buffer of {self.buffer_km} km leaves nothing, or is no distance.")


def excluded_rows_of(
    opened: AskedGallery, query: Mapping[str, object], digest: str, exclusion: Exclusion
) -> NDArray[np.int64]:
    """Rows that must not answer one query, ascending int64 (m,).

    Args:
        opened: the gallery.
        query: its row of a catalog.
        digest: content hash of its file.
        exclusion: what counts.
    """
    copies = opened.rows_with_content(digest) if exclusion.content else NO_ROWS
    author = cast("str | None", query.get("author")) if exclusion.author else None
    sequence = cast("str | None", query.get("sequence")) if exclusion.sequence else None
    position = None
    if exclusion.buffer_km and query.get("lat_deg") is not None:
        position = (float(cast("float", query["lat_deg"])), float(cast("float", query["lon_deg"])))
    if author is None and sequence is None and position is None:
        return copies
    return np.union1d(copies, opened.exclusions.rows(author, sequence, position, exclusion.buffer_km))

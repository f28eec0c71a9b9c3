"""One segment: a run of rows that are written together and never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import CatalogError, GalleryError
from periplus.gallery import layout
from periplus.gallery.bulk import checked_halves, checked_table
from periplus.gallery.manifest import SegmentInfo
from periplus.gallery.tables import check_row, concat, read_catalog, table_of, to_parquet
from periplus.store import (
    Arena,
    ArenaWriter,
    RowsWriter,
    content_hash,
    damaged,
    map_array,
    sync_folder,
    write_bytes_atomic,
    writing,
)


@dataclass(frozen=True)
class Segment:
    """The large parts of a segment, mapped into memory and not read until they are touched.

    Attributes:
        info: its line of the manifest.
        vectors: float16 (rows, d), read-only.
        arenas: blobs of the rows by arena name.
    """

    info: SegmentInfo
    vectors: NDArray[np.float16]
    arenas: dict[str, Arena]


def read_segment(folder: Path, info: SegmentInfo, dim: int) -> tuple[Segment, pa.Table]:
    """A segment and its catalog.

    Raises:
        GalleryError: a file is missing, damaged, or has another number of rows than the manifest says.
    """
    vectors = map_array(folder / layout.VECTORS)
    if vectors.dtype != np.float16 or vectors.shape != (info.rows, dim):
        found = f"{vectors.dtype} {vectors.shape}"
        raise damaged(folder / layout.VECTORS, f"it holds {found}, not float16 ({info.rows}, {dim})")
    arenas = {name: Arena(folder / name) for name in info.arenas}
    for name, arena in arenas.items():
        if len(arena) != info.rows:
            raise damaged(folder / (name + layout.OFFSETS), f"it holds {len(arena)} blobs, not {info.rows}")
    table = read_catalog(folder / layout.CATALOG, info.rows, info.files[layout.CATALOG])
    return Segment(info, vectors, arenas), table


class SegmentWriter:
    """Rows on their way into a new segment, streamed to disk; invisible until the writer commits them.

    Args:
        folder: of the segment; made here.
        dim: length of a vector.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._ids: dict[str, None] = {}
        self._tables: list[pa.Table] = []
        self._rows: list[dict[str, object]] = []
        self._arenas: dict[str, ArenaWriter] = {}
        self._whole = True
        with writing(folder):
            folder.mkdir(parents=True)
        self._vectors = RowsWriter(folder / layout.VECTORS, np.float16, (dim,))

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def name(self) -> str:
        """Of the segment."""
        return self._folder.name

    @property
    def ids(self) -> list[str]:
        """Of the rows added so far."""
        return list(self._ids)

    def add(
        self,
        row: Mapping[str, object],
        vector: NDArray[np.floating],
        blobs: Mapping[str, bytes | NDArray[np.uint8]] | None = None,
    ) -> None:
        """Add one photo.

        Args:
            row: the catalog's columns and ``content_hash``, and whatever else is known.
            vector: (d,), stored as float16.
            blobs: bytes by arena name; a row without a blob reads as an empty one.

        Raises:
            CatalogError: the row or the vector cannot be stored; the segment stays as it was.
            CannotRunError: the system refused to write; the segment is lost.
        """
        row, blobs = dict(row), blobs or {}
        check_row(row)
        name = str(row["id"])
        if name in self._ids:
            raise CatalogError(f"The id {name!r} was added to this segment before.")
        with np.errstate(over="ignore"):
            half = np.asarray(vector).astype(np.float16)
        if half.shape != (self._dim,) or not np.isfinite(half).all():
            raise CatalogError(f"The vector of {name!r} has shape {half.shape}; it must be ({self._dim},) and finite.")
        for arena, blob in blobs.items():
            _check_blob(arena, blob)
        self.append(half, blobs)
        self._rows.append(row)
        self._ids[name] = None

    def extend(self, table: pa.Table, vectors: NDArray[np.floating]) -> None:
        """Add many rows at once, without blobs; a hundred times as fast as :meth:`add`.

        Args:
            table: one row each, as :func:`periplus.gallery.bulk.checked_table` takes it; bare rows get their content
                hash there.
            vectors: (m, d), stored as float16.

        Raises:
            CatalogError: a row or a vector cannot be stored; the segment stays as it was.
            CannotRunError: the system refused to write; the segment is lost.
        """
        table = checked_table(table)
        halves = checked_halves(vectors, len(table), self._dim)
        ids = table.column("id").to_pylist()
        repeated = next((name for name in ids if name in self._ids), None)
        if repeated is not None:
            raise CatalogError(f"The id {repeated!r} was added to this segment before.")
        self._whole = False
        for half in halves:
            self._vectors.append(half)
        for writer in self._arenas.values():
            for _ in ids:
                writer.append(b"")
        self._whole = True
        self._gather()
        self._tables.append(table)
        self._ids.update(dict.fromkeys(ids))

    def append(self, vector: NDArray[np.float16], blobs: Mapping[str, bytes | NDArray[np.uint8]]) -> None:
        """Stream the checked large parts of one row."""
        self._whole = False
        for arena in blobs.keys() - self._arenas.keys():
            self._arenas[arena] = ArenaWriter(self._folder / arena)
            for _ in range(len(self)):
                self._arenas[arena].append(b"")
        self._vectors.append(vector)
        for arena, writer in self._arenas.items():
            writer.append(blobs.get(arena, b""))
        self._whole = True

    def finish(self, table: pa.Table | None = None) -> SegmentInfo | None:
        """Write the rest and wait until all is on the disk.

        Args:
            table: the catalog, where rows came by :meth:`append` alone.

        Returns:
            The segment's line of the manifest; None where it has no rows.

        Raises:
            GalleryError: an earlier write failed.
            CannotRunError: the system refused to write.
        """
        if not self._whole:
            raise GalleryError(f"Segment {self._folder} is incomplete after a failed write. Run again.")
        if not len(self):
            self.abandon()
            return None
        for part in self._parts():
            part.close()
        if table is None:
            self._gather()
            table = concat(self._tables) if len(self._tables) > 1 else self._tables[0]
        write_bytes_atomic(self._folder / layout.CATALOG, to_parquet(table))
        with writing(self._folder):
            sync_folder(self._folder.parent)
            arenas = [name + end for name in self._arenas for end in (layout.BLOBS, layout.OFFSETS)]
            files = {f: content_hash(self._folder / f) for f in (layout.CATALOG, layout.VECTORS, *sorted(arenas))}
        return SegmentInfo(self.name, len(self), files)

    def abandon(self) -> None:
        """Let go of the files."""
        for part in self._parts():
            part.abandon()

    def _gather(self) -> None:
        """Make the rows that came one by one a table."""
        if self._rows:
            self._tables.append(table_of(self._rows))
            self._rows = []

    def _parts(self) -> list[RowsWriter | ArenaWriter]:
        return [self._vectors, *self._arenas.values()]


def _check_blob(arena: str, blob: bytes | NDArray[np.uint8]) -> None:
    if not layout.ARENA_NAME.fullmatch(arena):
        raise CatalogError(f"An arena is named in small letters, digits and _, and not like a part; not {arena!r}.")
    if isinstance(blob, np.ndarray) and (blob.dtype != np.uint8 or blob.ndim != 1):
        raise CatalogError(f"A blob of arena {arena!r} is bytes or uint8 (n,), not {blob.dtype} {blob.shape}.")

"""Changing a gallery: one writer at a time, one swap of the manifest a change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import CatalogError, GalleryError
from periplus.gallery import layout
from periplus.gallery.bulk import BULK_ROWS, checked_table
from periplus.gallery.manifest import Manifest, SegmentInfo, read_manifest, write_manifest
from periplus.gallery.resources import Resource, write_resource
from periplus.gallery.segment import SegmentWriter
from periplus.gallery.snapshot import Gallery, open_gallery
from periplus.gallery.sweep import sweep
from periplus.gallery.tables import to_parquet, tombstones_table
from periplus.store import Lock, bytes_hash, sync_folder, write_bytes_atomic, writing

COMPACT_ROWS = 8192
"""Rows of a segment after compaction: few enough that one segment's catalog is small in memory."""


class GalleryWriter:
    """Adds, replaces and removes photos of a gallery. Holds its lock from making to closing; use it in ``with``.

    Every change is prepared beside what is there, synced, and then happens at once when the manifest is replaced. A
    process killed at any moment leaves the gallery as before or after a change; the next writer deletes the rest.

    Args:
        path: the gallery's folder.

    Raises:
        GalleryError: there is no gallery, it is damaged, or another process is writing it.
        CannotRunError: the system refused to write (here and in every method).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        read_manifest(self.path)
        self._lock = Lock(self.path / layout.LOCK, f"The gallery {self.path}")
        self._open: dict[str, SegmentWriter] = {}
        self._sound = True
        try:
            self._load(open_gallery(self.path))
            self._make_folders()
            sweep(self.path, self.manifest)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, photo: object) -> bool:
        return photo in self._live

    def close(self) -> None:
        """Drop segments that were not committed and give the lock back; again does nothing."""
        for segment in self._open.values():
            segment.abandon()
        self._open.clear()
        try:
            # Read anew: after a failed swap only the disk knows which manifest counts.
            sweep(self.path, read_manifest(self.path))
        except GalleryError:
            pass
        finally:
            self._lock.release()

    def begin_segment(self) -> SegmentWriter:
        """A new segment to fill and then to :meth:`commit`; bounded by what the caller puts in (say 512 photos)."""
        self._require_sound()
        numbers = [int(info.name) for info in self.manifest.segments]
        with writing(self.path):
            names = (entry.name for entry in (self.path / layout.SEGMENTS).iterdir())
            numbers += [int(name) for name in names if layout.SEGMENT_NAME.fullmatch(name)]
        segment = SegmentWriter(self.path / layout.SEGMENTS / f"{max(numbers, default=-1) + 1:06d}", self.manifest.dim)
        self._open[segment.name] = segment
        return segment

    def commit(self, segment: SegmentWriter, remove_ids: Iterable[str] = ()) -> int:
        """Publish a segment and delete older rows of its ids and of ``remove_ids``, all at once.

        Returns:
            How many older rows were deleted.
        """
        self._require_open(segment)
        info = segment.finish()
        if info is None:
            del self._open[segment.name]
        return self._publish([] if info is None else [(info, segment.ids)], {*segment.ids, *remove_ids})

    def extend(self, table: pa.Table, vectors: NDArray[np.floating], rows_per_segment: int = BULK_ROWS) -> int:
        """Add many rows without blobs in segments of their own and delete older rows of their ids, all at once.

        Args:
            table: one row each, as :meth:`SegmentWriter.extend` takes it.
            vectors: (n, d); may be mapped: one segment's part is held at a time.
            rows_per_segment: at most.

        Returns:
            How many older rows were deleted.

        Raises:
            CatalogError: a row or a vector cannot be stored, or an id stands twice; the gallery stays as it was.
        """
        self._require_sound()
        if len(vectors) != len(table):
            raise CatalogError(f"{len(table)} rows cannot have {len(vectors)} vectors.")
        table = checked_table(table)
        parts: list[tuple[SegmentInfo, list[str]]] = []
        before = set(self._open)
        try:
            for first in range(0, len(table), rows_per_segment):
                segment = self.begin_segment()
                segment.extend(table.slice(first, rows_per_segment), vectors[first : first + rows_per_segment])
                info = segment.finish()
                parts += [] if info is None else [(info, segment.ids)]
        except BaseException:
            for name in self._open.keys() - before:
                self._open.pop(name).abandon()
            raise
        return self._publish(parts, {photo for _, ids in parts for photo in ids})

    def remove(self, ids: Iterable[str]) -> int:
        """Delete photos at once; ids that are not there are passed over.

        Returns:
            How many were deleted.
        """
        self._require_sound()
        return self._publish([], set(ids))

    def put_resource(self, name: str, value: Resource) -> None:
        """Set a resource, an array of plain numbers or a JSON object, in place of an older one of the same name.

        Raises:
            UsageError: the name or the value cannot be stored.
        """
        self._require_sound()
        file = write_resource(self.path, name, value)
        self._swap(replace(self.manifest, resources={**self.manifest.resources, name: file}))

    def compact(self, rows_per_segment: int = COMPACT_ROWS) -> None:
        """Write the live rows, in their order, into new segments, then delete the old ones.

        Needs the disk space of the live rows once more, and memory for one segment's catalog.
        """
        self._require_sound()
        gallery = open_gallery(self.path)
        if self.manifest.tombstones is None and len(self.manifest.segments) <= -(-len(gallery) // rows_per_segment):
            return
        infos = [
            self._rewrite(gallery, range(first, min(first + rows_per_segment, len(gallery))))
            for first in range(0, len(gallery), rows_per_segment)
        ]
        self._swap(replace(self.manifest, segments=tuple(i for i in infos if i is not None), tombstones=None))
        self._load(open_gallery(self.path))

    def _rewrite(self, gallery: Gallery, rows: range) -> SegmentInfo | None:
        segment = self.begin_segment()
        for row in rows:
            segment.append(gallery.vector(row), {name: gallery.blob(name, row) for name in gallery.arena_names})
        return segment.finish(gallery.catalog.table.slice(rows.start, len(rows)))

    def _publish(self, parts: list[tuple[SegmentInfo, list[str]]], outgoing: set[str]) -> int:
        infos = [info for info, _ in parts]
        dead = [self._live[photo] for photo in sorted(outgoing & self._live.keys())]
        if infos or dead:
            tombstones = self._write_tombstones(dead) if dead else self.manifest.tombstones
            self._swap(replace(self.manifest, segments=(*self.manifest.segments, *infos), tombstones=tombstones))
            self._dead.update(dead)
            for photo in outgoing:
                self._live.pop(photo, None)
            for info, ids in parts:
                self._live.update(zip(ids, zip(repeat(info.name), range(info.rows), strict=False), strict=True))
        return len(dead)

    def _write_tombstones(self, dead: list[tuple[str, int]]) -> str:
        data = to_parquet(tombstones_table({*self._dead, *dead}))
        old = self.manifest.tombstones
        number = 0 if old is None else int(old.partition("-")[0]) + 1
        name = f"{number:06d}-{bytes_hash(data)}.parquet"
        write_bytes_atomic(self.path / layout.TOMBSTONES / name, data)
        return name

    def _swap(self, manifest: Manifest) -> None:
        self._sound = False
        write_manifest(self.path, manifest)
        self._sound = True
        self.manifest = manifest
        for info in manifest.segments:
            self._open.pop(info.name, None)
        sweep(self.path, manifest, self._open)

    def _load(self, gallery: Gallery) -> None:
        self.manifest = gallery.manifest
        self._live = dict(zip(gallery.catalog.ids, gallery.places(), strict=True))
        self._dead = set(gallery.dead_places())

    def _make_folders(self) -> None:
        with writing(self.path):
            for name in layout.FOLDERS:
                (self.path / name).mkdir(exist_ok=True)
            sync_folder(self.path)

    def _require_sound(self) -> None:
        if not self._sound:
            raise GalleryError(f"The last change of {self.path} failed. Open it again to go on.")

    def _require_open(self, segment: SegmentWriter) -> None:
        self._require_sound()
        if self._open.get(segment.name) is not segment:
            raise GalleryError(f"Segment {segment.name} of {self.path} was committed before, or dropped.")

"""A gallery as it was when it was opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from periplus.errors import CatalogError, GalleryError
from periplus.gallery import layout
from periplus.gallery.manifest import Manifest, read_manifest
from periplus.gallery.resources import read_resource
from periplus.gallery.segment import Segment, read_segment
from periplus.gallery.tables import CONTENT_HASH, concat, read_tombstones
from periplus.records import Catalog
from periplus.store import damaged, fingerprint, plain_size

_TRIES = 5


@dataclass(frozen=True, eq=False)
class Gallery:
    """Photos, their vectors and blobs, as they were when the gallery was opened; later changes do not show.

    Rows 0 to n - 1 are the live ones, in segment order. Vectors and blobs are mapped, not loaded.

    Attributes:
        path: the folder.
        manifest: what it consists of.
        catalog: the live rows, with the column ``content_hash``.
        disk_bytes: bytes on disk by kind: ``catalog``, ``vectors``, each arena, ``resources``, ``tombstones``,
            ``manifest``.
    """

    path: Path
    manifest: Manifest
    catalog: Catalog
    disk_bytes: dict[str, int]
    _segments: tuple[Segment, ...] = field(repr=False)
    _live: tuple[NDArray[np.int64], ...] = field(repr=False)
    _resources: dict[str, Any] = field(repr=False)

    def __len__(self) -> int:
        return len(self.catalog)

    @property
    def encoder(self) -> dict[str, object]:
        """Specification of the encoder."""
        return self.manifest.encoder

    @property
    def fingerprint(self) -> str:
        """Of the encoder."""
        return self.manifest.fingerprint

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.manifest.dim

    @property
    def arena_names(self) -> tuple[str, ...]:
        """Names of all arenas, sorted."""
        return tuple(sorted({name for segment in self._segments for name in segment.arenas}))

    def vectors_blocks(self) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """The vectors, one block a segment: its first row and float16 (m, d), a view where nothing is deleted."""
        first = 0
        for segment, live in zip(self._segments, self._live, strict=True):
            if len(live):
                yield first, segment.vectors if len(live) == segment.info.rows else segment.vectors[live]
            first += len(live)

    @cached_property
    def vectors(self) -> NDArray[np.float16]:
        """All vectors, float16 (n, d): a view of one whole segment, else a copy that is made once."""
        blocks = [block for _, block in self.vectors_blocks()]
        if len(blocks) == 1:
            return blocks[0]
        return np.concatenate(blocks) if blocks else np.empty((0, self.dim), np.float16)

    def vector(self, row: int) -> NDArray[np.float16]:
        """The vector of one row, float16 (d,), a view."""
        segment, inner = self._place(row)
        vector: NDArray[np.float16] = segment.vectors[inner]
        return vector

    def blob(self, arena: str, row: int) -> NDArray[np.uint8]:
        """The blob of one row, uint8 (m,), a read-only view; empty where the row has none.

        Raises:
            GalleryError: no row of this gallery has such blobs.
            IndexError: there is no such row.
        """
        segment, inner = self._place(row)
        if arena in segment.arenas:
            return segment.arenas[arena][inner]
        if arena not in self.arena_names:
            raise GalleryError(
                f"{self.path} has no {arena!r}; it has {list(self.arena_names)}. Index the photos again."
            )
        return np.empty(0, np.uint8)

    def has_resource(self, name: str) -> bool:
        """Whether there is a resource of this name."""
        return name in self.manifest.resources

    def resource(self, name: str) -> Any:
        """A resource: a read-only array or a dictionary, as it was put there.

        Raises:
            GalleryError: there is none of this name.
        """
        if name not in self._resources:
            have = sorted(self._resources)
            raise GalleryError(f"{self.path} has no resource {name!r}; it has {have}. Index the photos again.")
        return self._resources[name]

    @cached_property
    def content_digest(self) -> str:
        """Names the encoder and the set of (id, content hash) of the live rows, whatever their order."""
        hashes = self.catalog.column(CONTENT_HASH.name)
        rows = sorted(zip(self.catalog.ids, map(str, hashes), strict=True))
        return fingerprint({"encoder": self.fingerprint, "rows": rows})

    def places(self) -> Iterator[tuple[str, int]]:
        """Segment name and row in the segment, of each live row."""
        for segment, live in zip(self._segments, self._live, strict=True):
            yield from zip(repeat(segment.info.name), live.tolist(), strict=False)

    def dead_places(self) -> Iterator[tuple[str, int]]:
        """The same of the deleted rows."""
        for segment, live in zip(self._segments, self._live, strict=True):
            gone = np.delete(np.arange(segment.info.rows), live)
            yield from zip(repeat(segment.info.name), gone.tolist(), strict=False)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum([0, *(len(live) for live in self._live)])

    def _place(self, row: int) -> tuple[Segment, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"Row {row} of a gallery of {len(self)} photos.")
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._segments[number], int(self._live[number][row - self._starts[number]])


def open_gallery(path: str | Path) -> Gallery:
    """Open a gallery as it is now; needs no lock, also while it is being written.

    Raises:
        GalleryError: there is no gallery, it was made by a newer Periplus, or a file of it is damaged.
    """
    root = Path(path)
    for _ in range(_TRIES):
        manifest = read_manifest(root)
        try:
            return _open(root, manifest)
        except GalleryError:
            # A writer may have replaced and deleted what the manifest spoke of a moment ago.
            if read_manifest(root) == manifest:
                raise
    raise GalleryError(f"{root} changes faster than it can be opened. Wait for its writer and try again.")


def _open(root: Path, manifest: Manifest) -> Gallery:
    rows = {info.name: info.rows for info in manifest.segments}
    parts = [read_segment(root / layout.SEGMENTS / i.name, i, manifest.dim) for i in manifest.segments]
    dead: dict[str, NDArray[np.int64]] = {}
    if manifest.tombstones is not None:
        match = layout.TOMBSTONE_FILE.fullmatch(manifest.tombstones)
        digest = match["hash"] if match else ""
        dead = read_tombstones(root / layout.TOMBSTONES / manifest.tombstones, rows, digest)
    none = np.empty(0, np.int64)
    live = tuple(np.delete(np.arange(n, dtype=np.int64), dead.get(name, none)) for name, n in rows.items())
    try:
        tables = [
            table.take(kept) if len(kept) < len(table) else table for (_, table), kept in zip(parts, live, strict=True)
        ]
        catalog = Catalog(concat(tables))
    except CatalogError as error:
        raise damaged(root, f"its catalog breaks the rules ({error})") from error
    resources = {name: read_resource(root, file) for name, file in manifest.resources.items()}
    segments = tuple(segment for segment, _ in parts)
    return Gallery(root, manifest, catalog, _disk_bytes(root, manifest), segments, live, resources)


def _disk_bytes(root: Path, manifest: Manifest) -> dict[str, int]:
    total = {
        "manifest": plain_size(root / layout.MANIFEST),
        "catalog": 0,
        "vectors": 0,
        "resources": 0,
        "tombstones": 0,
    }
    for info in manifest.segments:
        for file in info.files:
            kind = file.partition(".")[0]
            total[kind] = total.get(kind, 0) + plain_size(root / layout.SEGMENTS / info.name / file)
    for file in manifest.resources.values():
        total["resources"] += plain_size(root / layout.RESOURCES / file)
    if manifest.tombstones is not None:
        total["tombstones"] = plain_size(root / layout.TOMBSTONES / manifest.tombstones)
    return total

"""Make a world-wide gallery of photos, positions or texts, or bring one up to date."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import EmptyInputError, PeriplusError, PhotoError, UsageError
from periplus.gallery import GalleryWriter, create_gallery, open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.photos import DEFAULT_LIMITS, Limits, read_rgb
from periplus.pipeline.describe import Described, Row, Todo, Unchanged
from periplus.pipeline.indexing import IndexResult, Progress, batches_of, held_in, todo_of, write_described
from periplus.pipeline.pictures import READ_PX
from periplus.pipeline.workers import default_jobs, told, workers
from periplus.pipeline.world.areas import keep_areas
from periplus.pipeline.world.bare import bare_table, differs, require_mass, require_one_kind_of_mass, row_encoder
from periplus.pipeline.world.spec import WORLD, WorldSpec, query_encoder, spec_of
from periplus.records import Catalog, Skip
from periplus.sources import Scan
from periplus.store import content_hash

_BARE_AT_ONCE = 16_384
_BARE_SEGMENT = 65_536
_PHOTOS_AT_ONCE = 16
_PHOTOS_SEGMENT = 1024

Outcome = Described | Unchanged | Skip


@dataclass(frozen=True)
class WorldIndexConfig:
    """How a world-wide gallery is made.

    Attributes:
        jobs: worker processes that look at photos; 0 for one a core. The result does not depend on it.
        prune: forget rows that the source no longer has.
        limits: on each file.
    """

    jobs: int = 0
    prune: bool = False
    limits: Limits = DEFAULT_LIMITS


def index_world(
    scan: Scan,
    path: str | Path,
    spec: WorldSpec,
    config: WorldIndexConfig | None = None,
    progress: Progress | None = None,
) -> IndexResult:
    """Index the rows of a scan into the world-wide gallery at a path; what is committed stays, whatever happens.

    Args:
        scan: what a source found; rows without a position are skipped.
        path: the gallery; made where there is none.
        spec: what rows are, and which models make their vectors.
        config: how.
        progress: told of every row.

    Raises:
        EmptyInputError: there is no usable row to begin with.
        UsageError: the gallery at the path is of another kind or model, or pruning would forget everything.
        GalleryError: the gallery cannot be opened or written.
    """
    config, tell, target = config or WorldIndexConfig(), progress or (lambda *_: None), Path(path)
    placed = scan.catalog.has_position
    skipped = [Skip(photo, "without-position", "its position is unknown") for photo in scan.catalog.select(~placed).ids]
    catalog = scan.catalog.select(placed)
    if not len(catalog):
        raise EmptyInputError("The source has no row with a position: there is nothing to locate by.")
    require_mass(catalog)
    _open_or_create(target, spec)
    require_one_kind_of_mass(open_gallery(target), catalog)
    begun = time.perf_counter()
    if spec.rows == "photos":
        counts, more = _index_photos(target, spec, catalog, config, tell)
    else:
        counts, more = _index_bare(target, spec, catalog, config, tell)
    seconds = {"describe": time.perf_counter() - begun}
    begun = time.perf_counter()
    keep_areas(target)
    seconds["areas"] = time.perf_counter() - begun
    return IndexResult(
        target, len(open_gallery(target)), *counts[:4], (*scan.skipped, *skipped, *more), counts[4], seconds
    )


def _open_or_create(target: Path, spec: WorldSpec) -> None:
    if not (target / MANIFEST).exists():
        create_gallery(target, encoder=spec.to_encoder(), fingerprint=spec.fingerprint, dim=spec.dim)
        return
    gallery = open_gallery(target)
    if gallery.encoder.get("name") != WORLD:
        raise UsageError(
            f"{target} is no world-wide gallery: it holds photos with local features of the encoder "
            f"{gallery.encoder.get('name')}, and keeps them. Make a new gallery for {spec.rows}."
        )
    if (there := spec_of(gallery)).fingerprint != spec.fingerprint or there.rows != spec.rows:
        raise UsageError(
            f"{target} holds {there.rows} of {there.fingerprint} and keeps them. Make a new gallery for {spec.rows} "
            f"of {spec.fingerprint}."
        )


Counts = tuple[int, int, int, int, int]
"""added, changed, unchanged, removed, gone."""


def _index_bare(
    target: Path, spec: WorldSpec, catalog: Catalog, config: WorldIndexConfig, tell: Progress
) -> tuple[Counts, list[Skip]]:
    """Positions or texts: encoded in large blocks, written a segment at once."""
    encode, (table, skipped) = row_encoder(spec), bare_table(spec, catalog)
    there = open_gallery(target).catalog.table
    held, ids = set(there.column("id").to_pylist()), table.column("id").to_pylist()
    fresh = differs(table, there)
    changed = sum(ids[row] in held for row in np.flatnonzero(fresh))
    todo = table.filter(pa.array(fresh))
    with closing(GalleryWriter(target)) as writer:
        for start in range(0, len(todo), _BARE_SEGMENT):
            segment = writer.begin_segment()
            part = todo.slice(start, _BARE_SEGMENT)
            for at in range(0, len(part), _BARE_AT_ONCE):
                block = part.slice(at, _BARE_AT_ONCE)
                segment.extend(block, encode(block))
                tell("describe", min(start + at + len(block), len(todo)), len(todo))
            writer.commit(segment)
        removed, gone = _prune(writer, held - set(ids), config)
    return (int(fresh.sum()) - changed, changed, len(ids) - int(fresh.sum()), removed, gone), skipped


def _index_photos(
    target: Path, spec: WorldSpec, catalog: Catalog, config: WorldIndexConfig, tell: Progress
) -> tuple[Counts, list[Skip]]:
    """Photos: decoded and looked at in batches, a batch a task."""
    rows: list[Row] = catalog.table.to_pylist()
    held = held_in(target)
    todo, skipped = todo_of(rows, held)
    added = changed = unchanged = 0
    tasks = [todo[i : i + _PHOTOS_AT_ONCE] for i in range(0, len(todo), _PHOTOS_AT_ONCE)]
    with (
        workers((spec, config.limits), look_at_photos, config.jobs or default_jobs()) as spread,
        closing(GalleryWriter(target)) as writer,
    ):
        outcomes = told("describe", chain.from_iterable(spread(tasks)), len(todo), tell)
        for batch in batches_of(outcomes, _PHOTOS_SEGMENT):
            skipped += [one for one in batch if isinstance(one, Skip)]
            unchanged += sum(isinstance(one, Unchanged) for one in batch)
            kept, refused = write_described(writer, [one for one in batch if isinstance(one, Described)])
            skipped += refused
            done = sum(str(one.row["id"]) in held for one in kept)
            changed, added = changed + done, added + len(kept) - done
        removed, gone = _prune(writer, set(held) - {str(row["id"]) for row in rows}, config)
    return (added, changed, unchanged, removed, gone), skipped


def _prune(writer: GalleryWriter, missing: set[str], config: WorldIndexConfig) -> tuple[int, int]:
    removed = writer.remove(sorted(missing)) if config.prune and missing else 0
    return removed, len(missing) - removed


def look_at_photos(state: tuple[WorldSpec, Limits], batch: Sequence[Todo]) -> list[Outcome]:
    """A world-wide gallery's vectors of a batch of photos; never raises for one of them."""
    spec, limits = state
    found = [_open_photo(todo, limits) for todo in batch]
    pictures = [one[1] for one in found if isinstance(one, tuple)]
    vectors = iter(query_encoder(spec).encode(pictures)) if pictures else iter(())
    return [Described(one[0], next(vectors), {}) if isinstance(one, tuple) else one for one in found]


def _open_photo(todo: Todo, limits: Limits) -> tuple[Row, NDArray[np.uint8]] | Unchanged | Skip:
    path = Path(str(todo.row["path"]))
    if not path.is_file():
        return Skip(str(path), "missing", "the file is gone, or is no plain file any more")
    try:
        digest = content_hash(path)
        if digest == todo.known_hash:
            return Unchanged(str(todo.row["id"]))
        return {**todo.row, "content_hash": digest}, read_rgb(path, READ_PX, limits).pixels
    except PhotoError as error:
        return Skip(str(path), error.kind, error.reason)
    except PeriplusError as error:
        return Skip(str(path), "unreadable", str(error))
    except OSError as error:
        return Skip(str(path), "unreadable", error.strerror or str(error))

"""Make a gallery of a source's photos, or bring an existing one up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from periplus.encode import Encoder, EncoderConfig, learn_encoder
from periplus.errors import CatalogError, EmptyInputError, UsageError
from periplus.gallery import GalleryWriter, create_gallery, open_gallery, require_vacant
from periplus.gallery.layout import MANIFEST
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.calibrating import calibrate_gallery
from periplus.pipeline.describe import Described, Row, Todo, Unchanged, describe_photo, find_features
from periplus.pipeline.opened import encoder_of
from periplus.pipeline.workers import default_jobs, told, workers
from periplus.records import LocalFeatures, Skip
from periplus.sources import Scan

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class IndexConfig:
    """How a gallery is made.

    Attributes:
        encoder: what is learnt, for a new gallery.
        codebook: another gallery whose encoder a new gallery takes over instead of learning its own.
        jobs: worker processes; 0 for one a core. The result does not depend on it.
        sample_photos: photos that a new encoder is learnt from, at most.
        segment_photos: photos between two commits; what a kill can cost.
        calibration_photos: gallery photos that are left out and asked as queries, at most; 0 for none.
        prune: forget photos that the source no longer has.
        limits: on each file.
    """

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    codebook: Path | None = None
    jobs: int = 0
    sample_photos: int = 256
    segment_photos: int = 512
    calibration_photos: int = 200
    prune: bool = False
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class IndexResult:
    """What an indexing did.

    Attributes:
        path: the gallery.
        photos: how many it holds now.
        added, changed, unchanged, removed: how many photos of the source were what.
        skipped: photos that could not be used.
        gone: photos of the gallery that the source did not have and that were kept.
        seconds: by stage.
    """

    path: Path
    photos: int
    added: int
    changed: int
    unchanged: int
    removed: int
    skipped: tuple[Skip, ...]
    gone: int
    seconds: dict[str, float]


def index(
    scan: Scan, path: str | Path, config: IndexConfig | None = None, progress: Progress | None = None
) -> IndexResult:
    """Index the photos of a scan into the gallery at a path.

    What is committed stays, whatever happens: run again to go on.

    Args:
        scan: what a source found.
        path: the gallery; made where there is none.
        config: how.
        progress: told of every photo.

    Raises:
        EmptyInputError: there is no usable photo to begin with.
        UsageError: pruning would forget everything.
        GalleryError: the gallery cannot be opened or written.
    """
    config = config or IndexConfig()
    target, tell = Path(path), progress or (lambda *_: None)
    rows = [scan.catalog.row(i) for i in range(len(scan.catalog))]
    if config.prune and not rows:
        raise UsageError(f"The source has no usable photo: pruning would empty {target}. Is it the right place?")
    seconds: dict[str, float] = {}
    at_hand: dict[str, LocalFeatures] = {}
    if not (target / MANIFEST).exists():
        require_vacant(target)
        begun = time.perf_counter()
        encoder, at_hand = _new_encoder(rows, config, tell)
        _create(target, encoder)
        seconds["learn"] = time.perf_counter() - begun
    encoder = encoder_of(open_gallery(target))
    begun = time.perf_counter()
    counts, skipped = _bring_up_to_date(target, encoder, rows, at_hand, config, tell)
    seconds["describe"] = time.perf_counter() - begun
    begun = time.perf_counter()
    calibrate_gallery(target, config.calibration_photos, config.jobs or default_jobs(), config.limits, tell)
    seconds["calibrate"] = time.perf_counter() - begun
    return IndexResult(target, len(open_gallery(target)), *counts[:4], (*scan.skipped, *skipped), counts[4], seconds)


def _create(target: Path, encoder: Encoder) -> None:
    create_gallery(
        target,
        encoder=encoder.spec(),
        fingerprint=encoder.fingerprint,
        dim=encoder.dim,
        resources=encoder.resources(),
    )


def _new_encoder(rows: list[Row], config: IndexConfig, tell: Progress) -> tuple[Encoder, dict[str, LocalFeatures]]:
    """A learnt encoder and the sample's features by id, so that they need not be found twice."""
    if config.codebook is not None:
        return encoder_of(open_gallery(config.codebook)), {}
    photos = [row for row in rows if row["path"] is not None]
    if not photos:
        raise EmptyInputError("The source has no photo that could be indexed.")
    # Evenly spaced, not drawn: the same photos give the same encoder, however they are split over workers.
    chosen = [photos[i] for i in np.unique(np.linspace(0, len(photos) - 1, config.sample_photos).astype(int))]
    found: dict[str, LocalFeatures] = {}
    with workers((config.encoder.sift, config.limits), find_features, config.jobs or default_jobs()) as spread:
        outcomes = spread([str(row["path"]) for row in chosen])
        for done, (row, outcome) in enumerate(zip(chosen, outcomes, strict=True), 1):
            tell("learn", done, len(chosen))
            if not isinstance(outcome, Skip):
                found[str(row["id"])] = outcome
    # One thread: the same codebook on every machine, and no fight with whatever else runs.
    with threadpool_limits(1):
        return learn_encoder(list(found.values()), config.encoder), found


def _bring_up_to_date(
    target: Path,
    encoder: Encoder,
    rows: list[Row],
    at_hand: dict[str, LocalFeatures],
    config: IndexConfig,
    tell: Progress,
) -> tuple[tuple[int, int, int, int, int], list[Skip]]:
    """Describe what is new or changed; returns (added, changed, unchanged, removed, gone) and the skipped."""
    held = held_in(target)
    todo, skipped = todo_of(rows, held, at_hand)
    added = changed = unchanged = 0
    total = len(todo)
    with (
        workers((encoder, config.limits), describe_photo, config.jobs or default_jobs()) as spread,
        closing(GalleryWriter(target)) as writer,
    ):
        outcomes = told("describe", spread(todo), total, tell)
        for batch in batches_of(outcomes, config.segment_photos):
            fresh = [one for one in batch if isinstance(one, Described)]
            skipped += [one for one in batch if isinstance(one, Skip)]
            unchanged += sum(isinstance(one, Unchanged) for one in batch)
            kept, refused = write_described(writer, fresh)
            skipped += refused
            changed += sum(str(one.row["id"]) in held for one in kept)
            added += sum(str(one.row["id"]) not in held for one in kept)
        missing = sorted(set(held) - {str(row["id"]) for row in rows})
        removed = writer.remove(missing) if config.prune and missing else 0
    return (added, changed, unchanged, removed, len(missing) - removed), skipped


def held_in(target: Path) -> dict[str, Row]:
    """The rows of a gallery by id."""
    return {str(row["id"]): row for row in open_gallery(target).catalog.table.to_pylist()}


def todo_of(
    rows: list[Row], held: dict[str, Row], at_hand: dict[str, LocalFeatures] | None = None
) -> tuple[list[Todo], list[Skip]]:
    """What there is to describe, and rows that cannot be: without a photo, or with another photo's id."""
    todo, skipped = [], []
    for row in rows:
        if row["path"] is None:
            skipped.append(Skip(str(row["id"]), "no-photo", "the table names no picture for this row"))
            continue
        before = held.get(str(row["id"]))
        if before is not None and before["path"] != row["path"] and Path(str(before["path"])).exists():
            reason = f"the gallery knows another photo by the id {row['id']!r}: {before['path']}"
            skipped.append(Skip(str(row["path"]), "id-taken", reason))
            continue
        same = before is not None and all(_same(before.get(key), value) for key, value in row.items())
        known = str(before["content_hash"]) if before is not None and same else None
        todo.append(Todo(row, known, (at_hand or {}).pop(str(row["id"]), None)))
    return todo, skipped


def _same(before: object, now: object) -> bool:
    """Whether a value is what it was; a number that is none stays none."""
    return before == now or (before != before and now != now)


def batches_of(outcomes: Iterable[object], size: int) -> Iterator[list[object]]:
    """Runs of outcomes that hold at most so many described photos, so that memory is bounded."""
    batch: list[object] = []
    described = 0
    for outcome in outcomes:
        batch.append(outcome)
        described += isinstance(outcome, Described)
        if described >= size:
            yield batch
            batch, described = [], 0
    if batch:
        yield batch


def write_described(writer: GalleryWriter, fresh: list[Described]) -> tuple[list[Described], list[Skip]]:
    """Commit photos as one segment; those that are kept, and those whose rows cannot be stored."""
    if not fresh:
        return [], []
    segment = writer.begin_segment()
    kept, refused = [], []
    for one in fresh:
        try:
            segment.add(one.row, one.vector, one.blobs)
        except CatalogError as error:
            refused.append(Skip(str(one.row["path"]), "bad-row", str(error)))
        else:
            kept.append(one)
    writer.commit(segment)
    return kept, refused

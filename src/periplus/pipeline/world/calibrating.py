"""Calibrate a world-wide gallery on photos whose positions are known, and which none of its models has learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from periplus.errors import EmptyInputError, UsageError
from periplus.gallery import GalleryWriter
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.describe import Described, Todo
from periplus.pipeline.excluding import Exclusion, excluded_rows_of
from periplus.pipeline.indexing import Progress
from periplus.pipeline.workers import default_jobs, told, workers
from periplus.pipeline.world.indexing import look_at_photos
from periplus.pipeline.world.locating import WorldConfig, believe
from periplus.pipeline.world.opened import CALIBRATION, CALIBRATION_OF, OpenedWorld, kept_world, open_world
from periplus.position import (
    GUESSES,
    HeldBack,
    Outcome,
    WorldCalibration,
    calibrate_world,
    look_at,
    outcome_of,
)
from periplus.records import Catalog, Skip
from periplus.sources import Scan

_AT_ONCE = 16
_SCORES_AT_ONCE = 32


@dataclass(frozen=True)
class CalibrateConfig:
    """How a world-wide gallery is calibrated.

    Attributes:
        photos: how many are asked, at most; evenly spaced over the source.
        right_km: the distance within which a guess counts as right.
        answer_confidence: a guess that is less sure to be right is not offered as an answer.
        guess: how one position is chosen, a key of :data:`periplus.position.GUESSES`.
        exclusion: gallery rows that must not answer a photo; its own copies never do.
        jobs: worker processes; 0 for one a core.
        limits: on each file.

    Raises:
        UsageError: a value is impossible.
    """

    photos: int = 5000
    right_km: float = WorldCalibration.right_km
    answer_confidence: float = WorldCalibration.answer_confidence
    guess: str = WorldCalibration.guess
    exclusion: Exclusion = field(default_factory=Exclusion)
    jobs: int = 0
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        """Check values before any photo is looked at."""
        if self.guess not in GUESSES:
            raise UsageError(f"There is no guess {self.guess!r}; there are {', '.join(GUESSES)}.")
        if self.photos < 1:
            raise UsageError(f"At least one photo is asked, not {self.photos}.")
        self.start()

    def start(self) -> WorldCalibration:
        """What is known before any photo was asked."""
        return WorldCalibration(right_km=self.right_km, answer_confidence=self.answer_confidence, guess=self.guess)


def calibrate_world_gallery(
    scan: Scan, path: str | Path, config: CalibrateConfig | None = None, progress: Progress | None = None
) -> tuple[WorldCalibration, tuple[Skip, ...]]:
    """Ask photos whose positions are known, fit temperature, regions, radii and confidence, and keep them.

    Args:
        scan: the photos; they should be like those that will be asked, and unknown to the models.
        path: the gallery.
        config: how.
        progress: told of every photo.

    Raises:
        EmptyInputError: no photo could be asked.
        GalleryError: the gallery cannot be read or written.
    """
    config, tell = config or CalibrateConfig(), progress or (lambda *_: None)
    opened = open_world(path)
    asked = _sample(scan.catalog, config.photos)
    catalog, vectors, digests, skipped = encode_photos(asked, opened, config.jobs, config.limits, tell)
    exclude = [
        excluded_rows_of(opened, row, digest, config.exclusion)
        for row, digest in zip(catalog.table.to_pylist(), digests, strict=True)
    ]
    some = np.array([len(rows) < len(opened) for rows in exclude], np.bool_)
    skipped += [Skip(one, "nothing-left", "no row of the gallery may answer it") for one in catalog.select(~some).ids]
    catalog, vectors, exclude = catalog.select(some), vectors[some], [exclude[at] for at in np.flatnonzero(some)]
    if not len(catalog):
        raise EmptyInputError(f"No photo could be asked; {len(skipped)} were skipped.")
    lat, lon = catalog.positions
    questions = list(zip(vectors, exclude, lat.tolist(), lon.tolist(), strict=True))

    def outcomes(warm: WorldCalibration) -> Iterator[Outcome]:
        with workers((str(path), warm), _outcome, config.jobs or default_jobs()) as spread:
            yield from told("calibrate", spread(questions), len(questions), tell)

    # As when photos are located: two BLAS threads on small products cost more than they give.
    with threadpool_limits(1):
        blocks = partial(_blocks, opened, questions)
        calibration = calibrate_world(blocks, opened.scale, opened.rows, config.start(), outcomes)
    with GalleryWriter(path) as writer:
        writer.put_resource(CALIBRATION, calibration.to_json())
        writer.put_resource(CALIBRATION_OF, {"content": opened.gallery.content_digest})
    return calibration, (*scan.skipped, *skipped)


Question = tuple[NDArray[np.float32], NDArray[np.int64], float, float]
"""A photo's vector, the rows that must not answer it, and where it was taken."""


def _blocks(opened: OpenedWorld, questions: Sequence[Question]) -> Iterator[HeldBack]:
    for start in range(0, len(questions), _SCORES_AT_ONCE):
        vectors, exclude, lat, lon = zip(*questions[start : start + _SCORES_AT_ONCE], strict=True)
        scores = opened.scores(np.stack(vectors))
        for at, rows in enumerate(exclude):
            scores[at, rows] = -np.inf
        yield HeldBack(scores, np.array(lat), np.array(lon))


def _outcome(state: tuple[str, WorldCalibration], question: Question) -> Outcome:
    """How one photo went, asked as it would be: refined, where the gallery can."""
    path, warm = state
    vector, exclude, lat, lon = question
    belief = believe(vector, kept_world(path), WorldConfig(), exclude, warm.temperature)
    return outcome_of(belief.p, belief.rows, (lat, lon), look_at(belief.p, belief.rows, warm.right_km, warm.guess))


def encode_photos(
    catalog: Catalog, opened: OpenedWorld, jobs: int, limits: Limits, tell: Progress
) -> tuple[Catalog, NDArray[np.float32], list[str], list[Skip]]:
    """The photos that could be looked at, their vectors (m, d) and content hashes, and the others."""
    todo = [Todo(row) for row in catalog.table.to_pylist() if row["path"] is not None]
    tasks = [todo[i : i + _AT_ONCE] for i in range(0, len(todo), _AT_ONCE)]
    seen: list[Described] = []
    skipped: list[Skip] = []
    with workers((opened.spec, limits), look_at_photos, jobs or default_jobs()) as spread:
        outcomes = (one for batch in spread(tasks) for one in batch)
        for one in told("describe", outcomes, len(todo), tell):
            if isinstance(one, Described):
                seen.append(one)
            elif isinstance(one, Skip):
                skipped.append(one)
    place = {photo: row for row, photo in enumerate(catalog.ids)}
    kept = catalog.select(np.array([place[str(one.row["id"])] for one in seen], np.int64))
    vectors = np.stack([one.vector for one in seen]) if seen else np.empty((0, opened.spec.dim), np.float32)
    return kept, vectors, [str(one.row["content_hash"]) for one in seen], skipped


def _sample(catalog: Catalog, photos: int) -> Catalog:
    """Evenly spaced photos with a position."""
    paths = catalog.column("path")
    usable = np.flatnonzero(catalog.has_position & np.array([path is not None for path in paths], bool))
    return catalog.select(usable[np.unique(np.linspace(0, max(len(usable) - 1, 0), photos).astype(int))[: len(usable)]])

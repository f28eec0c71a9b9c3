"""Rank a gallery for many queries: the global ranking, refined from itself, and the local evidence on its head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from periplus.errors import EmptyInputError, FingerprintError, PhotoError, UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.opened import OpenedGallery, kept_for_search, open_for_search
from periplus.pipeline.pictures import Box
from periplus.pipeline.query import rank_query, read_query
from periplus.pipeline.refining import Refinement, refined_ranking
from periplus.pipeline.reranking import Formula, Method, local_evidence, require_method
from periplus.pipeline.workers import told, workers
from periplus.records import Catalog, Ranking, Skip
from periplus.sources import BOX_COLUMNS, Scan
from periplus.store import content_hash

Outcome = TypeVar("Outcome")
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class RankConfig:
    """How queries are ranked.

    Attributes:
        k: gallery rows a query.
        method: local evidence on the first ``candidates``; ``none`` for the global ranking alone.
        formula: of the local evidence.
        candidates: how many rows get local evidence.
        refinement: of the global ranking.
        splits: only gallery photos of these splits answer; all where there are none.
        keep_same: let a gallery photo with the very content of the query answer it.
        jobs: worker processes; the result does not depend on it.
        limits: on each file.
    """

    k: int = 100
    method: Method = "none"
    formula: Formula = "right"
    candidates: int = 100
    refinement: Refinement = field(default_factory=Refinement)
    splits: tuple[str, ...] = ()
    keep_same: bool = False
    jobs: int = 1
    limits: Limits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        """Check counts."""
        if self.k < 1 or self.candidates < 1:
            raise UsageError(f"k and candidates are at least 1; got {self.k} and {self.candidates}.")


@dataclass(frozen=True)
class Ranked:
    """What was found for queries, before local evidence is fused in.

    Attributes:
        catalog: the queries that were asked, in the order of the source.
        ranking: (q, k), by global scores.
        local: float32 (q, m), m <= k, local scores of the first rows; None where none were asked for.
        skipped: queries that could not be used.
        own: for each query the gallery rows with its very content, which did not answer it.
    """

    catalog: Catalog
    ranking: Ranking
    local: NDArray[np.float32] | None
    skipped: tuple[Skip, ...]
    own: tuple[NDArray[np.int64], ...]


@dataclass(frozen=True)
class _Asked:
    """A query's content, its vector (dense galleries) or its rows and scores (galleries with words)."""

    digest: str
    vector: NDArray[np.float32]
    found: tuple[NDArray[np.int64], NDArray[np.float32]] | None


def rank_queries(scan: Scan, gallery: str, config: RankConfig, progress: Progress | None = None) -> Ranked:
    """Rank a gallery for every photo of a scan.

    A query's byte-for-byte copies in the gallery do not answer it, unless ``config.keep_same``.

    Args:
        scan: the queries; those with the columns :data:`periplus.sources.BOX_COLUMNS` are cropped to that box first.
        gallery: its path.
        config: how.
        progress: told of every query.

    Raises:
        EmptyInputError: no query could be asked.
        UsageError: the gallery does not keep what the method or the refinement needs, or a box is no four numbers.
    """
    opened = open_for_search(gallery)
    if config.method != "none":
        require_method(opened, config.method)
    if config.refinement and opened.words is not None:
        raise UsageError(f"{gallery} is searched by words: only vectors can be refined. Use vlad or a vision model.")
    tell = progress or (lambda *_: None)
    tasks, skipped = _tasks(scan)
    asked: list[_Asked] = []
    rows: list[int] = []
    with workers((gallery, config), _ask, config.jobs) as spread:
        for (row, *_), outcome in zip(tasks, told("ask", spread(tasks), len(tasks), tell), strict=True):
            if isinstance(outcome, Skip):
                skipped.append(outcome)
            else:
                asked.append(outcome)
                rows.append(row)
    if not asked:
        raise EmptyInputError(f"No query could be asked; {len(skipped)} were skipped.")
    catalog = scan.catalog.select(np.array(rows, np.int64))
    own = tuple(_same(opened, one.digest, config) for one in asked)
    ranking = _ranking(asked, own, opened, config)
    local = None
    if config.method != "none":
        heads = [(task, ranking.of(at)[0][: config.candidates]) for at, task in enumerate(tasks_of(scan, rows))]
        with workers((gallery, config), _weigh, config.jobs) as spread:
            scores = list(told("rerank", spread(heads), len(heads), tell))
        local = np.zeros((len(scores), min(config.candidates, config.k)), np.float32)
        for at, one in enumerate(scores):
            local[at, : len(one)] = one
    return Ranked(catalog, ranking, local, (*scan.skipped, *skipped), own)


_Task = tuple[int, str, Box | None]


def _tasks(scan: Scan) -> tuple[list[_Task], list[Skip]]:
    paths, ids = scan.catalog.column("path"), scan.catalog.ids
    there = [row for row, path in enumerate(paths) if path is not None]
    missing = [
        Skip(ids[row], "no-photo", "the table names no picture") for row, path in enumerate(paths) if path is None
    ]
    return tasks_of(scan, there), missing


def tasks_of(scan: Scan, rows: Iterable[int]) -> list[_Task]:
    """Row, path and box of some queries."""
    paths = scan.catalog.column("path")
    boxes: list[Box | None] = [None] * len(paths)
    if all(name in scan.catalog.table.column_names for name in BOX_COLUMNS):
        corners = zip(*(scan.catalog.column(name) for name in BOX_COLUMNS), strict=True)
        boxes = [_box(corner, photo) for corner, photo in zip(corners, scan.catalog.ids, strict=True)]
    return [(row, str(paths[row]), boxes[row]) for row in rows]


def _box(corners: tuple[object, ...], photo: str) -> Box | None:
    if None in corners:
        return None
    try:
        return cast("Box", tuple(map(float, map(str, corners))))
    except ValueError as error:
        raise UsageError(f"The box of {photo!r} is no four numbers: {', '.join(map(str, corners))}.") from error


def _ask(state: tuple[str, RankConfig], task: _Task) -> _Asked | Skip:
    gallery, config = state
    opened = kept_for_search(gallery)
    _, path, box = task
    try:
        query = read_query(path, opened, config.limits, box)
        digest = content_hash(Path(path))
    except PhotoError as error:
        return Skip(path, error.kind, error.reason)
    except UsageError as error:
        if box is None or isinstance(error, FingerprintError):
            raise
        return Skip(path, "bad-box", str(error))
    except OSError as error:
        return Skip(path, "unreadable", error.strerror or str(error))
    found = None
    if opened.words is not None:
        out = np.union1d(
            _same(opened, digest, config), np.setdiff1d(np.arange(len(opened)), _answering(opened, config))
        )
        found = rank_query(query, opened, config.k, out.tolist()).of(0)
    return _Asked(digest, query.vector, found)


def _weigh(state: tuple[str, RankConfig], task: tuple[_Task, NDArray[np.int64]]) -> NDArray[np.float32]:
    gallery, config = state
    opened = kept_for_search(gallery)
    (_, path, box), rows = task
    query = read_query(path, opened, config.limits, box)
    return local_evidence(query, rows, opened, config.method, config.formula).scores


def _ranking(
    asked: list[_Asked], own: Sequence[NDArray[np.int64]], opened: OpenedGallery, config: RankConfig
) -> Ranking:
    if opened.words is not None:
        return _stacked([one.found for one in asked if one.found is not None], config.k)
    vectors = np.stack([one.vector for one in asked])
    with threadpool_limits(config.jobs):
        return refined_ranking(vectors, opened.gallery, config.k, config.refinement, _answering(opened, config), own)


def _same(opened: OpenedGallery, digest: str, config: RankConfig) -> NDArray[np.int64]:
    """The rows that a query's own content must not find."""
    return np.zeros(0, np.int64) if config.keep_same else opened.rows_with_content(digest)


def _answering(opened: OpenedGallery, config: RankConfig) -> NDArray[np.int64]:
    """The rows that may answer."""
    if not config.splits:
        return np.arange(len(opened))
    return np.flatnonzero([split in config.splits for split in opened.gallery.catalog.column("split")])


def _stacked(found: list[tuple[NDArray[np.int64], NDArray[np.float32]]], k: int) -> Ranking:
    rows = np.full((len(found), k), -1, np.int64)
    scores = np.full((len(found), k), -np.inf, np.float32)
    for at, (some, values) in enumerate(found):
        rows[at, : len(some)], scores[at, : len(some)] = some[:k], values[:k]
    return Ranking(rows, scores)

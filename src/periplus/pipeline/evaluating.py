"""Evaluate a gallery's fixes on photos whose position is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from periplus.errors import EmptyInputError, PhotoError
from periplus.evaluate import FixProtocol, QueryFacts, evaluate_fixes, evaluate_strangers, fitting_protocol
from periplus.gallery import open_gallery
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.answering import kept_any
from periplus.pipeline.excluding import Exclusion, excluded_rows_of
from periplus.pipeline.locating import Located, locate
from periplus.pipeline.query import SearchConfig
from periplus.pipeline.workers import workers
from periplus.pipeline.world.locating import WorldConfig
from periplus.records import Report, Skip
from periplus.sources import Scan
from periplus.store import content_hash

_TOLD = ("path", "author", "sequence", "lat_deg", "lon_deg")
"""What exclusion needs to know of a query."""


@dataclass(frozen=True)
class EvaluateConfig:
    """How queries are asked.

    Attributes:
        jobs: worker processes; the times reported are per query on one core whatever it is.
        cluster: column that tells whose photos belong together; None: ``author``, or ``sequence`` where there is none.
        exclusion: gallery rows that must not answer a query; its own copies never do, unless this says so (it makes
            the figures worthless).
        search: how much work a query's geometry is worth.
        world: how a world-wide gallery answers.
        limits: on each file.
    """

    jobs: int = 1
    exclusion: Exclusion = field(default_factory=Exclusion)
    cluster: str | None = None
    search: SearchConfig = field(default_factory=SearchConfig)
    world: WorldConfig = field(default_factory=WorldConfig)
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True)
class Evaluation:
    """A report and what could not be asked.

    Attributes:
        report: the figures.
        skipped: query photos that could not be used, by the source or here.
    """

    report: Report
    skipped: tuple[Skip, ...]


def evaluate_source(
    scan: Scan,
    gallery: str | Path,
    protocol: FixProtocol,
    config: EvaluateConfig | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Evaluation:
    """Locate every photo of a scan, its own position ignored, and compare with the truth.

    A query's byte-for-byte copy in the gallery is left out, so that a gallery can be asked its own photos.

    Args:
        scan: queries; those without a position are left out and counted.
        gallery: path of the gallery.
        protocol: thresholds and their name.
        config: how.
        progress: told of every query.

    Raises:
        EmptyInputError: no query has both a photo and a position.
        UsageError: the source has no such column of clusters.
    """
    config = config or EvaluateConfig()
    known = scan.catalog.select(scan.catalog.has_position)
    facts = QueryFacts(known.table, open_gallery(gallery).catalog.positions, config.cluster)
    located, rows, skipped = _ask(replace(scan, catalog=known), gallery, config, progress)
    left_out = {"without-position": len(scan.catalog) - len(known), "unusable": len(skipped)}
    left_out["without-photo"] = known.column("path").count(None)
    if not located:
        raise EmptyInputError(f"No query with a position could be asked; left out: {left_out}.")
    lat, lon = known.positions
    report = evaluate_fixes(
        [one.fix for one in located],
        lat[rows],
        lon[rows],
        np.array([one.seconds for one in located]),
        protocol,
        ids=[known.ids[row] for row in rows],
        left_out={reason: count for reason, count in left_out.items() if count},
        facts=replace(facts, columns=known.table.take(rows)),
    )
    return Evaluation(_signed(report, gallery), skipped)


def default_protocol(gallery: str | Path) -> FixProtocol:
    """What to measure where nobody says: ``world`` for a gallery that spans countries, else ``periplus-fix``."""
    return fitting_protocol(*open_gallery(gallery).catalog.positions)


def evaluate_elsewhere(
    scan: Scan,
    gallery: str | Path,
    config: EvaluateConfig | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Evaluation:
    """Ask photos of places that the gallery does not hold: every answer is a false one.

    Raises:
        EmptyInputError: no query could be asked.
    """
    located, rows, skipped = _ask(scan, gallery, config or EvaluateConfig(), progress)
    if not located:
        raise EmptyInputError(f"No query could be asked; {len(skipped)} were unusable.")
    ids = [scan.catalog.ids[row] for row in rows]
    left_out = {"unusable": len(skipped)} if skipped else {}
    return Evaluation(
        _signed(evaluate_strangers([one.fix for one in located], ids=ids, left_out=left_out), gallery), skipped
    )


def _signed(report: Report, gallery: str | Path) -> Report:
    asked = open_gallery(gallery)
    prints = {"encoder": asked.fingerprint, "gallery": asked.content_digest}
    return replace(report, fingerprints=prints)


def _ask(
    scan: Scan, gallery: str | Path, config: EvaluateConfig, progress: Callable[[str, int, int], None] | None
) -> tuple[list[Located], list[int], tuple[Skip, ...]]:
    queries = scan.catalog.table.select(_TOLD).to_pylist()
    asked = [row for row, query in enumerate(queries) if query["path"] is not None]
    located: list[Located] = []
    rows: list[int] = []
    skipped = list(scan.skipped)
    with workers((str(gallery), config), _locate_one, config.jobs) as spread:
        outcomes = spread([queries[row] for row in asked])
        for done, (row, outcome) in enumerate(zip(asked, outcomes, strict=True), 1):
            if progress is not None:
                progress("evaluate", done, len(asked))
            if isinstance(outcome, Skip):
                skipped.append(outcome)
            else:
                located.append(outcome)
                rows.append(row)
    return located, rows, tuple(skipped)


def _locate_one(state: tuple[str, EvaluateConfig], query: dict[str, object]) -> Located | Skip:
    gallery, config = state
    opened, path = kept_any(gallery), str(query["path"])
    try:
        digest = content_hash(Path(path)) if config.exclusion.content else ""
        out = excluded_rows_of(opened, query, digest, config.exclusion)
        return locate(
            path, opened, ignore_exif=True, exclude=out, config=config.search, world=config.world, limits=config.limits
        )
    except PhotoError as error:
        return Skip(path, error.kind, error.reason)
    except OSError as error:
        return Skip(path, "unreadable", error.strerror or str(error))

"""Audit the photos of a source: each measured once, by worker processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from periplus.curate import (
    WORKING_PX,
    Audit,
    AuditConfig,
    Measured,
    audit_catalog,
    measure,
    picture_statistics,
    signature,
)
from periplus.errors import EmptyInputError, PhotoError
from periplus.photos import DEFAULT_LIMITS, Limits, read_metadata, read_rgb
from periplus.pipeline.workers import default_jobs, workers
from periplus.records import Skip
from periplus.sources import Scan
from periplus.store import content_hash


def audit_source(
    scan: Scan,
    config: AuditConfig | None = None,
    *,
    jobs: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[str, int, int], None] | None = None,
) -> Audit:
    """Measure every photo of a scan and put the measures together.

    Args:
        scan: what a source found.
        config: from where on something is a finding.
        jobs: worker processes; 0 for one a core. The result does not depend on it.
        limits: on each file.
        progress: told of every photo.

    Raises:
        EmptyInputError: the source has no photo.
    """
    paths = scan.catalog.column("path")
    rows = [row for row, path in enumerate(paths) if path is not None]
    if not rows:
        raise EmptyInputError("The source has no photo that could be audited.")
    outcomes: list[Measured | Skip | None] = [None] * len(paths)
    with workers(limits, measure_photo, jobs or default_jobs()) as spread:
        for done, (row, outcome) in enumerate(zip(rows, spread([str(paths[row]) for row in rows]), strict=True), 1):
            outcomes[row] = outcome
            if progress is not None:
                progress("describe", done, len(rows))
    return audit_catalog(scan.catalog, outcomes, config, scan.skipped)


def measure_photo(limits: Limits, path: str) -> Measured | Skip:
    """Measure one photo, or say why not; never raises for one photo."""
    try:
        said = read_metadata(path, limits)
        pixels = read_rgb(path, WORKING_PX, limits).pixels
        # After the others: they have seen that this is a plain file of a bearable size.
        digest = content_hash(Path(path))
    except PhotoError as error:
        return Skip(path, error.kind, error.reason)
    except OSError as error:
        return Skip(path, "unreadable", error.strerror or str(error))
    return Measured(
        content_hash=digest,
        width_px=said.width_px,
        height_px=said.height_px,
        appearance=measure(pixels),
        signature=signature(pixels),
        statistics=picture_statistics(pixels),
        taken_at=said.taken_at,
        lat_deg=said.lat_deg,
        lon_deg=said.lon_deg,
        camera=said.camera,
    )

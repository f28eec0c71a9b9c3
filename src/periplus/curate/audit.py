"""What a collection is worth: every photo measured, every finding counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.curate.census import (
    Capture,
    Counts,
    Duplicates,
    Landmarks,
    Places,
    count_capture,
    count_duplicates,
    count_landmarks,
    count_places,
    ranked,
)
from periplus.curate.findings import FINDINGS_SCHEMA, FLAGS
from periplus.curate.flagging import Alike, duplicate_flags, find_alike, find_strangeness, picture_flags
from periplus.curate.measured import AuditConfig, Measured
from periplus.errors import UsageError
from periplus.records import Catalog, Skip


@dataclass(frozen=True)
class Audit:
    """What was found of a collection.

    Attributes:
        config: the thresholds.
        findings: one row a photo of the catalog, with :data:`~periplus.curate.findings.FINDINGS_SCHEMA`.
        counts: photos by finding, in the order of :data:`~periplus.curate.findings.FLAGS`.
        skipped: photos that could not be measured, by the source or here.
        bare: rows of the catalog without a photo.
        landmarks, capture, places, duplicates: the census.
        cameras: photos by make and model, most first.
        authors: photos by author, most first.
        splits: photos by split, most first.
    """

    config: AuditConfig
    findings: pa.Table
    counts: Counts
    skipped: tuple[Skip, ...]
    bare: int
    landmarks: Landmarks
    capture: Capture
    places: Places
    duplicates: Duplicates
    cameras: Counts
    authors: Counts
    splits: Counts

    @property
    def flagged(self) -> int:
        """How many photos have at least one finding."""
        columns = [self.findings.column(name).to_numpy(zero_copy_only=False) for name in FLAGS]
        return int(np.any(columns, axis=0).sum())


def audit_catalog(
    catalog: Catalog,
    measured: Sequence[Measured | Skip | None],
    config: AuditConfig | None = None,
    skipped: Sequence[Skip] = (),
) -> Audit:
    """Put the measures of all photos together.

    The catalog's time and position come before those of the photo's file.

    Args:
        catalog: n photos.
        measured: n outcomes: measures, why there are none, or None for a row without a photo.
        config: the thresholds.
        skipped: what the source passed over.

    Raises:
        UsageError: the parts have different lengths.
    """
    if len(measured) != len(catalog):
        raise UsageError(f"{len(measured)} outcomes do not fit {len(catalog)} photos.")
    config = config or AuditConfig()
    seen = [one if isinstance(one, Measured) else None for one in measured]
    landmarks, splits, said = (_names(catalog, name) for name in ("landmark", "split", "taken_at"))
    times = [text or (one.taken_at if one else None) for text, one in zip(said, seen, strict=True)]
    alike = find_alike(seen, config.near)
    duplicates = count_duplicates(alike.group, alike.exact, _quality(seen, config), landmarks, splits)
    scores = find_strangeness(seen)
    flags = picture_flags(measured, scores, config) | duplicate_flags(duplicates, alike.exact, landmarks, splits)
    lat, lon, from_file = _positions(catalog, seen)
    return Audit(
        config=config,
        findings=_table(catalog, seen, flags, alike, scores, times),
        counts={name: int(flags[name].sum()) for name in FLAGS},
        skipped=(*skipped, *(one for one in measured if isinstance(one, Skip))),
        bare=sum(one is None for one in measured),
        landmarks=count_landmarks(landmarks),
        capture=count_capture(times, lat),
        places=count_places(lat, lon, from_file),
        duplicates=duplicates,
        cameras=ranked(one.camera for one in seen if one and one.camera),
        authors=ranked(name for name in _names(catalog, "author") if name),
        splits=ranked(name for name in splits if name),
    )


def _quality(seen: list[Measured | None], config: AuditConfig) -> NDArray[np.int64]:
    """Which of equal pictures is the best: the largest, of equally large ones one in colour."""
    pixels = np.asarray([one.width_px * one.height_px if one else 0 for one in seen], np.int64)
    return 2 * pixels + [one is not None and one.appearance.chroma >= config.grey_chroma for one in seen]


def _positions(
    catalog: Catalog, seen: list[Measured | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Positions in degrees, NaN where unknown; and which of them only the photo's file says."""
    lat, lon = catalog.positions
    from_file = np.zeros(len(catalog), np.bool_)
    for row, one in enumerate(seen):
        if one and np.isnan(lat[row]) and one.lat_deg is not None and one.lon_deg is not None:
            lat[row], lon[row], from_file[row] = one.lat_deg, one.lon_deg, True
    return lat, lon, from_file


def _names(catalog: Catalog, column: str) -> list[str | None]:
    return [str(value) if value is not None else None for value in catalog.column(column)]


def _table(
    catalog: Catalog,
    seen: list[Measured | None],
    flags: dict[str, NDArray[np.bool_]],
    alike: Alike,
    scores: NDArray[np.float64],
    times: list[str | None],
) -> pa.Table:
    own = {name: catalog.table.column(name) for name in ("id", "path", "landmark", "split")}
    measures = {
        name: [getattr(one.appearance, name) if one else None for one in seen]
        for name in ("chroma", "tint_error", "sharpness", "entropy_bits", "plain_share")
    }
    columns = {
        **own,
        **flags,
        **measures,
        "group": alike.group,
        "width_px": [one.width_px if one else None for one in seen],
        "height_px": [one.height_px if one else None for one in seen],
        "strangeness": pa.array(scores, from_pandas=True),
        "similarity": pa.array(alike.similarity, from_pandas=True),
        "taken_at": times,
        "camera": [one.camera if one else None for one in seen],
    }
    return pa.table([columns[name] for name in FINDINGS_SCHEMA.names], schema=FINDINGS_SCHEMA)

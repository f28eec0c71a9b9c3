"""Locate photographs: the whole way from a file to a fix."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from periplus.errors import PhotoError
from periplus.geo import distance_km
from periplus.photos import DEFAULT_LIMITS, Limits, read_metadata
from periplus.pipeline.opened import OpenedGallery
from periplus.pipeline.query import Query, SearchConfig, candidates_of, read_query, verify_query
from periplus.position import make_fix, no_fix
from periplus.records import Fix, RecordedPosition
from periplus.store import content_hash


@dataclass(frozen=True)
class Located:
    """One answered (or refused) query.

    Attributes:
        query_path: the photo.
        fix: the answer.
        seconds: how long it took.
    """

    query_path: Path
    fix: Fix
    seconds: float


def locate(
    path: str | Path,
    opened: OpenedGallery,
    *,
    ignore_exif: bool = False,
    exclude_same: bool = False,
    config: SearchConfig | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Located:
    """Tell where the camera stood that took a photo.

    Args:
        path: the photo.
        opened: the gallery, from :func:`open_for_search`.
        ignore_exif: do not read what the file itself says of its position.
        exclude_same: leave gallery photos with the very same content out (for evaluation).
        config: how much work to spend.
        limits: on the file.

    Raises:
        PhotoError: the photo cannot be used.
    """
    begun = time.perf_counter()
    # On small products BLAS threads cost more than they give; two of them here are 2-20 times slower under load.
    with threadpool_limits(1):
        query = read_query(path, opened, limits)
        excluded = np.flatnonzero(~opened.placed)
        if exclude_same:
            excluded = np.union1d(excluded, same_content(path, opened))
        fix = locate_query(query, opened, excluded.astype(np.int64), config or SearchConfig())
    if not ignore_exif:
        fix = replace(fix, recorded=_recorded(path, fix, limits))
    return Located(Path(path), fix, time.perf_counter() - begun)


def locate_query(
    query: Query, opened: OpenedGallery, exclude: np.typing.NDArray[np.int64], config: SearchConfig
) -> Fix:
    """Locate an encoded query, leaving some gallery rows out."""
    if len(query.features) == 0:
        return no_fix("the photo shows no structure to compare (is it blank?)", opened.calibration)
    verified = verify_query(query, opened, config, exclude)
    catalog = opened.gallery.catalog.select(verified.rows)
    return make_fix(candidates_of(verified, opened), verified.matches, catalog, opened.calibration)


def same_content(path: str | Path, opened: OpenedGallery) -> np.typing.NDArray[np.int64]:
    """Gallery rows whose file is byte for byte this one."""
    return opened.rows_with_content(content_hash(Path(path)))


def _recorded(path: str | Path, fix: Fix, limits: Limits) -> RecordedPosition | None:
    try:
        said = read_metadata(Path(path), limits)
    except PhotoError:
        return None
    if said.lat_deg is None or said.lon_deg is None:
        return None
    away = None
    if not np.isnan(fix.lat_deg):
        away = float(distance_km(said.lat_deg, said.lon_deg, fix.lat_deg, fix.lon_deg))
    return RecordedPosition(said.lat_deg, said.lon_deg, str(said.position_source), away)

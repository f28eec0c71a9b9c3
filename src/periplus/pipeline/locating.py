"""Locate photographs: the whole way from a file to a fix."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from periplus.errors import PhotoError
from periplus.geo import distance_km
from periplus.photos import DEFAULT_LIMITS, Limits, read_metadata
from periplus.pipeline.answering import AnyGallery
from periplus.pipeline.excluding import NO_ROWS
from periplus.pipeline.opened import OpenedGallery
from periplus.pipeline.query import Query, SearchConfig, candidates_of, read_query, verify_query
from periplus.pipeline.world.locating import WorldConfig, locate_vector, query_vectors, read_picture
from periplus.pipeline.world.opened import OpenedWorld
from periplus.position import make_fix, no_fix
from periplus.records import Fix, RecordedPosition


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
    opened: AnyGallery,
    *,
    ignore_exif: bool = False,
    exclude: NDArray[np.int64] = NO_ROWS,
    config: SearchConfig | None = None,
    world: WorldConfig | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Located:
    """Tell where the camera stood that took a photo.

    Args:
        path: the photo.
        opened: the gallery, from :func:`open_any`.
        ignore_exif: do not read what the file itself says of its position.
        exclude: gallery rows that must not answer (for evaluation).
        config: how much work to spend on geometry.
        world: how a world-wide gallery answers.
        limits: on the file.

    Raises:
        PhotoError: the photo cannot be used.
    """
    begun = time.perf_counter()
    # On small products BLAS threads cost more than they give; two of them here are 2-20 times slower under load.
    with threadpool_limits(1):
        if isinstance(opened, OpenedWorld):
            vector = query_vectors([read_picture(path, limits)], opened)[0]
            fix = locate_vector(vector, opened, world or WorldConfig(), exclude)
        else:
            query = read_query(path, opened, limits)
            out = np.union1d(np.flatnonzero(~opened.placed), exclude).astype(np.int64)
            fix = locate_query(query, opened, out, config or SearchConfig())
    if not ignore_exif:
        fix = replace(fix, recorded=recorded_position(path, fix, limits))
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


def recorded_position(path: str | Path, fix: Fix, limits: Limits) -> RecordedPosition | None:
    """What a photo's own file says of its position, beside the answer; None where it says nothing."""
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

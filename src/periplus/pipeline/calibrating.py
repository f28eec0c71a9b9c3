"""Calibrate a gallery by asking its own photos, each left out in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from periplus.gallery import Gallery, GalleryWriter, open_gallery
from periplus.photos import Limits
from periplus.pipeline.describe import find_features
from periplus.pipeline.opened import CALIBRATION, OpenedGallery, kept_for_search, open_for_search
from periplus.pipeline.query import SearchConfig, candidates_of, make_query, verify_query
from periplus.pipeline.workers import workers
from periplus.position import Calibration, Candidates, calibrate
from periplus.records import Skip
from periplus.store import fingerprint

Question = tuple[int, str]
_FEWEST_ROWS = 3


def calibrate_gallery(
    path: Path, photos: int, jobs: int, limits: Limits, tell: Callable[[str, int, int], None]
) -> Calibration:
    """Leave out up to so many photos, fit, and keep the calibration with the gallery.

    Nothing is done where the gallery still holds what it was calibrated on, or where no photo may be asked.

    Args:
        path: the gallery.
        photos: how many to leave out, at most; evenly spaced over the rows.
        jobs: worker processes.
        limits: on each file.
        tell: told of every photo.
    """
    gallery = open_gallery(path)
    if photos <= 0:
        return open_for_search(path).calibration
    lat, lon = gallery.catalog.positions
    wanted: dict[str, object] = {"content": calibrated_content(gallery), "photos": photos}
    if gallery.has_resource(CALIBRATION):
        kept = cast("dict[str, object]", gallery.resource(CALIBRATION))
        if {key: kept.get(key) for key in wanted} == wanted:
            return open_for_search(path).calibration
    questions = _questions(open_for_search(path), photos)
    answered: list[Candidates] = []
    truth: list[int] = []
    with workers((str(path), limits), _leave_one_out, jobs) as spread:
        for done, (question, outcome) in enumerate(zip(questions, spread(questions), strict=True), 1):
            tell("calibrate", done, len(questions))
            if outcome is not None and len(outcome.scores):
                answered.append(outcome)
                truth.append(question[0])
    rows = np.array(truth, np.int64)
    calibration = calibrate(answered, lat[rows], lon[rows], Calibration())
    with GalleryWriter(path) as writer:
        writer.put_resource(CALIBRATION, {**wanted, "calibration": calibration.to_json()})
    return calibration


def calibrated_content(gallery: Gallery) -> str:
    """What a calibration rests on: the photos and their positions."""
    return fingerprint(gallery.content_digest, *gallery.catalog.positions)


def _questions(opened: OpenedGallery, photos: int) -> list[Question]:
    placed = np.flatnonzero(opened.placed)
    if len(placed) < _FEWEST_ROWS:
        return []
    # By id, not by row: a gallery that grew asks the same photos as one that was made at once.
    ids = opened.gallery.catalog.ids
    placed = np.array(sorted(placed, key=lambda row: ids[row]))
    chosen = placed[np.unique(np.linspace(0, len(placed) - 1, photos).astype(int))]
    paths = opened.gallery.catalog.column("path")
    return [(int(row), str(paths[row])) for row in chosen if paths[row] is not None]


def _leave_one_out(state: tuple[str, Limits], question: Question) -> Candidates | None:
    """A photo's candidates among the others; None where its file is gone or blank."""
    path, limits = state
    opened = kept_for_search(path)
    row, photo = question
    features = find_features((opened.encoder.config.sift, limits), photo)
    if isinstance(features, Skip) or len(features) == 0:
        return None
    out = np.union1d(np.flatnonzero(~opened.placed), _same_content(row, opened)).astype(np.int64)
    verified = verify_query(make_query(features, opened), opened, SearchConfig(), out)
    return candidates_of(verified, opened)


def _same_content(row: int, opened: OpenedGallery) -> NDArray[np.int64]:
    """The row itself and its byte-for-byte copies: they would make locating look easier than it is."""
    hashes = np.array(opened.gallery.catalog.column("content_hash"), dtype=object)
    return np.flatnonzero(hashes == hashes[row]).astype(np.int64)

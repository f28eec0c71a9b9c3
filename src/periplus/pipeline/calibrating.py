"""Calibrate a gallery by asking its own photos, each left out in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np

from periplus.errors import PhotoError
from periplus.gallery import Gallery, GalleryWriter, open_gallery
from periplus.photos import Limits
from periplus.pipeline.opened import CALIBRATION, calibration_of, kept_for_search
from periplus.pipeline.query import SearchConfig, candidates_of, read_query, verify_query
from periplus.pipeline.workers import workers
from periplus.position import Calibration, Candidates, calibrate
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
        return calibration_of(gallery)
    lat, lon = gallery.catalog.positions
    wanted: dict[str, object] = {"content": calibrated_content(gallery), "photos": photos}
    if gallery.has_resource(CALIBRATION):
        kept = cast("dict[str, object]", gallery.resource(CALIBRATION))
        if {key: kept.get(key) for key in wanted} == wanted:
            return calibration_of(gallery)
    questions = _questions(gallery, photos)
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


def _questions(gallery: Gallery, photos: int) -> list[Question]:
    placed = np.flatnonzero(gallery.catalog.has_position)
    if len(placed) < _FEWEST_ROWS:
        return []
    # By id, not by row: a gallery that grew asks the same photos as one that was made at once.
    ids = gallery.catalog.ids
    placed = np.array(sorted(placed, key=lambda row: ids[row]))
    chosen = placed[np.unique(np.linspace(0, len(placed) - 1, photos).astype(int))]
    paths = gallery.catalog.column("path")
    return [(int(row), str(paths[row])) for row in chosen if paths[row] is not None]


def _leave_one_out(state: tuple[str, Limits], question: Question) -> Candidates | None:
    """A photo's candidates among the others; None where its file is gone or blank."""
    path, limits = state
    opened = kept_for_search(path)
    row, photo = question
    try:
        query = read_query(photo, opened, limits)
    except PhotoError:
        return None
    if len(query.features) == 0:
        return None
    same = opened.rows_with_content(str(opened.gallery.catalog.row(row)["content_hash"]))
    out = np.union1d(np.flatnonzero(~opened.placed), same).astype(np.int64)
    verified = verify_query(query, opened, SearchConfig(), out)
    return candidates_of(verified, opened)

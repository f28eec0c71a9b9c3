"""Find the gallery photos that look like a photo, with or without geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from periplus.errors import UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.opened import OpenedGallery
from periplus.pipeline.query import SearchConfig, rank_query, read_query, verify_query
from periplus.records import Match
from periplus.rerank import fuse

Rerank = Literal["none", "sift"]


@dataclass(frozen=True)
class Hit:
    """One gallery photo of an answer.

    Attributes:
        row: its gallery row.
        id: its stable id.
        path: its file.
        lat_deg, lon_deg: its position; None where unknown.
        score: of the final ranking.
        global_score: of the first ranking.
        match: the geometry, None without re-ranking.
    """

    row: int
    id: str
    path: str | None
    lat_deg: float | None
    lon_deg: float | None
    score: float
    global_score: float
    match: Match | None


def search(
    path: str | Path,
    opened: OpenedGallery,
    k: int = 10,
    *,
    rerank: Rerank = "sift",
    weight: float = 0.2,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Hit]:
    """The k gallery photos that are most like a photo, best first.

    Args:
        path: the photo.
        opened: the gallery.
        k: how many, at least 1.
        rerank: ``"sift"`` verifies the best candidates by geometry; ``"none"`` keeps the global ranking.
        weight: v of the fused score v * global + (1 - v) * local.
        limits: on the file.

    Raises:
        UsageError: k or weight is out of range.
        PhotoError: the photo cannot be used.
    """
    if k < 1 or not 0 <= weight <= 1:
        raise UsageError(f"k is at least 1 and weight lies in [0, 1]; got {k} and {weight}.")
    with threadpool_limits(1):
        query = read_query(path, opened, limits)
        if rerank == "none" or len(opened) == 0:
            rows, scores = rank_query(query, opened, k).of(0)
            return [_hit(opened, int(row), float(s), float(s), None) for row, s in zip(rows, scores, strict=True)]
        verified = verify_query(query, opened, SearchConfig(candidates=max(k, SearchConfig.candidates)))
    local = np.array([m.score for m in verified.matches], np.float32)
    fused = fuse(verified.global_scores, local, weight)
    order = np.lexsort((verified.rows, -fused))[:k]
    return [
        _hit(opened, verified.matches[j].row, float(fused[j]), float(verified.global_scores[j]), verified.matches[j])
        for j in order
    ]


def _hit(opened: OpenedGallery, row: int, score: float, global_score: float, match: Match | None) -> Hit:
    known = opened.gallery.catalog.row(row)
    lat, lon = known["lat_deg"], known["lon_deg"]
    return Hit(
        row=row,
        id=str(known["id"]),
        path=None if known["path"] is None else str(known["path"]),
        lat_deg=None if lat is None else float(str(lat)),
        lon_deg=None if lon is None else float(str(lon)),
        score=score,
        global_score=global_score,
        match=match,
    )

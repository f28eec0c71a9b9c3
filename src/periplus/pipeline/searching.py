"""Find the gallery photos that look like a photo, re-ranked by local evidence or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from periplus.errors import UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.answering import AnyGallery
from periplus.pipeline.excluding import NO_ROWS
from periplus.pipeline.pictures import Box
from periplus.pipeline.query import SearchConfig, rank_query, read_query
from periplus.pipeline.reranking import Method, fusion_of, local_evidence, require_method
from periplus.pipeline.world.locating import query_vectors, read_picture
from periplus.pipeline.world.opened import OpenedWorld
from periplus.records import Match
from periplus.search import rank


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
        local_score: of the local evidence; None without re-ranking.
        match: the geometry; None where the local evidence has none.
    """

    row: int
    id: str
    path: str | None
    lat_deg: float | None
    lon_deg: float | None
    score: float
    global_score: float
    local_score: float | None
    match: Match | None


def search(
    path: str | Path,
    opened: AnyGallery,
    k: int = 10,
    *,
    rerank: Method | None = None,
    weight: float = 0.2,
    box: Box | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Hit]:
    """The k gallery photos that are most like a photo, best first.

    Args:
        path: the photo.
        opened: the gallery.
        k: how many, at least 1.
        rerank: local evidence on the best candidates: ``"sift"`` verifies them by geometry, ``"vlad"`` compares
            aggregated local features, ``"patches"`` a vision model's; ``"none"`` keeps the global ranking. None for
            ``"sift"`` where the gallery keeps local features, which a world-wide one does not.
        weight: v of the fused score v * global + (1 - v) * local.
        box: the part of the picture that is asked about.
        limits: on the file.

    Raises:
        UsageError: k, weight or box is out of range, or the gallery does not keep such local features.
        PhotoError: the photo cannot be used.
    """
    if k < 1 or not 0 <= weight <= 1:
        raise UsageError(f"k is at least 1 and weight lies in [0, 1]; got {k} and {weight}.")
    if isinstance(opened, OpenedWorld):
        if rerank not in (None, "none"):
            raise UsageError(f"A world-wide gallery keeps no local features: rerank is none, not {rerank}.")
        return _search_world(path, opened, k, box, limits)
    rerank = rerank or "sift"
    if rerank != "none":
        require_method(opened, rerank)
    with threadpool_limits(1):
        query = read_query(path, opened, limits, box)
        depth = k if rerank == "none" else max(k, SearchConfig.candidates)
        rows, scores = rank_query(query, opened, depth).of(0)
        if rerank == "none" or not len(rows):
            return [_hit(opened, int(row), float(s), float(s)) for row, s in zip(rows, scores, strict=True)]
        evidence = local_evidence(query, rows, opened, rerank)
    fused = fusion_of(rerank, "right", weight)(scores, evidence.scores)
    return [
        _hit(
            opened,
            int(rows[j]),
            float(fused[j]),
            float(scores[j]),
            float(evidence.scores[j]),
            evidence.matches[j] if evidence.matches else None,
        )
        for j in np.lexsort((rows, -fused))[:k]
    ]


def _search_world(path: str | Path, opened: OpenedWorld, k: int, box: Box | None, limits: Limits) -> list[Hit]:
    with threadpool_limits(1):
        scores = opened.scores(query_vectors([read_picture(path, limits, box)], opened))[0]
    rows, values = rank(scores, min(k, len(opened)), NO_ROWS).of(0)
    return [_hit(opened, int(row), float(s), float(s)) for row, s in zip(rows, values, strict=True)]


def _hit(
    opened: AnyGallery,
    row: int,
    score: float,
    global_score: float,
    local_score: float | None = None,
    match: Match | None = None,
) -> Hit:
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
        local_score=local_score,
        match=match,
    )

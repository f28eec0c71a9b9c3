"""One query on its way: features, ranking, verified matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode import Encoded
from periplus.features import extract_sift
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.pipeline.opened import OpenedGallery
from periplus.pipeline.pictures import Box, picture_encoder, read_views
from periplus.position import Candidates
from periplus.records import LocalFeatures, Match, Ranking
from periplus.rerank import RerankConfig, match_candidates
from periplus.search import expanded_scores, rank, search_flat


@dataclass(frozen=True)
class SearchConfig:
    """How much work a query is worth.

    Attributes:
        candidates: how many of the ranking are verified.
        expanded: how many more are verified after query expansion; 0 for none.
        expand_inliers: a photo with so many distinct inliers joins the query.
        expand_photos: at most so many do.
        rerank: thresholds of the geometry.
    """

    candidates: int = 100
    expanded: int = 0
    expand_inliers: float = 12.0
    expand_photos: int = 3
    rerank: RerankConfig = field(default_factory=RerankConfig)


@dataclass(frozen=True)
class Query:
    """A photo as the gallery's encoder sees it.

    Attributes:
        features: with packed components, as stored ones have.
        encoded: VLAD and words.
        vector: float32 (d,), what dense search compares; of a deep gallery its model's, else VLAD.
        patches: float32 (m, c), of a gallery that keeps its photos' patches; else None.
    """

    features: LocalFeatures
    encoded: Encoded
    vector: NDArray[np.float32]
    patches: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Verified:
    """A query's candidates after geometry, in the order of the ranking.

    Attributes:
        matches: one a candidate.
        global_scores: float32 (n,), of the ranking that brought each.
    """

    matches: tuple[Match, ...]
    global_scores: NDArray[np.float32]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The gallery rows, int64 (n,)."""
        return np.array([m.row for m in self.matches], np.int64)


def read_query(
    path: str | Path, opened: OpenedGallery, limits: Limits = DEFAULT_LIMITS, box: Box | None = None
) -> Query:
    """Open a photo and encode it as this gallery's queries are.

    Args:
        path: the photo.
        opened: the gallery.
        limits: on the file.
        box: the part of the picture that is asked about; all of it where None.

    Raises:
        PhotoError: the photo cannot be used.
        UsageError: the box lies outside of the picture.
    """
    encoder = opened.encoder
    views = read_views(path, encoder.config.sift.long_side_px, limits, colour=encoder.model is not None, box=box)
    raw = extract_sift(views.gray, encoder.config.sift)
    packed = replace(raw, descriptors=encoder.packing.project(raw.descriptors))
    encoded = encoder.encode(raw, query=True)
    if encoder.model is None or views.colour is None:
        return Query(packed, encoded, encoded.vector)
    vector, patches = picture_encoder(encoder.model).look(views.colour)
    return Query(packed, encoded, vector, patches if encoder.config.patches else None)


def global_scores(query: Query, opened: OpenedGallery) -> NDArray[np.float32]:
    """The query's similarity to every gallery row, float32 (n,)."""
    if opened.words is not None and query.encoded.words is not None:
        return opened.words.scores(query.encoded.words)
    found = search_flat(query.vector[None], opened.gallery.vectors_blocks(), len(opened))
    scores = np.zeros(len(opened), np.float32)
    scores[found.rows[0]] = found.scores[0]
    return scores


def rank_query(query: Query, opened: OpenedGallery, k: int, exclude: Sequence[int] = ()) -> Ranking:
    """The k most similar gallery rows by the global score, without the excluded ones."""
    return rank(global_scores(query, opened), k, np.asarray(exclude, np.int64))


def verify_query(
    query: Query, opened: OpenedGallery, config: SearchConfig, exclude: NDArray[np.int64] | None = None
) -> Verified:
    """Rank, verify the best, let the verified ones join the query, and verify what they bring.

    Args:
        query: the photo.
        opened: the gallery.
        config: how many to verify.
        exclude: rows that must not be candidates (the photo itself; photos without a position).
    """
    scores = global_scores(query, opened)
    out = np.zeros(0, np.int64) if exclude is None else exclude
    first = rank(scores, min(config.candidates, max(len(opened), 1)), out)
    rows, values = first.of(0)
    matches = _match(query, rows, opened, config)
    if not config.expanded:
        return Verified(tuple(matches), values)
    sure = sorted((m for m in matches if m.score >= config.expand_inliers), key=lambda m: -m.score)
    if not sure or opened.words is None or query.encoded.words is None:
        return Verified(tuple(matches), values)
    joined = [(opened.words_of(m.row), min(1.0, m.score / 50)) for m in sure[: config.expand_photos]]
    wider = expanded_scores(opened.words, query.encoded.words, joined)
    more, _ = rank(wider, config.expanded, np.concatenate([out, rows])).of(0)
    matches += _match(query, more, opened, config)
    return Verified(tuple(matches), np.concatenate([values, scores[more]]))


def _match(query: Query, rows: NDArray[np.int64], opened: OpenedGallery, config: SearchConfig) -> list[Match]:
    stored = [opened.features(row) for row in rows.tolist()]
    return match_candidates(query.features, rows.tolist(), stored, config.rerank)


def candidates_of(verified: Verified, opened: OpenedGallery) -> Candidates:
    """Scores, standing and positions of a query's candidates."""
    lat, lon = opened.gallery.catalog.positions
    rows = verified.rows
    return Candidates(
        scores=np.array([m.score for m in verified.matches], np.float64),
        standing=standing(verified.global_scores),
        lat_deg=lat[rows],
        lon_deg=lon[rows],
    )


def standing(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """How many standard deviations each score stands above the mean of the lower four fifths; 0 under 5 scores."""
    if len(scores) < 5:
        return np.zeros(len(scores))
    tail = np.sort(scores.astype(np.float64))[: -max(1, len(scores) // 5)]
    return np.asarray((scores - tail.mean()) / max(float(tail.std()), 1e-9), np.float64)

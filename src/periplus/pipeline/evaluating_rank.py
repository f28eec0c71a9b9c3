"""Evaluate a gallery's rankings on photos whose landmark is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from periplus.gallery import Gallery, open_gallery
from periplus.pipeline.judging import Judge
from periplus.pipeline.ranking import Progress, RankConfig, Ranked, rank_queries
from periplus.pipeline.reranking import fusion_of
from periplus.records import Catalog, Ranking, Report, Skip
from periplus.rerank import fuse_ranking
from periplus.sources import Scan


@dataclass(frozen=True)
class RankEvaluation:
    """A report and what could not be asked.

    Attributes:
        report: the figures.
        skipped: query photos that could not be used.
    """

    report: Report
    skipped: tuple[Skip, ...]


@dataclass(frozen=True)
class RankQuestion:
    """What is asked of a gallery, and how the answer is judged.

    Attributes:
        rank: how queries are ranked.
        judge: how the rankings are judged.
        weight: v of v * global + (1 - v) * local, where there is local evidence.
    """

    rank: RankConfig = field(default_factory=RankConfig)
    judge: Judge = field(default_factory=Judge)
    weight: float = 0.5


def evaluate_rank(scan: Scan, gallery: str, question: RankQuestion, progress: Progress | None = None) -> RankEvaluation:
    """Rank a gallery for every query of a scan and judge the rankings.

    Judged by labels, a query's own content is no answer and none that is missed. A benchmark says itself whether a
    query's picture answers it: there nothing is taken out.

    Raises:
        EmptyInputError: no query could be asked.
        UsageError: the question does not fit the gallery or the queries.
    """
    opened = open_gallery(gallery)
    judge = question.judge
    keep_same = question.rank.keep_same or judge.truth is not None
    rank = replace(question.rank, k=judge.depth(question.rank.k, len(opened)), keep_same=keep_same)
    ranked = rank_queries(scan, gallery, rank, progress)
    ranking = fused(ranked, rank, question.weight)
    report = judge.of(ranking, ranked.catalog, opened.catalog, signature_of(opened), ranked.own)
    return RankEvaluation(report, ranked.skipped)


def fused(ranked: Ranked, config: RankConfig, weight: float, queries: NDArray[np.int64] | None = None) -> Ranking:
    """The final ranking of all queries, or of some, at one weight of the fusion."""
    chosen = np.arange(len(ranked.ranking)) if queries is None else queries
    ranking = Ranking(ranked.ranking.rows[chosen], ranked.ranking.scores[chosen])
    if ranked.local is None:
        return ranking
    return fuse_ranking(ranking, ranked.local[chosen], fusion_of(config.method, config.formula, weight))


def signature_of(gallery: Gallery) -> dict[str, str]:
    """What a report on a gallery is signed with."""
    return {"encoder": gallery.fingerprint, "gallery": gallery.content_digest}


def rows_of_split(catalog: Catalog, splits: Sequence[str]) -> NDArray[np.int64]:
    """The rows of a catalog that are in some splits."""
    return np.flatnonzero([split in splits for split in catalog.column("split")]).astype(np.int64)

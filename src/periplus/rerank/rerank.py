"""Re-ranking of one query's candidates by geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from periplus.records import LocalFeatures, Match
from periplus.rerank.match import MatchConfig, tentative_matches
from periplus.rerank.verify import VerifyConfig, verify


@dataclass(frozen=True)
class RerankConfig:
    """How candidates are matched and verified."""

    match: MatchConfig = field(default_factory=MatchConfig)
    verify: VerifyConfig = field(default_factory=VerifyConfig)


def match_candidates(
    query: LocalFeatures, rows: Sequence[int], candidates: Sequence[LocalFeatures], config: RerankConfig
) -> list[Match]:
    """Verify a query against its candidates.

    Args:
        query: features with packed components, as the candidates have.
        rows: gallery rows of the candidates.
        candidates: their features.
        config: thresholds.

    Returns:
        One match a candidate, in their order; ``kind`` is ``"none"`` where the geometry found nothing.
    """
    tentative = tentative_matches(query, candidates, config.match)
    return [
        verify(row, query, candidate, matches, config.verify)
        for row, candidate, matches in zip(rows, candidates, tentative, strict=True)
    ]

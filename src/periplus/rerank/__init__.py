"""From a ranking to a better one, by geometry."""

from periplus.rerank.fuse import fuse
from periplus.rerank.match import MatchConfig, Tentative, tentative_matches
from periplus.rerank.rerank import RerankConfig, match_candidates
from periplus.rerank.verify import VerifyConfig, verify

__all__ = [
    "MatchConfig",
    "RerankConfig",
    "Tentative",
    "VerifyConfig",
    "fuse",
    "match_candidates",
    "tentative_matches",
    "verify",
]

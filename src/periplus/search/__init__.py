"""From a query to a ranking."""

from periplus.search.asmk import InvertedFile, build_inverted_file
from periplus.search.expand import expanded_scores
from periplus.search.flat import search_flat
from periplus.search.ranking import rank
from periplus.search.scores import all_scores, widened

__all__ = [
    "InvertedFile",
    "all_scores",
    "build_inverted_file",
    "expanded_scores",
    "rank",
    "search_flat",
    "widened",
]

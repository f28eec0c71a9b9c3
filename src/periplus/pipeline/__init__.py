"""Whole jobs, composed of the stages."""

from periplus.pipeline.evaluating import EvaluateConfig, Evaluation, evaluate_elsewhere, evaluate_source
from periplus.pipeline.indexing import IndexConfig, IndexResult, index
from periplus.pipeline.locating import Located, locate
from periplus.pipeline.opened import OpenedGallery, open_for_search
from periplus.pipeline.query import SearchConfig
from periplus.pipeline.searching import Hit, search
from periplus.pipeline.workers import default_jobs

__all__ = [
    "EvaluateConfig",
    "Evaluation",
    "Hit",
    "IndexConfig",
    "IndexResult",
    "Located",
    "OpenedGallery",
    "SearchConfig",
    "default_jobs",
    "evaluate_elsewhere",
    "evaluate_source",
    "index",
    "locate",
    "open_for_search",
    "search",
]

"""Whole jobs, composed of the stages."""

from periplus.pipeline.answering import AnyGallery, open_any
from periplus.pipeline.evaluating import EvaluateConfig, Evaluation, evaluate_elsewhere, evaluate_source
from periplus.pipeline.evaluating_rank import RankEvaluation, RankQuestion, evaluate_rank
from periplus.pipeline.fusing import FusedGalleries, locate_together, together
from periplus.pipeline.indexing import IndexConfig, IndexResult, index
from periplus.pipeline.judging import Judge, truth_of
from periplus.pipeline.locating import Located, locate
from periplus.pipeline.opened import OpenedGallery, open_for_search
from periplus.pipeline.pictures import deep_encoder
from periplus.pipeline.query import SearchConfig
from periplus.pipeline.ranking import RankConfig
from periplus.pipeline.refining import Refinement
from periplus.pipeline.searching import Hit, search
from periplus.pipeline.workers import default_jobs

__all__ = [
    "AnyGallery",
    "EvaluateConfig",
    "Evaluation",
    "FusedGalleries",
    "Hit",
    "IndexConfig",
    "IndexResult",
    "Judge",
    "Located",
    "OpenedGallery",
    "RankConfig",
    "RankEvaluation",
    "RankQuestion",
    "Refinement",
    "SearchConfig",
    "deep_encoder",
    "default_jobs",
    "evaluate_elsewhere",
    "evaluate_rank",
    "evaluate_source",
    "index",
    "locate",
    "locate_together",
    "open_any",
    "open_for_search",
    "search",
    "together",
    "truth_of",
]

"""Spatial statistics of whole sources: open, observe, estimate, fit."""

from periplus.pipeline.spatial.collapses import CollapseAnswer, CollapseQuestion, answer_collapses
from periplus.pipeline.spatial.comparing import open_several
from periplus.pipeline.spatial.lag_choice import LagChoice
from periplus.pipeline.spatial.observing import GROUPINGS
from periplus.pipeline.spatial.opening import Placed, open_placed
from periplus.pipeline.spatial.positives import positives_of
from periplus.pipeline.spatial.reading import Reading
from periplus.pipeline.spatial.similarities import answer_similarities
from periplus.pipeline.spatial.truth import true_models
from periplus.pipeline.spatial.variograms import FitChoice, VariogramAnswer, VariogramQuestion, answer_variograms

__all__ = [
    "GROUPINGS",
    "CollapseAnswer",
    "CollapseQuestion",
    "FitChoice",
    "LagChoice",
    "Placed",
    "Reading",
    "VariogramAnswer",
    "VariogramQuestion",
    "answer_collapses",
    "answer_similarities",
    "answer_variograms",
    "open_placed",
    "open_several",
    "positives_of",
    "true_models",
]

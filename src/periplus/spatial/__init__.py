"""Spatial statistics: semivariograms, similarity against distance, collapse of an embedding space."""

from periplus.spatial.clouds.cloud import SimilarityCloud, SimilaritySettings
from periplus.spatial.clouds.correlation import Correlation
from periplus.spatial.clouds.similarity import similarity_against_distance
from periplus.spatial.clouds.worst_pairs import WorstPair
from periplus.spatial.fitting.fit import Fit, fit_model, fit_models
from periplus.spatial.fitting.fit_json import read_fit, write_fit
from periplus.spatial.fitting.intervals import with_intervals
from periplus.spatial.fitting.least import Weights
from periplus.spatial.fitting.models import FAMILIES, Family, Metric, VariogramModel
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags, equal_count_lags, given_lags, linear_lags, log_lags
from periplus.spatial.pairs.tiles import PassSettings
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.sampled import sampled_variograms
from periplus.spatial.variograms.variogram import ESTIMATORS, BlockSums, Estimator, Variogram
from periplus.spatial.vectors.collapse import Collapse, CollapseSettings, measure_collapse

__all__ = [
    "ESTIMATORS",
    "FAMILIES",
    "HALF_GIRTH_KM",
    "BlockSums",
    "Collapse",
    "CollapseSettings",
    "Correlation",
    "Estimator",
    "Family",
    "Fit",
    "Lags",
    "Metric",
    "Observations",
    "PassSettings",
    "SimilarityCloud",
    "SimilaritySettings",
    "Variogram",
    "VariogramModel",
    "Weights",
    "WorstPair",
    "equal_count_lags",
    "exact_variograms",
    "fit_model",
    "fit_models",
    "given_lags",
    "linear_lags",
    "log_lags",
    "measure_collapse",
    "read_fit",
    "sampled_variograms",
    "similarity_against_distance",
    "with_intervals",
    "write_fit",
]

"""Records as JSON documents with stable keys; NaN stands for unknown and is written as null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from periplus.spatial.clouds.cloud import BANDS, SimilarityCloud
from periplus.spatial.clouds.correlation import Correlation
from periplus.spatial.clouds.worst_pairs import WorstPair
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.fitting.models import VariogramModel
from periplus.spatial.variograms.variogram import Variogram
from periplus.spatial.vectors.collapse import Collapse

Document = dict[str, Any]
_MODEL = ("family", "nugget", "partial_sill", "sill", "length_scale_km", "effective_range_km", "shape", "metric")


def variogram_document(curve: Variogram, fits: Sequence[Fit] = (), truth: VariogramModel | None = None) -> Document:
    """A curve lag by lag, its models, the best first, and its true model where it is known."""
    lags = {
        name: getattr(curve, name).tolist()
        for name in ("edges_km", "distance_km", "gamma", "count", "standard_error", "sampling_error")
    }
    return {
        "label": curve.label,
        "estimator": curve.estimator,
        "photos": curve.n,
        "dim": curve.dim,
        "sector_deg": None if curve.sector_deg is None else list(curve.sector_deg),
        **lags,
        "pairs": curve.n_pairs.tolist(),
        "models": [_fit(fit) for fit in fits],
        "true_model": None if truth is None else _model(truth),
    }


def similarity_document(cloud: SimilarityCloud, ids: Sequence[str]) -> Document:
    """A cloud's curves, correlations and worst pairs; ``ids`` names the photos of its rows."""
    held = cloud.counts.sum(axis=1)
    curve = cloud.curve
    return {
        "label": cloud.label,
        "photos": cloud.n,
        "pairs": cloud.n_pairs,
        "without_vector": cloud.n_empty,
        "mean_similarity": cloud.mean_similarity,
        "pearson": _correlation(cloud.pearson),
        "pearson_log_distance": _correlation(cloud.pearson_log),
        "spearman": _correlation(cloud.spearman),
        "discordance": cloud.monotonicity.discordance,
        "falling_share": cloud.monotonicity.falling_share,
        "rises": [{**asdict(rise), "beyond_chance": rise.is_beyond_chance} for rise in cloud.monotonicity.rises],
        "curve": {
            "edges_km": curve.edges_km.tolist(),
            "mean": curve.mean.tolist(),
            "standard_error": curve.standard_error.tolist(),
            "count": curve.count.tolist(),
        },
        "classes": {
            "edges_km": cloud.distance_edges_km.tolist(),
            "pairs": held.tolist(),
            "mean": cloud.mean.tolist(),
            "bands": list(BANDS),
            "quantiles": cloud.quantiles.tolist(),
        },
        "far_km": cloud.far_km,
        "near_km": cloud.near_km,
        "alike_but_far": [_pair(pair, ids) for pair in cloud.far_alike],
        "near_but_unlike": [_pair(pair, ids) for pair in cloud.near_unlike],
    }


def collapse_document(found: Collapse, ids: Sequence[str]) -> Document:
    """All measures of a set of vectors, its spectrum and its hubs; ``ids`` names the photos of its rows."""
    hubs = found.hubness
    return {
        "label": found.label,
        **collapse_measures(found),
        "spectrum": found.spectrum.tolist(),
        "hubs": []
        if hubs is None
        else [
            {"id": ids[row], "occurrence": times}
            for row, times in zip(hubs.hubs.tolist(), hubs.hub_occurrence.tolist(), strict=True)
        ],
        "findings": list(found.findings),
    }


def collapse_measures(found: Collapse) -> dict[str, float | None]:
    """The single numbers; None where one cannot be told."""
    way, hubs, inner = found.directions, found.hubness, found.intrinsic_dimension
    half, most, all_but_one = found.explained
    return {
        "photos": found.n,
        "dim": found.dim,
        "without_vector": found.n_empty,
        "sampled": found.n_sampled,
        "copies": found.n_copies,
        "mean_similarity": found.mean_similarity,
        "similarity_std": found.similarity_std,
        "mean_norm": found.mean_norm,
        "effective_rank": way.effective_rank,
        "effective_rank_uncentred": way.effective_rank_uncentred,
        "participation_ratio": way.participation_ratio,
        "stable_rank": way.stable_rank,
        "rank": way.rank,
        "condition": way.condition,
        "first_share": way.first_share,
        "directions_50": half,
        "directions_90": most,
        "directions_99": all_but_one,
        "uniformity": found.uniformity,
        "uniformity_error": found.uniformity_error,
        "uniformity_expected": found.uniformity_expected,
        "alignment": found.alignment,
        "positives": found.n_positives,
        "hub_k": None if hubs is None else hubs.k,
        "hub_skewness": None if hubs is None else hubs.skewness,
        "hub_largest": None if hubs is None else hubs.largest,
        "antihubs": None if hubs is None else hubs.antihubs,
        "hub_gini": None if hubs is None else hubs.gini,
        "hub_robin_hood": None if hubs is None else hubs.robin_hood,
        "two_nn": None if inner is None else inner.two_nn,
        "two_nn_error": None if inner is None else inner.two_nn_error,
        "mle_dimension": None if inner is None else inner.mle,
        "mle_dimension_error": None if inner is None else inner.mle_error,
    }


def _model(model: VariogramModel) -> Document:
    return {name: getattr(model, name) for name in _MODEL}


def _fit(fit: Fit) -> Document:
    intervals = None if fit.intervals is None else {name: list(ends) for name, ends in fit.intervals.items()}
    return {
        **_model(fit.model),
        "aic": fit.aic,
        "rmse": fit.rmse,
        "weights": fit.weights,
        "lags": fit.n_lags,
        "max_km": fit.max_km,
        "confidence": fit.confidence,
        "intervals": intervals,
        "warnings": list(fit.warnings),
    }


def _correlation(one: Correlation) -> Document:
    return {"value": one.value, "low": one.low, "high": one.high, "reason": one.reason or None}


def _pair(pair: WorstPair, ids: Sequence[str]) -> Document:
    return {
        "first": ids[pair.first],
        "second": ids[pair.second],
        "distance_km": pair.distance_km,
        "similarity": pair.similarity,
        "expected": pair.expected,
    }

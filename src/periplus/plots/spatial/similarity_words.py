"""What similarity against distance tells, in sentences with its numbers."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from periplus.plots.spatial.canvas import FEW_PAIRS
from periplus.plots.spatial.words import correlation_words, percent, signed, whole
from periplus.plots.words import distance_words
from periplus.spatial.clouds.cloud import SimilarityCloud
from periplus.spatial.vectors.collapse_findings import CONE

_WEAK: Final = 0.1
_STRONG: Final = 0.5


def similarity_tells(cloud: SimilarityCloud) -> list[str]:
    """Sentences about one cloud."""
    told = [_curve(cloud), _correlation(cloud), *_rises(cloud), _discordance(cloud), _cone(cloud)]
    return [sentence for sentence in told if sentence]


def _curve(cloud: SimilarityCloud) -> str:
    curve = cloud.curve
    held = np.flatnonzero(curve.count >= min(FEW_PAIRS, max(1, int(curve.count.max()))))
    first, last = int(held[0]), int(held[-1])
    near, far = (distance_words(float(curve.middle_km[k])) for k in (first, last))
    return (
        f"Photos about {near} apart have a mean similarity of {_with_error(cloud, first)}, photos about {far} apart "
        f"{_with_error(cloud, last)}."
    )


def _with_error(cloud: SimilarityCloud, k: int) -> str:
    error = float(cloud.curve.standard_error[k])
    return signed(float(cloud.curve.mean[k])) + (f" ± {signed(error)}" if math.isfinite(error) else "")


def _correlation(cloud: SimilarityCloud) -> str:
    rho = cloud.spearman.value
    if not math.isfinite(rho):
        return f"There is no correlation to tell: {cloud.spearman.reason or 'nothing varies'}."
    size = "hardly" if abs(rho) < _WEAK else "weakly" if abs(rho) < _STRONG else "strongly"
    told = f"Similarity {size} {'falls' if rho < 0 else 'rises'} with distance"
    if cloud.spearman.low <= 0 <= cloud.spearman.high:
        told = "Similarity does not follow distance, as far as these photos tell"
    return (
        f"{told}: Spearman's ρ is {correlation_words(cloud.spearman)}, Pearson's r {correlation_words(cloud.pearson)}, "
        f"with the logarithm of distance {correlation_words(cloud.pearson_log)}."
    )


def _rises(cloud: SimilarityCloud) -> list[str]:
    fall = cloud.monotonicity
    if not fall.n_steps:
        return []
    if not fall.rises:
        return [f"The mean falls at every one of {fall.n_steps} steps."]
    steep = max(fall.rises, key=lambda rise: rise.by)
    beyond = sum(rise.is_beyond_chance for rise in fall.rises)
    chance = f"{beyond} of them beyond chance (two standard errors)" if beyond else "none beyond two standard errors"
    largest = f"{signed(steep.by)} from {distance_words(steep.from_km)} to {distance_words(steep.to_km)}"
    return [f"The mean rises at {len(fall.rises)} of {fall.n_steps} steps, {chance}; the largest rise is {largest}."]


def _discordance(cloud: SimilarityCloud) -> str:
    share = cloud.monotonicity.discordance
    if not math.isfinite(share):
        return ""
    return (
        f"Of two random pairs the farther one is the more alike in {percent(share, 3)} of cases; 50 % would be chance."
    )


def _cone(cloud: SimilarityCloud) -> str:
    mean = cloud.mean_similarity
    cone = ": the vectors share a direction (a cone), which no distance explains" if mean >= CONE else ""
    return f"Over all {whole(cloud.n_pairs)} pairs the mean similarity is {signed(mean)}{cone}."

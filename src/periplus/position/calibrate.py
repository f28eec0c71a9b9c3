"""What a gallery says of itself: how well its own photos are located when they are left out.

Each of a sample of gallery photos is asked as a query against the rest. From the candidates' distances follow the
beliefs and the scatter of positions; from the guesses' errors follow the confidence and the radii. Each left-out photo
is asked a second time with its whole place left out, so that the confidence knows strangers too. The radii are
split conformal: the quantile of error / scale over the left-out photos that would be answered, so they hold their
share of truths as long as queries are like the gallery's photos.

Reference: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, Distribution-free predictive inference for regression,
JASA 2018, section 5.2 (locally weighted).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from periplus.errors import GalleryError
from periplus.geo import distance_km
from periplus.position import logistic
from periplus.position.belief import Kernel, Peak, find_peak, settle

_SURE_SCORE = 15.0
_PAIR_PRIOR_STRENGTH = 4.0
_GUESS_PRIOR_STRENGTH = 1.0
_FEWEST_FOR_KERNEL = 30
_FEWEST_FOR_RADII = 10
_NEAR_KERNELS = 1.5
_FAR_KERNELS = 3.0
_STRANGERS_PER_QUERY = 0.25
"""Confidence is stated for collections where one query in five shows a place that the gallery does not hold."""
_ROWS = (("pair_weights", 4), ("guess_weights", 3), ("radius_factors", 2))


@dataclass(frozen=True)
class Candidates:
    """What is known of one query's candidates.

    Attributes:
        scores: (n,), distinct inliers.
        standing: (n,), how many standard deviations the global score stands above the mean of the tail.
        lat_deg, lon_deg: (n,), all known.
    """

    scores: NDArray[np.float64]
    standing: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """How scores become beliefs, confidence and radii in one gallery.

    Attributes:
        pair_weights: of :func:`pair_features`, for the belief in one candidate.
        guess_weights: of :func:`guess_features`, for the confidence in the guess; the defaults are cautious.
        kernel: how positions scatter.
        radius_factors: radius over scale that holds 50 % and 90 % of the truths.
        right_km: the distance within which a guess counts as right.
        answer_confidence: a guess below is not offered as an answer.
        queries: how many left-out photos it rests on; 0 for the defaults.
    """

    pair_weights: logistic.Weights = (2.06, -0.27, 0.24, -4.3)
    guess_weights: logistic.Weights = (1.0, -0.6, -1.5)
    kernel: Kernel = field(default_factory=Kernel)
    radius_factors: tuple[float, float] = (0.8, 2.7)
    right_km: float = 0.1
    answer_confidence: float = 0.5
    queries: int = 0

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)


def calibration_from(value: object) -> Calibration:
    """Read :meth:`Calibration.to_json`.

    Raises:
        GalleryError: a key or value is not what this version writes.
    """
    try:
        parts = dict(cast("Mapping[str, object]", value))
        kernel = Kernel(**_numbers(parts.pop("kernel")))
        pair, guesses, radii = (_row(parts.pop(key), length) for key, length in _ROWS)
        rest = _numbers(parts)
        calibration = Calibration(pair, guesses, kernel, (radii[0], radii[1]), **rest)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise GalleryError(f"The calibration cannot be read: {error}. Run periplus index again.") from error
    positive = (kernel.wide_km, kernel.narrow_km, calibration.right_km, radii[0])
    if min(positive) <= 0 or radii[0] > radii[1] or not 0 <= kernel.share <= 1:
        raise GalleryError(f"The calibration has impossible values: {calibration}. Run periplus index again.")
    return calibration


def _numbers(value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is not an object")
    return dict(zip(value, _row(list(value.values()), len(value)), strict=True))


def _row(value: object, length: int) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) != length:
        raise TypeError(f"{value!r} is not a row of {length} numbers")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise TypeError(f"{number!r} is not a number")
    return tuple(value)


def pair_features(candidates: Candidates) -> NDArray[np.float64]:
    """What speaks for a candidate, (n, 3): log inliers, the square of that over 5, standing."""
    logs = np.log1p(candidates.scores)
    return np.stack([logs, logs**2 / 5, np.clip(candidates.standing, -2, 8) / 3], axis=1)


def guess_features(peak: Peak) -> NDArray[np.float64]:
    """What speaks for a guess, (2,): the log-odds of 1 - exp(-support), and its best rival's support.

    The support is a sum of log(1 + odds), so exp(-support) is the chance that none of its photos is right.
    """
    return np.array([np.log(np.expm1(np.clip(peak.support, 0.01, 50))), peak.rival_support])


def beliefs_in(candidates: Candidates, weights: logistic.Weights) -> NDArray[np.float64]:
    """The belief in every candidate, (n,), above what any photo of the gallery would get by chance.

    In a gallery of one street every photo is near every other: p0, the probability at no inliers, is what nearness
    alone gives, and (p - p0) / (1 - p0) what the geometry adds to it.
    """
    p = logistic.predict(pair_features(candidates), weights)
    chance = float(logistic.predict(np.zeros(len(weights) - 1), weights))
    return np.maximum((p - chance) / (1 - chance), 0.0)


def guess(candidates: Candidates, calibration: Calibration) -> tuple[Peak, NDArray[np.float64]]:
    """The best supported position and the belief in every candidate, (n,)."""
    beliefs = beliefs_in(candidates, calibration.pair_weights)
    lat, lon, kernel = candidates.lat_deg, candidates.lon_deg, calibration.kernel
    peak = find_peak(beliefs, lat, lon, kernel)
    return settle(peak, beliefs, candidates.scores, lat, lon, kernel), beliefs


def confidence(peak: Peak, calibration: Calibration) -> float:
    """Probability that the guess is right."""
    return float(logistic.predict(guess_features(peak), calibration.guess_weights))


def scale_km(peak: Peak, kernel: Kernel) -> float:
    """The size that a guess' error is measured in: the scatter of its supporters, never below a narrow kernel."""
    return float(np.hypot(peak.spread_km, kernel.wide_km / 3))


def calibrate(
    left_out: Sequence[Candidates], lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64], start: Calibration
) -> Calibration:
    """Fit beliefs, scatter, confidence and radii to left-out gallery photos.

    Args:
        left_out: the candidates of each left-out photo; those without candidates are not in here.
        lat_deg: (n,), latitudes where the left-out photos really stood.
        lon_deg: (n,), their longitudes.
        start: the defaults, and the prior where the gallery is too small to say otherwise.
    """
    if not left_out:
        return start
    distances = [distance_km(c.lat_deg, c.lon_deg, lat_deg[i], lon_deg[i]) for i, c in enumerate(left_out)]
    kernel = _fit_kernel(left_out, distances, start.kernel)
    features = np.concatenate([pair_features(c) for c in left_out])
    near = np.concatenate(distances) <= _NEAR_KERNELS * kernel.wide_km
    pair_weights = logistic.fit(features, near, start.pair_weights, _PAIR_PRIOR_STRENGTH)
    fitted = replace(start, pair_weights=pair_weights, kernel=kernel, queries=len(left_out))
    peaks = [guess(c, fitted)[0] for c in left_out]
    absent = [_without_place(c, d > _FAR_KERNELS * kernel.wide_km) for c, d in zip(left_out, distances, strict=True)]
    strange = [guess(c, fitted)[0] for c in absent if len(c.scores)]
    errors = distance_km(np.array([p.lat_deg for p in peaks]), np.array([p.lon_deg for p in peaks]), lat_deg, lon_deg)
    described = np.stack([guess_features(p) for p in (*peaks, *strange)])
    right = np.concatenate([errors <= start.right_km, np.zeros(len(strange), np.bool_)])
    counts = np.repeat([1.0, _STRANGERS_PER_QUERY], [len(peaks), len(strange)])
    guess_weights = logistic.fit(described, right, start.guess_weights, _GUESS_PRIOR_STRENGTH, counts)
    sure = logistic.predict(described[: len(peaks)], guess_weights) >= start.answer_confidence
    ratios = errors[sure] / np.array([scale_km(p, kernel) for p in peaks])[sure]
    factors = _conformal(ratios) if len(ratios) >= _FEWEST_FOR_RADII else start.radius_factors
    return replace(fitted, guess_weights=guess_weights, radius_factors=factors)


def _without_place(candidates: Candidates, far: NDArray[np.bool_]) -> Candidates:
    """The same query in a gallery that does not hold its place: a stranger with known outcome."""
    return Candidates(
        candidates.scores[far], candidates.standing[far], candidates.lat_deg[far], candidates.lon_deg[far]
    )


def _fit_kernel(left_out: Sequence[Candidates], distances: Sequence[NDArray[np.float64]], start: Kernel) -> Kernel:
    """The scatter of positions among pairs that surely show the same thing."""
    sure = np.concatenate([d[c.scores >= _SURE_SCORE] for c, d in zip(left_out, distances, strict=True)])
    if len(sure) < _FEWEST_FOR_KERNEL:
        return start
    # Three quarters lie within; a quarter may be of far parts of the same thing, or wrong.
    wide = float(np.clip(1.2 * np.quantile(sure, 0.75), 0.02, 5.0))
    return Kernel(wide_km=wide, narrow_km=wide * start.narrow_km / start.wide_km, share=start.share)


def _conformal(ratios: NDArray[np.float64]) -> tuple[float, float]:
    """The finite-sample 50 % and 90 % quantiles of (n,) ratios: the ceil((n + 1) q)-th smallest."""
    ordered = np.sort(ratios)
    n = len(ordered)
    half, most = (float(ordered[min(n, int(np.ceil((n + 1) * q))) - 1]) for q in (0.5, 0.9))
    return max(half, 1e-3), max(most, half, 1e-3)

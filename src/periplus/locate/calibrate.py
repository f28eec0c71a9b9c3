"""What a gallery says of itself: how well its own photos are located when they are left out.

Each of a sample of gallery photos is asked as a query against the rest. From the candidates' distances follow the
beliefs and the scatter of positions; from the guesses' errors follow the confidence and the radii. The radii are
split conformal: the quantile of error / scale over the left-out photos that would be answered, so they hold their
share of truths as long as queries are like the gallery's photos.

Reference: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, Distribution-free predictive inference for regression,
JASA 2018, section 5.2 (locally weighted).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from periplus.errors import GalleryError
from periplus.geo import distance_km
from periplus.locate import logistic
from periplus.locate.belief import Kernel, Peak, find_peak

_SURE_SCORE = 15.0
_PAIR_PRIOR_STRENGTH = 4.0
_GUESS_PRIOR_STRENGTH = 1.0
_FEWEST_FOR_KERNEL = 30
_FEWEST_FOR_RADII = 10


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
        guess_weights: of :func:`guess_features`, for the confidence in the guess.
        kernel: how positions scatter.
        radius_factors: radius over scale that holds 50 % and 90 % of the truths.
        right_km: the distance within which a guess counts as right.
        answer_confidence: a guess below is not offered as an answer.
        queries: how many left-out photos it rests on; 0 for the defaults.
    """

    pair_weights: logistic.Weights = (2.06, -0.27, 0.24, -4.3)
    guess_weights: logistic.Weights = (0.97, -0.64, -1.0)
    kernel: Kernel = field(default_factory=Kernel)
    radius_factors: tuple[float, float] = (0.8, 2.7)
    right_km: float = 0.1
    answer_confidence: float = 0.5
    queries: int = 0

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return asdict(self)


def calibration_from(value: Mapping[str, object]) -> Calibration:
    """Read :meth:`Calibration.to_json`.

    Raises:
        GalleryError: a key or value is not what this version writes.
    """
    parts = dict(value)
    try:
        kernel = Kernel(**parts.pop("kernel"))  # type: ignore[arg-type]
        weights = {k: tuple(map(float, parts.pop(k))) for k in ("pair_weights", "guess_weights", "radius_factors")}  # type: ignore[arg-type]
        calibration = Calibration(kernel=kernel, **weights, **parts)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise GalleryError(f"The calibration cannot be read: {error}. Run periplus index again.") from error
    if [len(w) for w in weights.values()] != [4, 3, 2]:
        raise GalleryError("The calibration has weights of the wrong length. Run periplus index again.")
    return calibration


def pair_features(candidates: Candidates) -> NDArray[np.float64]:
    """What speaks for a candidate, (n, 3): log inliers, the square of that over 5, standing."""
    logs = np.log1p(candidates.scores)
    return np.stack([logs, logs**2 / 5, np.clip(candidates.standing, -2, 8) / 3], axis=1)


def guess_features(peak: Peak) -> NDArray[np.float64]:
    """What speaks for a guess, (2,): its support and its best rival's."""
    return np.array([peak.support, peak.rival_support])


def guess(candidates: Candidates, calibration: Calibration) -> tuple[Peak, NDArray[np.float64]]:
    """The best supported position and the belief in every candidate, (n,)."""
    beliefs = logistic.predict(pair_features(candidates), calibration.pair_weights)
    return find_peak(beliefs, candidates.lat_deg, candidates.lon_deg, calibration.kernel), beliefs


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
    near = np.concatenate(distances) <= max(1.5 * start.right_km, 1.5 * kernel.wide_km)
    pair_weights = logistic.fit(features, near, start.pair_weights, _PAIR_PRIOR_STRENGTH)
    fitted = Calibration(
        pair_weights,
        start.guess_weights,
        kernel,
        start.radius_factors,
        start.right_km,
        start.answer_confidence,
        len(left_out),
    )
    peaks = [guess(c, fitted)[0] for c in left_out]
    errors = distance_km(np.array([p.lat_deg for p in peaks]), np.array([p.lon_deg for p in peaks]), lat_deg, lon_deg)
    described = np.stack([guess_features(p) for p in peaks])
    guess_weights = logistic.fit(described, errors <= start.right_km, start.guess_weights, _GUESS_PRIOR_STRENGTH)
    sure = logistic.predict(described, guess_weights) >= start.answer_confidence
    ratios = errors[sure] / np.array([scale_km(p, kernel) for p in peaks])[sure]
    factors = _conformal(ratios) if len(ratios) >= _FEWEST_FOR_RADII else start.radius_factors
    return Calibration(
        pair_weights, guess_weights, kernel, factors, start.right_km, start.answer_confidence, len(left_out)
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

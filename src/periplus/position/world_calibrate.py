"""What held-back photos say of a world-wide belief: how wide it must be, how sure one may be.

The temperature maximises the log density at the truths. Under it, what the belief calls 50 % and 90 % is replaced by
what holds 50 % and 90 % of the held-back truths (split conformal): the level at which the truth's row comes into the
region, and the error over the radius that the belief gives. Both then hold their share of the truths of further
photos of the same kind, whatever the belief is.

Lei, G'Sell, Rinaldo, Tibshirani and Wasserman: Distribution-free predictive inference for regression. JASA 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import distance_km
from periplus.position import logistic
from periplus.position.guess import GUESSES, Position
from periplus.position.region import mass_before, mass_within, radii_from
from periplus.position.temperature import TemperatureSearch
from periplus.position.world import WorldRows, posterior
from periplus.position.world_calibration import SHARES, WorldCalibration

_FEWEST_FOR_RADII = 100
_PRIOR_STRENGTH = 1.0
_LEAST_FACTOR = 1e-3
_CERTAIN = 1e-4
_LEAST_DENSITY = 1e-300


@dataclass(frozen=True, eq=False)
class HeldBack:
    """Scores of photos whose positions are known.

    Attributes:
        scores: float32 (q, n), of the world's n rows.
        lat_deg, lon_deg: float64 (q,), where their cameras stood.
    """

    scores: NDArray[np.float32]
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """What a belief says before anybody knows the truth.

    Attributes:
        lat_deg, lon_deg: the guess.
        nominal_km: how far around the guess 50 % and 90 % of the belief reach.
        within: the belief within ``right_km`` of the guess.
        features: what the confidence rests on.
    """

    lat_deg: float
    lon_deg: float
    nominal_km: tuple[float, float]
    within: float
    features: tuple[float, float]


@dataclass(frozen=True)
class Outcome:
    """How one held-back photo went.

    Attributes:
        look: at its belief.
        before: the belief on rows denser than the truth's row.
        error_km: of the guess.
    """

    look: Look
    before: float
    error_km: float


def look_at(p: NDArray[np.floating], rows: WorldRows, right_km: float, guess: str = "score") -> Look:
    """Guess, radii and features of one belief (n,).

    Raises:
        UsageError: there is no such way to guess.
    """
    if guess not in GUESSES:
        raise UsageError(f"There is no guess {guess!r}; choose one of {', '.join(GUESSES)}.")
    return look_around(p, rows, right_km, GUESSES[guess](p, rows, right_km))


def look_around(p: NDArray[np.floating], rows: WorldRows, right_km: float, guess: Position) -> Look:
    """The same for a guess that was made elsewhere."""
    away = rows.distance_km(*guess)
    half, most = radii_from(p, rows, away, SHARES)
    within = mass_within(p, rows, away, right_km)
    return Look(*guess, (half, most), within, features_of(p, rows, within))


def features_of(p: NDArray[np.floating], rows: WorldRows, within: float) -> tuple[float, float]:
    """What speaks for a guess: the log-odds of the belief near it, and a tenth of how far the belief spreads.

    The spread is the logarithm of an area in km², minus the mean log density: finer rows do not change it.
    """
    sure = min(max(within, _CERTAIN), 1 - _CERTAIN)
    some = np.flatnonzero(p)
    dense = rows.density(p)[some].astype(np.float64)
    mass = p[some].astype(np.float64)
    spread = -float(mass @ np.log(np.maximum(dense, _LEAST_DENSITY))) / float(mass.sum())
    return math.log(sure / (1 - sure)), spread / 10


def outcome_of(p: NDArray[np.floating], rows: WorldRows, truth: Position, look: Look) -> Outcome:
    """How a look at the belief (n,) compares with the truth."""
    before = mass_before(p[None], rows, rows.nearest(*truth))
    return Outcome(look, float(before[0]), float(distance_km(look.lat_deg, look.lon_deg, *truth)))


def fit_outcomes(outcomes: Sequence[Outcome], start: WorldCalibration) -> WorldCalibration:
    """Levels, radii and confidence from held-back photos under the start's temperature; it again where there is none.

    Radii are of the photos that would be answered, where there are enough of them.
    """
    if not outcomes:
        return start
    features = np.array([o.look.features for o in outcomes])
    errors = np.array([o.error_km for o in outcomes])
    nominal = np.array([o.look.nominal_km for o in outcomes])
    weights = logistic.fit(features, errors <= start.right_km, start.confidence_weights, _PRIOR_STRENGTH)
    sure = logistic.predict(features, weights) >= start.answer_confidence
    of = sure if sure.sum() >= _FEWEST_FOR_RADII else np.ones(len(errors), np.bool_)
    factors = [conformal(errors[of] / nominal[of, i], share) for i, share in enumerate(SHARES)]
    before = np.array([o.before for o in outcomes])
    levels = [min(conformal(before, share), 1.0) for share in SHARES]
    return replace(
        start,
        levels=(levels[0], levels[1]),
        radius_factors=(max(factors[0], _LEAST_FACTOR), max(factors[1], _LEAST_FACTOR)),
        confidence_weights=weights,
        queries=len(outcomes),
    )


def calibrate_world(
    blocks: Callable[[], Iterable[HeldBack]],
    scale: float,
    rows: WorldRows,
    start: WorldCalibration,
    outcomes: Callable[[WorldCalibration], Iterable[Outcome]] | None = None,
) -> WorldCalibration:
    """Calibrate on held-back photos, asked for block by block: no more than one block is ever kept.

    Args:
        blocks: gives the held-back photos from the first on, at each call.
        scale: the model's logit scale.
        rows: of the gallery.
        start: the distance that counts as right, the way to guess, and the answer where there are no photos.
        outcomes: how the same photos go under a temperature, where beliefs are refined before they answer; None where
            the rows' own beliefs do.
    """
    search = TemperatureSearch(scale, rows)
    for block in blocks():
        search.add(block.scores, block.lat_deg, block.lon_deg)
    if not search.queries:
        return start
    warm = replace(start, temperature=search.best())
    if outcomes is not None:
        return fit_outcomes(list(outcomes(warm)), warm)
    return fit_outcomes([one for block in blocks() for one in _outcomes(block, scale, rows, warm)], warm)


def conformal(values: NDArray[np.float64], share: float) -> float:
    """The ceil((n + 1) share)-th smallest of n values: a further one is at most that with this probability."""
    ordered = np.sort(values)
    return float(ordered[min(len(ordered), math.ceil((len(ordered) + 1) * share)) - 1])


def _outcomes(block: HeldBack, scale: float, rows: WorldRows, calibration: WorldCalibration) -> Iterable[Outcome]:
    beliefs = posterior(block.scores, scale, rows, calibration.temperature)
    for p, lat, lon in zip(beliefs, block.lat_deg.tolist(), block.lon_deg.tolist(), strict=True):
        yield outcome_of(p, rows, (lat, lon), look_at(p, rows, calibration.right_km, calibration.guess))

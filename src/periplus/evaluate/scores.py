"""One number a query for each value of a protocol of positions, and what they sum up to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from periplus.evaluate.places import RightPlace, right_places
from periplus.evaluate.protocols import FixProtocol, threshold_text
from periplus.geo import distance_km
from periplus.geo.regions import PlaceCodes, place_codes

GEOSCORE_KM: Final = 1492.7

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """One value of a report, query by query.

    Attributes:
        of: float64 (n,), NaN where a query does not count; infinite where there is no guess.
        statistic: what sums it up; a share is a mean of zeros and ones.
    """

    of: Numbers
    statistic: Literal["share", "mean", "median"]

    @property
    def value(self) -> float:
        """The sum of it all; NaN where nothing counts. Not even its last bit depends on the order of the queries."""
        counted = self.of[~np.isnan(self.of)]
        if not len(counted):
            return math.nan
        if self.statistic == "share":
            return float(np.count_nonzero(counted) / len(counted))
        return float(np.median(counted)) if self.statistic == "median" else float(np.mean(np.sort(counted)))


@dataclass(frozen=True, eq=False)
class Scores:
    """n guesses beside their truths.

    Attributes:
        distance_km: float64 (n,), infinite where there is no guess.
        measured: the values of the protocol by name, in its order.
        places: the kinds of place that the protocol compares.
        guessed: places of the guesses; None where the protocol has no places.
        true_places: places of the true positions; None where the protocol has no use for them.
    """

    distance_km: Numbers
    measured: dict[str, Measured]
    places: dict[str, RightPlace]
    guessed: PlaceCodes | None
    true_places: PlaceCodes | None

    @property
    def values(self) -> dict[str, float]:
        """The values without intervals."""
        return {name: one.value for name, one in self.measured.items()}


def geoscore(distance_km: ArrayLike) -> Numbers:
    """5000 exp(-d / 1492.7 km), not rounded: 5000 at the place itself, 0 without a guess (infinite distance).

    As OSV-5M (Astruc et al., CVPR 2024) and PLONK (Dufour et al., CVPR 2025) average it. PIGEON (Haas et al., CVPR
    2024) rounds it for each image, as the game GeoGuessr does, before it averages.
    """
    return np.asarray(5000 * np.exp(np.asarray(distance_km, np.float64) / -GEOSCORE_KM))


SCORES: Final[Mapping[str, Callable[[Numbers], Numbers]]] = MappingProxyType(
    {
        "geoscore": geoscore,
        "geoscore_rounded": lambda km: np.rint(geoscore(km)),
        "mean_km": lambda km: km,
    }
)
"""The family of numbers that are averaged over all queries, from their distances in km."""


def score_positions(
    guess: tuple[ArrayLike, ArrayLike],
    truth: tuple[ArrayLike, ArrayLike],
    protocol: FixProtocol,
    columns: pa.Table | None = None,
) -> Scores:
    """Compare n guessed positions with n true ones: every number of a protocol that guesses alone give.

    For predictions of any system. The values: ``within_km/T``, ``median_km``, those of the protocol's scores, and
    ``place_accuracy/KIND``.

    Args:
        guess: latitudes and longitudes (n,), degrees; not on the globe where there is no guess.
        truth: latitudes and longitudes (n,), degrees, all known.
        protocol: what to measure.
        columns: n rows of the source, which may tell true places.
    """
    lat, lon = (np.ascontiguousarray(part, np.float64) for part in truth)
    guess_lat, guess_lon = (np.ascontiguousarray(part, np.float64) for part in guess)
    off = ~((np.abs(guess_lat) <= 90) & (np.abs(guess_lon) <= 180))
    if off.any():
        guess_lat, guess_lon = np.where(off, np.nan, guess_lat), np.where(off, np.nan, guess_lon)
    with ThreadPoolExecutor(2) as threads:  # NumPy and SciPy let go of the interpreter
        guessed = threads.submit(place_codes, guess_lat, guess_lon) if protocol.places else None
        true_places = threads.submit(place_codes, lat, lon) if protocol.places or protocol.strata else None
        km = np.where(off, np.inf, distance_km(guess_lat, guess_lon, lat, lon))
        measured = _measured(km, protocol)
    if guessed is None or true_places is None:
        return Scores(km, measured, {}, None, None if true_places is None else true_places.result())
    places = right_places(protocol.places, guessed.result(), true_places.result(), columns)
    measured |= {f"place_accuracy/{kind}": Measured(place.right, "share") for kind, place in places.items()}
    return Scores(km, measured, places, guessed.result(), true_places.result())


def _measured(km: Numbers, protocol: FixProtocol) -> dict[str, Measured]:
    within = {f"within_km/{threshold_text(t)}": (km <= t).astype(np.float64) for t in protocol.thresholds_km}
    return {
        **{name: Measured(numbers, "share") for name, numbers in within.items()},
        **{name: Measured(SCORES[name](km), "mean") for name in protocol.scores},
        "median_km": Measured(km, "median"),
    }

"""The record of similarity against distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from periplus.errors import UsageError
from periplus.spatial.clouds.correlation import Correlation, Counts, Values
from periplus.spatial.clouds.monotone import MeanCurve, Monotonicity
from periplus.spatial.clouds.worst_pairs import WorstPair
from periplus.spatial.pairs.lags import HALF_GIRTH_KM

BANDS: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles of similarity in every class of distance."""


@dataclass(frozen=True)
class SimilaritySettings:
    """What is looked at.

    Attributes:
        distance_classes: logarithmic, from ``min_km`` to the antipode.
        similarity_classes: of one width.
        min_km: nearer pairs belong to the first class, and their logarithm is taken of this.
        lags: coarser classes of the mean curve, each of equally many classes of distance.
        far_km: "alike but far" are pairs at least so far apart.
        near_km: "near but unlike" are pairs nearer than this; doubled until there are ``near_pairs`` of them.
        near_pairs: see there.
        worst: pairs in each of the two lists.
        per_photo: a photo is in at most so many pairs of a list.

    Raises:
        UsageError: a number that cannot be.
    """

    distance_classes: int = 200
    similarity_classes: int = 512
    min_km: float = 0.01
    lags: int = 40
    far_km: float = 1000.0
    near_km: float = 25.0
    near_pairs: int = 1000
    worst: int = 20
    per_photo: int = 1

    def __post_init__(self) -> None:
        """Check."""
        for name, most in (("distance_classes", 2000), ("similarity_classes", 8192), ("lags", 2000)):
            if not 2 <= getattr(self, name) <= most:
                raise UsageError(f"{name} of {getattr(self, name)} will not do; choose 2 to {most}.")
        if self.distance_classes % self.lags:
            raise UsageError(
                f"{self.lags} lags cannot share {self.distance_classes} classes of distance evenly; choose a divisor."
            )
        for name in ("min_km", "far_km", "near_km"):
            if not 0 < getattr(self, name) <= HALF_GIRTH_KM:
                raise UsageError(f"{name} of {getattr(self, name)} is no distance on Earth; choose above 0 km.")
        if self.min_km == HALF_GIRTH_KM:
            raise UsageError("min_km must be less than the distance of antipodes.")
        if not 1 <= self.worst <= 200:
            raise UsageError(f"{self.worst} worst pairs cannot be listed; choose 1 to 200.")
        if self.per_photo < 1 or self.near_pairs < 1:
            raise UsageError(f"per_photo {self.per_photo} and near_pairs {self.near_pairs} must be 1 or more.")


@dataclass(frozen=True, eq=False)
class SimilarityCloud:
    """Cosine similarity against great-circle distance, of all pairs of n photos.

    Similarities are float32 products, off by some 1e-7; sums of them are float64. A correlation from sums is that of
    these numbers: 1e-9 off where similarities spread over tenths, 1e-6 where over thousandths.

    Attributes:
        distance_edges_km: (L + 1,), logarithmic; class k holds [edges k, edges k + 1), the first also what is nearer.
        similarity_edges: (S + 1,), evenly from a lower bound of all similarities to 1.
        counts: int64 (L, S), pairs.
        mean: (L,), mean similarity, from sums; NaN where a class has no pairs.
        quantiles: (L, 5), similarity at :data:`BANDS`, interpolated inside a class of similarity, hence less than the
            width of one off the smallest number that so many pairs do not exceed; NaN where there are no pairs.
        curve: mean similarity over coarser lags, with standard errors.
        pearson: of similarity with distance, from sums.
        pearson_log: of similarity with log distance, from sums.
        spearman: of their ranks, from classes.
        monotonicity: how nearly similarity falls with distance.
        far_alike: the most alike of the pairs at least ``far_km`` apart, the most alike first.
        near_unlike: the least alike of the pairs nearer than ``near_km``, the least alike first.
        far_km: as set.
        near_km: as set, or grown until there were enough pairs.
        n: photos with a vector.
        n_pairs: their pairs.
        n_empty: photos left out because their vector is 0.
        n_blocks: compact blocks of places that the jackknife left out one by one.
        label: what it is of: an encoder, a group.
    """

    distance_edges_km: Values
    similarity_edges: Values
    counts: Counts
    mean: Values
    quantiles: Values
    curve: MeanCurve
    pearson: Correlation
    pearson_log: Correlation
    spearman: Correlation
    monotonicity: Monotonicity
    far_alike: tuple[WorstPair, ...]
    near_unlike: tuple[WorstPair, ...]
    far_km: float
    near_km: float
    n: int
    n_pairs: int
    n_empty: int
    n_blocks: int
    label: str = ""

    @property
    def distance_km(self) -> Values:
        """(L,), geometric middles of the classes of distance."""
        low, high = self.distance_edges_km[:-1], self.distance_edges_km[1:]
        return (low * high) ** 0.5

    @property
    def mean_similarity(self) -> float:
        """Of all pairs."""
        held = self.counts.sum(1)
        return float(self.mean[held > 0] @ held[held > 0]) / self.n_pairs if self.n_pairs else math.nan

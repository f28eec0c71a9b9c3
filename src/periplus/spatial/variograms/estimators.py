"""From pairs to semivariances: sums of tiles, and what the estimators make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln

from periplus.errors import UsageError
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.blocks import Values
from periplus.spatial.pairs.tiles import Sums, Tile
from periplus.spatial.variograms.directions import Directions
from periplus.spatial.variograms.values import Differences
from periplus.spatial.variograms.variogram import BlockSums, Estimator


def matheron(total: Values, count: Values) -> Values:
    """Half the mean squared difference, from sums of half squared differences; NaN without pairs.

    Matheron 1963, Principles of geostatistics, Economic Geology 58.
    """
    return np.asarray(np.divide(total, count, out=np.full(np.shape(total), np.nan), where=np.asarray(count) > 0))


def cressie(total: Values, count: Values) -> Values:
    """Half of (mean |Δ|^½)⁴ / (0.457 + 0.494/N + 0.045/N²), from sums of roots of N differences; NaN without pairs.

    Cressie, Hawkins 1980, Robust estimation of the variogram: I, Mathematical Geology 12, p. 115-125; the term in N² is
    theirs too, and GSTools has it. Of vectors |Δ| is the Euclidean distance.
    """
    n = np.where(np.asarray(count) > 0, count, np.nan)
    return np.asarray(0.5 * (total / n) ** 4 / (0.457 + 0.494 / n + 0.045 / n**2))


def require_estimator(observations: Observations, estimator: str) -> None:
    """Refuse an estimator that there is not, or that is not for two variables.

    Raises:
        UsageError: so it is.
    """
    if estimator not in get_args(Estimator):
        raise UsageError(f"There is no estimator {estimator!r}; choose from {', '.join(get_args(Estimator))}.")
    if observations.other is not None and estimator != "matheron":
        raise UsageError(f"{estimator} is for one variable; use matheron for the cross-variogram of two.")


def vector_factor(estimator: str, dim: int) -> float:
    """What a robust estimate is multiplied by, whose formula is made for differences of one number.

    The constants of ``cressie`` and ``dowd`` turn a typical |Δ| of normal differences into a mean square. Of vectors
    |Δ| spreads less: with d independent normal numbers of one variance it has the χ distribution, for which
    (E √χ)⁴ = 2 (Γ(d/2 + 1/4) / Γ(d/2))⁴ and the median of χ² stand against E χ² = d. So all estimators mean half the
    mean squared distance. Long vectors that vary in few directions come out low: in twenty by 4 %, in eight by 9 %.
    """
    if dim == 1 or estimator == "matheron":
        return 1.0
    if estimator == "dowd":
        # The median of χ² of d degrees of freedom is twice that of a gamma distribution of shape d / 2.
        return float(dim * gammaincinv(0.5, 0.5) / gammaincinv(dim / 2, 0.5))
    roots = 2 * np.exp(4 * (gammaln([dim / 2 + 0.25, 0.75]) - gammaln([dim / 2, 0.5])))
    return float(dim * roots[1] / roots[0])


_FEW: Final = 8
ESTIMATES: Final = {"matheron": matheron, "cressie": cressie}


@dataclass(frozen=True, eq=False)
class Estimated:
    """What a pass found of one sector, (m,) each: distances and semivariances NaN where there are no pairs."""

    distance_km: Values
    gamma: Values
    count: NDArray[np.int64]
    standard_error: Values
    blocks: BlockSums | None = None


def per_sector(
    sectors: int, distance_km: Values, gamma: Values, count: NDArray[np.int64], standard_error: Values
) -> list[Estimated]:
    """Classes (sectors times (m + 1),) as sectors, without the class outside the lags."""
    parts = (of.reshape(sectors, -1)[:, :-1] for of in (distance_km, gamma, count, standard_error))
    return [Estimated(*one) for one in zip(*parts, strict=True)]


@dataclass(frozen=True, eq=False)
class LagSums:
    """Adds up what an estimator averages: counts, distances and differences of each lag, sector by sector.

    Attributes:
        differences: of the values.
        lags: how many.
        sectors: how many.
        directions: needed where there are two sectors or more.
        rooted: whether the root of the distance of values is added instead of half its square.
    """

    differences: Differences
    lags: int
    sectors: int
    directions: Directions | None
    rooted: bool

    def empty(self) -> Sums:
        """As :class:`~periplus.spatial.pairs.tiles.Consumer`."""
        shape = self.sectors, self.lags
        return {"count": np.zeros(shape, np.int64), "arc": np.zeros(shape), "total": np.zeros(shape)}

    def take(self, tile: Tile, sums: Sums) -> None:
        """As :class:`~periplus.spatial.pairs.tiles.Consumer`."""
        value = self.differences.of(tile)
        if self.rooted:
            value *= 2
            np.sqrt(value, out=value)
            np.sqrt(value, out=value)
        nearest, farthest = tile.span()
        if self.directions is None and not tile.diagonal and farthest - nearest < _FEW:
            for lag in range(max(nearest, 0), min(farthest, self.lags - 1) + 1):
                self._add_lag(tile, value, lag, nearest == farthest, sums)
            return
        classes = classes_of(tile, self.directions).ravel()
        sums["count"] += self._binned(classes, None)
        sums["arc"] += self._binned(classes, tile.arc)
        sums["total"] += self._binned(classes, value)

    def _add_lag(self, tile: Tile, value: Values, lag: int, all_in: bool, sums: Sums) -> None:
        """Add the pairs of one lag: far quicker than bins where places are compact and a tile has few lags."""
        if all_in:
            number, arc, total = value.size, tile.arc.sum(), value.sum()
        else:
            inside, more = (np.asarray(tile.buffer(name, np.bool_), np.bool_) for name in ("inside", "more"))
            np.greater_equal(tile.arc, tile.classes.edges[lag], out=inside)
            np.less(tile.arc, tile.classes.edges[lag + 1], out=more)
            inside &= more
            ones = np.asarray(tile.buffer("ones"), np.float64)
            np.copyto(ones, inside)
            number = int(np.count_nonzero(inside))
            arc, total = (np.dot(ones.ravel(), of.ravel()) for of in (tile.arc, value))
        for name, of in (("count", number), ("arc", arc), ("total", total)):
            sums[name][0, lag] += of

    def _binned(self, classes: NDArray[np.intp], weights: Values | None) -> NDArray[np.generic]:
        width = self.lags + 1
        found = np.bincount(classes, None if weights is None else weights.ravel(), self.sectors * width)
        return np.asarray(found.reshape(self.sectors, width)[:, : self.lags])


def classes_of(tile: Tile, directions: Directions | None) -> NDArray[np.intp]:
    """Sector times (m + 1) plus lag, of all pairs of a tile."""
    return tile.lag if directions is None else directions.classes(tile)

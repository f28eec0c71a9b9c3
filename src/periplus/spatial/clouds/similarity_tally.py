"""What a tile of pairs adds to similarity against distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.geo import EARTH_RADIUS_KM
from periplus.spatial.clouds.cloud import SimilaritySettings
from periplus.spatial.clouds.correlation import Counts, Values
from periplus.spatial.clouds.worst_pairs import Pairs, Rows, WorstRule, above, lowest_score, scored_pairs
from periplus.spatial.pairs.tiles import Sums, Tile
from periplus.spatial.pairs.workspace import Workspace

MOMENTS: Final = 9
"""n, Σd, Σs, Σd², Σs², Σds, Σl, Σl², Σls of distance d in km, similarity s, and l = log d."""


@dataclass(frozen=True, eq=False)
class _Flat:
    """The pairs of a tile that count, one after the other, (m,) each.

    Attributes:
        lag: class of distance.
        km: distance.
        alike: similarity.
        row, column: ``of`` gives the two places of pairs in the order of the pass.
    """

    tile: Tile
    places: Rows | None
    lag: NDArray[np.intp]
    km: Values
    alike: NDArray[np.float32]

    def of(self, found: Rows) -> tuple[Rows, Rows]:
        """Places of some pairs in the order of the pass."""
        row, column = np.divmod(found if self.places is None else self.places[found], self.tile.arc.shape[1])
        return row + self.tile.rows.start, column + self.tile.columns.start


@dataclass(eq=False)
class SimilarityTally:
    """Counts, sums and the worst pairs of tiles: the consumer of the pass.

    Attributes:
        vectors: (n, d), in the pass's order.
        rows: int64 (n,), the caller's row of each.
        settings: of the study.
        lowest: no similarity is below it.
        far_floor, near_floor: pairs that come after cannot be taken; whoever reads the sums may raise them at any time.
    """

    vectors: NDArray[np.floating]
    rows: Rows
    settings: SimilaritySettings
    lowest: float
    far_floor: Pairs | None = None
    near_floor: Pairs | None = None

    def __post_init__(self) -> None:
        """Prepare."""
        self.rule = WorstRule(self.settings.worst, self.settings.per_photo)

    def empty(self) -> Sums:
        """Sums of no pairs; ``counts`` are those of as many classes of distance as occur, from ``first`` on."""
        return {
            "first": np.zeros(1, np.int64),
            "counts": np.empty((0, self.settings.similarity_classes), np.int64),
            "total": np.zeros(self.settings.distance_classes),
            "moments": np.zeros(MOMENTS),
            "far": np.empty((3, 0), np.int64),
            "near": np.empty((3, 0), np.int64),
        }

    def take(self, tile: Tile, sums: Sums) -> None:
        """Add a tile."""
        pairs = self._flat(tile)
        if len(pairs.lag):
            _add_counts(sums, *self._counts(pairs))
            total, moments = self._sums(pairs)
            np.add(sums["total"], total, out=sums["total"])
            np.add(sums["moments"], moments, out=sums["moments"])
            self._worst(pairs, sums)

    def _flat(self, tile: Tile) -> _Flat:
        alike = _float32(tile.workspace, "similarity", tile.arc.shape)
        a, b = (self.vectors[run].astype(np.float32, copy=False) for run in (tile.rows, tile.columns))
        np.matmul(a, b.T, out=alike)
        km = np.multiply(tile.arc, EARTH_RADIUS_KM, out=_float64(tile.workspace, "km", tile.arc.shape))
        if tile.columns.start >= tile.rows.stop:
            return _Flat(tile, None, tile.lag.ravel(), km.ravel(), alike.ravel())
        places = np.flatnonzero(tile.lag < self.settings.distance_classes)
        return _Flat(tile, places, tile.lag.ravel()[places], km.ravel()[places], alike.ravel()[places])

    def _counts(self, pairs: _Flat) -> tuple[int, Counts]:
        """The first class of distance that occurs, and counts from it on; similarities are scaled and cut off."""
        space, shape, classes = pairs.tile.workspace, pairs.lag.shape, self.settings.similarity_classes
        scaled = np.subtract(pairs.alike, np.float32(self.lowest), out=_float32(space, "scaled", shape))
        np.multiply(scaled, np.float32(classes / (1 - self.lowest)), out=scaled)
        np.clip(scaled, 0, classes - 1, out=scaled)
        joint, cell = (np.asarray(space.buffer(name, shape, np.intp), np.intp) for name in ("joint", "shifted"))
        np.copyto(joint, scaled, casting="unsafe")
        first, last = int(pairs.lag.min()), int(pairs.lag.max())
        np.subtract(pairs.lag, first, out=cell)
        np.multiply(cell, classes, out=cell)
        np.add(joint, cell, out=joint)
        return first, np.bincount(joint, minlength=(last - first + 1) * classes).reshape(-1, classes)

    def _sums(self, pairs: _Flat) -> tuple[Values, Values]:
        """Sums of similarity by class of distance, and the moments, in float64."""
        space, km = pairs.tile.workspace, pairs.km
        s, log = (_float64(space, name, km.shape) for name in ("exact", "log"))
        np.copyto(s, pairs.alike)
        np.log(np.maximum(km, self.settings.min_km, out=log), out=log)
        moments = [len(s), km.sum(), s.sum(), km @ km, s @ s, km @ s, log.sum(), log @ log, log @ s]
        return np.asarray(np.bincount(pairs.lag, s, self.settings.distance_classes), np.float64), np.array(
            moments, np.float64
        )

    def _worst(self, pairs: _Flat, sums: Sums) -> None:
        """Keep the pairs that may be among the worst."""
        km, alike = pairs.km, pairs.alike
        low = lowest_score(self.far_floor)
        if alike.max() >= low and km.max() >= self.settings.far_km:
            found = np.flatnonzero((alike >= low) & (km >= self.settings.far_km))
            sums["far"] = self._kept(sums["far"], self._scored(pairs, found, 1), self.far_floor)
        if km.min() < self.settings.near_km:
            found = np.flatnonzero((km < self.settings.near_km) & (-alike >= lowest_score(self.near_floor)))
            sums["near"] = self._kept(sums["near"], self._scored(pairs, found, -1), self.near_floor)

    def _scored(self, pairs: _Flat, found: Rows, sign: int) -> Pairs:
        a, b = pairs.of(found)
        return scored_pairs(sign * pairs.alike[found], self.rows[a], self.rows[b])

    def _kept(self, held: NDArray[np.generic], more: Pairs, floor: Pairs | None) -> Pairs:
        """Of one pair of blocks; bounded by the rule."""
        before = np.asarray(held, np.int64)
        more = above(above(more, floor), self.rule.floor(before))
        if not more.shape[1]:
            return before
        both = np.concatenate([before, more], axis=1)
        return self.rule.keep(both) if both.shape[1] >= self.rule.size else both


def _add_counts(sums: Sums, first: int, counts: Counts) -> None:
    """Add counts of some classes of distance to those of others."""
    held, low = np.asarray(sums["counts"], np.int64), int(sums["first"][0])
    if not len(held):
        sums["first"], sums["counts"] = np.array([first]), counts
        return
    start, stop = min(low, first), max(low + len(held), first + len(counts))
    if stop - start > len(held):
        wider = np.zeros((stop - start, counts.shape[1]), np.int64)
        wider[low - start : low - start + len(held)] = held
        sums["first"], sums["counts"], held = np.array([start]), wider, wider
    held[first - start : first - start + len(counts)] += counts


def _float64(space: Workspace, name: str, shape: tuple[int, ...]) -> Values:
    return np.asarray(space.buffer(name, shape, np.float64), np.float64)


def _float32(space: Workspace, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.asarray(space.buffer(name, shape, np.float32), np.float32)

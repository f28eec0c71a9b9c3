"""Pairs of places drawn for every lag: uniformly from all its pairs, however rare they are among random ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.geo import chord_from_km, distance_km, to_unit
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags
from periplus.spatial.variograms.pair_cells import Candidates, Rows, all_candidates, near_candidates

Values = NDArray[np.float64]
_BATCH: Final = 1 << 18
_PILOT: Final = 1 << 14
_CENSUS: Final = 4
"""Up to so many times the pairs wanted, candidates are all looked at..."""
_MOST_KEPT: Final = 1 << 23
"""... unless they are more than this."""
_MOST_PROPOSALS: Final = 1 << 25
"""Random pairs that all lags share; a lag with candidates of its own has a quarter."""
_PROPOSALS_A_PLACE: Final = 2
"""How many proposals could be made while a grid is made of a place."""
_POOR: Final = 1 / 64
"""A finer grid is tried where fewer of the candidates lie in the lag."""
_REACHES: Final = (1, 3, 5, 8)


@dataclass(frozen=True, eq=False)
class LagPairs:
    """Pairs of one lag.

    Attributes:
        first, second: int64 (p,), rows of places.
        distance_km: (p,).
        in_all: pairs that the lag has: exactly so in a census, otherwise an estimate.
        census: whether these are all pairs, once each; otherwise drawn with replacement, each of the lag's with the
            same probability.
    """

    first: Rows
    second: Rows
    distance_km: Values
    in_all: float
    census: bool


class PairDraws:
    """Draws pairs lag by lag.

    Args:
        lat_deg, lon_deg: (n,) degrees.
        lags: the classes of distance.
        number: pairs wanted a lag.
        seed: of the draws.

    Lags that random pairs hit often share them. For the others candidates come from a grid whose cells suit the lag,
    are drawn uniformly (a pair of cells with probability proportional to its candidates, then two places), and are
    rejected where their distance is another: what remains is uniform over the lag. Where candidates are few, all are
    looked at. Lags near the antipodes have a grid of places against mirrored places.
    """

    def __init__(self, lat_deg: Values, lon_deg: Values, lags: Lags, number: int, seed: int) -> None:
        self._lat, self._lon, self._lags, self._number, self._seed = lat_deg, lon_deg, lags, number, seed
        self._xyz = to_unit(lat_deg, lon_deg)
        self._batch = min(_BATCH, max(_PILOT, 16 * number))
        self._squares = chord_from_km(lags.edges_km) ** 2
        if lags.edges_km[-1] >= HALF_GIRTH_KM:
            self._squares[-1] = np.inf

    def all_lags(self) -> tuple[LagPairs, ...]:
        """The pairs of every lag."""
        everything = all_candidates(len(self._xyz))
        found: dict[int, LagPairs] = {}
        shared = self._frequent(everything)
        if len(shared):
            found |= self._drawn(everything, shared, _MOST_PROPOSALS, self._rng(0))
        for lag in range(len(self._lags)):
            if lag not in found:
                rng = self._rng(1 + lag)
                found |= self._drawn(self._candidates(lag, everything, rng), [lag], _MOST_PROPOSALS // 4, rng)
        return tuple(found[lag] for lag in range(len(self._lags)))

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, stream])

    def _few(self, pool: Candidates, lags: int) -> bool:
        return pool.total <= min(_CENSUS * self._number * lags, _MOST_KEPT)

    def _frequent(self, everything: Candidates) -> list[int]:
        """The lags for which random pairs cost less than grids: as many of the most frequent as makes the sum least."""
        m = len(self._lags)
        if self._few(everything, m):
            return list(range(m))
        hits = np.bincount(self._proposed(everything, self._batch, self._rng(m + 1))[2], minlength=m + 2)[1 : m + 1]
        order = np.argsort(-hits, kind="stable")
        grid = _PROPOSALS_A_PLACE * len(self._xyz) + 16 * self._number
        proposals = np.concatenate([[0], self._number * self._batch / np.maximum(hits[order], 0.5)])
        proposals[proposals > _MOST_PROPOSALS] = np.inf
        return sorted(order[: int(np.argmin(proposals + grid * np.arange(m, -1, -1)))].tolist())

    def _candidates(self, lag: int, everything: Candidates, rng: np.random.Generator) -> Candidates:
        """Candidates for one lag, the coarsest grid that is good enough."""
        low, high = (float(edge) for edge in self._lags.edges_km[lag : lag + 2])
        mirrored = HALF_GIRTH_KM - low < high
        ends = (HALF_GIRTH_KM - high, HALF_GIRTH_KM - low) if mirrored else (low, high)
        near, far = (float(chord) for chord in chord_from_km(ends))
        best, lookups = everything, None
        for reach in _REACHES:
            made = near_candidates(self._xyz, near, far, reach, mirrored, lookups)
            if made is None:
                break
            best = made if made.total < best.total else best
            if self._few(best, 1):
                break
            share = np.mean(self._proposed(best, _PILOT, rng)[2] == lag + 1)
            if share >= _POOR:
                break
            # A finer grid may take as long as the proposals that it is to save.
            lookups = int(min(self._number / max(share, 1 / _PILOT), _MOST_PROPOSALS))
        return best

    def _proposed(self, pool: Candidates, number: int, rng: np.random.Generator) -> tuple[Rows, Rows, NDArray[np.intp]]:
        """Random candidates, and 1 + their lag: 0 below the first, m + 1 beyond the last."""
        first, second = pool.rows(np.sort(rng.integers(0, pool.total, number)))
        return first, second, self._slots(first, second)

    def _slots(self, first: Rows, second: Rows) -> NDArray[np.intp]:
        step = self._xyz.take(first, 0)
        step -= self._xyz.take(second, 0)
        return np.asarray(np.searchsorted(self._squares, np.einsum("ij,ij->i", step, step), side="right"))

    def _drawn(self, pool: Candidates, wanted: list[int], budget: int, rng: np.random.Generator) -> dict[int, LagPairs]:
        """Pairs of the lags ``wanted`` from candidates that hold all of theirs."""
        if self._few(pool, len(wanted)):
            return self._census(pool, wanted)
        m = len(self._lags)
        kept: dict[int, list[tuple[Rows, Rows, Values]]] = {lag: [] for lag in wanted}
        missing = np.full(m + 2, 0)
        missing[np.array(wanted) + 1] = self._number
        hits, proposals = np.zeros(m + 2, np.int64), 0
        while proposals < min(budget, pool.total) and missing.any():
            first, second, slots = self._proposed(pool, self._batch, rng)
            hits += np.bincount(slots, minlength=m + 2)
            proposals += self._batch
            use = np.flatnonzero(missing[slots] > 0)
            for slot, chosen in _by_slot(slots[use], use):
                if len(chosen) > missing[slot]:
                    chosen = rng.choice(chosen, missing[slot], replace=False)
                found = self._within(first[chosen], second[chosen], slot - 1)
                kept[slot - 1].append(found)
                missing[slot] -= len(found[0])
        share = pool.total / (2 if pool.twice else 1) / proposals
        answer = {lag: _joined(kept[lag], float(hits[lag + 1] * share)) for lag in wanted}
        # What would have to be drawn more often than once a candidate is counted instead.
        rare = [lag for lag in wanted if missing[lag + 1] and pool.total <= budget]
        return answer | (self._census(pool, rare) if rare else {})

    def _within(self, first: Rows, second: Rows, lag: int) -> tuple[Rows, Rows, Values]:
        """Those pairs that the exact distance puts into the lag too, and that distance."""
        km = distance_km(self._lat[first], self._lon[first], self._lat[second], self._lon[second])
        same = self._lags.assign(km) == lag
        return first[same], second[same], km[same]

    def _census(self, pool: Candidates, wanted: list[int]) -> dict[int, LagPairs]:
        """All pairs of the lags ``wanted``."""
        near = np.zeros(len(self._lags) + 2, np.bool_)
        for step in (0, 1, 2):
            near[np.array(wanted) + step] = True
        kept: dict[int, list[tuple[Rows, Rows, Values]]] = {lag: [] for lag in wanted}
        for start in range(0, pool.total, _BATCH):
            first, second = pool.rows(np.arange(start, min(start + _BATCH, pool.total)))
            use = near[self._slots(first, second)]
            if pool.twice:
                use &= first < second
            first, second = first[use], second[use]
            km = distance_km(self._lat[first], self._lon[first], self._lat[second], self._lon[second])
            for lag, chosen in _by_slot(self._lags.assign(km), np.arange(len(km))):
                if lag in kept:
                    kept[lag].append((first[chosen], second[chosen], km[chosen]))
        return {lag: _joined(parts) for lag, parts in kept.items()}


def _by_slot(slots: NDArray[np.intp], rows: NDArray[np.intp]) -> Iterable[tuple[int, NDArray[np.intp]]]:
    """The ``rows`` of each slot that has some."""
    order = np.argsort(slots, kind="stable")
    found, starts = np.unique(slots[order], return_index=True)
    return zip(found.tolist(), np.split(rows[order], starts[1:]), strict=True) if len(found) else ()


def _joined(parts: list[tuple[Rows, Rows, Values]], in_all: float | None = None) -> LagPairs:
    """One record of all parts; without ``in_all`` a census."""
    none = np.zeros(0, np.int64)
    first, second, km = (np.concatenate(column) for column in zip((none, none, np.zeros(0)), *parts, strict=True))
    return LagPairs(first, second, km, float(len(first)) if in_all is None else in_all, in_all is None)

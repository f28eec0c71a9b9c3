"""Dowd's estimator: medians of differences by lag, exact to a millionth, from a few passes that only count."""

from __future__ import annotations

from typing import Final

import numpy as np

from periplus.geo import EARTH_RADIUS_KM
from periplus.spatial.pairs.blocks import Values
from periplus.spatial.pairs.checkpoint import Checkpoint, State
from periplus.spatial.variograms.estimators import Estimated, per_sector
from periplus.spatial.variograms.histograms import (
    Brackets,
    CoarseBins,
    CoarseHistogram,
    Counts,
    FineHistogram,
    first_brackets,
)
from periplus.spatial.variograms.jackknife import spread
from periplus.spatial.variograms.sums import PairPass

DOWD_FACTOR: Final = 2.198 / 2
_MOST_JACKKNIFE: Final = 1 << 24
_MOST_PASSES: Final = 8


def dowd_estimates(job: PairPass, checkpoint: Checkpoint) -> list[Estimated]:
    """Half of 2.198 times the squared median of absolute differences, sector by sector.

    Dowd 1984, The variogram and kriging: robust and resistant estimators, in Geostatistics for natural resources
    characterization. The median of an even number is the mean of the two middle values. The first pass counts on a
    coarse grid, each further one splits the bins that hold the middle values.

    The jackknife takes its medians from the coarse grid, as if values lay evenly in a bin (1 % wide for up to 32 lags);
    it is NaN where blocks times lags times bins exceed 16 million.
    """
    classes = job.sectors * (job.lags + 1)
    bins = CoarseBins(job.differences.largest, classes)
    state = _state(job, classes, bins)
    done = checkpoint.load(state)
    if state["stage"] == 0:
        done = _count_coarsely(job, classes, bins, state, done, checkpoint)
    coarse = state["coarse"].reshape(classes, bins.number)
    brackets = _refine(job, first_brackets(coarse, bins.edges), state, done, checkpoint)
    size = np.sqrt(2 * brackets.values()).mean(axis=0)
    gamma, count = DOWD_FACTOR * size**2, coarse.sum(axis=1)
    with np.errstate(invalid="ignore"):
        arc = np.where(count > 0, state["arc"] / np.maximum(count, 1), np.nan)
    error = _jackknife(state["blocks"].reshape(-1, classes, bins.number), coarse, bins.edges)
    return per_sector(job.sectors, arc * EARTH_RADIUS_KM, gamma, count, error)


def _state(job: PairPass, classes: int, bins: CoarseBins) -> State:
    cells = classes * bins.number
    blocks = len(job.plan.blocks)
    return {
        "stage": np.zeros((), np.int64),
        "arc": np.zeros(classes),
        "coarse": np.zeros(cells, np.int64),
        "blocks": np.zeros((blocks if blocks * cells <= _MOST_JACKKNIFE else 0, cells), np.int64),
        **{name: np.zeros((2, classes)) for name in ("low", "high")},
        **{name: np.zeros((2, classes), np.int64) for name in ("below", "inside")},
        "fine": np.zeros(Brackets.bins_of(2 * classes) * 2 * classes, np.int64),
    }


def _count_coarsely(
    job: PairPass, classes: int, bins: CoarseBins, state: State, done: int, checkpoint: Checkpoint
) -> int:
    """The first pass; returns 0, the pairs of blocks done of the next."""
    consumer = CoarseHistogram(job.differences, job.directions, bins, classes)
    for k, sums in job.walk(consumer, state, done, checkpoint):
        state["coarse"] += sums["histogram"]
        state["arc"] += sums["arc"]
        if len(state["blocks"]):
            for block in set(job.plan.pairs[k].tolist()):
                state["blocks"][block] += sums["histogram"]
    state["stage"][...] = 1
    first = first_brackets(state["coarse"].reshape(classes, bins.number), bins.edges)
    _store(first, state)
    checkpoint.save(0, state)
    return 0


def _refine(job: PairPass, first: Brackets, state: State, done: int, checkpoint: Checkpoint) -> Brackets:
    """Split brackets until they are narrow."""
    brackets = Brackets(state["low"], state["high"], state["below"], state["inside"], first.rank)
    for _ in range(_MOST_PASSES):
        split = brackets.open(job.differences.largest)
        split[:, job.lags :: job.lags + 1] = False
        if not split.any():
            break
        consumer = FineHistogram(job.differences, job.directions, brackets, split)
        for _, sums in job.walk(consumer, state, done, checkpoint):
            np.add.at(state["fine"], sums["cells"], 1)
        steps = np.arange(brackets.bins + 1) / brackets.bins
        edges = brackets.low[..., None] + (brackets.high - brackets.low)[..., None] * steps
        brackets = brackets.narrowed(state["fine"].reshape(*split.shape, brackets.bins), edges, split)
        state["fine"][...], done = 0, 0
        _store(brackets, state)
        checkpoint.save(0, state)
    return brackets


def _store(brackets: Brackets, state: State) -> None:
    for name in ("low", "high", "below", "inside"):
        state[name] = getattr(brackets, name).copy()


def _jackknife(blocks: Counts, coarse: Counts, edges: Values) -> Values:
    """Standard errors by class, from the histograms of the pairs that touch each block (b, classes, bins)."""
    if not len(blocks):
        return np.full(len(coarse), np.nan)
    left_out = np.stack([_coarse_gamma(coarse - block, edges) for block in blocks])
    touches = blocks.sum(axis=2)
    return spread(left_out, coarse.sum(axis=1) - touches > 0, touches > 0)


def _coarse_gamma(histogram: Counts, edges: Values) -> Values:
    size = np.sqrt(2 * first_brackets(histogram, edges).values()).mean(axis=0)
    return np.asarray(DOWD_FACTOR * size**2)

"""What all pairs of photos add up to, for similarity against distance; a broken pass goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from periplus.spatial.clouds.correlation import Counts, Values
from periplus.spatial.clouds.similarity_tally import MOMENTS, SimilarityTally
from periplus.spatial.clouds.worst_pairs import Pairs, WorstRule, above
from periplus.spatial.pairs.checkpoint import Checkpoint, State
from periplus.spatial.pairs.tiles import PassSettings, Plan, Sums, walk


@dataclass(frozen=True, eq=False)
class Totals:
    """Of all pairs, and of the pairs that each block of places takes part in: one inside a block is there once.

    Attributes:
        counts, touched_counts: int64 (L, S) and (B, L, S), pairs by class of distance and of similarity.
        total, touched_total: (L,) and (B, L), sums of similarity.
        moments, touched_moments: (9,) and (B, 9), as
            :data:`~periplus.spatial.clouds.similarity_tally.MOMENTS` lists them.
        far, near: candidates for the worst pairs.
    """

    counts: Counts
    touched_counts: Counts
    total: Values
    touched_total: Values
    moments: Values
    touched_moments: Values
    far: Pairs
    near: Pairs


def add_up(plan: Plan, tally: SimilarityTally, how: PassSettings, key: str) -> Totals:
    """Run the pass.

    Args:
        plan: which pairs.
        tally: what is done with them.
        how: workers, checkpoint, progress.
        key: names the pass in its checkpoint.
    """
    state = _empty(plan, tally)
    checkpoint = Checkpoint(how.checkpoint, key)
    done, whole = checkpoint.load(state), True
    try:
        for sums in walk(plan, tally, how, done):
            whole = False
            _add(state, sums, *plan.pairs[done].tolist())
            tally.far_floor = _merge(tally.rule, state["far"], np.asarray(sums["far"]), tally.far_floor)
            tally.near_floor = _merge(tally.rule, state["near"], np.asarray(sums["near"]), tally.near_floor)
            done, whole = done + 1, True
            checkpoint.save(done, state)
    except BaseException:
        # While a pair of blocks is added the state is neither before nor after it.
        if whole and done:
            checkpoint.save(done, state, now=True)
        raise
    checkpoint.remove()
    return Totals(**state | {name: _held(state[name]) for name in ("far", "near")})


def _empty(plan: Plan, tally: SimilarityTally) -> State:
    classes = tally.settings.distance_classes, tally.settings.similarity_classes
    sums: State = {"counts": np.zeros(classes, np.int64), "total": np.zeros(classes[0]), "moments": np.zeros(MOMENTS)}
    touched = {"touched_" + name: np.zeros((len(plan.blocks), *of.shape), of.dtype) for name, of in sums.items()}
    return sums | touched | {name: np.full((3, 2 * tally.rule.size), -1, np.int64) for name in ("far", "near")}


def _add(state: State, sums: Sums, first: int, second: int) -> None:
    """Add the sums of a pair of blocks to all and to what its blocks touch."""
    low = int(sums["first"][0])
    for name in ("counts", "total", "moments"):
        of = slice(low, low + len(sums["counts"])) if name == "counts" else slice(None)
        state[name][of] += sums[name]
        for block in {first, second}:
            state["touched_" + name][block, of] += sums[name]


def _merge(rule: WorstRule, held: Pairs, more: Pairs, floor: Pairs | None) -> Pairs | None:
    """Put pairs among those held, in place (empty columns are -1), and return the floor, risen where they overflow."""
    more, m = above(more, floor), int(np.count_nonzero(held[1] >= 0))
    if m + more.shape[1] <= held.shape[1]:
        held[:, m : m + more.shape[1]] = more
        return floor
    kept = rule.keep(np.concatenate([held[:, :m], more], axis=1))
    held[...] = -1
    held[:, : kept.shape[1]] = kept
    risen = rule.floor(kept)
    return floor if risen is None else risen


def _held(pairs: Pairs) -> Pairs:
    return pairs[:, pairs[1] >= 0]

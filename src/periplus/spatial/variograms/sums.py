"""One job on all pairs: what is compared, and the walk over it that keeps its checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from periplus.spatial.pairs.checkpoint import Checkpoint, State
from periplus.spatial.pairs.tiles import Consumer, PassSettings, Plan, Sums, walk
from periplus.spatial.variograms.directions import Directions
from periplus.spatial.variograms.values import Differences


@dataclass(frozen=True, eq=False)
class PairPass:
    """What is compared with what, and how.

    Attributes:
        plan: which pairs.
        differences: of the values.
        directions: where there are sectors.
        sectors: how many.
        how: threads, backend, progress.
    """

    plan: Plan
    differences: Differences
    directions: Directions | None
    sectors: int
    how: PassSettings

    @property
    def lags(self) -> int:
        """How many lags a sector has."""
        return len(self.plan.lags)

    def walk(self, consumer: Consumer, state: State, done: int, checkpoint: Checkpoint) -> Iterator[tuple[int, Sums]]:
        """Numbers and sums of the pairs of blocks from ``done`` on; the reader adds each to ``state``.

        The state is saved every now and then, and when the pass is broken off.
        """
        at, whole = done, True
        try:
            for sums in self._walk(consumer, done):
                whole = False
                yield at, sums
                at += 1
                whole = True
                checkpoint.save(at, state)
        except BaseException:
            # While the reader adds a pair of blocks the state is neither before nor after it.
            if whole:
                checkpoint.save(at, state, now=True)
            raise

    def _walk(self, consumer: Consumer, done: int) -> Iterator[Sums]:
        if self.how.backend == "numpy":
            return walk(self.plan, consumer, self.how, done)
        from periplus.spatial.variograms.torch_tiles import torch_walk

        return torch_walk(self.plan, consumer, self.how, done)

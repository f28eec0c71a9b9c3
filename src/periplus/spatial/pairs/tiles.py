"""The one pass over all pairs of places i < j: tile by tile, on threads, in a fixed order.

What is done with a tile is a parameter (:class:`Consumer`). A pass never holds more than a tile a worker, and its
results never depend on the number of workers: each pair of blocks has sums of its own, handed out in one order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from periplus.errors import UsageError
from periplus.geo import to_unit
from periplus.spatial.pairs.blocks import Blocks, Rows, Values, caps, compact_blocks, gaps
from periplus.spatial.pairs.classes import ArcClasses
from periplus.spatial.pairs.lags import Lags
from periplus.spatial.pairs.workspace import Workspace

ROWS: Final = 320
COLUMNS: Final = 320
"""A tile is at most so large: small enough for a core's cache, large enough that threads seldom wait for each other."""
CLOSE: Final = 0.01
"""Below so many Earth radii (64 km) distances come from differences, where an arc cosine would lose digits."""

Sums = dict[str, NDArray[Any]]
"""What one pair of blocks adds up to, by name."""


@dataclass(frozen=True)
class PassSettings:
    """How a pass over all pairs is done; none of it changes a result beyond rounding, ``workers`` not a bit.

    Attributes:
        workers: threads.
        blocks: compact blocks of places, fewer where places are few or lags many.
        backend: ``numpy``, or ``torch`` on ``device`` (``cpu``, ``cuda``).
        checkpoint: a file that a broken pass goes on from; None for none.
        progress: called with pairs done and pairs in all.

    Raises:
        UsageError: a number below 1, or an unknown backend.
    """

    workers: int = 1
    blocks: int = 64
    backend: Literal["numpy", "torch"] = "numpy"
    device: str = "cpu"
    checkpoint: Path | None = None
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        """Check."""
        if self.workers < 1 or self.blocks < 1:
            raise UsageError(f"{self.workers} workers on {self.blocks} blocks do nothing; give at least one of each.")
        if self.backend not in ("numpy", "torch"):
            raise UsageError(f"There is no backend {self.backend!r}; choose numpy or torch.")


class Tile:
    """Pairs of a run of places with another.

    Attributes:
        rows, columns: the two runs, in the pass's order of places (``plan.blocks.order`` gives the rows of the input).
        arc: float64 (r, c), great-circle distances in Earth radii.
        close: whether some pair may be nearer than 64 km: there are few such tiles, and their values deserve care.
        diagonal: whether some pairs are to be left out because the tile has them twice; ``lag`` tells which.
        workspace: of the worker that holds the tile.
        classes: of distance.
    """

    def __init__(
        self, rows: slice, columns: slice, arc: Values, classes: ArcClasses, workspace: Workspace, *, close: bool
    ) -> None:
        self.rows, self.columns, self.arc, self.close = rows, columns, arc, close
        self.classes, self.workspace = classes, workspace
        self.diagonal = columns.start < rows.stop and rows.start < columns.stop
        self._lag: NDArray[np.intp] | None = None

    def buffer(self, name: str, dtype: type = np.float64) -> NDArray[np.generic]:
        """A buffer of the tile's shape."""
        return self.workspace.buffer(name, self.arc.shape, dtype)

    @property
    def lag(self) -> NDArray[np.intp]:
        """Intp (r, c), 0 to m - 1; m where a pair lies outside the lags or is to be left out."""
        if self._lag is None:
            self._lag = np.asarray(self.buffer("lag", np.intp), np.intp)
            self.classes.of(self.arc, self._lag, self.workspace)
            if self.diagonal:
                across, down = (np.arange(run.start, run.stop) for run in (self.columns, self.rows))
                self._lag[across <= down[:, None]] = self.classes.number
        return self._lag

    def span(self) -> tuple[int, int]:
        """The lags of the nearest and of the farthest pair; -1 below the first lag, m beyond the last."""
        nearest, farthest = np.searchsorted(self.classes.edges, [self.arc.min(), self.arc.max()], side="right") - 1
        return int(nearest), int(farthest)


class Consumer(Protocol):
    """What is done with tiles."""

    def empty(self) -> Sums:
        """Sums of no pairs."""

    def take(self, tile: Tile, sums: Sums) -> None:
        """Add a tile to the sums of its pair of blocks; called from several threads, each with sums of its own."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Which pairs are looked at, in which order.

    Attributes:
        blocks: the compact blocks.
        xyz: unit vectors (n, 3), in the order of blocks.
        lags: the classes of distance.
        pairs: int64 (p, 2), pairs of blocks that may hold pairs of places within the lags, first <= second.
        weights: int64 (p,), pairs of places in each.
    """

    blocks: Blocks
    xyz: Values
    lags: Lags
    pairs: Rows
    weights: Rows

    def __len__(self) -> int:
        return len(self.pairs)


def make_plan(lat_deg: Values, lon_deg: Values, lags: Lags, blocks: int) -> Plan:
    """Order places and choose the pairs of blocks that lie within the lags."""
    xyz = to_unit(lat_deg, lon_deg)
    made = compact_blocks(xyz, blocks)
    near, far = gaps(made.centres, made.radii, made.centres, made.radii)
    np.fill_diagonal(near, 0.0)
    ends = lags.arcs
    within = np.triu((near < ends[-1]) & (far >= ends[0]))
    pairs = np.argwhere(within).astype(np.int64)
    sizes = np.diff(made.starts)
    first, second = sizes[pairs[:, 0]], sizes[pairs[:, 1]]
    weights = np.where(pairs[:, 0] == pairs[:, 1], first * (first - 1) // 2, first * second)
    return Plan(made, np.ascontiguousarray(xyz[made.order]), lags, pairs, weights)


def walk(plan: Plan, consumer: Consumer, how: PassSettings, start: int = 0) -> Iterator[Sums]:
    """The sums of each pair of blocks from number ``start`` on, in the order of ``plan.pairs``.

    Calls ``how.progress``. BLAS has one thread meanwhile; ``how.workers`` threads work, at most two pairs of blocks
    a worker ahead of the reader.
    """
    done, total = int(plan.weights[:start].sum()), int(plan.weights.sum())
    passing = _Pass(plan, consumer, how.workers)
    todo = iter(range(start, len(plan)))
    waiting: deque[tuple[int, Future[Sums]]] = deque()
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(how.workers) as pool:
        try:
            while True:
                while len(waiting) < 2 * how.workers + 1 and (k := next(todo, -1)) >= 0:
                    waiting.append((k, pool.submit(passing.pair, k)))
                if not waiting:
                    return
                k, future = waiting.popleft()
                yield future.result()
                done += int(plan.weights[k])
                if how.progress is not None:
                    how.progress(done, total)
        finally:
            passing.stopped = True
            pool.shutdown(wait=True, cancel_futures=True)


class _Pass:
    """One pass: works off pairs of blocks."""

    def __init__(self, plan: Plan, consumer: Consumer, workers: int) -> None:
        self.plan, self.consumer, self.stopped = plan, consumer, False
        self.classes = ArcClasses(plan.lags.arcs)
        self.runs = [_Runs(plan, size) for size in (ROWS, COLUMNS)]
        self.spaces: SimpleQueue[Workspace] = SimpleQueue()
        for _ in range(workers):
            self.spaces.put(Workspace())

    def pair(self, k: int) -> Sums:
        """The sums of the k-th pair of blocks."""
        sums, space = self.consumer.empty(), self.spaces.get()
        try:
            for rows, columns, near in self._shapes(*(int(b) for b in self.plan.pairs[k])):
                if self.stopped:
                    break
                self.consumer.take(self._tile(rows, columns, near, space), sums)
        finally:
            self.spaces.put(space)
        return sums

    def _shapes(self, first: int, second: int) -> Iterator[tuple[slice, slice, float]]:
        """Tiles of a pair of blocks that may hold pairs within the lags, and the least distance in each."""
        rows, columns = self.runs[0].of(first), self.runs[1].of(second)
        near, far = gaps(rows.centres, rows.radii, columns.centres, columns.radii)
        use = (near < self.classes.edges[-1]) & (far >= self.classes.edges[0])
        for i, j in np.argwhere(use):
            down, across = rows.slices[i], columns.slices[j]
            if first < second or across.stop > down.start + 1:
                yield down, slice(max(across.start, down.start), across.stop) if first == second else across, near[i, j]

    def _tile(self, rows: slice, columns: slice, near: float, space: Workspace) -> Tile:
        a, b = self.plan.xyz[rows], self.plan.xyz[columns]
        close = near < CLOSE
        shape = len(a), len(b)
        arc = np.asarray(space.buffer("arc", shape), np.float64)
        if close:
            _near_arcs(a, b, arc)
        else:
            np.matmul(a, b.T, out=arc)
            np.clip(arc, -1, 1, out=arc)
            np.arccos(arc, out=arc)
        return Tile(rows, columns, arc, self.classes, space, close=bool(close))


@dataclass(frozen=True, eq=False)
class _Run:
    slices: list[slice]
    centres: Values
    radii: Values


class _Runs:
    """Blocks cut into runs of places of about equal length, each with its cap."""

    def __init__(self, plan: Plan, longest: int) -> None:
        starts = plan.blocks.starts
        cuts = [
            np.linspace(low, high, -(-int(high - low) // longest) + 1).astype(np.int64)[:-1]
            for low, high in pairwise(starts)
        ]
        self._bounds = np.concatenate([[0], np.cumsum([len(cut) for cut in cuts])])
        edges = np.concatenate([*cuts, starts[-1:]])
        self._slices = [slice(int(low), int(high)) for low, high in pairwise(edges)]
        self._centres, self._radii = caps(plan.xyz, edges)

    def of(self, block: int) -> _Run:
        """The runs of a block."""
        low, high = self._bounds[block], self._bounds[block + 1]
        return _Run(self._slices[low:high], self._centres[low:high], self._radii[low:high])


def _near_arcs(a: Values, b: Values, arc: Values) -> None:
    """Distances in Earth radii from chords by differences: exact for places that coincide."""
    np.square(a[:, :1] - b[:, 0], out=arc)
    for axis in (1, 2):
        arc += np.square(a[:, axis, None] - b[:, axis])
    np.sqrt(arc, out=arc)
    arc *= 0.5
    np.minimum(arc, 1, out=arc)
    np.arcsin(arc, out=arc)
    arc *= 2

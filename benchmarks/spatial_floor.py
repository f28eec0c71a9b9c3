"""The floor of a pass over all pairs of vectors: the bare matrix products of its tiles, and nothing else."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Block = NDArray[np.floating]


@dataclass(frozen=True)
class Floor:
    """How fast the products are.

    Attributes:
        seconds: of all tiles.
        pairs: of vectors that were multiplied.
        dim: numbers a vector.
    """

    seconds: float
    pairs: float
    dim: int

    @property
    def gflop_per_s(self) -> float:
        """A multiplication and an addition a number."""
        return 2 * self.pairs * self.dim / self.seconds / 1e9

    def for_pairs(self, pairs: float) -> float:
        """Seconds for so many pairs at this speed."""
        return self.seconds * pairs / self.pairs


def bare_products(vectors: Block, shape: tuple[int, int], workers: int, rounds: int = 3) -> Floor:
    """The tiles of the upper triangle of ``vectors @ vectors.T``, float32, on single-threaded workers.

    Args:
        vectors: (n, d); float32 is taken as it is, float16 is widened beforehand, which is not counted.
        shape: rows and columns of a tile.
        workers: threads, of one BLAS thread each.
        rounds: the best one counts.
    """
    wide = np.ascontiguousarray(vectors, np.float32)
    rows, columns = shape
    starts = range(0, len(wide), rows)

    def stripe(worker: int) -> int:
        buffer, pairs = np.empty(shape, np.float32), 0
        for start in list(starts)[worker::workers]:
            left = wide[start : start + rows]
            for other in range(start, len(wide), columns):
                right = wide[other : other + columns]
                np.matmul(left, right.T, out=buffer[: len(left), : len(right)])
                pairs += len(left) * len(right)
        return pairs

    best, pairs = np.inf, 0
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        for _ in range(rounds):
            begun = time.perf_counter()
            pairs = sum(pool.map(stripe, range(workers)))
            best = min(best, time.perf_counter() - begun)
    return Floor(best, pairs, wide.shape[1])


def bare_products_torch(vectors: Block, rows: int, device: str, rounds: int = 3) -> Floor:
    """Square float32 tiles of some vectors on a device, without TensorFloat-32."""
    torch = importlib.import_module("torch")
    torch.backends.cuda.matmul.allow_tf32 = False
    left = torch.from_numpy(np.ascontiguousarray(vectors[:rows], np.float32)).to(device)
    right = torch.from_numpy(np.ascontiguousarray(vectors[rows : 2 * rows], np.float32)).to(device)
    out = torch.empty((len(left), len(right)), device=device)
    wait: Callable[[], object] = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    times, best = 20, np.inf
    for _ in range(rounds + 1):
        wait()
        begun = time.perf_counter()
        for _ in range(times):
            torch.mm(left, right.T, out=out)
        wait()
        best = min(best, time.perf_counter() - begun)
    return Floor(best, float(times * len(left) * len(right)), vectors.shape[1])

"""Rows of vectors at unit length, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError

Vectors = NDArray[np.floating]
Rows = NDArray[np.int64]
Values = NDArray[np.float64]
Tick = Callable[[], None]
_NUMBERS: Final = 1 << 22
"""A block holds so many numbers, 32 MB of float64."""
T = TypeVar("T")
R = TypeVar("R")


def row_blocks(n: int, dim: int) -> list[slice]:
    """Runs of rows that fit a block; they depend on the shape alone, so that sums over them do, too."""
    rows = max(1, min(4096, _NUMBERS // dim))
    return [slice(start, min(n, start + rows)) for start in range(0, n, rows)]


def unit_rows(vectors: Vectors, rows: slice | Rows) -> tuple[Values, NDArray[np.bool_]]:
    """Some rows at unit length, float64, and which of them are not zero; those of zeros stay zero.

    Raises:
        UsageError: a number is not finite.
    """
    block = np.array(vectors[rows], np.float64)
    finite = np.isfinite(block).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        row = rows.start + first if isinstance(rows, slice) else int(rows[first])
        raise UsageError(f"Vector {row} has a number that is not finite; leave such vectors out.")
    norms = np.sqrt(np.einsum("ij,ij->i", block, block))
    block /= np.where(norms > 0, norms, 1)[:, None]
    return block, norms > 0


def gathered(vectors: Vectors, rows: Rows) -> NDArray[np.float32]:
    """Some rows at unit length, float32 (m, d), for products."""
    unit = np.empty((len(rows), vectors.shape[1]), np.float32)
    for block in row_blocks(len(rows), vectors.shape[1]):
        unit[block] = unit_rows(vectors, rows[block])[0]
    return unit


def on_threads(work: Callable[[T], R], parts: Iterable[T], workers: int, tick: Tick) -> Iterator[R]:
    """What ``work`` makes of each part, in the order of parts."""
    with ThreadPoolExecutor(workers) as threads:
        for result in threads.map(work, parts):
            tick()
            yield result

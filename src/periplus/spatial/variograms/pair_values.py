"""How much the values of given pairs of places differ."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.spatial.observations import Observations
from periplus.spatial.variograms.pair_cells import Rows

Values = NDArray[np.float64]
_BLOCK_NUMBERS: Final = 1 << 22
"""Numbers of vectors held at once, 16 MB, some times over."""
_WINDOW_NUMBERS: Final = 1 << 26


def pair_differences(observations: Observations, first: Rows, second: Rows) -> Values:
    """Half squared differences of pairs, or half products of the differences of two variables, float64 (p,).

    Vectors are subtracted in float32 and their squares summed in float64; whole rows are read, some at a time, in an
    order that sweeps an array mapped from a file instead of jumping about in it.

    Args:
        observations: values at places.
        first: int64 (p,), rows.
        second: the rows they are paired with.
    """
    values, other = observations.values, observations.other
    # First rows of a window stay in memory while second rows pass by.
    order = np.lexsort((second, first // max(1, _WINDOW_NUMBERS // observations.dim)))
    found = np.empty(len(first))
    size = max(1, _BLOCK_NUMBERS // observations.dim)
    for start in range(0, len(order), size):
        pairs = order[start : start + size]
        step = _steps(values, first[pairs], second[pairs])
        step *= step if other is None else _steps(other, first[pairs], second[pairs])
        found[pairs] = 0.5 * step.sum(axis=1, dtype=np.float64)
    return found


def _steps(values: NDArray[np.floating], first: Rows, second: Rows) -> NDArray[np.floating]:
    """Differences (p, d): of numbers in float64, of vectors in float32 or what is finer."""
    kind = np.float64 if values.ndim == 1 else np.result_type(values.dtype, np.float32)
    step = values[first].astype(kind, copy=False)
    step -= values[second].astype(kind, copy=False)
    return step.reshape(len(first), -1)

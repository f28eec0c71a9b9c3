"""How sure values are where photos of one author are not independent: many values from the same draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.evaluate.scores import Measured
from periplus.records import Interval

_BLOCK: Final = 1 << 22
"""At most this many counts are held at once."""

Codes = NDArray[np.int64]
Drawn = NDArray[np.float64]


def cluster_codes(labels: Sequence[str | None], ids: Sequence[str]) -> Codes:
    """The number of each query's cluster; a query without label is its own.

    Numbers go by labels and ids, so that the draws do not depend on the order of the queries.
    """
    names = sorted({label for label in labels if label is not None})
    number = {name: i for i, name in enumerate(names)}
    codes = np.array([number[label] if label is not None else -1 for label in labels], np.int64)
    alone = np.flatnonzero(codes < 0)
    codes[alone[np.argsort(np.asarray(ids, dtype=str)[alone], kind="stable")]] = len(names) + np.arange(len(alone))
    return codes


def clustered_intervals(
    measured: Mapping[str, Measured], codes: Codes, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """95 % percentile intervals of many values by the cluster bootstrap, all from the same draws.

    Of G clusters G are drawn with replacement, each with all its queries (Davison, Hinkley, Bootstrap Methods and their
    Application, 1997, § 3.8), B times. How often each was drawn is kept instead of the drawn queries: a mean is then a
    ratio of two products, a median the middle of the cumulated counts. Ends are values that occurred, as
    :func:`~periplus.evaluate.bootstrap_interval` has them; draws that hold no query that counts are left out.

    Args:
        measured: values of n queries.
        codes: (n,), clusters from 0 on, none empty.
        resamples: B.
        seed: of the draws.
    """
    drawn = _Drawn(measured, codes)
    parts: dict[str, list[Drawn]] = {name: [] for name in measured}
    for counts in _counts(int(codes.max()) + 1, len(codes), resamples, np.random.default_rng(seed)):
        for name, values in drawn.of(counts).items():
            parts[name].append(values)
    return {name: _interval(measured[name].value, np.concatenate(found)) for name, found in parts.items()}


def design_effect(numbers: NDArray[np.float64], codes: Codes) -> float:
    """How much the variance of a mean grows because queries come in clusters (Kish, Survey Sampling, 1965, § 5.4).

    With r the differences from the mean: G / (G - 1) Σ (sum of r in a cluster)² over n / (n - 1) Σ r²; the numerator is
    the linearised variance of a ratio, since clusters differ in size. NaN where nothing varies or all is one cluster.
    """
    counts = ~np.isnan(numbers)
    # In an order that is not the queries', so that not even the last bit depends on it.
    order = np.lexsort((numbers, codes))
    order = order[counts[order]]
    kept, which = numbers[order], codes[order]
    n, groups = len(kept), len(np.unique(which))
    if groups < 2 or not np.isfinite(kept).all():
        return math.nan
    rest = kept - np.mean(np.sort(kept))
    alone = float(rest @ rest)
    if alone <= 1e-24 * float(kept @ kept):
        return math.nan
    together = np.bincount(which, rest)
    return float(groups / (groups - 1) * (together @ together) / (n / (n - 1) * alone))


class _Drawn:
    """Values of draws, from how often each cluster was drawn."""

    def __init__(self, measured: Mapping[str, Measured], codes: Codes) -> None:
        means = {name: one.of for name, one in measured.items() if one.statistic != "median"}
        self._means = list(means)
        sums = [(np.where(np.isfinite(v), v, 0.0), ~np.isnan(v) + 0.0, np.isinf(v) + 0.0) for v in means.values()]
        # Summed over the values' order, not the queries', so that not even the last bit depends on the latter.
        self._sums = [
            np.column_stack([_summed(part, codes) for part in parts] or [np.empty((int(codes.max()) + 1, 0))])
            for parts in zip(*sums, strict=True)
        ]
        self._sorted = {}
        for name, one in measured.items():
            if one.statistic == "median":
                order = np.lexsort((codes, one.of))[: np.count_nonzero(~np.isnan(one.of))]
                self._sorted[name] = one.of[order], codes[order]

    def of(self, counts: NDArray[np.float64]) -> dict[str, Drawn]:
        """The values of r draws, (r,) each, from counts (r, G)."""
        found: dict[str, Drawn] = {}
        if self._means:
            total, n, infinite = (counts @ part for part in self._sums)
            with np.errstate(invalid="ignore"):
                means = np.where(infinite > 0, np.inf, total / n)
            found |= dict(zip(self._means, means.T, strict=True))
        for name, (values, codes) in self._sorted.items():
            found[name] = np.array([_median(values, row[codes]) for row in counts])
        return found


def _summed(numbers: NDArray[np.float64], codes: Codes) -> NDArray[np.float64]:
    order = np.lexsort((numbers, codes))
    return np.asarray(np.bincount(codes[order], numbers[order]), np.float64)


def _median(values: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """The median of sorted values that stand there several times."""
    upto = np.cumsum(counts)
    if not len(upto) or not upto[-1]:
        return math.nan
    n = int(upto[-1])
    low, high = np.searchsorted(upto, [(n - 1) // 2, n // 2], side="right")
    return float((values[low] + values[high]) / 2)


def _counts(groups: int, n: int, resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    rows = max(1, _BLOCK // max(groups, n))
    for start in range(0, resamples, rows):
        r = min(rows, resamples - start)
        picks = rng.integers(0, groups, size=(r, groups)) + groups * np.arange(r)[:, None]
        yield np.bincount(picks.ravel(), minlength=r * groups).reshape(r, groups).astype(np.float64)


def _interval(value: float, drawn: Drawn) -> Interval:
    ordered = np.sort(drawn[~np.isnan(drawn)])
    if not len(ordered):
        return Interval(value, math.nan, math.nan)
    tail = max(1, math.floor((len(ordered) + 1) * 0.025 + 1e-9))
    return Interval(value, float(ordered[tail - 1]), float(ordered[-tail]))

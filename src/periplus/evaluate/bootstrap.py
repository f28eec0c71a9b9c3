"""How sure a measured value is: Wilson's interval for shares, the percentile bootstrap for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import UsageError

_BLOCK = 1 << 22
"""At most this many drawn values are held at once; does not touch the result."""


def wilson_interval(successes: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion, for ``n`` independent trials.

    The two p that solve (k/n - p)² = z² p (1 - p) / n: (k + z²/2 ± z √(k (n - k) / n + z²/4)) / (n + z²), with z
    the normal quantile of (1 + level) / 2. Never leaves [0, 1], and is not of width 0 when all succeed, as a
    bootstrap would be. E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am.
    Stat. Assoc. 22 (1927) 209-212; recommended by Brown, Cai, DasGupta, Stat. Sci. 16 (2001) 101-133.

    Returns:
        Low and high; both NaN where ``n`` is 0.

    Raises:
        UsageError: not 0 <= successes <= n, or ``level`` is not between 0 and 1.
    """
    _check_level(level)
    if not 0 <= successes <= n:
        raise UsageError(f"{successes} successes of {n} trials are impossible.")
    if n == 0:
        return math.nan, math.nan
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = successes + z * z / 2
    half = z * math.sqrt(successes * (n - successes) / n + z * z / 4)
    # The closed form ends exactly at 0 and 1; its rounding does not.
    low = (centre - half) / (n + z * z) if successes else 0.0
    high = (centre + half) / (n + z * z) if successes < n else 1.0
    return low, high


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[..., Any],
    *,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic.

    Of B resamples with replacement, the k-th smallest and k-th largest value of the statistic, k =
    ⌊(B + 1) (1 - level) / 2⌋ and at least 1 (Efron, Tibshirani, An Introduction to the Bootstrap, 1993, § 12.5 and
    13.3). These are values that occurred, never interpolated, so infinite ones are allowed. The same values give
    the same interval in whatever order they come. Few values give too narrow an interval: one value, one of width 0.

    Args:
        values: (n,), may be infinite but not NaN.
        statistic: called as ``statistic(samples, axis=-1)`` on (m,) or (r, m), as ``np.mean`` and ``np.median`` are;
            must not depend on the order of a sample.
        clusters: n labels: values with the same one (photos of one author) are not independent and are drawn
            together (cluster bootstrap: Davison, Hinkley, Bootstrap Methods and their Application, 1997, § 3.8);
            None is a cluster of its own.
        resamples: B.
        seed: of the draws.
        level: probability that the interval is meant to hold.

    Returns:
        Low and high; both NaN where there are no values.

    Raises:
        UsageError: a value is NaN, shapes disagree, or ``resamples`` or ``level`` is impossible.
    """
    sample = np.asarray(values, np.float64)
    _check_level(level)
    if resamples < 1 or sample.ndim != 1 or np.isnan(sample).any():
        raise UsageError(
            f"A bootstrap needs numbers (n,) without NaN and at least 1 resample; got shape {sample.shape}, "
            f"{int(np.isnan(sample).sum())} NaN, {resamples} resamples."
        )
    if clusters is not None and len(clusters) != len(sample):
        raise UsageError(f"{len(clusters)} cluster labels do not fit {len(sample)} values.")
    if not len(sample):
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    if clusters is None:
        drawn = _resampled(np.sort(sample), statistic, resamples, rng)
    else:
        groups = _groups(sample, clusters)
        drawn = _resampled_groups(groups, statistic, resamples, rng)
    ordered = np.sort(np.concatenate(list(drawn)))
    tail = max(1, math.floor((resamples + 1) * (1 - level) / 2 + 1e-9))
    return float(ordered[tail - 1]), float(ordered[-tail])


def _resampled(
    sample: NDArray[np.float64], statistic: Callable[..., Any], resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    rows = max(1, _BLOCK // len(sample))
    for start in range(0, resamples, rows):
        picks = rng.integers(0, len(sample), size=(min(rows, resamples - start), len(sample)))
        yield np.asarray(statistic(sample[picks], axis=-1), np.float64)


def _resampled_groups(
    groups: list[NDArray[np.float64]], statistic: Callable[..., Any], resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    for _ in range(resamples):
        picks = rng.integers(0, len(groups), size=len(groups))
        yield np.asarray([statistic(np.concatenate([groups[i] for i in picks]), axis=-1)], np.float64)


def _groups(sample: NDArray[np.float64], clusters: Sequence[Hashable]) -> list[NDArray[np.float64]]:
    """Values by cluster, in an order that does not depend on the order of the input."""
    groups: dict[Hashable, list[float]] = {}
    for index, (value, label) in enumerate(zip(sample.tolist(), clusters, strict=True)):
        groups.setdefault(("alone", index) if label is None else ("shared", label), []).append(value)
    return [np.array(group) for group in sorted(sorted(group) for group in groups.values())]


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise UsageError(f"A level of {level} is not between 0 and 1; usual is 0.95.")

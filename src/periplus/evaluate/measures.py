"""What is measured of a ranking: each definition a function from the ranks of the positives to a number a query.

They look alike and are not: over one ranking the definitions of average precision give different numbers. With a
positive at 0-based rank r and j positives before it, the precision up to and with it is (j + 1) / (r + 1), and
just before it j / r. R is the number of positives of a query in the gallery, found or not; it is never 0 here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.evaluate.ranks import PositiveRanks

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """One number a query, and its mean over the queries.

    Attributes:
        value: the mean's name in a report, such as ``"mAP/100"``.
        of: ranks of q queries -> float64 (q,).
        share: whether each query has 0 or 1.
    """

    value: str
    of: Callable[[PositiveRanks], Values]
    share: bool = False

    @property
    def column(self) -> str:
        """The name of the single numbers in a per-query table."""
        return query_column(self.value)


def query_column(value: str) -> str:
    """The column of a per-query table that a mean is taken of: ``"AP"`` for every mAP, ``"P/5"`` for ``"mP/5"``."""
    return "AP" if value.partition("/")[0] in ("mAP", "MAP@R") else value.removeprefix("m")


def summed_precision(ranks: PositiveRanks, depth: int | NDArray[np.int64]) -> Values:
    """The sum of the precisions at the positives among the first ``depth`` ranks: the rectangles under the curve."""
    within = ranks.rank < np.broadcast_to(depth, len(ranks))[ranks.query]
    return ranks.total(within * (ranks.before + 1) / (ranks.rank + 1))


def found_within(ranks: PositiveRanks, depth: int | NDArray[np.int64]) -> Values:
    """How many positives are among the first ``depth`` ranks."""
    return ranks.total(ranks.rank < np.broadcast_to(depth, len(ranks))[ranks.query])


def ap_gldv2(ranks: PositiveRanks, k: int = 100) -> Values:
    """Sum of the precisions at the positives in the first k / min(R, k).

    Google Landmarks Dataset v2: Weyand, Araujo, Cao and Sim, CVPR 2020.
    """
    return summed_precision(ranks, k) / np.minimum(ranks.n_relevant, k)


def ap_revisited(ranks: PositiveRanks) -> Values:
    """The sum over the positives of (j / r + (j + 1) / (r + 1)) / 2, where j / r is 1 at r = 0, / R: trapezoids.

    Over the whole ranking. Oxford and Paris, as first published (Philbin et al., CVPR 2007) and revisited (Radenovic
    et al., CVPR 2018).
    """
    j, r = ranks.before, ranks.rank
    before = np.where(r == 0, 1.0, j / np.maximum(r, 1))
    return ranks.total((before + (j + 1) / (r + 1)) / 2) / ranks.n_relevant


def ap_at_r(ranks: PositiveRanks) -> Values:
    """Sum of the precisions at the positives in the first R / R. Musgrave, Belongie and Lim, ECCV 2020."""
    return summed_precision(ranks, ranks.n_relevant) / ranks.n_relevant


def ap_of_found(ranks: PositiveRanks, k: int = 100) -> Values:
    """Sum of the precisions at the positives in the first k / their number, 0 for none: what was missed is free."""
    return summed_precision(ranks, k) / np.maximum(found_within(ranks, k), 1)


def ap_uncapped(ranks: PositiveRanks, k: int = 100) -> Values:
    """Sum of the precisions at the positives in the first k / R: with R > k nobody can reach 1."""
    return summed_precision(ranks, k) / ranks.n_relevant


def ap_capped_50(ranks: PositiveRanks, k: int = 100) -> Values:
    """Sum of the precisions at the positives in the first k / min(R, 50), cut to 1: the 51st to 100th come for free."""
    return np.minimum(summed_precision(ranks, k) / np.minimum(ranks.n_relevant, 50), 1)


def ap_over_k(ranks: PositiveRanks, k: int = 100) -> Values:
    """Sum of the precisions at the positives in the first k / k, however few there are to be found."""
    return summed_precision(ranks, k) / k


def precision_revisited(ranks: PositiveRanks, k: int) -> Values:
    """Positives in the first k' / k', where k' is k or, if that is less, the 1-based rank of the last positive."""
    last = np.zeros(len(ranks), np.int64)
    last[ranks.query] = ranks.rank + 1  # ascending: the last one stays
    complete = ranks.total(np.ones(len(ranks.rank))) == ranks.n_relevant
    depth = np.where(complete, np.minimum(last, k), k)
    return found_within(ranks, depth) / depth


def precision_at_r(ranks: PositiveRanks) -> Values:
    """Positives in the first R / R."""
    return found_within(ranks, ranks.n_relevant) / ranks.n_relevant


def hit_at(ranks: PositiveRanks, k: int) -> Values:
    """1 where a positive is among the first k, else 0: its mean is recall@k as place recognition has it."""
    return (found_within(ranks, k) > 0).astype(np.float64)

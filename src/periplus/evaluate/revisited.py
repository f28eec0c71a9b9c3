"""The truth of revisited Oxford and Paris: three difficulties of one list of queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from periplus.errors import UsageError
from periplus.evaluate.relevance import Relevance


def revisited_relevance(
    easy: Sequence[ArrayLike], hard: Sequence[ArrayLike], junk: Sequence[ArrayLike], gallery: int
) -> dict[str, Relevance]:
    """The truth of each difficulty, by its name.

    Easy: positives are the easy, the hard are junk. Medium: both are positives. Hard: positives are the hard, the easy
    are junk. What is junk stays junk. A protocol ``roxford-easy`` belongs to the truth ``easy``::

        truths = revisited_relevance(easy, hard, junk, 4993 + 1_001_001)
        names = [f"roxford-{difficulty}" for difficulty in truths]
        for name, ranks in zip(names, positive_ranks_by_counting(scores, list(truths.values()))):
            report = evaluate_ranks(ranks, RETRIEVAL_PROTOCOLS[name], query_ids=ids)

    Which junk is taken out before re-ranking: see :func:`~periplus.evaluate.without_junk`.

    Args:
        easy: gallery rows, one list a query.
        hard: the same.
        junk: the same.
        gallery: number of gallery rows; distractors, wherever they come from, are the rows behind the data set's own.

    Raises:
        UsageError: lists of different numbers of queries, or a row that the gallery does not have.
    """
    if not len(easy) == len(hard) == len(junk):
        raise UsageError(f"{len(easy)} easy, {len(hard)} hard and {len(junk)} junk lists: give one of each a query.")
    parts = {
        "easy": (easy, _both(junk, hard)),
        "medium": (_both(easy, hard), junk),
        "hard": (hard, _both(junk, easy)),
    }
    return {name: Relevance.from_rows(positives, gallery, junk=out) for name, (positives, out) in parts.items()}


def _both(a: Sequence[ArrayLike], b: Sequence[ArrayLike]) -> list[ArrayLike]:
    pairs = zip(a, b, strict=True)
    return [np.concatenate([np.asarray(one, np.int64), np.asarray(other, np.int64)]) for one, other in pairs]

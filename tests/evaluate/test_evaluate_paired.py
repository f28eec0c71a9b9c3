"""Two ways over the same queries."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate import (
    RETRIEVAL_PROTOCOLS,
    Relevance,
    bootstrap_interval,
    evaluate_ranks,
    evaluate_recognition,
    paired_bootstrap,
    positive_ranks,
)
from periplus.records import Report


def by_rank(rank: NDArray[np.int64], order: NDArray[np.int64], protocol: str = "gldv2-retrieval") -> Report:
    """Queries with their one positive at a given rank, in some order."""
    rows = np.stack([np.roll(np.arange(100), place) for place in rank[order]])
    truth = Relevance.from_rows([[0]] * len(rank), 100)
    ids = [f"q{place}" for place in order]
    return evaluate_ranks(positive_ranks(rows, truth), RETRIEVAL_PROTOCOLS[protocol], query_ids=ids, resamples=20)


def test_the_difference_is_of_the_same_queries() -> None:
    rng = np.random.default_rng(0)
    worse = rng.integers(1, 100, 60)
    better = worse - 1
    same = np.arange(60)
    a, b = by_rank(worse, same), by_rank(better, rng.permutation(60))
    found = paired_bootstrap(a, b, "mAP/100")
    difference = 1 / (better + 1) - 1 / (worse + 1)
    assert found.value == pytest.approx(difference.mean(), abs=1e-15)
    assert found.value == pytest.approx(b.values["mAP/100"].value - a.values["mAP/100"].value, abs=1e-15)
    assert 0 < found.low < found.value < found.high
    assert (found.low, found.high) == bootstrap_interval(difference, np.mean)
    assert paired_bootstrap(b, a, "mAP/100").value == pytest.approx(-found.value, abs=1e-15)
    assert paired_bootstrap(a, a, "mAP/100") == replace(found, value=0.0, low=0.0, high=0.0)


def test_every_measure_of_a_protocol() -> None:
    rng = np.random.default_rng(1)
    a, b = (by_rank(rng.integers(0, 100, 30), np.arange(30), "roxford-easy") for _ in range(2))
    for name in a.values:
        expected = b.values[name].value - a.values[name].value
        assert paired_bootstrap(a, b, name, resamples=20).value == pytest.approx(expected, abs=1e-15)


def test_clusters_widen() -> None:
    rank = np.repeat([1, 1, 1, 1, 50, 50], 20)
    a, b = by_rank(rank, np.arange(120)), by_rank(np.where(rank > 9, rank, 0), np.arange(120))
    alone = paired_bootstrap(a, b, "mAP/100")
    together = paired_bootstrap(a, b, "mAP/100", clusters=np.repeat(np.arange(6), 20).tolist())
    assert together.value == alone.value
    assert together.high - together.low > alone.high - alone.low


def test_global_average_precision() -> None:
    rng = np.random.default_rng(2)
    n, truth = 40, [{"a"} if r < 0.7 else set[str]() for r in rng.random(40)]
    ids = [f"q{place}" for place in range(n)]
    worse, better = (
        evaluate_recognition(
            ["a" if len(t) or r < wrong else "b" for t, r in zip(truth, rng.random(n), strict=True)],
            np.array([len(t) * bonus + r for t, r in zip(truth, rng.random(n), strict=True)]),
            truth,
            query_ids=ids,
            resamples=20,
        )
        for wrong, bonus in ((0.5, 0.0), (0.5, 2.0))
    )
    found = paired_bootstrap(worse, better, "GAP", resamples=99)
    assert found.value == pytest.approx(better.values["GAP"].value - worse.values["GAP"].value, abs=1e-15)
    assert better.values["GAP"].value == 1
    assert 0 < found.low < found.value < found.high


def test_reports_that_cannot_be_compared() -> None:
    some = by_rank(np.arange(5), np.arange(5))
    with pytest.raises(UsageError, match="Only one of the reports has the query 'q4'"):
        paired_bootstrap(some, by_rank(np.arange(4), np.arange(4)), "mAP/100")
    with pytest.raises(UsageError, match="got 'gldv2-retrieval' and 'oxford5k'"):
        paired_bootstrap(some, by_rank(np.arange(5), np.arange(5), "oxford5k"), "mAP/100")
    with pytest.raises(UsageError, match="with their tables"):
        paired_bootstrap(some, replace(some, table=None), "mAP/100")
    with pytest.raises(UsageError, match="no 'recall/5' for the value 'recall/5'"):
        paired_bootstrap(some, some, "recall/5")
    with pytest.raises(UsageError, match="no 'GAP' for the value 'GAP'"):
        paired_bootstrap(some, some, "GAP")
    none = evaluate_ranks(
        positive_ranks(np.zeros((1, 1), np.int64), Relevance.from_rows([[]], 1)),
        RETRIEVAL_PROTOCOLS["recall"],
        query_ids=["q"],
    )
    assert math.isnan(paired_bootstrap(none, none, "recall/1").value)

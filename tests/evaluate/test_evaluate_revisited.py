"""Revisited Oxford and Paris: three difficulties, with and without distractors."""

from __future__ import annotations

import numpy as np
import oracle_retrieval as slow
import pytest

from periplus.errors import UsageError
from periplus.evaluate import (
    RETRIEVAL_PROTOCOLS,
    evaluate_ranks,
    positive_ranks,
    positive_ranks_by_counting,
    revisited_relevance,
)


def test_by_hand() -> None:
    # Ranking 0 1 2 3 4 5: easy 0 and 3, hard 4, junk 1.
    truths = revisited_relevance([[0, 3]], [[4]], [[1]], 6)
    found = {
        name: evaluate_ranks(
            positive_ranks(np.arange(6)[None], truth),
            RETRIEVAL_PROTOCOLS[f"roxford-{name}"],
            query_ids=["q"],
            resamples=10,
        ).values
        for name, truth in truths.items()
    }
    # Easy: 1 and 4 go, so ranks 0 and 2: (1 + 1) / 2, (1/2 + 2/3) / 2, over 2.
    assert found["easy"]["mAP"].value == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 2, abs=1e-15)
    # Medium: only 1 goes, ranks 0, 2, 3.
    assert found["medium"]["mAP"].value == pytest.approx((1 + (1 / 2 + 2 / 3) / 2 + (2 / 3 + 3 / 4) / 2) / 3, abs=1e-15)
    # Hard: 0, 1, 3 go, rank 1: (0/1 + 1/2) / 2.
    assert found["hard"]["mAP"].value == pytest.approx(1 / 4, abs=1e-15)
    # Precision goes no deeper than the last positive: of 3 and of 2.
    assert [found["easy"][f"mP/{k}"].value for k in (1, 5, 10)] == pytest.approx([1, 2 / 3, 2 / 3])
    assert [found["hard"][f"mP/{k}"].value for k in (1, 5, 10)] == pytest.approx([0, 1 / 2, 1 / 2])


@pytest.mark.parametrize("distractors", [0, 3000])
@pytest.mark.parametrize("coarse", [False, True])
def test_full_ranking_counting_and_slow_twin_agree(distractors: int, coarse: bool) -> None:
    rng, queries, own = np.random.default_rng(distractors), 12, 500
    n = own + distractors
    kinds = [rng.choice(4, own, p=(0.9, 0.04, 0.03, 0.03)) for _ in range(queries)]
    kinds[0][kinds[0] == 1], kinds[1][kinds[1] == 2] = 0, 0  # one without easy, one without hard
    easy, hard, junk = ([np.flatnonzero(one == kind) for one in kinds] for kind in (1, 2, 3))
    scores = rng.normal(size=(queries, n)).astype(np.float32)
    if coarse:
        scores = np.round(scores, 1)
    order = np.stack([np.lexsort((np.arange(n), -one)) for one in scores])
    truths = revisited_relevance(easy, hard, junk, n)
    counted = positive_ranks_by_counting(scores, list(truths.values()))
    for (name, truth), ranks in zip(truths.items(), counted, strict=True):
        protocol, ids = RETRIEVAL_PROTOCOLS[f"rparis-{name}"], [f"q{place}" for place in range(queries)]
        by_counting = evaluate_ranks(ranks, protocol, query_ids=ids, resamples=20)
        in_full = evaluate_ranks(positive_ranks(order, truth), protocol, query_ids=ids, resamples=20)
        assert by_counting == in_full
        assert by_counting.table is not None
        for row in by_counting.table.to_pylist():
            query = ids.index(row["id"])
            right = {"easy": (1,), "medium": (1, 2), "hard": (2,)}[name]
            positives = set(np.flatnonzero(np.isin(kinds[query], right)).tolist())
            spoilt = set(np.flatnonzero(kinds[query]).tolist()) - positives
            assert row["AP"] == pytest.approx(slow.ap_revisited(order[query].tolist(), positives, spoilt), abs=1e-12)
            assert row["AP"] == pytest.approx(slow.ap_oxford(order[query].tolist(), positives, spoilt), abs=1e-12)
            for k in (1, 5, 10):
                expected = slow.precision_revisited(order[query].tolist(), positives, spoilt, k)
                assert row[f"P/{k}"] == pytest.approx(expected, abs=1e-12)
        assert by_counting.left_out == {"no positives": 0 if name == "medium" else 1}


def test_distractors_can_only_lower() -> None:
    rng = np.random.default_rng(5)
    easy, hard, junk = np.split(rng.choice(100, 24, replace=False), 3)
    scores = rng.normal(size=(1, 400)).astype(np.float32)
    small, large = (
        evaluate_ranks(
            positive_ranks_by_counting(scores[:, :n], [revisited_relevance([easy], [hard], [junk], n)["medium"]])[0],
            RETRIEVAL_PROTOCOLS["roxford-medium"],
            query_ids=["q"],
            resamples=10,
        )
        for n in (100, 400)
    )
    assert large.values["mAP"].value < small.values["mAP"].value


def test_lists_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match="1 easy, 2 hard and 1 junk lists"):
        revisited_relevance([[0]], [[1], [2]], [[3]], 9)
    with pytest.raises(UsageError, match="no gallery row 9 among 9"):
        revisited_relevance([[0]], [[9]], [[3]], 9)

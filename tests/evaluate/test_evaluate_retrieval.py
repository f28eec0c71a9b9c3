"""Rankings against the truth, by every protocol."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import oracle_retrieval as slow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from periplus.errors import UsageError
from periplus.evaluate import (
    RETRIEVAL_PROTOCOLS,
    Relevance,
    bootstrap_interval,
    evaluate_ranking,
    evaluate_ranks,
    evaluate_splits,
    positive_ranks,
    report_lines,
    report_to_json,
    retrieval_protocol_named,
    wilson_interval,
)
from periplus.records import Ranking, Report

P = RETRIEVAL_PROTOCOLS


def ranking(rows: Sequence[Sequence[int]] | NDArray[np.int64]) -> Ranking:
    filled = np.array(rows, np.int64)
    return Ranking(filled, np.where(filled < 0, -np.inf, -np.arange(filled.shape[1])).astype(np.float32))


def names(n: int) -> list[str]:
    return [f"q{place}" for place in range(n)]


def score(rows: Sequence[Sequence[int]] | NDArray[np.int64], truth: Relevance, protocol: str) -> Report:
    return evaluate_ranking(ranking(rows), truth, P[protocol], query_ids=names(len(truth)), resamples=50)


def mean_ap(report: Report) -> float:
    return next(iter(report.values.values())).value


def column(report: Report, name: str) -> list[Any]:
    assert report.table is not None
    return list(report.table.column(name).to_pylist())


def test_the_family_is_what_is_published() -> None:
    assert {name: ([one.value for one in p.measures], p.depth) for name, p in P.items()} == {
        "gldv2-retrieval": (["mAP/100"], 100),
        "gldv2-recognition": ([], 0),
        **{
            f"{dataset}-{difficulty}": (["mAP", "mP/1", "mP/5", "mP/10"], "all")
            for dataset in ("roxford", "rparis")
            for difficulty in ("easy", "medium", "hard")
        },
        "oxford5k": (["mAP"], "all"),
        "paris6k": (["mAP"], "all"),
        "recall": (["recall/1", "recall/5", "recall/10", "recall/20"], 20),
        "map-at-r": (["MAP@R", "R-precision", "precision/1"], "R"),
        "map-of-found": (["mAP/100"], 100),
        "materarbeit-uncapped": (["mAP/100"], 100),
        "materarbeit-capped50": (["mAP/100"], 100),
        "materarbeit-k100": (["mAP/100"], 100),
    }
    assert all(protocol.name == name and protocol.description.endswith(".") for name, protocol in P.items())


def test_the_family_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        P["recall"] = P["oxford5k"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        P["recall"].depth = 10  # type: ignore[misc]
    assert retrieval_protocol_named("recall") is P["recall"]
    with pytest.raises(UsageError, match="no protocol 'roxford-medum': did you mean 'roxford-medium'"):
        retrieval_protocol_named("roxford-medum")


def test_four_definitions_of_average_precision_differ() -> None:
    # Three positives: first, fourth and 150th of 200.
    truth = Relevance.from_rows([[0, 3, 149]], 200)
    everything = [range(200)]
    expected = {
        # Precisions 1 and 2/4 in the first 100, over min(3, 100).
        "gldv2-retrieval": (1 + 2 / 4) / 3,
        # Trapezoids: (1 + 1) / 2, (1/3 + 2/4) / 2, (2/149 + 3/150) / 2, over 3.
        "roxford-easy": (1 + (1 / 3 + 2 / 4) / 2 + (2 / 149 + 3 / 150) / 2) / 3,
        # The first R = 3 only.
        "map-at-r": 1 / 3,
        # Over the two that were found.
        "map-of-found": (1 + 2 / 4) / 2,
        "materarbeit-uncapped": (1 + 2 / 4) / 3,
        "materarbeit-k100": (1 + 2 / 4) / 100,
    }
    found = {name: mean_ap(score(everything, truth, name)) for name in expected}
    assert found == pytest.approx(expected, abs=1e-15)
    assert len({round(found[name], 3) for name in list(expected)[:4]}) == 4


def test_the_notebooks_denominators_differ() -> None:
    # 60 positives, the first 55 of the ranking and five behind the 100th.
    truth = Relevance.from_rows([[*range(55), *range(150, 155)]], 200)
    found = {name: mean_ap(score([range(200)], truth, name)) for name in P if name.startswith(("gldv2-ret", "mat"))}
    assert found == pytest.approx(
        {
            "gldv2-retrieval": 55 / 60,
            "materarbeit-uncapped": 55 / 60,
            "materarbeit-capped50": 1,
            "materarbeit-k100": 0.55,
        },
        abs=1e-15,
    )
    # 150 positives and a perfect ranking: only the cap at 100 says so without help.
    truth = Relevance.from_rows([range(150)], 200)
    assert mean_ap(score([range(200)], truth, "gldv2-retrieval")) == 1
    assert mean_ap(score([range(200)], truth, "materarbeit-uncapped")) == pytest.approx(100 / 150, abs=1e-15)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[NDArray[np.int64], list[set[int]], list[set[int]]]:
    n, q = draw(st.integers(2, 160)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    rows = np.stack([rng.permutation(n) for _ in range(q)])
    kinds = rng.choice(3, (q, n), p=draw(st.sampled_from([(0.8, 0.2, 0.0), (0.3, 0.4, 0.3), (0.05, 0.9, 0.05)])))
    return rows, [set(np.flatnonzero(k == 1)) for k in kinds], [set(np.flatnonzero(k == 2)) for k in kinds]


@given(rankings())
def test_every_protocol_is_its_slow_twin(case: tuple[NDArray[np.int64], list[set[int]], list[set[int]]]) -> None:
    rows, positives, junk = case
    truth = Relevance.from_rows([sorted(p) for p in positives], rows.shape[1], junk=[sorted(j) for j in junk])
    kept = [query for query, p in enumerate(positives) if p]
    clean = [[row for row in rows[query].tolist() if row not in junk[query]] for query in kept]
    right = [positives[query] for query in kept]
    walked = [slow.precisions(r, p) for r, p in zip(clean, right, strict=True)]
    twins = {
        "gldv2-retrieval": [slow.ap_gldv2(r, p) for r, p in zip(clean, right, strict=True)],
        "paris6k": [slow.ap_oxford(rows[query], positives[query], junk[query]) for query in kept],
        "rparis-hard": [slow.ap_revisited(rows[query], positives[query], junk[query]) for query in kept],
        "map-at-r": [slow.ap_at_r(r, p) for r, p in zip(clean, right, strict=True)],
        "map-of-found": [sum(w) / max(len(w), 1) for w in walked],
        "materarbeit-uncapped": [sum(w) / len(p) for w, p in zip(walked, right, strict=True)],
        "materarbeit-capped50": [min(sum(w) / min(len(p), 50), 1) for w, p in zip(walked, right, strict=True)],
        "materarbeit-k100": [sum(w) / 100 for w in walked],
    }
    for name, expected in twins.items():
        report = score(rows, truth, name)
        np.testing.assert_allclose(column(report, "AP"), expected, rtol=0, atol=1e-12)
        assert report.n == len(kept)
        assert report.left_out == {"no positives": len(rows) - len(kept)}
    report = score(rows, truth, "roxford-medium")
    for k in (1, 5, 10):
        expected = [slow.precision_revisited(rows[query], positives[query], junk[query], k) for query in kept]
        np.testing.assert_allclose(column(report, f"P/{k}"), expected, rtol=0, atol=1e-12)
    report = score(rows, truth, "recall")
    for k in (1, 5, 10, 20):
        assert column(report, f"recall/{k}") == [
            float(any(row in p for row in r[:k])) for r, p in zip(clean, right, strict=True)
        ]


def test_uncapped_over_a_small_gallery_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    scores, right = rng.normal(size=(20, 80)), rng.random((20, 80)) < 0.3
    truth = Relevance.from_rows([np.flatnonzero(one) for one in right], 80)
    expected = [average_precision_score(a, b) for a, b in zip(right, scores, strict=True)]
    report = score(np.argsort(-scores, axis=1), truth, "materarbeit-uncapped")
    np.testing.assert_allclose(column(report, "AP"), expected, rtol=0, atol=1e-12)


def test_short_predictions_lose_what_they_leave_out() -> None:
    truth = Relevance.from_rows([[0, 1], [0, 1], [0]], 9)
    report = score([[0, 5, 1, -1], [0, -1, -1, -1], [-1, -1, -1, -1]], truth, "gldv2-retrieval")
    assert column(report, "AP") == pytest.approx([(1 + 2 / 3) / 2, 1 / 2, 0])
    assert report.table is not None
    assert report.table.drop_columns("AP").to_pylist() == [
        {"id": "q0", "n_relevant": 2, "n_found": 2, "first_correct_rank": 1},
        {"id": "q1", "n_relevant": 2, "n_found": 1, "first_correct_rank": 1},
        {"id": "q2", "n_relevant": 1, "n_found": 0, "first_correct_rank": None},
    ]


def test_a_submission_may_repeat_itself() -> None:
    truth = Relevance.from_rows([[0, 1]], 9)
    ranks = positive_ranks(np.array([[0, 0, 1, 0, -1]]), truth)
    report = evaluate_ranks(ranks, P["gldv2-retrieval"], query_ids=["q"], resamples=10)
    assert mean_ap(report) == pytest.approx((1 + 2 / 3) / 2)
    assert mean_ap(report) == pytest.approx(slow.ap_gldv2([0, 0, 1, 0], {0, 1}))


def test_found_is_counted_to_the_depth_and_first_beyond_it() -> None:
    truth = Relevance.from_rows([[0, 119, 120]], 130)
    report = score([[*range(1, 121), 0, *range(121, 130)]], truth, "gldv2-retrieval")
    assert report.table is not None
    assert report.table.to_pylist() == [
        {"id": "q0", "n_relevant": 3, "n_found": 0, "first_correct_rank": 119, "AP": 0.0}
    ]


def test_cut_rankings_are_refused() -> None:
    junk = [[], [7, 8]]
    behind = Relevance.from_rows([[6], [299]], 300, junk=junk)
    first = np.stack([np.arange(6, 106), np.arange(100)])
    with pytest.raises(UsageError, match=r"'q1' is cut after 98 gallery rows that count, but gldv2-retrieval looks at"):
        score(first, behind, "gldv2-retrieval")
    # Everything was found, or the list ended: nothing is hidden behind the cut.
    found = Relevance.from_rows([[6], [5]], 300, junk=junk)
    assert mean_ap(score(first[:, :10], found, "oxford5k")) == pytest.approx((1 + (0 + 1 / 6) / 2) / 2)
    ended = np.concatenate([first, np.full((2, 1), -1)], axis=1)
    assert mean_ap(score(ended, behind, "oxford5k")) == pytest.approx(1 / 2)
    many, deep = Relevance.from_rows([range(100, 200), [5]], 300), np.stack([np.arange(100)] * 2)
    with pytest.raises(UsageError, match="'q0' is cut after 100 gallery rows that count, but oxford5k looks at all"):
        score(deep, many, "oxford5k")
    assert mean_ap(score(deep, many, "map-at-r")) == 0
    with pytest.raises(UsageError, match="'q0' is cut after 99 gallery rows that count, but map-at-r looks at 100"):
        score(deep[:, :99], many, "map-at-r")


def test_means_and_intervals() -> None:
    rng = np.random.default_rng(0)
    rows = np.stack([rng.permutation(60) for _ in range(40)])
    truth = Relevance.from_rows([rng.choice(60, 4, replace=False) for _ in range(40)], 60)
    report = score(rows, truth, "map-at-r")
    single = np.array(column(report, "AP"))
    mean = report.values["MAP@R"]
    assert mean.value == pytest.approx(single.mean(), abs=1e-15)
    assert (mean.low, mean.high) == bootstrap_interval(single, np.mean, resamples=50)
    hits = int(sum(column(report, "precision/1")))
    assert (report.values["precision/1"].low, report.values["precision/1"].high) == wilson_interval(hits, 40)
    order = rng.permutation(40)
    shuffled = evaluate_ranks(
        positive_ranks(rows, truth), P["map-at-r"], query_ids=names(40), resamples=50, clusters=[c // 10 for c in order]
    )
    assert shuffled.values["MAP@R"].value == mean.value
    assert shuffled.values["precision/1"].low != report.values["precision/1"].low  # clusters: bootstrap, not Wilson
    again = evaluate_ranking(ranking(rows), truth, P["map-at-r"], query_ids=names(40), resamples=50, seed=7)
    assert again.values["MAP@R"].value == mean.value
    assert again.values["MAP@R"].low != mean.low


def test_the_order_of_the_queries_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    rows, positives = np.stack([rng.permutation(30) for _ in range(9)]), [rng.integers(0, 30, 3) for _ in range(9)]
    forward = score(rows, Relevance.from_rows(positives, 30), "roxford-easy")
    backward = score(rows[::-1], Relevance.from_rows(positives[::-1], 30), "roxford-easy")
    assert forward.values == backward.values


def test_queries_without_positives_are_always_counted() -> None:
    truth = Relevance.from_labels([["a"], ["nowhere"], []], ["a", "b"])
    report = score([[0, 1], [1, 0], [0, 1]], truth, "gldv2-retrieval")
    assert (report.n, report.left_out) == (1, {"no positives": 2})
    assert column(report, "id") == ["q0"]
    none = score([[0, 1]], Relevance.from_labels([["z"]], ["a", "b"]), "recall")
    assert none.left_out == {"no positives": 1}
    assert all(math.isnan(v.value) and math.isnan(v.low) for v in none.values.values())
    assert report_lines(none)[:2] == ["recall: 0 queries; left out: no positives 1", "  recall@1   -"]


def test_reading_a_report() -> None:
    truth = Relevance.from_rows([[0], [1]], 3)
    report = score([[0, 1, 2], [0, 1, 2]], truth, "roxford-hard")
    assert report_lines(report) == [
        "roxford-hard: 2 queries; left out: no positives 0",
        "  mAP    62.50 %  [25.00 %, 100.00 %]",
        "  mP@1   50.00 %  [0.00 %, 100.00 %]",
        "  mP@5   75.00 %  [50.00 %, 100.00 %]",
        "  mP@10  75.00 %  [50.00 %, 100.00 %]",
    ]
    document = json.loads(json.dumps(report_to_json(report), allow_nan=False))
    assert document["mAP"] == 0.625
    assert document["mP"] == {"1": 0.5, "5": 0.75, "10": 0.75}
    assert document["left_out"] == {"no positives": 0}
    assert report_lines(score([[0, 1, 2]] * 2, truth, "gldv2-retrieval"))[1] == (
        "  mAP@100  75.00 %  [50.00 %, 100.00 %]"
    )
    assert [line.split()[0] for line in report_lines(score([[0, 1, 2]] * 2, truth, "map-at-r"))[1:]] == [
        "MAP@R",
        "R-precision",
        "precision@1",
    ]


def test_splits_are_scored_apart() -> None:
    rows, truth = [[0, 1, 2]] * 5, Relevance.from_rows([[0], [1], [2], [], [0]], 3)
    ranks = positive_ranks(ranking(rows).rows, truth)
    splits = ["public", "private", "private", "private", None]
    protocol = P["gldv2-retrieval"]
    both = evaluate_splits(ranks, protocol, splits, query_ids=names(5), clusters=list("abcde"), resamples=20)
    assert list(both) == ["private", "public"]
    assert (both["private"].n, both["private"].left_out) == (2, {"no positives": 1})
    assert both["private"].values["mAP/100"].value == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert both["public"].values["mAP/100"].value == 1
    alone = Relevance.from_rows([[1], [2], []], 3)
    direct = evaluate_ranks(
        positive_ranks(ranking(rows[:3]).rows, alone),
        protocol,
        query_ids=names(4)[1:],
        clusters=list("bcd"),
        resamples=20,
    )
    assert both["private"].values == direct.values
    assert both["private"].table == direct.table
    with pytest.raises(UsageError, match="5 queries have 1 split names"):
        evaluate_splits(ranks, protocol, ["a"], query_ids=names(5))


def test_hostile_arguments() -> None:
    truth, good = Relevance.from_rows([[0], [1]], 3), ranking([[0, 1, 2]] * 2)
    with pytest.raises(UsageError, match="'a' stands twice"):
        evaluate_ranking(good, truth, P["recall"], query_ids=["a", "a"])
    with pytest.raises(UsageError, match="2 queries need as many ids and clusters; got 1"):
        evaluate_ranking(good, truth, P["recall"], query_ids=["a"])
    with pytest.raises(UsageError, match=r"got \(2, 1\)"):
        evaluate_ranking(good, truth, P["recall"], query_ids=["a", "b"], clusters=["c"])
    with pytest.raises(UsageError, match="scores one label a query, not rankings: use evaluate_recognition"):
        evaluate_ranking(good, truth, P["gldv2-recognition"], query_ids=["a", "b"])
    with pytest.raises(UsageError, match="do not fit a truth of 1 queries"):
        evaluate_ranking(good, Relevance.from_rows([[0]], 3), P["recall"], query_ids=["a", "b"])
    nobody = evaluate_ranking(
        ranking(np.zeros((0, 3), np.int64)), Relevance.from_rows([], 3), P["recall"], query_ids=[]
    )
    assert (nobody.n, nobody.left_out) == (0, {"no positives": 0})


def test_ones_own_protocol() -> None:
    mine = replace(P["recall"], name="mine", measures=P["recall"].measures[:1], depth=1)
    report = evaluate_ranking(ranking([[1], [2]]), Relevance.from_rows([[1], [1]], 3), mine, query_ids=["a", "b"])
    assert (report.protocol, report.values["recall/1"].value) == ("mine", 0.5)


@pytest.mark.slow
def test_map_at_r_is_pytorch_metric_learnings() -> None:
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    rng = np.random.default_rng(8)
    labels = rng.integers(0, 12, 150)
    vectors = rng.normal(size=(150, 8)) + rng.normal(size=(12, 8))[labels]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    own = [[place] for place in range(150)]
    truth = Relevance.from_labels([[label] for label in labels.tolist()], labels.tolist(), junk=own)
    report = score(np.argsort(-(vectors @ vectors.T), axis=1), truth, "map-at-r")
    theirs = AccuracyCalculator(
        include=("mean_average_precision_at_r", "r_precision", "precision_at_1"), k="max_bin_count"
    ).get_accuracy(torch.from_numpy(vectors).float(), torch.from_numpy(labels))
    assert report.values["MAP@R"].value == pytest.approx(theirs["mean_average_precision_at_r"], abs=1e-6)
    assert report.values["R-precision"].value == pytest.approx(theirs["r_precision"], abs=1e-6)
    assert report.values["precision/1"].value == pytest.approx(theirs["precision_at_1"], abs=1e-6)

"""One label a query, by global average precision."""

from __future__ import annotations

import math

import numpy as np
import oracle_retrieval as slow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.evaluate import evaluate_recognition, labels_of_neighbours, report_lines
from periplus.records import Ranking, Report


def scored(labels: list[str | None], scores: list[float], truth: list[set[str]], resamples: int = 20) -> Report:
    ids = [f"q{place}" for place in range(len(labels))]
    return evaluate_recognition(labels, np.array(scores, np.float32), truth, query_ids=ids, resamples=resamples)


def test_by_hand() -> None:
    # By score: right, a stranger, wrong, right; a fifth was not answered. M = 4.
    report = scored(["a", "b", "c", "d", None], [0.9, 0.8, 0.7, 0.6, 9], [{"a", "z"}, set(), {"x"}, {"d"}, {"e"}])
    assert report.protocol == "gldv2-recognition"
    assert report.values["GAP"].value == pytest.approx((1 / 1 + 2 / 4) / 4, abs=1e-15)
    assert report.values["accuracy"].value == pytest.approx(2 / 4)
    assert (report.n, report.left_out) == (4, {"no positives": 1})
    assert report.table is not None
    assert report.table.column("place").to_pylist() == [1, 2, 3, 4, 5]
    assert report.table.column("correct").to_pylist() == [True, False, False, True, None]
    assert report.table.column("known").to_pylist() == [True, False, True, True, True]
    assert report.table.column("score").to_pylist()[4] is None
    assert [line.split("  [")[0] for line in report_lines(report)] == [
        "gldv2-recognition: 4 queries; left out: no positives 1",
        "  GAP             37.50 %",
        "  top-1 accuracy  50.00 %",
    ]


def test_equal_scores_go_by_id() -> None:
    ids, truth = ["b", "a"], [{"x"}, {"y"}]
    report = evaluate_recognition(["x", "z"], np.ones(2, np.float32), truth, query_ids=ids, resamples=10)
    assert report.values["GAP"].value == pytest.approx((1 / 2) / 2)  # "a", which is wrong, comes first
    turned = evaluate_recognition(["z", "y"], np.ones(2, np.float32), truth, query_ids=ids, resamples=10)
    assert turned.values["GAP"].value == pytest.approx(1 / 2)


ANSWERS = st.tuples(
    st.sampled_from(["a", "b", None]), st.sampled_from([0.0, 0.5, 1.0, -2.0]), st.sets(st.sampled_from(["a", "b"]))
)


@given(st.lists(ANSWERS, min_size=1, max_size=15))
def test_gap_is_its_slow_twin(answers: list[tuple[str | None, float, set[str]]]) -> None:
    labels, scores, truth = (list(part) for part in zip(*answers, strict=True))
    report = scored(labels, scores, truth, resamples=5)
    known = sum(len(one) > 0 for one in truth)
    assert (report.n, report.left_out["no positives"]) == (known, len(answers) - known)
    if not known:
        assert all(math.isnan(v.value) and math.isnan(v.low) for v in report.values.values())
        return
    named = [(f"q{place}", *answer) for place, answer in enumerate(answers)]
    assert report.values["GAP"].value == pytest.approx(slow.gap(named), abs=1e-12)
    right = sum(label in one for label, one in zip(labels, truth, strict=True))
    assert report.values["accuracy"].value == pytest.approx(right / known)


def test_the_interval_is_of_resampled_queries() -> None:
    rng = np.random.default_rng(0)
    n, seed, resamples = 30, 4, 39
    answers = [
        ("a", float(s), {"a"} if r else set[str]()) for s, r in zip(rng.random(n), rng.random(n) < 0.5, strict=True)
    ]
    ids = [f"q{place:02}" for place in range(n)]
    labels, scores, truth = (list(part) for part in zip(*answers, strict=True))
    report = evaluate_recognition(labels, np.array(scores), truth, query_ids=ids, resamples=resamples, seed=seed)
    draws = np.random.default_rng(seed).integers(0, n, size=(resamples, n))
    # A query drawn twice is two queries with one score.
    values = [slow.gap([(f"{ids[row]}-{copy}", *answers[row]) for copy, row in enumerate(draw)]) for draw in draws]
    # 39 resamples: the smallest and the largest.
    assert report.values["GAP"].low == pytest.approx(min(values), abs=1e-12)
    assert report.values["GAP"].high == pytest.approx(max(values), abs=1e-12)


def test_clusters_are_drawn_together() -> None:
    truth = [{"a"}, {"a"}, {"b"}, {"b"}]
    ids, scores = list("abcd"), np.arange(4, dtype=np.float32)
    report = evaluate_recognition(list("aaaa"), scores, truth, query_ids=ids, clusters=[0, 0, 1, 1], resamples=199)
    # One of the two clusters twice, or both: all right, half right behind all wrong, or none.
    assert (report.values["GAP"].low, report.values["GAP"].high) == (0, 1)
    assert report.values["GAP"].value == pytest.approx((1 / 3 + 2 / 4) / 4)


def test_labels_of_neighbours() -> None:
    ranking = Ranking(
        np.array([[0, 1, 2, 3], [3, 0, -1, -1], [4, 0, 1, 2], [-1, -1, -1, -1]]),
        np.array(
            [[5, 4, 3, 1], [2, 2, -np.inf, -np.inf], [9, 3, 2, 2], [-np.inf] * 4],
            np.float32,
        ),
    )
    gallery = ["a", "b", "b", "c", None]
    assert labels_of_neighbours(ranking, gallery)[0] == ["b", "c", "b", None]
    labels, scores = labels_of_neighbours(ranking, gallery, top=2)
    assert labels == ["a", "c", "a", None]
    assert scores.tolist() == [5, 2, 3, -math.inf]
    assert labels_of_neighbours(ranking, gallery)[1].tolist() == [7, 2, 4, -math.inf]
    with pytest.raises(UsageError, match="Rows up to 4 of the top 5 do not fit 4 labels"):
        labels_of_neighbours(ranking, gallery[:4])
    with pytest.raises(UsageError, match="top 0"):
        labels_of_neighbours(ranking, gallery, top=0)
    none = Ranking(np.zeros((2, 0), np.int64), np.zeros((2, 0), np.float32))
    assert labels_of_neighbours(none, gallery)[0] == [None, None]


def test_hostile_arguments() -> None:
    with pytest.raises(EmptyInputError):
        scored([], [], [])
    with pytest.raises(UsageError, match="query 'q1' has the score NaN"):
        scored(["a", "b"], [1, math.nan], [{"a"}, {"b"}])
    assert scored(["a", None], [1, math.nan], [{"a"}, {"b"}]).values["GAP"].value == 0.5
    with pytest.raises(UsageError, match="must be one each for every query"):
        scored(["a"], [1, 2], [{"a"}])
    with pytest.raises(UsageError, match=r"2 ids \(1 different\)"):
        evaluate_recognition(["a", "b"], [1, 1], [{"a"}, {"b"}], query_ids=["q", "q"])

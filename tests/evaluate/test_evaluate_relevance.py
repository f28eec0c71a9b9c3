"""The truth: which rows are right, which do not count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.evaluate import Relevance
from periplus.evaluate.relevance import Lists

LABELS = st.lists(st.one_of(st.none(), st.sampled_from("abcd")), max_size=12)


def told(relevance: Relevance) -> list[tuple[list[int], list[int]]]:
    """Positives and junk of each query, as lists."""
    pairs = [relevance.keys(query, query + 1) for query in range(len(relevance))]
    return [(positives.tolist(), junk.tolist()) for positives, junk in pairs]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), max_size=4), max_size=5), LABELS, st.data())
def test_labels_are_comparing_everything(
    asked: list[list[str | None]], gallery: list[str | None], data: st.DataObject
) -> None:
    rows = st.lists(st.integers(0, len(gallery) - 1), max_size=4) if gallery else st.just([])
    junk = data.draw(st.lists(rows, min_size=len(asked), max_size=len(asked)))
    expected = [
        (
            [row for row, label in enumerate(gallery) if label is not None and label in labels and row not in out],
            sorted(set(out)),
        )
        for labels, out in zip(asked, junk, strict=True)
    ]
    assert told(Relevance.from_labels(asked, gallery, junk=junk)) == expected


def test_a_collection_asked_about_itself() -> None:
    labels = ["x", "y", "x", None, "x"]
    asked = [[label] if label else [] for label in labels]
    relevance = Relevance.from_labels(asked, labels, junk=[[row] for row in range(5)])
    assert told(relevance) == [([2, 4], [0]), ([], [1]), ([0, 4], [2]), ([], [3]), ([0, 2], [4])]
    positives, junk = relevance.keys(2, 5)
    assert (positives.tolist(), junk.tolist()) == ([0, 4, 10, 12], [2, 8, 14])


def test_labels_may_be_numbers_and_repeat() -> None:
    assert told(Relevance.from_labels([[7, 9, 7], []], [9, 7, 8])) == [([0, 1], []), ([], [])]


def test_labels_cost_no_matrix() -> None:
    n, landmarks = 20_000, 2
    labels = [row % landmarks for row in range(n)]
    relevance = Relevance.from_labels([[label] for label in labels], labels)
    held = sum(
        part.nbytes for lists in (relevance.groups, relevance.wanted, relevance.junk) for part in vars(lists).values()
    )
    assert held < 100 * n


def test_rows_and_ids() -> None:
    by_row = Relevance.from_rows([[2, 0, 2], np.zeros(0, np.int64)], 3, junk=[[1], [2, 2]])
    assert told(by_row) == [([0, 2], [1]), ([], [2])]
    assert told(Relevance.from_ids([["c", "a"], []], ["a", "b", "c"], junk=[["b"], {"c"}])) == told(by_row)
    assert told(Relevance.from_rows([[0, 1]], 2, junk=[[1]])) == [([0], [1])]


def test_nothing() -> None:
    assert len(Relevance.from_labels([], [])) == 0
    assert told(Relevance.from_labels([["a"], []], [])) == [([], []), ([], [])]
    assert [part.tolist() for part in Relevance.from_rows([], 0).keys(0, 0)] == [[], []]


def test_lists_take() -> None:
    lists = Lists.of([[1, 2], [], [3], [4, 5, 6]])
    owner, values = lists.take(np.array([3, 1, 0]))
    assert (owner.tolist(), values.tolist()) == ([0, 0, 0, 2, 2], [4, 5, 6, 1, 2])


def test_wrong_truths() -> None:
    with pytest.raises(UsageError, match=r"no gallery row 3 among 3: number them from 0 to 2"):
        Relevance.from_rows([[3]], 3)
    with pytest.raises(UsageError, match="no gallery row -1"):
        Relevance.from_rows([[0]], 3, junk=[[-1]])
    with pytest.raises(UsageError, match="2 queries have 1 lists of junk"):
        Relevance.from_rows([[0], [1]], 3, junk=[[2]])
    with pytest.raises(UsageError, match=r"List 1 must be flat and hold whole numbers; it is float64 \(1,\)"):
        Relevance.from_rows([[0], [0.5]], 3)
    with pytest.raises(UsageError, match="List 0 must be flat"):
        Relevance.from_rows([[[0]]], 3)
    with pytest.raises(UsageError, match=r"Query 1 has the bare label 'ab': give a list of labels"):
        Relevance.from_labels([["ab"], "ab"], ["ab"])
    with pytest.raises(UsageError, match="no photo 'z': leave out"):
        Relevance.from_ids([["z"]], ["a"])
    with pytest.raises(UsageError, match="no group 1 among 1"):
        Relevance(3, Lists.of([[0]]), Lists.of([[1]]), Lists.of([[]]))

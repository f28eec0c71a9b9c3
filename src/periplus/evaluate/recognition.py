"""From one label a query to a report, by the protocol of Google Landmarks Dataset v2, recognition."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.evaluate.bootstrap import bootstrap_interval, wilson_interval
from periplus.evaluate.relevance import WITHOUT_POSITIVES
from periplus.records import Interval, Ranking, Report


def evaluate_recognition(
    labels: Sequence[Hashable],
    scores: ArrayLike,
    truth: Sequence[Collection[Hashable]],
    *,
    query_ids: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Report:
    """Score one predicted label for each of q queries: ``gldv2-recognition``.

    ``GAP``, global average precision, is one number of all predictions sorted by falling score, equal ones by
    rising id: (1 / M) sum of P(i) over the right predictions, where P(i) is the share of right ones among the first
    i, and M is the number of queries whose truth is not empty. A query that shows nothing known therefore counts
    against whoever answers it, the more the surer. ``accuracy`` is the share of right predictions among the M. A
    query without a prediction does not appear in the list.

    ``n`` is M; the queries with empty truth are counted as ``left_out["no positives"]``. The per-query table has all
    q: ``id``, ``score`` and ``correct`` (null where nothing was predicted), ``known`` (whether there is a truth) and
    ``place`` (1-based, in the sorted list, those without prediction at its end).

    Args:
        labels: q predictions, None for none.
        scores: (q,), how sure each is, comparable between queries.
        truth: q sets of right labels, empty for a query that shows no known landmark.
        query_ids: q names, each once.
        resamples: of the percentile bootstrap over queries.
        seed: of the bootstrap.
        clusters: q labels of queries that are not independent.

    Raises:
        EmptyInputError: no query.
        UsageError: lengths disagree, an id stands twice, or the score of a prediction is not a number.
    """
    table = _table(labels, np.asarray(scores, np.float64), truth, query_ids)
    known = table.column("known").to_numpy()
    right = table.column("correct").fill_null(False).to_numpy()[known]
    gap, everyone = gap_of(table), np.arange(len(table))
    values = dict.fromkeys(("GAP", "accuracy"), Interval(math.nan, math.nan, math.nan))
    if len(right):
        ends = bootstrap_interval(everyone, gap, clusters=clusters, resamples=resamples, seed=seed)
        values = {
            "GAP": Interval(float(gap(everyone)), *ends),
            "accuracy": Interval(float(right.mean()), *wilson_interval(int(right.sum()), len(right))),
        }
    return Report(
        protocol="gldv2-recognition",
        values=values,
        n=len(right),
        left_out={WITHOUT_POSITIVES: len(known) - len(right)},
        table=table,
    )


def gap_of(table: pa.Table) -> Callable[..., Any]:
    """The global average precision of samples of a per-query table's rows: (m,) or (r, m) row numbers -> () or (r,)."""
    place = table.column("place").to_numpy() - 1
    known, correct = (table.column(name).fill_null(False).to_numpy() for name in ("known", "correct"))
    by_place = np.zeros(len(table), np.bool_)
    by_place[place] = correct

    def gap(rows: NDArray[np.int64], axis: int = -1) -> Any:
        rows = np.asarray(rows, np.int64)
        hit = by_place[np.sort(place[rows], axis=axis)]
        precision = np.cumsum(hit, axis=axis) / np.arange(1, hit.shape[axis] + 1)
        # A sample of none that is known has no right prediction either.
        return (precision * hit).sum(axis=axis) / np.maximum(known[rows].sum(axis=axis), 1)

    return gap


def labels_of_neighbours(
    ranking: Ranking, gallery_labels: Sequence[Hashable], top: int = 5
) -> tuple[list[Hashable], NDArray[np.float32]]:
    """The label with the largest sum of scores among the first ``top`` rows of each ranking, and that sum, (q,).

    Equal sums go to the label that stands first; None and a score of minus infinity where no row has a label.

    Raises:
        UsageError: ``top`` is less than 1, or a row has no label in the list.
    """
    # One place more, without a row, so that there always is one.
    rows = np.pad(ranking.rows[:, : max(top, 0)], ((0, 0), (0, 1)), constant_values=-1)
    scores = np.pad(ranking.scores[:, : max(top, 0)], ((0, 0), (0, 1)))
    if top < 1 or rows.max(initial=-1) >= len(gallery_labels):
        raise UsageError(f"Rows up to {rows.max(initial=-1)} of the top {top} do not fit {len(gallery_labels)} labels.")
    names: list[Hashable] = [None, *dict.fromkeys(label for label in gallery_labels if label is not None)]
    code = {name: place for place, name in enumerate(names)}
    codes = np.array([*(code[label] for label in gallery_labels), 0])[rows]  # row -1 reads the 0 at the end
    pairs = codes + len(names) * np.arange(len(rows))[:, None]
    one_of, inverse = np.unique(pairs.ravel(), return_inverse=True)
    sums = np.bincount(inverse, weights=np.where(codes > 0, scores, 0).ravel(), minlength=len(one_of))
    total = np.where(codes > 0, sums[inverse].reshape(rows.shape), -np.inf)
    first = total.argmax(axis=1)[:, None]
    best, score = (np.take_along_axis(each, first, axis=1)[:, 0] for each in (codes, total))
    return [names[one] for one in best], score.astype(np.float32)


def _table(
    labels: Sequence[Hashable],
    scores: NDArray[np.float64],
    truth: Sequence[Collection[Hashable]],
    query_ids: Sequence[str],
) -> pa.Table:
    n = len(query_ids)
    if not len(labels) == len(truth) == n or scores.shape != (n,) or len(set(query_ids)) < n:
        raise UsageError(
            f"{len(labels)} labels, scores {scores.shape}, {len(truth)} truths and {n} ids ({len(set(query_ids))} "
            "different) must be one each for every query."
        )
    if n == 0:
        raise EmptyInputError("There is no query to evaluate.")
    predicted = np.array([label is not None for label in labels])
    if np.isnan(scores[predicted]).any():
        row = int(np.flatnonzero(predicted & np.isnan(scores))[0])
        raise UsageError(f"The prediction for query {query_ids[row]!r} has the score NaN: give a number, or no label.")
    order = np.lexsort((np.asarray(query_ids), -np.where(predicted, scores, -np.inf), ~predicted))
    place = np.empty(n, np.int64)
    place[order] = np.arange(1, n + 1)
    correct = [label in right for label, right in zip(labels, truth, strict=True)]
    return pa.table(
        {
            "id": pa.array(query_ids, pa.string()),
            "score": pa.array(scores, pa.float64(), mask=~predicted),
            "correct": pa.array(correct, pa.bool_(), mask=~predicted),
            "known": pa.array([len(right) > 0 for right in truth]),
            "place": place,
        }
    )

"""Whether one way beats another on the same queries."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate.bootstrap import bootstrap_interval
from periplus.evaluate.measures import query_column
from periplus.evaluate.recognition import gap_of
from periplus.records import Interval, Report


def paired_bootstrap(
    a: Report,
    b: Report,
    value: str,
    *,
    resamples: int = 1000,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Interval:
    """How much larger a value is in ``b`` than in ``a``, with the 95 % interval of the difference.

    Both are measured on the same drawn queries each time, so what makes a query hard for both cancels out: the
    interval is narrower than the two single ones suggest. ``b`` is better where it lies above 0.

    Args:
        a: of a protocol of rankings or of recognition.
        b: by the same protocol, of the same queries, in any order.
        value: a name in both reports, such as ``"mAP/100"``.
        resamples: of the percentile bootstrap over queries.
        seed: of the bootstrap.
        clusters: labels of the queries of ``a``, in the order of its table, that are not independent.

    Raises:
        UsageError: the reports are not of one protocol and the same queries, or do not have the value a query.
    """
    if a.protocol != b.protocol or a.table is None or b.table is None:
        raise UsageError(
            f"A difference is taken between two reports of one protocol with their tables of queries; "
            f"got {a.protocol!r} and {b.protocol!r}."
        )
    ids = a.table.column("id").to_pylist()
    row = {photo: place for place, photo in enumerate(b.table.column("id").to_pylist())}
    if different := set(ids) ^ set(row):
        raise UsageError(f"Only one of the reports has the query {min(different)!r}: compare over the same queries.")
    both = a.table, b.table.take(pa.array([row[photo] for photo in ids], pa.int64()))
    global_ap = value == "GAP" and "place" in a.table.column_names
    values, statistic = _gap_difference(*both) if global_ap else (_column_difference(*both, value), np.mean)
    ends = bootstrap_interval(values, statistic, clusters=clusters, resamples=resamples, seed=seed)
    return Interval(float(statistic(values, axis=-1)) if ids else math.nan, *ends)


def _column_difference(a: pa.Table, b: pa.Table, value: str) -> NDArray[np.float64]:
    if value.startswith("within_km/"):
        reach = float(value.partition("/")[2])
        right = [one.column("distance_km").to_numpy(zero_copy_only=False) <= reach for one in (a, b)]
        return np.asarray(right[1].astype(np.float64) - right[0], np.float64)
    if (column := query_column(value)) not in a.column_names:
        raise UsageError(f"The table of queries has no {column!r} for the value {value!r}: {a.column_names}.")
    return np.asarray(b.column(column).to_numpy() - a.column(column).to_numpy(), np.float64)


def _gap_difference(a: pa.Table, b: pa.Table) -> tuple[NDArray[np.float64], Callable[..., Any]]:
    """A global average precision is not a mean over queries: what is drawn are rows of both tables."""
    of_a, of_b = gap_of(a), gap_of(b)
    return np.arange(len(a), dtype=np.float64), lambda rows, axis: of_b(rows, axis) - of_a(rows, axis)

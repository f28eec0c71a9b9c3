"""From rankings and truth to a report, by the published protocols of image retrieval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.evaluate import measures
from periplus.evaluate.bootstrap import bootstrap_interval, wilson_interval
from periplus.evaluate.measures import Measure
from periplus.evaluate.rank_protocols import RankProtocol
from periplus.evaluate.ranks import EVERY, PositiveRanks, positive_ranks
from periplus.evaluate.relevance import WITHOUT_POSITIVES, Relevance
from periplus.records import Interval, Ranking, Report


def evaluate_ranking(
    ranking: Ranking,
    relevance: Relevance,
    protocol: RankProtocol,
    *,
    query_ids: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Report:
    """Score q rankings by a protocol: the mean of each of its measures over the queries that have positives.

    Junk is taken out of each ranking before ranks are counted. Positives that a ranking does not list count as not
    found. Queries without any positive are left out and counted, as ``left_out["no positives"]`` that is always
    there. Intervals hold 95 %: Wilson's score interval for shares of queries, the percentile bootstrap over queries
    for other means and, where there are clusters, for all. A mean over no query is NaN.

    The per-query table has a row for each query that counts: ``id``, ``n_relevant``, ``n_found`` (positives among
    the ranks that the protocol looks at), ``first_correct_rank`` (1-based, null where none was found anywhere), and
    one column a measure (``AP``, ``P/5``, ``recall/10`` ...).

    Args:
        ranking: k rows for each query, at least as deep as the protocol looks, or ended by -1.
        relevance: the truth.
        protocol: of :data:`RETRIEVAL_PROTOCOLS`, or one's own.
        query_ids: q names, each once.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        clusters: q labels of queries that are not independent; see
            :func:`~periplus.evaluate.bootstrap_interval`.

    Raises:
        UsageError: lengths disagree, an id stands twice, the protocol scores labels, or a ranking was cut before the
            last rank that the protocol looks at.
    """
    ranks = positive_ranks(ranking.rows, relevance)
    return evaluate_ranks(ranks, protocol, query_ids=query_ids, resamples=resamples, seed=seed, clusters=clusters)


def evaluate_ranks(
    ranks: PositiveRanks,
    protocol: RankProtocol,
    *,
    query_ids: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> Report:
    """Score the ranks of q queries by a protocol, as :func:`evaluate_ranking` does.

    For ranks by another way than a :class:`~periplus.records.Ranking`, such as
    :func:`~periplus.evaluate.positive_ranks_by_counting`.
    """
    depth = _checked_depth(ranks, protocol, query_ids, clusters)
    counts = ranks.n_relevant > 0
    rows = np.flatnonzero(counts).tolist()
    counted, kept = ranks.select(counts), None if clusters is None else [clusters[row] for row in rows]
    measured = {one: one.of(counted) for one in protocol.measures}
    return Report(
        protocol=protocol.name,
        values={one.value: _mean(each, one.share, resamples, seed, kept) for one, each in measured.items()},
        n=len(rows),
        left_out={WITHOUT_POSITIVES: len(counts) - len(rows)},
        table=_query_table([query_ids[row] for row in rows], counted, depth[counts], measured),
    )


def evaluate_splits(
    ranks: PositiveRanks,
    protocol: RankProtocol,
    splits: Sequence[str | None],
    *,
    query_ids: Sequence[str],
    resamples: int = 1000,
    seed: int = 0,
    clusters: Sequence[Hashable] | None = None,
) -> dict[str, Report]:
    """Score each split of the queries by itself, such as public and private.

    Args:
        ranks: of q queries: ``positive_ranks(ranking.rows, relevance)``.
        protocol: as :func:`evaluate_ranks`.
        splits: q names; None is in no split.
        query_ids: as :func:`evaluate_ranks`.
        resamples: as :func:`evaluate_ranks`.
        seed: as :func:`evaluate_ranks`.
        clusters: as :func:`evaluate_ranks`.

    Returns:
        A report a split, by its name, in the order of the names.
    """
    if len(splits) != len(ranks):
        raise UsageError(f"{len(ranks)} queries have {len(splits)} split names: give one a query, None for no split.")
    _checked_depth(ranks, protocol, query_ids, clusters)
    reports = {}
    for split in sorted({split for split in splits if split is not None}):
        mine = np.array([one == split for one in splits])
        rows = np.flatnonzero(mine).tolist()
        reports[split] = evaluate_ranks(
            ranks.select(mine),
            protocol,
            query_ids=[query_ids[row] for row in rows],
            resamples=resamples,
            seed=seed,
            clusters=None if clusters is None else [clusters[row] for row in rows],
        )
    return reports


def _checked_depth(
    ranks: PositiveRanks, protocol: RankProtocol, query_ids: Sequence[str], clusters: Sequence[Hashable] | None
) -> NDArray[np.int64]:
    """How many ranks the protocol looks at, int64 (q,), all of them known."""
    if not protocol.measures:
        raise UsageError(f"{protocol.name} scores one label a query, not rankings: use evaluate_recognition.")
    if len(query_ids) != len(ranks) or (clusters is not None and len(clusters) != len(ranks)):
        given = len(query_ids) if clusters is None else (len(query_ids), len(clusters))
        raise UsageError(f"{len(ranks)} queries need as many ids and clusters; got {given}.")
    if len(set(query_ids)) < len(query_ids):
        twice = Counter(query_ids).most_common(1)[0][0]
        raise UsageError(f"Query id {twice!r} stands twice: ids tell queries apart.")
    if protocol.depth == "R":
        depth = ranks.n_relevant
    else:
        depth = np.full(len(ranks), EVERY if protocol.depth == "all" else protocol.depth)
    if len(short := np.flatnonzero(ranks.depth < depth)):
        row = int(short[0])
        looked = "all" if depth[row] == EVERY else depth[row]
        raise UsageError(
            f"The ranking of query {query_ids[row]!r} is cut after {ranks.depth[row]} gallery rows that count, but "
            f"{protocol.name} looks at {looked}: search with a larger k, or end the ranking with -1 if it had no more "
            "to say."
        )
    return depth


def _mean(
    values: NDArray[np.float64], share: bool, resamples: int, seed: int, clusters: Sequence[Hashable] | None
) -> Interval:
    # Sorted, so that not even the last bit of the sum depends on the order of the queries.
    value = float(np.mean(np.sort(values))) if len(values) else math.nan
    if share and clusters is None:
        return Interval(value, *wilson_interval(int(values.sum()), len(values)))
    return Interval(value, *bootstrap_interval(values, np.mean, clusters=clusters, resamples=resamples, seed=seed))


def _query_table(
    ids: Sequence[str],
    ranks: PositiveRanks,
    depth: NDArray[np.int64],
    measured: Mapping[Measure, NDArray[np.float64]],
) -> pa.Table:
    first = np.full(len(ranks), -1, np.int64)
    first[ranks.query[::-1]] = ranks.rank[::-1]  # backwards: the first one stays
    columns = {
        "id": pa.array(ids, pa.string()),
        "n_relevant": ranks.n_relevant,
        "n_found": measures.found_within(ranks, depth).astype(np.int64),
        "first_correct_rank": pa.array(first + 1, mask=first < 0),
        **{one.column: values for one, values in measured.items()},
    }
    return pa.table(columns)

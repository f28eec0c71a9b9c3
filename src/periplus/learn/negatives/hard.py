"""Hard negatives of an epoch: what the network as it is now takes for the same landmark."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.learn.negatives.sampling import Plan
from periplus.learn.randomness import numpy_generator
from periplus.learn.settings import SamplerConfig

Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""From positions of training photos to unit vectors (n, d), by the network as it is now."""

_BLOCK = 256


def with_hard_negatives(
    labels: NDArray[np.int64], batch_size: int, sampler: SamplerConfig, name: tuple[int, int], embed: Embed
) -> Plan:
    """Batches of tuples: a query, a positive, and its ``per_query`` hardest negatives of a pool drawn anew.

    As many batches as a shuffled epoch has; queries are dealt from a shuffled order of all photos whose landmark has
    another photo (Radenovic et al., arXiv 1711.02512, section 3.2).

    Args:
        labels: of the training photos, int64 (n,).
        batch_size: a multiple of ``2 + per_query``.
        sampler: pool and per_query.
        name: trial and epoch, which name the draw.
        embed: the network.

    Raises:
        UsageError: the batch does not hold whole tuples, or there are too few photos or landmarks.
    """
    size = 2 + sampler.per_query
    if batch_size % size:
        raise UsageError(
            f"train.batch_size {batch_size} must be a multiple of {size}: a query, a positive and "
            f"train.sampler.per_query = {sampler.per_query} negatives."
        )
    generator = numpy_generator(name[0], "hard", name[1])
    partners = np.bincount(labels)[labels] > 1
    if not partners.any() or len(labels) < batch_size:
        raise UsageError(f"{len(labels)} training photos give no batch of {batch_size} with queries and positives.")
    wanted = len(labels) // batch_size * (batch_size // size)
    queries = np.resize(generator.permutation(np.flatnonzero(partners)), wanted)
    pool = generator.permutation(len(labels))[: sampler.pool or None]
    vectors = embed(np.concatenate([queries, pool]))
    asked, pooled = vectors[: len(queries)], vectors[len(queries) :]
    hardest = pool[hardest_negatives(asked, labels[queries], pooled, labels[pool], sampler.per_query)]
    plan = np.concatenate([queries[:, None], _positives(queries, labels, generator)[:, None], hardest], axis=1)
    return plan.reshape(-1, batch_size)


def hardest_negatives(
    queries: NDArray[np.float32],
    query_labels: NDArray[np.int64],
    pool: NDArray[np.float32],
    pool_labels: NDArray[np.int64],
    per_query: int,
) -> NDArray[np.int64]:
    """The most similar photos of other landmarks, at most one a landmark.

    Args:
        queries: unit vectors (q, d).
        query_labels: int64 (q,).
        pool: unit vectors (p, d).
        pool_labels: int64 (p,).
        per_query: how many a query.

    Returns:
        Positions in the pool, int64 (q, per_query), most similar first; of equal ones the lower label and position.

    Raises:
        UsageError: the pool shows too few landmarks.
    """
    order = np.argsort(pool_labels, kind="stable")
    classes, starts = np.unique(pool_labels[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    if len(classes) <= per_query:
        raise UsageError(
            f"{per_query} hard negatives a query, each of another landmark, need more than the {len(classes)} "
            "landmarks of the pool. Lower train.sampler.per_query or raise train.sampler.pool."
        )
    found = np.empty((len(queries), per_query), np.int64)
    for first in range(0, len(queries), _BLOCK):
        scores = queries[first : first + _BLOCK] @ pool[order].T
        best = np.maximum.reduceat(scores, starts, axis=1)
        best[classes[None, :] == query_labels[first : first + _BLOCK, None]] = -np.inf
        chosen = np.argsort(-best, axis=1, kind="stable")[:, :per_query]
        for i, groups in enumerate(chosen.tolist()):
            at = [starts[g] + int(scores[i, starts[g] : ends[g]].argmax()) for g in groups]
            found[first + i] = order[at]
    return found


def _positives(
    queries: NDArray[np.int64], labels: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Another photo of each query's landmark, at random."""
    order = np.argsort(labels, kind="stable")
    place = np.empty(len(labels), np.int64)
    place[order] = np.arange(len(labels))
    counts = np.bincount(labels)
    begins = np.cumsum(counts) - counts
    count, begin = counts[labels[queries]], begins[labels[queries]]
    # A step of 1 to count - 1 around the landmark's ring never comes back to the query.
    step = generator.integers(1, count)
    return order[begin + (place[queries] - begin + step) % count]

"""A global ranking improved from itself: the stages of refinement in their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.gallery import Gallery
from periplus.records import Ranking
from periplus.rerank import (
    Diffusion,
    Expansion,
    Reciprocal,
    SuperGlobal,
    augment_gallery,
    diffuse,
    expand_queries,
    gallery_neighbours,
    k_reciprocal,
    superglobal,
)
from periplus.search import search_flat

Own = Sequence[NDArray[np.int64]]
Blocks = Iterable[tuple[int, NDArray[np.float16] | NDArray[np.float32]]]


@dataclass(frozen=True)
class Refinement:
    """What is done to a ranking of vectors, in this order; nothing where all are None.

    Attributes:
        augmentation: gallery vectors joined by their neighbours.
        expansion: queries joined by what they found, and searched again.
        superglobal, reciprocal, diffusion: new scores for the first candidates.
    """

    augmentation: Expansion | None = None
    expansion: Expansion | None = None
    superglobal: SuperGlobal | None = None
    reciprocal: Reciprocal | None = None
    diffusion: Diffusion | None = None

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Refinement:
        """Stages by name, each with how many neighbours or candidates take part in it.

        Raises:
            UsageError: a stage is unknown.
        """
        known = {
            "augmentation": Expansion,
            "expansion": Expansion,
            "superglobal": SuperGlobal,
            "reciprocal": lambda n: Reciprocal(k1=n),
            "diffusion": Diffusion,
        }
        wrong = next((name for name in counts if name not in known), None)
        if wrong is not None:
            raise UsageError(f"No refinement {wrong!r}; there are {', '.join(known)}.")
        return cls(**{name: known[name](n) for name, n in counts.items()})  # type: ignore[operator]

    def __bool__(self) -> bool:
        return any(part is not None for part in vars(self).values())

    @property
    def depth(self) -> int:
        """How many candidates the stages look at, at least."""
        tops = [part.top for part in (self.superglobal, self.reciprocal, self.diffusion) if part is not None]
        return max([0 if self.expansion is None else self.expansion.n, *tops])


def refined_ranking(
    queries: NDArray[np.float32],
    gallery: Gallery,
    k: int,
    how: Refinement,
    answering: NDArray[np.int64],
    own: Own = (),
) -> Ranking:
    """The k best gallery rows of each query (q, d), refined.

    Without a refinement a whole gallery's vectors are read block by block; else they are held in memory, n x d x 4
    bytes.

    Args:
        queries: float32 (q, d), unit rows.
        gallery: whose vectors are compared.
        k: how many rows.
        how: the stages.
        answering: int64 (n,), ascending, the rows that may be found and that refine.
        own: for each query the gallery rows that are the query itself, which neither answer nor refine it; empty for
            none at all.
    """
    whole = len(answering) == len(gallery)
    if not len(answering) or (not how and whole):
        return _searched(queries, gallery.vectors_blocks() if whole else (), k, own)
    vectors = (gallery.vectors if whole else gallery.vectors[answering]).astype(np.float32)
    inside = [np.flatnonzero(np.isin(answering, rows)) for rows in own]
    ranking = _refined(queries, vectors, max(k, how.depth), how, inside)
    rows, scores = ranking.rows[:, :k], ranking.scores[:, :k]
    if not whole:
        rows = np.where(rows < 0, -1, answering[rows])
    return Ranking(rows, scores)


def _refined(
    queries: NDArray[np.float32], vectors: NDArray[np.float32], depth: int, how: Refinement, own: Own
) -> Ranking:
    if how.augmentation is not None:
        neighbours = gallery_neighbours(vectors, how.augmentation.n)
        vectors = np.concatenate([block for _, block in augment_gallery(vectors, neighbours, how.augmentation)])
    ranking = _searched(queries, [(0, vectors)], depth, own)
    if how.expansion is not None:
        queries = expand_queries(queries, vectors, ranking, how.expansion)
        ranking = _searched(queries, [(0, vectors)], depth, own)
    if how.superglobal is not None:
        ranking = superglobal(queries, vectors, ranking, how.superglobal)
    if how.reciprocal is not None:
        ranking = k_reciprocal(queries, vectors, ranking, how.reciprocal)
    if how.diffusion is not None:
        ranking = diffuse(queries, vectors, ranking, how.diffusion)
    return ranking


def _searched(queries: NDArray[np.float32], blocks: Blocks, k: int, own: Own) -> Ranking:
    """The k best rows of each query that are not its own."""
    wide = search_flat(queries, blocks, k + max((len(rows) for rows in own), default=0))
    if wide.rows.shape[1] == k:
        return wide
    rows = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for query, out in enumerate(own):
        found, values = wide.of(query)
        kept = np.flatnonzero(~np.isin(found, out))[:k]
        rows[query, : len(kept)], scores[query, : len(kept)] = found[kept], values[kept]
    return Ranking(rows, scores)

"""One query's candidates by local evidence, whatever the gallery keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from periplus.encode import k_means
from periplus.errors import UsageError
from periplus.pipeline.opened import PATCHES, VLAD, OpenedGallery
from periplus.pipeline.query import Query
from periplus.records import Match
from periplus.rerank import (
    SEED_PATCHES,
    SEED_SIFT,
    SEED_VLAD,
    SEED_VLAD_WORDS,
    Fusion,
    PatchStack,
    RerankConfig,
    as_is,
    by_largest,
    capped,
    chamfer_scores,
    match_candidates,
    seed_patch_scores,
    seed_sift_scores,
    seed_vlad,
    stack_patches,
    unpack_patches,
    weighted,
)

Method = Literal["none", "sift", "vlad", "patches"]
Formula = Literal["right", "seed"]
ENOUGH_INLIERS = 30.0
"""So many distinct inliers are as good as more."""
_SAMPLE_ROWS = 200

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Evidence:
    """What local features say of candidates.

    Attributes:
        scores: float32 (m,), larger is better.
        matches: the geometry, where the method has one.
    """

    scores: Scores
    matches: tuple[Match, ...] | None = None


def local_evidence(
    query: Query, rows: Rows, opened: OpenedGallery, method: Method, formula: Formula = "right"
) -> Evidence:
    """Score gallery rows by one kind of local evidence.

    Args:
        query: the photo.
        rows: int64 (m,), candidates.
        opened: the gallery.
        method: a kind that :func:`require_method` accepts, not ``none``.
        formula: ``right``, or as the published experiment had it.
    """
    if (method, formula) == ("sift", "right"):
        stored = [opened.features(row) for row in rows.tolist()]
        matches = match_candidates(query.features, rows.tolist(), stored, RerankConfig())
        return Evidence(np.array([match.score for match in matches], np.float32), tuple(matches))
    return Evidence(_SCORERS[method, formula](query, rows, opened))


def require_method(opened: OpenedGallery, method: Method) -> None:
    """Refuse a kind of evidence that a gallery does not keep.

    Raises:
        UsageError: so it is.
    """
    if method == "patches" and not opened.encoder.config.patches:
        raise UsageError(
            f"{opened.gallery.path} keeps no patches. Make a gallery with a vision model and --patches for that."
        )


def fusion_of(method: Method, formula: Formula, weight: float) -> Fusion:
    """How a method's scores join the global ones; a published experiment's formula has its own weights.

    Raises:
        UsageError: the weight is out of range.
    """
    if formula == "seed":
        return {"sift": SEED_SIFT, "vlad": SEED_VLAD, "patches": SEED_PATCHES}[method]
    if method == "sift":
        return weighted(weight, by_largest, capped(ENOUGH_INLIERS))
    return weighted(weight, as_is, as_is)


def _vlad(query: Query, rows: Rows, opened: OpenedGallery) -> Scores:
    return np.array([_stored_vlad(opened, row) @ query.encoded.vector for row in rows.tolist()], np.float32)


def _stored_vlad(opened: OpenedGallery, row: int) -> NDArray[np.float32]:
    if opened.encoder.model is None:
        return opened.gallery.vector(row).astype(np.float32)
    return opened.gallery.blob(VLAD, row).view(np.float16).astype(np.float32)


def _patches(query: Query, rows: Rows, opened: OpenedGallery) -> Scores:
    return chamfer_scores(_own_patches(query), _stack(opened, rows))


def _seed_patches(query: Query, rows: Rows, opened: OpenedGallery) -> Scores:
    return seed_patch_scores(_own_patches(query), _stack(opened, rows))


def _own_patches(query: Query) -> NDArray[np.float32]:
    if query.patches is None:
        raise UsageError("This query was read for a gallery without patches.")
    return query.patches


def _stack(opened: OpenedGallery, rows: Rows) -> PatchStack:
    return stack_patches([unpack_patches(opened.gallery.blob(PATCHES, row)) for row in rows.tolist()])


def _seed_sift(query: Query, rows: Rows, opened: OpenedGallery) -> Scores:
    return seed_sift_scores(query.features.descriptors, _descriptors(opened, rows.tolist()))


def _seed_vlad(query: Query, rows: Rows, opened: OpenedGallery) -> Scores:
    centroids = _seed_centroids(opened)
    own = seed_vlad(query.features.descriptors, centroids)
    return np.array([seed_vlad(one, centroids) @ own for one in _descriptors(opened, rows.tolist())], np.float32)


def _descriptors(opened: OpenedGallery, rows: Sequence[int]) -> list[NDArray[np.float32]]:
    return [opened.features(row).descriptors for row in rows]


_centroids: dict[str, NDArray[np.float32]] = {}


def _seed_centroids(opened: OpenedGallery) -> NDArray[np.float32]:
    """Sixteen words of a sample of the gallery, learnt once a process."""
    key = opened.gallery.content_digest
    if key not in _centroids:
        rows = np.unique(np.linspace(0, len(opened) - 1, _SAMPLE_ROWS).astype(int))
        _centroids.clear()
        _centroids[key] = k_means(np.concatenate(_descriptors(opened, rows.tolist())), SEED_VLAD_WORDS, seed=0)
    return _centroids[key]


_SCORERS: dict[tuple[Method, Formula], Callable[[Query, Rows, OpenedGallery], Scores]] = {
    ("vlad", "right"): _vlad,
    ("patches", "right"): _patches,
    ("sift", "seed"): _seed_sift,
    ("vlad", "seed"): _seed_vlad,
    ("patches", "seed"): _seed_patches,
}

"""Similarity against distance of one or several sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from periplus.pipeline.spatial.lag_choice import largest_distance_km
from periplus.pipeline.spatial.observing import vectors_of
from periplus.pipeline.spatial.opening import Placed, Vectors
from periplus.pipeline.spatial.reading import Tell, own_checkpoint
from periplus.spatial import PassSettings, SimilarityCloud, SimilaritySettings, similarity_against_distance

_CHUNK = 4096
_UNIT_WITHIN = 5e-3
_NEAR_SHARE = 20


def answer_similarities(
    sources: Sequence[Placed], settings: SimilaritySettings, how: PassSettings, tell: Tell
) -> tuple[SimilarityCloud, ...]:
    """The cloud of each source, labelled by it.

    In a small place nothing is as far as ``settings.far_km``, and everything as near as ``settings.near_km``: far is
    at most half of the largest distance of the first source, and near a fortieth; near grows until a twentieth of all
    pairs are near, at most.

    Raises:
        UsageError: a source has no vectors.
        EmptyInputError: fewer than two photos have one.
    """
    watched = replace(how, progress=lambda done, total: tell("pairs", done, total))
    n = len(sources[0])
    few = max(settings.worst, n * (n - 1) // 2 // _NEAR_SHARE)
    settings = replace(settings, near_pairs=min(settings.near_pairs, few))
    reach = largest_distance_km(*sources[0].catalog.positions)
    if reach > 0:
        far, near = min(settings.far_km, reach / 2), min(settings.near_km, reach / 40)
        settings = replace(settings, far_km=far, near_km=near)
    clouds = []
    for number, one in enumerate(sources):
        lat, lon = one.catalog.positions
        own = own_checkpoint(watched, number)
        cloud = similarity_against_distance(lat, lon, unit_vectors(vectors_of(one)), settings, own)
        clouds.append(replace(cloud, label=one.label))
    return tuple(clouds)


def unit_vectors(vectors: Vectors) -> Vectors:
    """Vectors at length 1, as they are where they have it already; rows of 0 stay 0."""
    norms = np.concatenate([_norms(vectors[at : at + _CHUNK]) for at in range(0, len(vectors), _CHUNK)])
    # Vectors that are not finite stay as they are: what looks at them tells so.
    if not np.isfinite(norms).all() or not (np.abs(norms[norms > 0] - 1) > _UNIT_WITHIN).any():
        return vectors
    scaled = np.array(vectors, np.float32)
    scaled /= np.where(norms > 0, norms, 1)[:, None].astype(np.float32)
    return scaled


def _norms(block: Vectors) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(block.astype(np.float64), axis=1))

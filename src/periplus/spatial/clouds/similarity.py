"""Cosine similarity against great-circle distance, exactly over all pairs of photos, streamed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import chord_from_km, distance_km, to_unit
from periplus.spatial.clouds.cloud import BANDS, SimilarityCloud, SimilaritySettings
from periplus.spatial.clouds.correlation import (
    Correlation,
    Counts,
    Values,
    leave_out,
    pearson_of_sums,
    spearman_of_counts,
    varies,
    why_missing,
    with_interval,
)
from periplus.spatial.clouds.monotone import MeanCurve, Monotonicity, curve_and_rises, discordance
from periplus.spatial.clouds.similarity_tally import SimilarityTally
from periplus.spatial.clouds.similarity_totals import Totals, add_up
from periplus.spatial.clouds.worst_pairs import Rows, WorstPair
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.checkpoint import pass_key
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags
from periplus.spatial.pairs.tiles import PassSettings, make_plan

_UNIT_WITHIN: Final = 0.01
_CHUNK: Final = 4096
_DISTANCE: Final = [0, 1, 2, 3, 4, 5]
_LOG_DISTANCE: Final = [0, 6, 2, 7, 4, 8]
_MOST_COUNTS: Final = 1 << 28
"""Counts that the jackknife may hold, 2 GiB."""


def similarity_against_distance(
    lat_deg: Values,
    lon_deg: Values,
    vectors: NDArray[np.floating],
    settings: SimilaritySettings = SimilaritySettings(),  # noqa: B008 - frozen
    how: PassSettings = PassSettings(),  # noqa: B008 - frozen
) -> SimilarityCloud:
    """All pairs of photos as a cloud of similarity against distance, with what it tells.

    Held at once: the vectors once more, in the order of the pass and in their own type; counts of every block of places
    (blocks x distance classes x similarity classes x 8 bytes, 52 MB as set); a tile a worker.

    Args:
        lat_deg: (n,) degrees.
        lon_deg: the same.
        vectors: (n, d), float32 or float16, may be mapped from a file. Rows have length 1, or 0 where a photo has
            no features: these are left out and counted. Not centred: similarity itself is looked at.
        settings: classes, lags and the worst pairs.
        how: workers, blocks and progress; products are NumPy's whatever the backend.

    Raises:
        UsageError: shapes disagree, a number is not finite, a row has another length, or the blocks' counts would take
            more than 2 GiB.
        EmptyInputError: fewer than two photos have vectors.
    """
    photos = Observations(lat_deg, lon_deg, vectors)
    rows, lowest = _usable(photos)
    lat, lon = lat_deg[rows], lon_deg[rows]
    settings = replace(settings, near_km=_near_km(lat, lon, settings))
    edges = np.geomspace(settings.min_km, HALF_GIRTH_KM, settings.distance_classes + 1)
    plan = make_plan(lat, lon, Lags(np.concatenate([[0.0], edges[1:-1], [HALF_GIRTH_KM]])), how.blocks)
    _check_size(len(plan.blocks), settings)
    ordered = rows[plan.blocks.order]
    tally = SimilarityTally(vectors[ordered], ordered, settings, lowest)
    totals = add_up(plan, tally, how, pass_key(photos, edges, settings, len(plan.blocks)))
    curve, monotonicity = _fall(edges, totals, settings)
    pearson, pearson_log, spearman = _correlations(totals)
    similarity_edges = np.linspace(lowest, 1, settings.similarity_classes + 1)
    far, near = (
        _worst(tally.rule.take(pairs), lat_deg, lon_deg, vectors, curve) for pairs in (totals.far, totals.near)
    )
    held = totals.counts.sum(1)
    return SimilarityCloud(
        distance_edges_km=edges,
        similarity_edges=similarity_edges,
        counts=totals.counts,
        mean=totals.total / np.where(held, held, math.nan),
        quantiles=quantiles_of_counts(totals.counts, similarity_edges),
        curve=curve,
        pearson=pearson,
        pearson_log=pearson_log,
        spearman=spearman,
        monotonicity=monotonicity,
        far_alike=far,
        near_unlike=near,
        far_km=settings.far_km,
        near_km=settings.near_km,
        n=len(rows),
        n_pairs=int(held.sum()),
        n_empty=len(vectors) - len(rows),
        n_blocks=len(plan.blocks),
    )


def quantiles_of_counts(counts: Counts, edges: Values) -> Values:
    """Quantiles at :data:`BANDS` of every row of counts, (L, S) with edges (S + 1,) to (L, 5); NaN of an empty row."""
    upto = np.cumsum(counts, axis=1)
    found = np.full((len(counts), len(BANDS)), math.nan)
    for row in np.flatnonzero(upto[:, -1]):
        wanted = np.array(BANDS) * upto[row, -1]
        k = np.searchsorted(upto[row], wanted)
        share = 1 - (upto[row, k] - wanted) / counts[row, k]
        found[row] = edges[k] + share * (edges[k + 1] - edges[k])
    return found


def _usable(photos: Observations) -> tuple[Rows, float]:
    """Rows that have a vector, and a number that no similarity of two of them is below.

    With c the least cosine with the mean direction, no two vectors are more than twice arccos c apart.
    """
    vectors = photos.values
    if vectors.ndim != 2:
        raise UsageError(f"Similarity is of vectors (n, d); there are values of shape {vectors.shape}.")
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(vectors), _CHUNK)]
    norms = np.concatenate([np.linalg.norm(vectors[part].astype(np.float64), axis=1) for part in chunks])
    rows = np.flatnonzero(norms)
    odd = rows[np.abs(norms[rows] - 1) > _UNIT_WITHIN]
    if len(odd):
        raise UsageError(f"Row {odd[0]} has length {norms[odd[0]]:.4g}; bring vectors to length 1 first.")
    if len(rows) < 2:
        raise EmptyInputError(f"Similarity needs two photos with vectors; of {len(vectors)} there are {len(rows)}.")
    mean = sum(vectors[part].astype(np.float64).sum(0) for part in chunks)
    mean = mean / max(float(np.linalg.norm(mean)), 1e-300)
    cosines = np.concatenate([vectors[part].astype(np.float64) @ mean for part in chunks])[rows] / norms[rows]
    least = 2 * max(float(cosines.min()), 0.0) ** 2 - 1
    least *= norms[rows].min() ** 2 if least > 0 else norms[rows].max() ** 2
    # On a coarse grid, so that rounding does not move classes.
    return rows, float(np.clip(np.floor((least - 1e-6) * 64) / 64, -1, 63 / 64))


def _near_km(lat: Values, lon: Values, settings: SimilaritySettings) -> float:
    """``near_km``, doubled until so many pairs are nearer."""
    tree, km = cKDTree(to_unit(lat, lon)), settings.near_km
    wanted = min(settings.near_pairs, len(lat) * (len(lat) - 1) // 2)
    while km < HALF_GIRTH_KM and (tree.count_neighbors(tree, float(chord_from_km(km))) - len(lat)) // 2 < wanted:
        km = min(2 * km, HALF_GIRTH_KM)
    return km


def _check_size(blocks: int, settings: SimilaritySettings) -> None:
    if blocks * settings.distance_classes * settings.similarity_classes > _MOST_COUNTS:
        raise UsageError(
            f"Counts of {blocks} blocks in {settings.distance_classes} x {settings.similarity_classes} classes take "
            "more than 2 GiB; give fewer blocks or classes."
        )


def _fall(edges: Values, totals: Totals, settings: SimilaritySettings) -> tuple[MeanCurve, Monotonicity]:
    """The mean curve over lags, and how nearly it falls."""
    per_lag = settings.distance_classes // settings.lags
    starts = np.arange(0, settings.distance_classes, per_lag)
    touched = np.add.reduceat(totals.touched_counts.sum(2), starts, axis=1)
    curve, rises, steps = curve_and_rises(
        edges[::per_lag],
        np.add.reduceat(totals.counts.sum(1), starts),
        np.add.reduceat(totals.total, starts),
        touched,
        np.add.reduceat(totals.touched_total, starts, axis=1),
    )
    return curve, Monotonicity(rises, steps, discordance(totals.counts))


def _correlations(totals: Totals) -> tuple[Correlation, Correlation, Correlation]:
    """Pearson's with distance and with log distance, and Spearman's."""
    found = []
    for which, name in ((_DISTANCE, "distances"), (_LOG_DISTANCE, "logarithms of distance")):
        n, x, y, xx, yy, _ = (float(part) for part in totals.moments[which])
        reason = why_missing(n, varies(n, x, xx), varies(n, y, yy), name, "similarities")
        left_out = pearson_of_sums((totals.moments - totals.touched_moments)[:, which])
        found.append(with_interval(float(pearson_of_sums(totals.moments[which])), left_out, reason))
    counts = totals.counts
    apart, alike = (bool(np.count_nonzero(counts.sum(axis)) > 1) for axis in (1, 0))
    reason = why_missing(counts.sum(), apart, alike, "classes of distance", "classes of similarity")
    left_out = leave_out(counts, totals.touched_counts, spearman_of_counts)
    return found[0], found[1], with_interval(spearman_of_counts(counts), left_out, reason)


def _worst(
    pairs: Rows, lat: Values, lon: Values, vectors: NDArray[np.floating], curve: MeanCurve
) -> tuple[WorstPair, ...]:
    found = []
    for a, b in pairs.tolist():
        apart = float(distance_km(lat[a], lon[a], lat[b], lon[b]))
        alike = float(vectors[a].astype(np.float64) @ vectors[b].astype(np.float64))
        found.append(WorstPair(a, b, apart, alike, curve.at(apart)))
    return tuple(found)

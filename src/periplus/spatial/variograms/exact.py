"""Empirical semivariograms of all pairs of places."""

from __future__ import annotations

from typing import Final

import numpy as np

from periplus.geo import EARTH_RADIUS_KM
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.checkpoint import Checkpoint, State, pass_key
from periplus.spatial.pairs.lags import Lags
from periplus.spatial.pairs.tiles import COLUMNS, ROWS, PassSettings, make_plan
from periplus.spatial.variograms.directions import Directions, sector_ends_deg
from periplus.spatial.variograms.dowd import dowd_estimates
from periplus.spatial.variograms.estimators import (
    ESTIMATES,
    Estimated,
    LagSums,
    matheron,
    require_estimator,
    vector_factor,
)
from periplus.spatial.variograms.jackknife import block_jackknife
from periplus.spatial.variograms.sums import PairPass
from periplus.spatial.variograms.values import differences
from periplus.spatial.variograms.variogram import BlockSums, Estimator, Variogram

__all__ = ["PassSettings", "exact_variograms"]

_MOST_SUMS: Final = 1 << 23
"""Pairs of blocks times lags times sectors: more (128 MB of counts and sums) would be held; there are fewer blocks."""


def exact_variograms(
    observations: Observations,
    lags: Lags,
    estimator: Estimator = "matheron",
    sectors: int = 1,
    how: PassSettings = PassSettings(),  # noqa: B008 - frozen
) -> tuple[Variogram, ...]:
    """The empirical semivariogram of all pairs, one a sector of direction.

    Streams tiles of pairs: float64 distances, float32 products of centred vectors, float64 sums; memory beyond the
    input is a float32 copy of vectors up to 1 GiB (see :class:`~periplus.spatial.variograms.values.CentredVectors`),
    some tiles a worker, and the sums of pairs of blocks.

    Args:
        observations: values at places; with a second variable the cross-variogram (``matheron`` alone): half the mean
            product of differences, of vectors half the mean inner product.
        lags: classes of distance.
        estimator: ``matheron``, ``cressie`` or ``dowd``; of vectors differences are Euclidean distances
            (:func:`~periplus.spatial.variograms.estimators.vector_factor`).
        sectors: of direction, the first centred on north; 1 does not look at directions.
        how: threads, blocks, backend, checkpoint.

    Raises:
        UsageError: an unknown estimator, a robust one of two variables, sectors out of range, a foreign checkpoint.
        MissingExtraError: the torch backend without torch.
    """
    require_estimator(observations, estimator)
    ends = sector_ends_deg(sectors)
    plan = make_plan(observations.lat_deg, observations.lon_deg, lags, _fitting(how.blocks, sectors * len(lags)))
    directions = Directions(plan.xyz, sectors, len(lags) + 1) if sectors > 1 else None
    job = PairPass(plan, differences(observations, plan.blocks.order), directions, sectors, how)
    what = estimator, sectors, len(plan.blocks), how.backend, ROWS, COLUMNS
    checkpoint = Checkpoint(how.checkpoint, pass_key(observations, lags.edges_km, *what))
    found = dowd_estimates(job, checkpoint) if estimator == "dowd" else _averages(job, estimator, checkpoint)
    checkpoint.remove()
    return tuple(
        _record(observations, lags, estimator, one, None if sectors == 1 else end)
        for one, end in zip(found, ends, strict=True)
    )


def _record(
    observations: Observations, lags: Lags, estimator: str, one: Estimated, sector_deg: tuple[float, float] | None
) -> Variogram:
    factor = vector_factor(estimator, observations.dim)
    return Variogram(
        estimator=estimator,
        edges_km=lags.edges_km,
        distance_km=one.distance_km,
        gamma=one.gamma * factor,
        count=one.count,
        standard_error=one.standard_error * factor,
        sampling_error=np.zeros(len(lags)),
        n=len(observations),
        dim=observations.dim,
        n_pairs=one.count.astype(np.float64),
        sector_deg=sector_deg,
        blocks=one.blocks,
    )


def _averages(job: PairPass, estimator: Estimator, checkpoint: Checkpoint) -> list[Estimated]:
    """Estimates that come from sums: one pass."""
    estimate, pairs = ESTIMATES[estimator], job.plan.pairs
    shape = len(pairs), job.sectors, job.lags
    state: State = {"count": np.zeros(shape, np.int64), "total": np.zeros(shape), "arc": np.zeros(shape[1:])}
    done = checkpoint.load(state)
    consumer = LagSums(job.differences, job.lags, job.sectors, job.directions, rooted=estimator == "cressie")
    for k, sums in job.walk(consumer, state, done, checkpoint):
        state["count"][k], state["total"][k] = sums["count"], sums["total"]
        state["arc"] += sums["arc"]
    found = []
    for sector in range(job.sectors):
        count, total = (np.ascontiguousarray(state[name][:, sector]) for name in ("count", "total"))
        sums_ = BlockSums(len(job.plan.blocks), pairs[:, 0], pairs[:, 1], count, total)
        counts = count.sum(axis=0)
        found.append(
            Estimated(
                distance_km=matheron(state["arc"][sector], counts) * EARTH_RADIUS_KM,
                gamma=estimate(total.sum(axis=0), counts),
                count=counts,
                standard_error=block_jackknife(sums_, estimate),
                blocks=sums_,
            )
        )
    return found


def _fitting(blocks: int, classes: int) -> int:
    """So many blocks that their pairs' sums stay in bounds."""
    while blocks > 1 and blocks * (blocks + 1) // 2 * classes > _MOST_SUMS:
        blocks -= 1
    return blocks

"""From a world-wide belief to an answer, or to a reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from periplus.geo import describe, distance_km, places_of
from periplus.position import logistic
from periplus.position.areas import AreaTable, top_areas
from periplus.position.guess import mode
from periplus.position.kernels import density_of
from periplus.position.region import mass_within, region
from periplus.position.world import WorldBelief, WorldRows
from periplus.position.world_calibrate import Look, look_at
from periplus.position.world_calibration import WorldCalibration
from periplus.records import Area, Evidence, Fix, Place

_CHILDREN_SEEN = 16
_LEAST_SHARE = 1e-3
_ELSEWHERE = 2.0
"""Places whose discs of ``right_km`` do not meet are two places."""
_NAMED = 3


def make_world_fix(
    belief: WorldBelief,
    calibration: WorldCalibration,
    ids: Sequence[str],
    areas: AreaTable | None = None,
    centres: int = 2000,
) -> Fix:
    """Decide where a photo was taken, how sure that is, and why; the likeliest rows are the evidence.

    Args:
        belief: about the photo, under the calibration's temperature.
        calibration: of the gallery.
        ids: of all gallery rows.
        areas: of the belief's rows; without them no areas are told.
        centres: kernels of the density, at most.
    """
    return decide(belief, calibration, evidence_of(belief, ids), areas, centres)


def decide(
    belief: WorldBelief,
    calibration: WorldCalibration,
    evidence: Sequence[Evidence],
    areas: AreaTable | None = None,
    centres: int = 2000,
) -> Fix:
    """:func:`make_world_fix` with evidence of any kind; its distances are taken from the guess made here."""
    p, rows = belief.p, belief.rows
    look = look_at(p, rows, calibration.right_km, calibration.guess)
    sure = float(logistic.predict(np.array(look.features), calibration.confidence_weights))
    found = () if areas is None else top_areas(p, areas)
    half = look.nominal_km[0] * calibration.radius_factors[0]
    return Fix(
        lat_deg=look.lat_deg,
        lon_deg=look.lon_deg,
        radius_km_50=half,
        radius_km_90=max(look.nominal_km[1] * calibration.radius_factors[1], half),
        confidence=sure,
        confidence_radius_km=calibration.right_km,
        abstained=_reason(belief, sure, found, calibration),
        evidence=tuple(replace(e, distance_km=_apart_km(e, look)) for e in evidence),
        runner_up=runner_up(p, rows, look, calibration.right_km),
        density=density_of(p, rows, centres),
        place=name_of(look.lat_deg, look.lon_deg),
        areas=found,
    )


def runner_up(p: NDArray[np.floating], rows: WorldRows, look: Look, right_km: float) -> Place | None:
    """Where the belief concentrates elsewhere, with its share within ``right_km``; None where hardly any is left."""
    away = rows.distance_km(look.lat_deg, look.lon_deg)
    rest = np.where(away > _ELSEWHERE * right_km, p, 0)
    left = float(rest.sum(dtype=np.float64))
    if left < _LEAST_SHARE:
        return None
    lat, lon = mode(rest / left, rows, right_km)
    share = mass_within(rest, rows, rows.distance_km(lat, lon), right_km)
    return Place(lat, lon, min(share, 1.0), name_of(lat, lon))


def name_of(lat_deg: float, lon_deg: float) -> str:
    """The nearest town in words."""
    return describe(places_of(np.array([lat_deg]), np.array([lon_deg]))[0])


def _reason(belief: WorldBelief, sure: float, areas: tuple[Area, ...], calibration: WorldCalibration) -> str | None:
    if sure >= calibration.answer_confidence:
        return None
    need = (
        f"{sure:.0%} sure to be right within {calibration.right_km:,.0f} km, {calibration.answer_confidence:.0%} needed"
    )
    countries = [area for area in areas if area.kind == "country"][:_NAMED]
    if not countries:
        size = region(belief.p, belief.rows, calibration.levels[1]).area_km2
        return f"the belief spreads over {size:,.0f} km² ({need})"
    if countries[0].probability >= calibration.answer_confidence:
        where = f"{countries[0].name} ({countries[0].probability:.0%})"
        return f"the belief points to {where}, but spreads too far within it ({need})"
    told = ", ".join(f"{area.name} {area.probability:.0%}" for area in countries)
    return f"the belief spreads over several countries: {told} ({need})"


def evidence_of(belief: WorldBelief, ids: Sequence[str], most: int = 12) -> tuple[Evidence, ...]:
    """The likeliest rows, the best one of each gallery row; their score is the belief in them, their distance NaN.

    Args:
        belief: about one photo.
        ids: of all gallery rows.
        most: how many, at most; none has less than a thousandth of the best one's belief.
    """
    p, rows = belief.p, belief.rows
    several = min(len(p), _CHILDREN_SEEN * most)
    heavy = np.argpartition(p, len(p) - several)[len(p) - several :]
    heavy = heavy[np.lexsort((heavy, -p[heavy]))]
    _, first = np.unique(belief.gallery_row[heavy], return_index=True)
    best = heavy[np.sort(first)][:most]
    best = best[p[best] >= _LEAST_SHARE * p[heavy[0]]]
    gallery = belief.gallery_row[best].tolist()
    told = zip(gallery, rows.lat_deg[best].tolist(), rows.lon_deg[best].tolist(), p[best].tolist(), strict=True)
    return tuple(Evidence(g, str(ids[g]), None, lat, lon, score, None, math.nan) for g, lat, lon, score in told)


def _apart_km(evidence: Evidence, look: Look) -> float:
    return float(distance_km(evidence.lat_deg, evidence.lon_deg, look.lat_deg, look.lon_deg))

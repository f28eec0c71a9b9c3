"""From beliefs to an answer, or to a reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.geo import describe, distance_km, places_of
from periplus.position.belief import Kernel, Peak
from periplus.position.calibrate import Calibration, Candidates, confidence, guess, scale_km
from periplus.records import Catalog, Density, Evidence, Fix, Match, Place

FEWEST_INLIERS = 5.0
"""A photo with fewer distinct inliers is no evidence."""
_MOST_EVIDENCE = 12
_DENSITY_CENTRES = 200
_RIVAL_SHARE = 0.8


def make_fix(candidates: Candidates, matches: Sequence[Match], catalog: Catalog, calibration: Calibration) -> Fix:
    """Decide where a photo was taken, how sure that is, and why.

    Args:
        candidates: scores and positions of n candidates.
        matches: their verified geometry, in the same order.
        catalog: their rows of the gallery's catalog, in the same order.
        calibration: of the gallery.
    """
    if not matches:
        return no_fix("no gallery photo with a position could be compared", calibration)
    peak, _ = guess(candidates, calibration)
    best = float(candidates.scores.max())
    sure = confidence(peak, calibration) if best >= FEWEST_INLIERS else 0.0
    size = scale_km(peak, calibration.kernel)
    evidence = _evidence(peak, candidates, matches, catalog)
    return Fix(
        lat_deg=peak.lat_deg,
        lon_deg=peak.lon_deg,
        radius_km_50=size * calibration.radius_factors[0],
        radius_km_90=size * calibration.radius_factors[1],
        confidence=sure,
        confidence_radius_km=calibration.right_km,
        abstained=_reason(sure, best, peak, evidence, calibration),
        evidence=evidence,
        runner_up=_runner_up(peak),
        density=_density(peak, calibration.kernel),
        place=describe(places_of(np.array([peak.lat_deg]), np.array([peak.lon_deg]))[0]),
    )


def no_fix(reason: str, calibration: Calibration) -> Fix:
    """The answer where not even a guess is possible."""
    unknown = float("nan")
    return Fix(unknown, unknown, unknown, unknown, 0.0, calibration.right_km, reason)


def _reason(
    sure: float, best: float, peak: Peak, evidence: tuple[Evidence, ...], calibration: Calibration
) -> str | None:
    if best < FEWEST_INLIERS or not evidence:
        return "no photo here shows this place: no gallery photo matches it geometrically"
    if sure >= calibration.answer_confidence:
        return None
    need = f"confidence {sure:.0%}, {calibration.answer_confidence:.0%} needed"
    if peak.rival_support > _RIVAL_SHARE * peak.support:
        return f"two places fit about equally well ({need})"
    return f"the matches are too weak to tell this place from chance ({need})"


def _evidence(peak: Peak, candidates: Candidates, matches: Sequence[Match], catalog: Catalog) -> tuple[Evidence, ...]:
    chosen = [j for j in peak.photos.tolist() if matches[j].score >= FEWEST_INLIERS]
    chosen = sorted(chosen, key=lambda j: -matches[j].score)[:_MOST_EVIDENCE]
    away = distance_km(candidates.lat_deg, candidates.lon_deg, peak.lat_deg, peak.lon_deg)
    ids, paths = catalog.column("id"), catalog.column("path")
    return tuple(
        Evidence(
            row=matches[j].row,
            id=str(ids[j]),
            path=None if paths[j] is None else str(paths[j]),
            lat_deg=float(candidates.lat_deg[j]),
            lon_deg=float(candidates.lon_deg[j]),
            score=matches[j].score,
            match=matches[j],
            distance_km=float(away[j]),
        )
        for j in chosen
    )


def _runner_up(peak: Peak) -> Place | None:
    if not peak.rival_support > 0:
        return None
    weights = np.exp(np.array([peak.support, peak.rival_support]) - peak.support)
    name = describe(places_of(np.array([peak.rival_lat_deg]), np.array([peak.rival_lon_deg]))[0])
    return Place(peak.rival_lat_deg, peak.rival_lon_deg, float(weights[1] / weights.sum()), name)


def _density(peak: Peak, kernel: Kernel) -> Density:
    best = np.argsort(-peak.points_support, kind="stable")[:_DENSITY_CENTRES]
    weights: NDArray[np.float64] = np.exp(peak.points_support[best] - peak.support)
    widths = np.full(len(best), kernel.wide_km / 3)
    return Density(peak.points_lat_deg[best], peak.points_lon_deg[best], weights / weights.sum(), widths)

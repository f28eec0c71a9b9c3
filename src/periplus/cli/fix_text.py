"""One answer, for people and for programs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from periplus.cli.text import show

if TYPE_CHECKING:
    from periplus.pipeline import Located
    from periplus.records import Area, Evidence, Fix

_EVIDENCE_SHOWN = 5
_POSITIONS_SHOWN = 3
_GRID_KM = 12.0
_RUNNER_UP_SHOWN = 0.01


def fix_document(one: Located) -> dict[str, object]:
    """The answer to one photo for programs; NaN where a number is unknown."""
    fix = one.fix
    other, said = fix.runner_up, fix.recorded
    runner_up = other and {
        "lat_deg": other.lat_deg,
        "lon_deg": other.lon_deg,
        "weight": other.weight,
        "place": other.name,
        "distance_km": _runner_up_km(fix),
    }
    recorded = said and {
        "lat_deg": said.lat_deg,
        "lon_deg": said.lon_deg,
        "source": said.source,
        "distance_km": said.distance_km,
    }
    return {
        "photo": str(one.query_path),
        "answered": fix.answered,
        "answer_is": "camera position",
        "lat_deg": fix.lat_deg,
        "lon_deg": fix.lon_deg,
        "radius_km_50": fix.radius_km_50,
        "radius_km_90": fix.radius_km_90,
        "confidence": fix.confidence,
        "confidence_radius_km": fix.confidence_radius_km,
        "reason": fix.abstained,
        "place": fix.place or None,
        "runner_up": runner_up,
        "recorded": recorded,
        "areas": [_area_document(area) for area in fix.areas],
        "carried_by": dict(fix.carried_by),
        "evidence": [_evidence_document(item) for item in fix.evidence],
        "seconds": one.seconds,
    }


def _area_document(area: Area) -> dict[str, object]:
    return {
        "kind": area.kind,
        "name": area.name,
        "country_code": area.country_code,
        "probability": area.probability,
    }


def _evidence_document(item: Evidence) -> dict[str, object]:
    match = item.match
    return {
        "id": item.id,
        "path": item.path,
        "lat_deg": item.lat_deg,
        "lon_deg": item.lon_deg,
        "inliers": match.inliers if match else None,
        "kind": match.kind if match else None,
        "coverage": match.coverage if match else None,
        "score": item.score,
        "distance_km": item.distance_km,
    }


def show_fix(one: Located) -> None:
    """The answer to one photo for people: a paragraph."""
    from periplus.plots.words import answer_words, distance_words

    fix = one.fix
    if not fix.answered and not fix.evidence and not fix.areas:
        # A guess that nothing speaks for would only look like an answer.
        fix = replace(fix, lat_deg=math.nan, lon_deg=math.nan, runner_up=None)
    show(one.query_path, strong=True)
    show(answer_words(fix), indent=2)
    if fix.answered:
        right = distance_words(fix.confidence_radius_km)
        show(f"Confidence: that the camera stood within {right} of here; what it shows may be elsewhere.", indent=2)
    _show_areas(fix)
    _show_evidence(fix)
    _show_others(fix)
    show()


def _show_areas(fix: Fix) -> None:
    """The most probable countries, and what carried the belief; only of world-wide answers."""
    from periplus.plots.words import areas_words, carried_words

    if countries := areas_words(fix.areas, "country"):
        show(f"Countries: {countries}.", indent=2)
    if len(fix.carried_by) > 1:
        show(f"Carried by: {carried_words(fix.carried_by)}.", indent=2)


def _show_evidence(fix: Fix) -> None:
    """The photos that speak for it, and the first of the bare positions, which say little in words."""
    from periplus.plots.words import distance_words, position_words

    bare = all(item.path is None for item in fix.evidence)
    most = _POSITIONS_SHOWN if bare else _EVIDENCE_SHOWN
    for number, item in enumerate(fix.evidence[:most], 1):
        away = distance_words(item.distance_km)
        if item.path is None:
            spot = position_words(item.lat_deg, item.lon_deg, _GRID_KM)
            show(f"Evidence {number}: the position {spot} in the gallery, {away} from here.", indent=2)
        else:
            points = f"{item.match.inliers} matching points, " if item.match else ""
            show(f"Evidence {number}: {item.id}, {points}taken {away} from here.", indent=2)
    if (more := len(fix.evidence) - most) > 0:
        kind = "position" if bare else "photo"
        show(f"{more} more {kind + ' speaks' if more == 1 else kind + 's speak'} for it.", indent=2)


def _show_others(fix: Fix) -> None:
    """The place that comes next, where it counts, and what the file itself says."""
    from periplus.plots.words import distance_words, percent_words, position_words

    if (other := fix.runner_up) is not None and other.weight >= _RUNNER_UP_SHOWN:
        away = _runner_up_km(fix)
        where = "" if away is None else f", {distance_words(away)} away"
        spot = position_words(other.lat_deg, other.lon_deg, fix.radius_km_90)
        show(f"Next best place: {spot}{where}, with {percent_words(other.weight)} of the belief.", indent=2)
    if (said := fix.recorded) is not None:
        spot = position_words(said.lat_deg, said.lon_deg)
        guessed = said.distance_km is not None and math.isfinite(fix.lat_deg)
        apart = f", {distance_words(said.distance_km or 0.0)} from here" if guessed else ""
        show(f"The file itself says ({said.source.upper()}): {spot}{apart}; not used for the answer.", indent=2)


def _runner_up_km(fix: Fix) -> float | None:
    from periplus.geo import distance_km

    if fix.runner_up is None or not math.isfinite(fix.lat_deg):
        return None
    return float(distance_km(fix.lat_deg, fix.lon_deg, fix.runner_up.lat_deg, fix.runner_up.lon_deg))

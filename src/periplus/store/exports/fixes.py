"""Answers as GeoJSON: for each query its best guess, its circles or regions, and its evidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from periplus.records import Evidence, Fix
from periplus.store.exports.circles import circle
from periplus.store.exports.values import Plain, plain


class Located(Protocol):
    """A query and its answer."""

    @property
    def query_path(self) -> Path:
        """The photo."""

    @property
    def fix(self) -> Fix:
        """Where it was taken."""


Regions = Callable[[Fix], Sequence[tuple[float, dict[str, object]]]]
"""Gives the regions that hold shares of a fix's belief as GeoJSON geometries; none where circles say it all."""


def fixes_to_geojson(entries: Iterable[Located], regions: Regions | None = None) -> dict[str, object]:
    """A GeoJSON feature collection (RFC 7946) of answers.

    Every feature has a property ``query`` and a property ``kind``: ``estimate`` (one a query, its geometry null
    where there is not even a guess), ``circle`` (with ``probability`` 0.5 or 0.9), ``region`` (the same, where the
    belief has several places), ``evidence``, ``runner-up`` and ``recorded`` (what the file itself says). Numbers that
    are not finite become null.

    Args:
        entries: queries and their answers.
        regions: asked for every answer with a density; None gives circles only.
    """
    features = [feature for entry in entries for feature in _features(str(entry.query_path), entry.fix, regions)]
    return {"type": "FeatureCollection", "features": features}


def _features(query: str, fix: Fix, regions: Regions | None) -> list[dict[str, object]]:
    features = [_feature("estimate", query, _point(fix.lat_deg, fix.lon_deg), _answer(fix))]
    guessed = math.isfinite(fix.lat_deg) and math.isfinite(fix.lon_deg)
    for probability, radius_km in ((0.5, fix.radius_km_50), (0.9, fix.radius_km_90)):
        if guessed and math.isfinite(radius_km) and radius_km > 0:
            shape = circle(fix.lat_deg, fix.lon_deg, radius_km)
            features.append(_feature("circle", query, shape, {"probability": probability, "radius_km": radius_km}))
    if regions is not None and fix.density is not None:
        features += [_feature("region", query, shape, {"probability": share}) for share, shape in regions(fix)]
    for number, evidence in enumerate(fix.evidence, 1):
        features.append(_feature("evidence", query, _point(evidence.lat_deg, evidence.lon_deg), _why(evidence, number)))
    if (other := fix.runner_up) is not None:
        where = _point(other.lat_deg, other.lon_deg)
        features.append(_feature("runner-up", query, where, {"weight": other.weight, "place": other.name}))
    if (said := fix.recorded) is not None:
        told = {"source": said.source, "distance_km": said.distance_km}
        features.append(_feature("recorded", query, _point(said.lat_deg, said.lon_deg), told))
    return features


def _answer(fix: Fix) -> dict[str, object]:
    return {
        "answered": fix.answered,
        "reason": fix.abstained,
        "confidence": fix.confidence,
        "confidence_radius_km": fix.confidence_radius_km,
        "radius_km_50": fix.radius_km_50,
        "radius_km_90": fix.radius_km_90,
        "place": fix.place,
        "areas": [asdict(area) for area in fix.areas],
        "carried_by": dict(fix.carried_by),
        "evidence": [evidence.id for evidence in fix.evidence],
    }


def _why(evidence: Evidence, number: int) -> dict[str, object]:
    return {
        "number": number,
        "id": evidence.id,
        "path": evidence.path,
        "score": evidence.score,
        "inliers": evidence.match.inliers if evidence.match else None,
        "distance_km": evidence.distance_km,
    }


def _point(lat_deg: float, lon_deg: float) -> dict[str, object] | None:
    if not (math.isfinite(lat_deg) and math.isfinite(lon_deg)):
        return None
    return {"type": "Point", "coordinates": [float(lon_deg), float(lat_deg)]}


def _feature(
    kind: str, query: str, geometry: dict[str, object] | None, properties: Mapping[str, object]
) -> dict[str, object]:
    told: dict[str, Plain] = {"kind": kind, "query": query, **{k: plain(v) for k, v in properties.items()}}
    return {"type": "Feature", "geometry": geometry, "properties": told}

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.geo import destination, distance_km
from periplus.records import Area, Density, Evidence, Fix, Place, RecordedPosition
from periplus.store.exports import fixes_to_geojson
from periplus.store.exports.circles import circle


@dataclass(frozen=True)
class Entry:
    query_path: Path
    fix: Fix


def _fix(lat: float = 37.79, lon: float = -122.4, reason: str | None = None, radius: float = 0.09) -> Fix:
    evidence = Evidence(3, "gallery/7", None, 37.7901, -122.4002, np.float32(0.5), None, 0.02)  # type: ignore[arg-type]
    return Fix(
        lat_deg=lat,
        lon_deg=lon,
        radius_km_50=radius / 3,
        radius_km_90=radius,
        confidence=0.93,
        confidence_radius_km=0.1,
        abstained=reason,
        evidence=(evidence,),
        runner_up=Place(38.0, -121.0, 0.04, "Elsewhere"),
        place="San Francisco, California, United States",
        recorded=RecordedPosition(37.8, -122.4, "exif", 1.1),
    )


def test_an_answer_and_its_parts() -> None:
    told = _plain(fixes_to_geojson([Entry(Path("a/b.jpg"), _fix())]))
    assert [f["properties"]["kind"] for f in told] == [
        "estimate",
        "circle",
        "circle",
        "evidence",
        "runner-up",
        "recorded",
    ]
    assert {f["properties"]["query"] for f in told} == {"a/b.jpg"}
    assert told[0]["geometry"] == {"type": "Point", "coordinates": [-122.4, 37.79]}
    assert told[0]["properties"] == {
        "kind": "estimate",
        "query": "a/b.jpg",
        "answered": True,
        "reason": None,
        "confidence": 0.93,
        "confidence_radius_km": 0.1,
        "radius_km_50": 0.03,
        "radius_km_90": 0.09,
        "place": "San Francisco, California, United States",
        "areas": [],
        "carried_by": {},
        "evidence": ["gallery/7"],
    }
    assert [f["properties"]["probability"] for f in told[1:3]] == [0.5, 0.9]
    assert told[3]["properties"]["score"] == 0.5


def test_no_guess_at_all_has_no_geometry() -> None:
    nan = float("nan")
    fix = Fix(nan, nan, nan, nan, 0.0, 1.0, "no features")
    (told,) = _plain(fixes_to_geojson([Entry(Path("x.jpg"), fix)]))
    assert told["geometry"] is None
    assert told["properties"]["answered"] is False
    assert told["properties"]["reason"] == "no features"
    assert told["properties"]["radius_km_90"] is None


def test_an_abstention_keeps_its_guess() -> None:
    told = _plain(fixes_to_geojson([Entry(Path("x.jpg"), _fix(reason="too uncertain"))]))
    assert told[0]["geometry"] is not None
    assert told[0]["properties"]["reason"] == "too uncertain"


def test_a_world_wide_answer_has_regions_and_areas() -> None:
    spread = Density(np.asarray([10.0]), np.asarray([20.0]), np.ones(1), np.asarray([900.0]))
    fix = replace(
        _fix(radius=2000.0), density=spread, areas=(Area("country", "Chad", "TD", 0.4),), carried_by={"positions": 1.0}
    )
    shape = {"type": "MultiPolygon", "coordinates": [[[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]]}
    told = _plain(
        fixes_to_geojson([Entry(Path("x.jpg"), fix)], regions=lambda one: [(0.9, {"of": one.place, **shape})])
    )
    (region,) = [f for f in told if f["properties"]["kind"] == "region"]
    assert region["geometry"] == {"of": fix.place, **shape}
    assert region["properties"] == {"kind": "region", "query": "x.jpg", "probability": 0.9}
    area = {"kind": "country", "name": "Chad", "country_code": "TD", "probability": 0.4}
    assert told[0]["properties"]["areas"] == [area]
    assert told[0]["properties"]["carried_by"] == {"positions": 1.0}


def test_a_plain_circle() -> None:
    shape = circle(37.79, -122.4, 0.09)
    assert shape["type"] == "Polygon"
    (ring,) = _rings(shape)
    assert len(ring) == 65
    assert (ring[0] == ring[-1]).all()
    assert distance_km(37.79, -122.4, ring[:, 1], ring[:, 0]) == pytest.approx(0.09, rel=1e-6)


def test_a_circle_across_the_date_line_is_cut() -> None:
    shape = circle(-17.0, 179.9, 50)
    assert shape["type"] == "MultiPolygon"
    west, east = sorted(_rings(shape), key=lambda ring: ring[:, 0].min())
    assert (west[:, 0].min(), east[:, 0].max()) == (-180, 180)
    assert west[:, 0].max() < -179
    assert east[:, 0].min() > 179


@given(st.floats(-90, 90), st.floats(-180, 180, exclude_max=True), st.floats(0.001, 12_000))
def test_circles_are_valid_and_hold_what_they_should(lat: float, lon: float, radius: float) -> None:
    rings = _rings(circle(lat, lon, radius))
    for ring in rings:
        assert (ring[0] == ring[-1]).all()
        assert (np.abs(ring) <= [180, 90]).all()
        assert _signed_area(ring) > 0  # counter-clockwise
    for share in (0.0, 0.5, 0.9):
        held = destination(lat, lon, np.arange(0, 360, 45.0) + 3, share * radius)
        for there in zip(*held, strict=True):
            assert any(_holds(ring, *there) for ring in rings)


@given(st.floats(-90, 90), st.floats(-180, 180, exclude_max=True), st.floats(0.001, 9_900), st.floats(0, 360))
def test_circles_end(lat: float, lon: float, radius: float, bearing: float) -> None:
    beyond = [float(c) for c in destination(lat, lon, bearing, 1.1 * radius)]
    # Straight edges of the flat map bulge near the poles; away from them the polygon ends where the circle does.
    if abs(lat) + np.degrees(1.1 * radius / 6371) < 80:
        assert not any(_holds(ring, *beyond) for ring in _rings(circle(lat, lon, radius)))


def _plain(collection: dict[str, object]) -> list[dict[str, Any]]:
    assert collection["type"] == "FeatureCollection"
    features: list[dict[str, Any]] = json.loads(json.dumps(collection, allow_nan=False))["features"]
    return features


def _rings(shape: dict[str, Any]) -> list[Any]:
    parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    assert all(len(part) == 1 for part in parts)
    return [np.asarray(part[0]) for part in parts]


def _signed_area(ring: Any) -> float:
    x, y = ring[:, 0] - ring[0, 0], ring[:, 1] - ring[0, 1]
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def _holds(ring: Any, lat: float, lon: float) -> bool:
    """Whether a ring holds a point, its edge counting as inside (even-odd rule, longitudes at the seam twice)."""
    return any(_even_odd(ring, lat, x) for x in ((lon, lon + 360) if lon < -179.9999 else (lon,)))


def _even_odd(ring: Any, lat: float, lon: float) -> bool:
    lat, lon = min(max(lat, -89.999999), 89.999999), min(max(lon, -179.999999), 179.999999)
    (x0, y0), (x1, y1) = ring[:-1].T, ring[1:].T
    crosses = (y0 > lat) != (y1 > lat)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x0 + (lat - y0) * (x1 - x0) / (y1 - y0)
    return bool((crosses & (at > lon)).sum() % 2)

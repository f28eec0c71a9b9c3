"""What people and programs get to read."""

from __future__ import annotations

import json
import math

import pytest

from periplus.evaluate import PROTOCOLS, QUERY_SCHEMA, evaluate_fixes, evaluate_strangers, report_lines, report_to_json
from periplus.records import Fix, Interval, Report

# On the equator one degree is 111.195 km: 0.0009° are 100.08 m.
FIXES = [
    Fix(0.0, 0.0009, 0.15, 0.2, 0.9, 0.1, None),
    Fix(math.nan, math.nan, math.nan, math.nan, 0.0, 0.1, "no-features"),
]


@pytest.fixture
def report() -> Report:
    town, zeros = PROTOCOLS["periplus-fix"], [0.0, 0.0]
    return evaluate_fixes(FIXES, zeros, zeros, [0.5, math.nan], town, ids=["a", "b"], left_out={"damaged": 2})


def test_table(report: Report) -> None:
    assert report.table is not None
    assert report.table.schema == QUERY_SCHEMA
    first, second = report.table.to_pylist()
    assert first.pop("distance_km") == pytest.approx(0.1000756, abs=1e-7)
    assert first == {
        "id": "a", "true_lat_deg": 0.0, "true_lon_deg": 0.0, "guess_lat_deg": 0.0, "guess_lon_deg": 0.0009,
        "answered": True, "confidence": 0.9, "radius_km_50": 0.15, "radius_km_90": 0.2, "seconds": 0.5, "reason": None,
    }  # fmt: skip
    assert second == {
        "id": "b", "true_lat_deg": 0.0, "true_lon_deg": 0.0, "guess_lat_deg": None, "guess_lon_deg": None,
        "distance_km": None, "answered": False, "confidence": 0.0, "radius_km_50": None, "radius_km_90": None,
        "seconds": None, "reason": "no-features",
    }  # fmt: skip


def test_json(report: Report) -> None:
    document = json.loads(json.dumps(report_to_json(report), allow_nan=False))
    assert list(document) == [
        "protocol", "n", "answered", "within_km", "within_km_answered", "median_km", "median_km_answered",
        "coverage_50", "coverage_90", "seconds_per_query", "intervals_95", "left_out", "fingerprints",
    ]  # fmt: skip
    assert document["protocol"] == "periplus-fix"
    assert document["n"] == 2
    assert document["answered"] == 0.5
    assert document["within_km"] == {"0.025": 0, "0.05": 0, "0.1": 0, "1": 0.5, "25": 0.5}  # 100.08 m is beyond 0.1 km
    assert document["within_km_answered"] == {"0.025": 0, "0.05": 0, "0.1": 0, "1": 1, "25": 1}
    assert document["median_km"] is None  # between 0.1 km and no guess
    assert document["median_km_answered"] == pytest.approx(0.1000756, abs=1e-7)
    assert document["coverage_90"] == 1
    assert document["seconds_per_query"] == 0.5
    assert document["left_out"] == {"damaged": 2}
    assert document["fingerprints"] == {}
    intervals = document["intervals_95"]
    assert list(intervals) == list(document)[2:-3]
    # Wilson of 1 in 2: 1/2 ± z / (2 √(2 + z²)) = 1/2 ± 1.95996 / (2 · 2.41691) = 1/2 ± 0.40547
    assert intervals["within_km"]["1"] == pytest.approx([0.09453, 0.90547], abs=1e-5)
    assert intervals["median_km"] == [pytest.approx(0.1000756, abs=1e-7), None]


def test_json_of_nothing_answered_is_valid() -> None:
    report = evaluate_fixes(FIXES[1:], [0.0], [0.0], [math.nan], PROTOCOLS["im2gps"], ids=["b"])
    document = json.loads(json.dumps(report_to_json(report), allow_nan=False))
    assert document["within_km_answered"] == dict.fromkeys(("1", "25", "200", "750", "2500"))
    assert document["intervals_95"]["coverage_90"] == [None, None]
    assert document["seconds_per_query"] is None


def test_json_of_strangers() -> None:
    document = report_to_json(evaluate_strangers([FIXES[1]] * 20))
    assert document == {
        "protocol": "periplus-strangers", "n": 20, "answered": 0.0,
        "intervals_95": {"answered": [0.0, pytest.approx(0.1611, abs=5e-5)]}, "left_out": {}, "fingerprints": {},
    }  # fmt: skip


def test_lines(report: Report) -> None:
    assert report_lines(report) == [
        "periplus-fix: 2 queries; left out: damaged 2",
        "  answered                   50.0 %  [9.5 %, 90.5 %]",
        "  within 0.025 km             0.0 %  [0.0 %, 65.8 %]",
        "    of the answered           0.0 %  [0.0 %, 79.3 %]",
        "  within 0.05 km              0.0 %  [0.0 %, 65.8 %]",
        "    of the answered           0.0 %  [0.0 %, 79.3 %]",
        "  within 0.1 km               0.0 %  [0.0 %, 65.8 %]",
        "    of the answered           0.0 %  [0.0 %, 79.3 %]",
        "  within 1 km                50.0 %  [9.5 %, 90.5 %]",
        "    of the answered         100.0 %  [20.7 %, 100.0 %]",
        "  within 25 km               50.0 %  [9.5 %, 90.5 %]",
        "    of the answered         100.0 %  [20.7 %, 100.0 %]",
        "  median distance              ∞ km  [100 m, ∞ km]",
        "    of the answered           100 m  [100 m, 100 m]",
        "  truth in the 50 % radius  100.0 %  [20.7 %, 100.0 %]",
        "  truth in the 90 % radius  100.0 %  [20.7 %, 100.0 %]",
        "  time a query                0.5 s  [0.5 s, 0.5 s]",
    ]


def test_lines_of_odd_reports() -> None:
    nothing = Interval(math.nan, math.nan, math.nan)
    report = Report("odd", {"coverage_50": nothing, "mAP@100": Interval(0.123456, 0.1, 0.2)}, 1)
    assert report_lines(report) == [
        "odd: 1 query",
        "  truth in the 50 % radius       -",
        "  mAP@100                   0.1235  [0.1, 0.2]",
    ]
    assert report_lines(Report("odd", {}, 0)) == ["odd: 0 queries"]


@pytest.mark.parametrize(
    ("km", "text"), [(0.0042, "4.2 m"), (0.031, "31 m"), (0.9994, "999 m"), (1.25, "1.2 km"), (1234.5, "1234 km")]
)
def test_distances_as_people_say_them(km: float, text: str) -> None:
    assert report_lines(Report("odd", {"median_km": Interval(km, km, km)}, 1))[1].split("  ")[2] == text

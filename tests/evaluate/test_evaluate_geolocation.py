"""Fixes against the truth, counted by hand and by a slow twin."""

from __future__ import annotations

import math
import random
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.evaluate import (
    PROTOCOLS,
    FixProtocol,
    errors_km,
    evaluate_fixes,
    evaluate_strangers,
    threshold_text,
    wilson_interval,
)
from periplus.geo import distance_km
from periplus.records import Fix, Interval, Report

DEGREE_KM = 111.19508023353291  # 6371.0088 π / 180: one degree of a meridian
TOWN = PROTOCOLS["periplus-fix"]


def _north(km: float, *, radii: tuple[float, float] = (0.05, 0.2), abstained: str | None = None) -> Fix:
    """A guess that far north of the null point; NaN km is no guess."""
    lat = km / DEGREE_KM
    return Fix(lat, 0.0 if km == km else math.nan, *radii, 0.8, 0.1, abstained)


def _report(fixes: list[Fix], protocol: FixProtocol = TOWN, **how: object) -> Report:
    n = len(fixes)
    ids = [f"q{i}" for i in range(n)]
    return evaluate_fixes(fixes, np.zeros(n), np.zeros(n), np.ones(n), protocol, ids=ids, **how)  # type: ignore[arg-type]


def _value(report: Report, name: str) -> float:
    return report.values[name].value


FIVE = [
    _north(0.01),  # within all thresholds and both radii
    _north(0.06),  # beyond 0.05 km: outside the 50 % radius, within the 90 % one
    _north(0.3),  # beyond 0.1 km: outside both radii
    _north(0.04, abstained="unsure"),  # a good guess that is not offered
    _north(math.nan, radii=(math.nan, math.nan), abstained="no-features"),
]


def test_by_hand() -> None:
    report = _report(FIVE)
    found = {name: interval.value for name, interval in report.values.items()}
    assert found == pytest.approx(
        {
            "answered": 3 / 5,
            "within_km/0.025": 1 / 5,  # 10 m
            "within_km/0.05": 2 / 5,  # 10 m, 40 m
            "within_km/0.1": 3 / 5,  # and 60 m
            "within_km/1": 4 / 5,  # and 300 m
            "within_km/25": 4 / 5,  # the one without a guess is a miss at any distance
            "within_km_answered/0.025": 1 / 3,  # of 10 m, 60 m, 300 m
            "within_km_answered/0.05": 1 / 3,
            "within_km_answered/0.1": 2 / 3,
            "within_km_answered/1": 1,
            "within_km_answered/25": 1,
            "median_km": 0.06,  # the middle of 10 m, 40 m, 60 m, 300 m, ∞
            "median_km_answered": 0.06,
            "coverage_50": 1 / 3,  # 10 m <= 50 m
            "coverage_90": 2 / 3,  # and 60 m <= 200 m
            "seconds_per_query": 1,
        }
    )
    assert (report.protocol, report.n, report.left_out) == ("periplus-fix", 5, {})
    assert list(found)[:2] == ["answered", "within_km/0.025"]


def test_intervals() -> None:
    values = _report(FIVE).values
    assert (values["answered"].low, values["answered"].high) == wilson_interval(3, 5)
    assert (values["within_km_answered/0.1"].low, values["within_km_answered/0.1"].high) == wilson_interval(2, 3)
    assert values["median_km"].low == pytest.approx(0.01)  # five of five draws may be the best one or ∞
    assert values["median_km"].high == math.inf
    assert values["seconds_per_query"] == Interval(1.0, 1.0, 1.0)


def test_a_threshold_that_is_met_exactly_counts() -> None:
    truth = np.array([0.0])
    km = float(errors_km([_north(5)], truth, truth)[0])
    below = math.nextafter(km, 0)
    report = _report([_north(5)], FixProtocol("odd", (below, km), ""))
    assert _value(report, f"within_km/{threshold_text(km)}") == 1
    assert _value(report, f"within_km/{threshold_text(below)}") == 0


def test_across_the_antimeridian_and_at_the_pole() -> None:
    # 0.0002° of longitude on the equator is 22.2 m; at a pole all longitudes are one place.
    fixes = [Fix(0.0, -179.9999, 0.1, 0.2, 1.0, 0.1, None), Fix(90.0, -20.0, 0.1, 0.2, 1.0, 0.1, None)]
    report = evaluate_fixes(fixes, [0.0, 90.0], [179.9999, 140.0], [1, 1], TOWN, ids=["a", "b"])
    assert _value(report, "within_km/0.025") == 1
    km = errors_km(fixes, np.array([0.0, 90.0]), np.array([179.9999, 140.0]))
    assert km == pytest.approx([0.0222390, 0], abs=1e-6)


def test_queries_without_position_are_left_out() -> None:
    lat, seconds = [0.0, math.nan, 0.0, math.nan, math.nan], [1.0, 9.0, 3.0, 9.0, 9.0]
    left_out = {"damaged": 2, "without-position": 1}
    report = evaluate_fixes(FIVE, lat, lat, seconds, TOWN, ids=list("abcde"), left_out=left_out)
    assert report.n == 2
    assert report.left_out == {"damaged": 2, "without-position": 4}
    assert left_out == {"damaged": 2, "without-position": 1}
    assert _value(report, "answered") == 1  # 10 m and 300 m are left
    assert _value(report, "within_km/0.1") == 0.5
    assert _value(report, "seconds_per_query") == 2
    assert report.table is not None
    assert report.table.column("id").to_pylist() == ["a", "c"]


def test_nothing_answered() -> None:
    report = _report([_north(0.01, abstained="unsure"), _north(math.nan, abstained="no-features")])
    assert _value(report, "answered") == 0
    assert _value(report, "within_km/0.025") == 0.5
    for name in ("within_km_answered/1", "median_km_answered", "coverage_50", "coverage_90"):
        measured = report.values[name]
        assert np.isnan([measured.value, measured.low, measured.high]).all()
    assert _value(report, "median_km") == math.inf


@pytest.mark.parametrize(("lat", "lon"), [(math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0), (91.0, 0.0), (0.0, 999.0)])
def test_a_guess_that_is_no_place_is_a_miss(lat: float, lon: float) -> None:
    report = _report([Fix(lat, lon, 1.0, 2.0, 0.0, 1.0, "unsure")])
    assert _value(report, "within_km/25") == 0
    assert _value(report, "median_km") == math.inf


def test_an_answer_without_radius_holds_no_truth() -> None:
    report = _report([_north(0.01, radii=(math.nan, math.nan))])
    assert (_value(report, "coverage_50"), _value(report, "coverage_90")) == (0, 0)


def test_times_that_were_not_measured() -> None:
    zeros = np.zeros(3)
    ids = ["a", "b", "c"]
    report = evaluate_fixes(FIVE[:3], zeros, zeros, [1.0, math.nan, 2.0], TOWN, ids=ids)
    assert _value(report, "seconds_per_query") == 1.5
    report = evaluate_fixes(FIVE[:3], zeros, zeros, [math.nan] * 3, TOWN, ids=ids)
    assert math.isnan(_value(report, "seconds_per_query"))


def test_nothing_to_evaluate() -> None:
    with pytest.raises(EmptyInputError, match="no query to evaluate"):
        evaluate_fixes([], [], [], [], TOWN, ids=[])
    with pytest.raises(EmptyInputError, match="None of 2 queries has a true position"):
        evaluate_fixes(FIVE[:2], [math.nan] * 2, [math.nan] * 2, [1, 1], TOWN, ids=["a", "b"])
    with pytest.raises(EmptyInputError):
        evaluate_strangers([])


@pytest.mark.parametrize(
    ("lat", "lon", "seconds", "message"),
    [
        ([0.0], [0.0, 0.0], [1, 1], "as many of each"),
        ([0.0, 0.0], [0.0, 0.0], [1], "as many of each"),
        ([0.0, math.nan], [0.0, 0.0], [1, 1], "'b' has the impossible true position lat nan"),
        ([0.0, 91.0], [0.0, 0.0], [1, 1], r"lat 91\.0"),
        ([0.0, 0.0], [0.0, 181.0], [1, 1], r"lon 181\.0"),
        ([0.0, 0.0], [0.0, -math.inf], [1, 1], "lon -inf"),
        ([0.0, 0.0], [0.0, 0.0], [1, -1], r"'b' took -1\.0 s"),
        ([0.0, 0.0], [0.0, 0.0], [math.inf, 1], "'a' took inf s"),
    ],
)
def test_nonsense_is_refused(lat: list[float], lon: list[float], seconds: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate_fixes(FIVE[:2], lat, lon, seconds, TOWN, ids=["a", "b"])


def test_strangers() -> None:
    report = evaluate_strangers(FIVE, ids=list("abcde"), left_out={"damaged": 1})
    assert (report.protocol, report.n, report.left_out) == ("periplus-strangers", 5, {"damaged": 1})
    assert report.values == {"answered": Interval(0.6, *wilson_interval(3, 5))}
    assert report.table is not None
    assert report.table.column("answered").to_pylist() == [True, True, True, False, False]
    assert report.table.column("distance_km").null_count == 5
    assert evaluate_strangers(FIVE).table is None
    with pytest.raises(UsageError, match="as many of each"):
        evaluate_strangers(FIVE, ids=["a"])


_KM = st.one_of(st.floats(0, 3000), st.just(math.nan))


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[Fix], list[float], list[float]]:
    """Fixes around true places, some abstained or without a guess, some truths unknown; one at least is known."""
    n = draw(st.integers(1, 12))
    lat = draw(st.lists(st.floats(-60, 60), min_size=n, max_size=n))
    fixes = []
    for truth in lat:
        km = draw(_KM)
        small, more = draw(st.floats(0, 50)), draw(st.floats(0, 50))
        reason = "none" if km != km else draw(st.sampled_from([None, "unsure"]))
        guess = truth + km / DEGREE_KM
        fixes.append(Fix(guess, 10.0 if km == km else math.nan, small, small + more, 0.5, 1.0, reason))
    unknown = draw(st.lists(st.booleans(), min_size=n - 1, max_size=n - 1))
    lat[1:] = [math.nan if gone else truth for gone, truth in zip(unknown, lat[1:], strict=True)]
    return fixes, lat, [math.nan if v != v else 10.0 for v in lat]


@settings(deadline=None)
@given(_cases())
def test_against_slow_twin(case: tuple[list[Fix], list[float], list[float]]) -> None:
    fixes, lat, lon = case
    n = len(fixes)
    report = evaluate_fixes(fixes, lat, lon, [1.0] * n, PROTOCOLS["im2gps"], ids=["x"] * n)
    rows = []
    for fix, y, x in zip(fixes, lat, lon, strict=True):
        if y == y:
            km = float(distance_km(fix.lat_deg, fix.lon_deg, y, x))
            rows.append((km if km == km else math.inf, fix))
    offered = [(km, fix) for km, fix in rows if fix.abstained is None]
    assert report.n == len(rows)
    assert report.left_out.get("without-position", 0) == len(fixes) - len(rows)
    assert _value(report, "median_km") == median(km for km, _ in rows)
    for t in (1, 25, 200, 750, 2500):
        assert _value(report, f"within_km/{t}") == sum(km <= t for km, _ in rows) / len(rows)
        if offered:
            assert _value(report, f"within_km_answered/{t}") == sum(km <= t for km, _ in offered) / len(offered)
    if offered:
        assert _value(report, "coverage_50") == sum(km <= fix.radius_km_50 for km, fix in offered) / len(offered)
        assert _value(report, "coverage_90") == sum(km <= fix.radius_km_90 for km, fix in offered) / len(offered)


@settings(deadline=None)
@given(_cases(), st.randoms(use_true_random=False))
def test_properties(case: tuple[list[Fix], list[float], list[float]], shuffler: random.Random) -> None:
    fixes, lat, lon = case
    n = len(fixes)
    seconds = [0.1 * i for i in range(n)]
    report = evaluate_fixes(fixes, lat, lon, seconds, PROTOCOLS["im2gps"], ids=["x"] * n)
    for family in ("within_km", "within_km_answered"):
        steps = [_value(report, f"{family}/{t}") for t in (1, 25, 200, 750, 2500)]
        assert steps == sorted(steps) or np.isnan(steps).all()
    for measured in report.values.values():
        low, value, high = measured.low, measured.value, measured.high
        assert np.isnan([low, value, high]).all() or low <= high
    if not math.isnan(_value(report, "coverage_50")):
        assert _value(report, "coverage_50") <= _value(report, "coverage_90")
    order = shuffler.sample(range(n), n)
    mixed = [fixes[i] for i in order]
    lat, lon, seconds = ([part[i] for i in order] for part in (lat, lon, seconds))
    again = evaluate_fixes(mixed, lat, lon, seconds, PROTOCOLS["im2gps"], ids=["x"] * n)
    # repr: NaN equals itself, and not one bit may move.
    assert repr(again.values) == repr(report.values)
    assert again.left_out == report.left_out

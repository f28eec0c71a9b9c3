"""From candidates to an answer, or to the right reason for none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.geo import destination, distance_km
from periplus.position import FEWEST_INLIERS, Calibration, Candidates, make_fix, no_fix
from periplus.records import Catalog, Fix, Match

PARIS = (48.8867, 2.3431)
SURE = replace(Calibration(), guess_weights=(0.0, 0.0, 20.0))
UNSURE = replace(Calibration(), guess_weights=(0.0, 0.0, -20.0))


def locate(
    photos: list[tuple[float, float, float]], calibration: Calibration, centre: tuple[float, float] = PARIS
) -> Fix:
    """A fix from photos given as inliers, km to the east and km to the north of a centre."""
    scores, east, north = np.array(photos, np.float64).reshape(-1, 3).T
    lat, lon = destination(*centre, np.degrees(np.arctan2(east, north)), np.hypot(east, north))
    candidates = Candidates(scores, np.full(len(scores), 3.0), lat, lon)
    matches = [
        Match(100 + i, np.zeros((int(s), 2, 2), np.float32), None, "none", 0.0, float(s), (9, 9), (9, 9))
        for i, s in enumerate(scores)
    ]
    rows: list[dict[str, object]] = [
        {"id": f"p{i}", "path": f"{i}.jpg" if i else None, "lat_deg": lat[i], "lon_deg": lon[i]}
        for i in range(len(lat))
    ]
    return make_fix(candidates, matches, Catalog.from_rows(rows), calibration)


def test_an_answer_and_its_evidence() -> None:
    fix = locate([(20, 0, 0), (60, 0.01, 0), (3, 0.005, 0), (30, 40, 0)], SURE)
    assert fix.answered
    assert float(distance_km(fix.lat_deg, fix.lon_deg, *PARIS)) < 0.05
    assert fix.confidence > 0.99
    assert fix.confidence_radius_km == SURE.right_km
    assert [(e.row, e.id, e.path) for e in fix.evidence] == [(101, "p1", "1.jpg"), (100, "p0", None)]
    for e in fix.evidence:
        assert e.match is not None
        assert e.score == e.match.score >= FEWEST_INLIERS
        away = float(distance_km(e.lat_deg, e.lon_deg, fix.lat_deg, fix.lon_deg))
        assert e.distance_km == pytest.approx(away, abs=1e-9)
    assert "France" in fix.place


def test_radii_are_the_factors_times_one_size() -> None:
    fix = locate([(50, 0, 0), (40, 0.03, 0)], SURE)
    assert fix.radius_km_90 / fix.radius_km_50 == pytest.approx(SURE.radius_factors[1] / SURE.radius_factors[0])
    assert fix.radius_km_50 >= SURE.radius_factors[0] * SURE.kernel.wide_km / 3 - 1e-12
    wider = locate([(50, 0, 0), (40, 0.03, 0)], replace(SURE, radius_factors=(1.0, 9.0)))
    assert wider.radius_km_90 == pytest.approx(9 * wider.radius_km_50)


def test_scattered_photos_have_wider_radii() -> None:
    close = locate([(50, 0, 0), (50, 0, 0)], SURE)
    apart = locate([(50, 0, 0), (50, 0.08, 0)], SURE)
    assert apart.radius_km_90 > close.radius_km_90


def test_without_candidates_there_is_no_guess() -> None:
    fix = locate([], SURE)
    assert fix.abstained is not None
    assert "position" in fix.abstained
    assert math.isnan(fix.lat_deg)
    assert fix.confidence == 0
    assert fix == replace(no_fix(fix.abstained, SURE), lat_deg=fix.lat_deg, lon_deg=fix.lon_deg,
                          radius_km_50=fix.radius_km_50, radius_km_90=fix.radius_km_90)  # fmt: skip


def test_too_few_inliers_are_no_evidence_however_sure() -> None:
    fix = locate([(FEWEST_INLIERS - 1, 0, 0), (FEWEST_INLIERS - 1, 0, 0)], SURE)
    assert fix.abstained is not None
    assert fix.abstained.startswith("no photo here shows this place")
    assert fix.evidence == ()
    assert abs(fix.lat_deg) <= 90, "the guess is still told"


def test_a_single_place_below_the_threshold_is_too_weak() -> None:
    fix = locate([(FEWEST_INLIERS + 3, 0, 0)], UNSURE)
    assert fix.abstained is not None
    assert "too weak" in fix.abstained
    assert f"{UNSURE.answer_confidence:.0%} needed" in fix.abstained


def test_two_places_that_fit_alike_are_named_as_such() -> None:
    fix = locate([(40, 0, 0), (40, 50, 0)], UNSURE)
    assert fix.abstained is not None
    assert fix.abstained.startswith("two places fit about equally well")
    assert fix.runner_up is not None
    assert fix.runner_up.weight == pytest.approx(0.5, abs=0.05)
    between = distance_km(fix.lat_deg, fix.lon_deg, fix.runner_up.lat_deg, fix.runner_up.lon_deg)
    assert float(between) == pytest.approx(50, abs=0.3)


def test_the_threshold_itself_answers() -> None:
    certain = replace(SURE, answer_confidence=0.5, guess_weights=(0.0, 0.0, 0.0))
    fix = locate([(40, 0, 0)], certain)
    assert fix.confidence == 0.5
    assert fix.answered
    assert not locate([(40, 0, 0)], replace(certain, answer_confidence=0.5001)).answered


def test_a_second_place_lowers_the_confidence() -> None:
    calibration = Calibration()
    alone, rivalled = locate([(40, 0, 0)], calibration), locate([(40, 0, 0), (39, 50, 0)], calibration)
    assert rivalled.confidence < alone.confidence
    assert alone.runner_up is None


def test_density_is_a_mixture() -> None:
    fix = locate([(40, 0, 0), (30, 0.1, 0), (20, 30, 4)], SURE)
    density = fix.density
    assert density is not None
    assert float(density.weights.sum()) == pytest.approx(1)
    assert (density.weights >= 0).all()
    assert len(density.lat_deg) == len(density.lon_deg) == len(density.weights) > 1
    assert (density.sigma_km > 0).all()
    strongest = int(density.weights.argmax())
    away = distance_km(density.lat_deg[strongest], density.lon_deg[strongest], fix.lat_deg, fix.lon_deg)
    assert float(away) < SURE.kernel.wide_km


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.floats(-60, 60), st.floats(-60, 60)), min_size=1, max_size=20),
    st.sampled_from([PARIS, (0.0, 180.0), (-17.0, -179.9999), (90.0, 0.0), (-89.9999, 77.0)]),
    st.sampled_from([SURE, UNSURE, Calibration()]),
)
def test_any_candidates_anywhere_make_a_fix(
    photos: list[tuple[int, float, float]], centre: tuple[float, float], calibration: Calibration
) -> None:
    fix = locate([(float(s), x, y) for s, x, y in photos], calibration, centre)
    assert abs(fix.lat_deg) <= 90
    assert -180 <= fix.lon_deg < 180
    assert 0 < fix.radius_km_50 <= fix.radius_km_90
    assert fix.abstained is None or len(fix.abstained) > 20
    assert fix.answered == (bool(fix.evidence) and fix.confidence >= calibration.answer_confidence)
    if fix.runner_up is not None:
        assert 0 < fix.runner_up.weight <= 0.5 + 1e-9

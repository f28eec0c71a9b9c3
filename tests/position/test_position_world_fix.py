"""From a world-wide belief to an answer, or to the reason for none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import oracle_world as slow
import pytest

from periplus.geo import distance_km, places_of
from periplus.position import (
    AreaTable,
    Plan,
    WorldBelief,
    WorldCalibration,
    area_table,
    belief_from,
    belief_of,
    decide,
    make_world_fix,
    refine,
    top_areas,
)
from periplus.records import Density, Evidence

ROWS = slow.spiral(3000, 6)
IDS = [f"row {i}" for i in range(3000)]
TABLE: AreaTable = area_table(places_of(ROWS.lat_deg, ROWS.lon_deg))
PARIS, LIMA = (48.9, 2.3), (-12.0, -77.0)


def hills(*parts: tuple[tuple[float, float], float, float]) -> np.ndarray:
    """A belief of hills: where, how wide in km, with which mass."""
    p = np.zeros(3000)
    for at, wide, mass in parts:
        hill = np.exp(-0.5 * (ROWS.distance_km(*at) / wide) ** 2)
        p += mass * hill / hill.sum()
    return np.asarray(p / p.sum())


CALIBRATION = WorldCalibration(right_km=1000.0, radius_factors=(1.5, 2.0))


def test_an_answer_and_what_it_says() -> None:
    p = hills((PARIS, 300, 0.9), (LIMA, 200, 0.1))
    fix = make_world_fix(belief_of(p, ROWS), CALIBRATION, IDS, TABLE)
    assert fix.answered
    assert float(distance_km(fix.lat_deg, fix.lon_deg, *PARIS)) < 200
    assert fix.confidence == pytest.approx(0.9, abs=0.05)
    assert fix.confidence_radius_km == 1000
    assert 300 < fix.radius_km_50 < 1500 < fix.radius_km_90
    assert fix.density is not None
    assert len(fix.density.weights) <= 2000
    assert fix.areas[0].name == "France"
    assert sum(a.probability for a in fix.areas if a.kind == "country") <= 1 + 1e-9
    assert fix.runner_up is not None
    assert float(distance_km(fix.runner_up.lat_deg, fix.runner_up.lon_deg, *LIMA)) < 200
    assert fix.runner_up.weight == pytest.approx(0.1, abs=0.02)
    assert "Peru" in fix.runner_up.name
    assert fix.place


def test_the_evidence_is_the_likeliest_rows() -> None:
    p = hills((PARIS, 500, 1.0))
    evidence = make_world_fix(belief_of(p, ROWS), CALIBRATION, IDS).evidence
    best = np.argsort(-p)[:12]
    assert [e.row for e in evidence] == best.tolist()
    assert [e.id for e in evidence] == [f"row {i}" for i in best]
    assert [e.score for e in evidence] == pytest.approx(p[best].tolist())
    assert {(e.path, e.match) for e in evidence} == {(None, None)}
    assert all(0 <= e.distance_km < 2000 for e in evidence)


def test_finer_rows_answer_for_their_gallery_row() -> None:
    p = hills((PARIS, 300, 1.0))
    at = np.deg2rad(np.array([48.9, 2.3]))
    fine = refine(p, ROWS, lambda lat, lon: -((np.deg2rad(lat) - at[0]) ** 2) * 900.0, Plan(rounds=1))
    fix = make_world_fix(fine, CALIBRATION, IDS, TABLE.at(fine.gallery_row))
    rows = [e.row for e in fix.evidence]
    assert len(rows) == len(set(rows)) == 12
    assert all(row < 3000 for row in rows)
    told = top_areas(np.asarray(np.bincount(fine.gallery_row, fine.p, 3000), np.float64), TABLE)
    assert [a.name for a in fix.areas] == [a.name for a in told]
    assert [a.probability for a in fix.areas] == pytest.approx([a.probability for a in told])


def test_reasons_in_words() -> None:
    spread = hills((PARIS, 5000, 0.5), (LIMA, 5000, 0.5))
    told = make_world_fix(belief_of(spread, ROWS), CALIBRATION, IDS, TABLE)
    assert told.abstained is not None
    assert "several countries" in told.abstained
    assert "50% needed" in told.abstained
    bare = make_world_fix(belief_of(spread, ROWS), CALIBRATION, IDS)
    assert bare.abstained is not None
    assert "km²" in bare.abstained
    assert bare.areas == ()
    siberia = hills(((62.0, 100.0), 400, 1.0))
    within = make_world_fix(belief_of(siberia, ROWS), replace(CALIBRATION, right_km=50.0), IDS, TABLE)
    assert within.abstained is not None
    assert "points to Russian Federation" in within.abstained


def test_no_runner_up_where_nothing_is_left() -> None:
    p = np.zeros(3000, np.float32)
    p[12] = 1
    fix = make_world_fix(belief_of(p, ROWS), CALIBRATION, IDS, TABLE)
    assert fix.runner_up is None
    assert fix.confidence > 0.99
    assert len(fix.evidence) == 1
    assert (fix.lat_deg, fix.lon_deg) == (ROWS.lat_deg[12], ROWS.lon_deg[12])


def test_the_radii_are_in_order_whatever_the_factors() -> None:
    fix = make_world_fix(belief_of(hills((PARIS, 300, 1)), ROWS), replace(CALIBRATION, radius_factors=(9.0, 0.1)), IDS)
    assert fix.radius_km_50 == fix.radius_km_90


def test_evidence_of_other_kinds_and_a_belief_from_kernels() -> None:
    density = Density(np.array([48.85, 48.86]), np.array([2.3, 2.31]), np.array([0.5, 0.5]), np.array([1.0, 1.0]))
    photo = Evidence(5, "x", "x.jpg", 48.85, 2.3, 0.9, None, math.nan)
    fix = decide(belief_from(density), replace(CALIBRATION, right_km=5.0), (photo,))
    assert fix.answered
    assert fix.evidence[0].path == "x.jpg"
    assert fix.evidence[0].distance_km < 2


@pytest.mark.parametrize("guess", ["row", "mode", "score"])
def test_order_and_copies_do_not_matter(guess: str) -> None:
    p = hills((PARIS, 600, 0.7), (LIMA, 500, 0.3)) + np.random.default_rng(0).uniform(0, 1e-6, 3000)
    p /= p.sum()
    calibration = replace(CALIBRATION, guess=guess)
    one = make_world_fix(belief_of(p, ROWS), calibration, IDS, TABLE)
    order = np.random.default_rng(1).permutation(3000)
    mixed = WorldBelief(p[order], slow.permuted(ROWS, order), order.astype(np.int64))
    two = make_world_fix(mixed, calibration, IDS, TABLE.at(order))
    assert float(distance_km(one.lat_deg, one.lon_deg, two.lat_deg, two.lon_deg)) < 1e-3
    assert two.radius_km_90 == pytest.approx(one.radius_km_90, rel=1e-6)
    assert two.confidence == pytest.approx(one.confidence)
    assert [e.row for e in two.evidence] == [e.row for e in one.evidence]
    assert [a.name for a in two.areas] == [a.name for a in one.areas]
    which = np.argsort(-p)[5:9]
    split = np.concatenate([p, p[which] / 2])
    split[which] /= 2
    both = WorldBelief(split, slow.doubled(ROWS, which), np.concatenate([np.arange(3000), which]))
    three = make_world_fix(both, calibration, IDS, TABLE.at(both.gallery_row))
    assert float(distance_km(one.lat_deg, one.lon_deg, three.lat_deg, three.lon_deg)) < 5
    assert three.radius_km_90 == pytest.approx(one.radius_km_90, rel=0.01)
    assert three.confidence == pytest.approx(one.confidence, abs=1e-3)

"""Finer rows inside the cells that are believed."""

from __future__ import annotations

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import RecordError, UsageError
from periplus.geo import distance_km, on_land, to_unit
from periplus.position import Plan, belief_of, best_row, children_of, divided, refine, top_cells
from periplus.position.world import WorldRows

ROWS = slow.spiral(400, 4)
TRUTH = (46.3, -179.2)


def peak(sharp: float, at: tuple[float, float] = TRUTH):  # type: ignore[no-untyped-def]
    centre = to_unit(*at)
    return lambda lat, lon: sharp * (to_unit(lat, lon) @ centre)


def believed(sharp: float) -> np.ndarray:
    logits = peak(sharp)(ROWS.lat_deg, ROWS.lon_deg) + np.log(ROWS.prior)
    p = np.exp(logits - logits.max())
    return np.asarray(p / p.sum())


@settings(max_examples=25)
@given(st.lists(st.integers(0, 399), min_size=1, max_size=12, unique=True), st.integers(2, 30))
def test_children_lie_in_the_cell_of_their_parent_and_fill_it(chosen: list[int], factor: int) -> None:
    some = np.array(sorted(chosen))
    children = children_of(some, ROWS, factor)
    assert (slow.inside_cells(ROWS, children.lat_deg, children.lon_deg) == children.parent).all()
    assert (np.diff(children.parent) >= 0).all()
    counts = np.bincount(children.parent)[some]
    ashore = on_land(ROWS.lat_deg[some], ROWS.lon_deg[some])
    assert (counts <= factor + 3 + 1.7 * np.sqrt(factor)).all()
    assert (np.abs(counts - factor) <= 3 + 1.7 * np.sqrt(factor))[~ashore].all()
    whole = np.bincount(children.parent, children.area_km2)[some] / ROWS.area_km2[some]
    assert whole[~ashore] == pytest.approx(1)
    assert (whole[ashore] <= 1 + 1e-9).all()
    of_land = np.isin(children.parent, some[ashore]) & ~children.own
    assert on_land(children.lat_deg[of_land], children.lon_deg[of_land]).all()
    assert children.parent[children.own].tolist() == some.tolist()
    for row in some:
        mine = children.parent == row
        assert (
            distance_km(ROWS.lat_deg[row], ROWS.lon_deg[row], children.lat_deg[mine], children.lon_deg[mine])
        ).min() == 0


def test_it_is_the_posterior_of_the_finer_rows() -> None:
    logits = peak(300.0)
    fine = refine(believed(300.0), ROWS, logits, Plan(factor=9, rounds=3, most_cells=20))
    exact = slow.posterior(logits(fine.rows.lat_deg, fine.rows.lon_deg).tolist(), 1.0, fine.rows.prior.tolist(), 1.0)
    assert fine.p == pytest.approx(np.array(exact), abs=1e-12)
    assert np.bincount(fine.gallery_row, fine.rows.prior, 400) == pytest.approx(ROWS.prior)
    assert (np.bincount(fine.gallery_row, fine.rows.area_km2, 400) <= ROWS.area_km2 * (1 + 1e-9)).all()
    assert len(fine.rows) > 500


def test_a_cell_gains_by_what_its_row_hid() -> None:
    chosen = np.array([3, 250])
    children = children_of(chosen, ROWS, 7)
    logits = np.random.default_rng(0).normal(size=len(children.parent)) * 40
    fine = divided(belief_of(np.full(400, 1 / 400), ROWS), chosen, children, logits)
    weights = np.full(400, 1 / 400)
    for row in chosen:
        mine = children.parent == row
        seen = float(logits[mine & children.own][0])
        weights[row] *= np.mean(np.exp(logits[mine] - seen))
    found = np.bincount(fine.gallery_row, fine.p, 400)
    assert found == pytest.approx(weights / weights.sum(), rel=1e-9)


def test_it_finds_what_lies_between_the_rows() -> None:
    # Rows are 1,100 km apart; two rounds by 16 leave 70 km.
    p = believed(3e4)
    coarse = float(distance_km(*best_row(p, ROWS), *TRUTH))
    fine = refine(p, ROWS, peak(3e4), Plan(spacing_km=80.0))
    assert coarse > 150
    assert float(distance_km(*best_row(fine.p, fine.rows), *TRUTH)) < 60
    assert np.sqrt(fine.rows.area_km2.min()) < 80


def test_cells_that_are_fine_enough_are_left() -> None:
    p = believed(300.0)
    same = refine(p, ROWS, peak(300.0), Plan(spacing_km=2000.0))
    assert same.rows is ROWS
    assert len(top_cells(belief_of(believed(10.0), ROWS), Plan(spacing_km=100.0, most_cells=5))) == 5
    sure = np.zeros(400)
    sure[8] = 1
    assert top_cells(belief_of(sure, ROWS), Plan()).tolist() == [8]


def test_copies_of_a_row_are_refined_alike() -> None:
    which = np.array([3])
    copies = slow.doubled(ROWS, which)
    one = children_of(np.array([3]), ROWS, 16)
    two = children_of(np.array([3, 400]), copies, 16)
    assert two.lat_deg == pytest.approx(np.tile(one.lat_deg, 2))
    assert two.area_km2.sum() == pytest.approx(one.area_km2.sum())


def test_at_the_poles_and_the_date_line_and_with_a_single_row() -> None:
    lat, lon = np.array([90.0, -90.0, 0.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, -180.0, -90.0, 0.0, 90.0])
    six = WorldRows(lat, lon, np.full(6, 1 / 6), np.full(6, slow.SPHERE_KM2 / 6))
    for at in [(89.0, 170.0), (-80.0, -100.0), (3.0, 178.0), (-3.0, -178.0)]:
        logits = peak(1e3, at)(lat, lon)
        p = np.exp(logits - logits.max())
        fine = refine(p / p.sum(), six, peak(1e3, at), Plan(rounds=3))
        assert fine.p.sum() == pytest.approx(1)
        densest = int(np.argmax(fine.p * fine.rows.per_km2))
        assert float(distance_km(fine.rows.lat_deg[densest], fine.rows.lon_deg[densest], *at)) < 150
    alone = WorldRows(lat[:1], lon[:1], np.ones(1), np.array([slow.SPHERE_KM2]))
    assert refine(np.ones(1), alone, peak(5.0)).p.sum() == pytest.approx(1)


def test_what_cannot_be_divided() -> None:
    for chosen, factor in [([1, 2], 1), ([2, 1], 4), ([1, 1], 4)]:
        with pytest.raises(UsageError, match="divided"):
            children_of(np.array(chosen), ROWS, factor)
    for bad in [{"share": 0.0}, {"factor": 1}, {"most_cells": 0}, {"spacing_km": -1.0}]:
        with pytest.raises(RecordError, match="plan"):
            Plan(**bad)  # type: ignore[arg-type]

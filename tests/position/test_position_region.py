"""Regions of highest density and radii."""

from __future__ import annotations

import math

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.position import WorldRows, mass_before, mass_within, radii_km, region


def uneven(n: int, seed: int) -> tuple[np.ndarray, WorldRows]:
    rng = np.random.default_rng(seed)
    rows = slow.spiral(n, seed)
    rows = WorldRows(rows.lat_deg, rows.lon_deg, rows.prior, rng.gamma(1.0, size=n) * 1e6 + 1)
    p = rng.gamma(0.3, size=n) + 1e-6
    return p / p.sum(), rows


@given(st.integers(1, 40), st.integers(0, 999), st.floats(0.01, 0.99))
def test_the_region_is_the_smallest_that_holds_the_level(n: int, seed: int, level: float) -> None:
    p, rows = uneven(n, seed)
    found = region(p, rows, level)
    assert set(found.rows.tolist()) == slow.region(p.tolist(), rows.area_km2.tolist(), level)
    assert found.mass >= level - 1e-9
    assert found.mass == pytest.approx(p[found.rows].sum())
    assert found.area_km2 == pytest.approx(rows.area_km2[found.rows].sum())
    assert found.mass - p[found.rows[-1]] <= level + 1e-9


@given(st.integers(1, 40), st.integers(0, 999), st.floats(0.0, 1.0))
def test_a_row_is_inside_from_the_level_before_it(n: int, seed: int, level: float) -> None:
    p, rows = uneven(n, seed)
    before = mass_before(np.tile(p, (n, 1)), rows, np.arange(n))
    inside = set(region(p, rows, level).rows.tolist())
    for row in np.flatnonzero(np.abs(before - level) > 1e-9).tolist():
        assert (row in inside) == (before[row] < level)


def test_regions_grow_and_all_is_all() -> None:
    p, rows = uneven(40, 3)
    last: set[int] = set()
    for level in np.linspace(0, 1, 30):
        now = set(region(p, rows, float(level)).rows.tolist())
        assert last <= now
        last = now
    assert last == set(range(40))


def test_one_density_comes_in_together() -> None:
    rows = slow.spiral(10)
    assert len(region(np.full(10, 0.1, np.float32), rows, 0.25).rows) == 10


def test_copies_of_a_row_change_nothing() -> None:
    p, rows = uneven(30, 5)
    which = np.array([2, 9, 11])
    copies = slow.doubled(rows, which)
    split = np.concatenate([p, p[which] / 2])
    split[which] /= 2
    for level in (0.3, 0.5, 0.9):
        one, two = region(p, rows, level), region(split, copies, level)
        assert two.mass == pytest.approx(one.mass)
        assert two.area_km2 == pytest.approx(one.area_km2)
    before = mass_before(np.stack([p, p]), rows, which[:2])
    assert mass_before(np.stack([split, split]), copies, which[:2]) == pytest.approx(before)
    assert radii_km(split, copies, 10, 20) == pytest.approx(radii_km(p, rows, 10, 20))
    away = rows.distance_km(10, 20), copies.distance_km(10, 20)
    assert mass_within(split, copies, away[1], 3000) == pytest.approx(mass_within(p, rows, away[0], 3000))


@given(st.integers(1, 40), st.integers(0, 999), st.floats(-90, 90), st.floats(-180, 179.9), st.floats(0.05, 0.95))
def test_radii_are_those_of_walking_outwards(n: int, seed: int, lat: float, lon: float, share: float) -> None:
    p, rows = uneven(n, seed)
    found = radii_km(p, rows, lat, lon, (share,))[0]
    assert found == pytest.approx(slow.radius(p.tolist(), rows, (lat, lon), share), abs=1e-2)


def test_radii_never_shrink_and_a_sure_row_has_the_size_of_its_cell() -> None:
    p, rows = uneven(40, 8)
    reach = radii_km(p, rows, 1, 2, (0.1, 0.5, 0.9, 1.0))
    assert list(reach) == sorted(reach)
    sure = np.zeros(40)
    sure[4] = 1
    at = float(rows.lat_deg[4]), float(rows.lon_deg[4])
    size = math.sqrt(rows.area_km2[4] / math.pi)
    assert radii_km(sure, rows, *at) == pytest.approx((size, size), abs=1e-3)


def test_mass_within_a_disc() -> None:
    rows = slow.spiral(2000)
    p = np.full(2000, 1 / 2000)
    away = rows.distance_km(12, 34)
    cap = (1 - math.cos(3000 / 6371.0088)) / 2
    assert mass_within(p, rows, away, 3000) == pytest.approx(cap, rel=0.02)
    assert mass_within(p, rows, away, 30000) == pytest.approx(1)
    # A disc much smaller than a cell holds no more than its share of it.
    nearest = int(away.argmin())
    at = rows.distance_km(float(rows.lat_deg[nearest]), float(rows.lon_deg[nearest]))
    assert mass_within(p, rows, at, 10) == pytest.approx(math.pi * 100 / rows.area_km2[nearest] / 2000)


@pytest.mark.parametrize("level", [-0.1, 1.1, math.nan])
def test_no_level(level: float) -> None:
    p, rows = uneven(4, 0)
    with pytest.raises(UsageError, match="share"):
        region(p, rows, level)

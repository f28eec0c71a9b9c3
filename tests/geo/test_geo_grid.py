from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, cell_of, from_unit, grid_positions, on_land
from periplus.geo.coastline import flat_coastline, is_land

EARTH_KM2 = 4 * np.pi * EARTH_RADIUS_KM**2


def one_by_one(lat: np.typing.NDArray[np.float64], lon: np.typing.NDArray[np.float64]) -> list[bool]:
    return [is_land(float(a), float(b)) for a, b in zip(lat, lon, strict=True)]


def test_the_mask_is_the_rule_for_one_position() -> None:
    lat, lon = from_unit(np.random.default_rng(4).normal(size=(3000, 3)))
    assert on_land(lat, lon).tolist() == one_by_one(lat, lon)


def test_on_corners_and_levels_of_the_coast() -> None:
    corners = np.concatenate(flat_coastline())[::97]
    lat, lon = corners[:, 0], np.where(corners[:, 1] == 180, -180.0, corners[:, 1])
    for step in (0.0, 1e-9, -1e-9, 0.3):
        moved = lon.clip(-179, 179) + step
        assert on_land(lat, moved).tolist() == one_by_one(lat, moved)


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 179.9)), max_size=20))
def test_any_positions_in_any_order(points: list[tuple[float, float]]) -> None:
    lat, lon = np.array(points).reshape(-1, 2).T
    assert on_land(lat, lon).tolist() == one_by_one(lat, lon)


def test_longitudes_wrap_and_one_position_is_enough() -> None:
    assert on_land(48.0, 362.0).tolist() == [True]
    assert on_land([0.0], [-360.0]).tolist() == [False]


@pytest.mark.parametrize(("lat", "lon"), [([np.nan], [0]), ([0], [np.inf]), ([0, 1], [0]), ([[0]], [[0]])])
def test_what_is_no_position(lat: list[float], lon: list[float]) -> None:
    with pytest.raises(UsageError):
        on_land(lat, lon)


@pytest.mark.parametrize("side_km", [100.0, 333.3, 5000.0, 30_000.0])
def test_a_grid_is_all_cells_once(side_km: float) -> None:
    lat, lon, area = grid_positions(side_km, land_only=False)
    cells = cell_of(lat, lon, side_km)
    assert (np.diff(cells) > 0).all()
    assert area.sum() == pytest.approx(EARTH_KM2, rel=1e-12)
    everywhere = cell_of(*from_unit(np.random.default_rng(0).normal(size=(20_000, 3))), side_km)
    assert np.isin(everywhere, cells).all()
    if side_km < 1000:
        assert np.abs(area / side_km**2 - 1).max() < 0.06


def test_areas_are_those_of_the_cells() -> None:
    lat, lon, area = grid_positions(1500.0, land_only=False)
    cells, samples = cell_of(lat, lon, 1500.0), 400_000
    found = cell_of(*from_unit(np.random.default_rng(0).normal(size=(samples, 3))), 1500.0)
    counted = np.bincount(np.searchsorted(cells, found), minlength=len(cells)) * EARTH_KM2 / samples
    np.testing.assert_allclose(area, counted, rtol=0.12)


def test_the_land_is_its_share() -> None:
    lat, lon, area = grid_positions(100.0)
    assert (len(lat), len(lon), len(area)) == (14_635,) * 3
    assert area.sum() / EARTH_KM2 == pytest.approx(0.2875, abs=0.002)
    assert on_land(lat, lon).all()


@pytest.mark.parametrize("side_km", [0.0, -1.0, float("nan")])
def test_no_side(side_km: float) -> None:
    with pytest.raises(UsageError, match="too small"):
        grid_positions(side_km)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import EARTH_RADIUS_KM, Neighbours, cell_areas_km2, from_unit, merge_duplicates, same_positions

EARTH_KM2 = 4 * np.pi * EARTH_RADIUS_KM**2
GOLDEN = (1 + 5**0.5) / 2
Numbers = NDArray[np.float64]


def by_samples(lat: Numbers, lon: Numbers, samples: int) -> Numbers:
    """Areas by counting which point is nearest to places that are spread evenly over the sphere (Fibonacci's)."""
    i = np.arange(samples)
    there = from_unit(
        np.stack(
            [
                np.sqrt(1 - ((2 * i + 1) / samples - 1) ** 2) * np.cos(2 * np.pi * i / GOLDEN),
                np.sqrt(1 - ((2 * i + 1) / samples - 1) ** 2) * np.sin(2 * np.pi * i / GOLDEN),
                (2 * i + 1) / samples - 1,
            ],
            axis=1,
        )
    )
    rows, _ = Neighbours(lat, lon).nearest(*there)
    return np.bincount(rows[:, 0], minlength=len(lat)) * EARTH_KM2 / samples


def spread(n: int, seed: int) -> tuple[Numbers, Numbers]:
    return from_unit(np.random.default_rng(seed).normal(size=(n, 3)))


@pytest.mark.parametrize(
    ("lat", "lon", "shares"),
    [
        ([12.0], [34.0], [1]),
        ([12.0, -12.0], [34.0, -146.0], [1 / 2, 1 / 2]),
        ([10.0, 10.001], [20.0, 20.0], [1 / 2, 1 / 2]),
        ([0, 0, 0], [0, 90, -90], [1 / 4, 3 / 8, 3 / 8]),
        ([50, 50, 50], [0, 90, -90], [1 / 4, 3 / 8, 3 / 8]),
        ([90, -19.47122063449069, -19.47122063449069, -19.47122063449069], [0, 0, 120, -120], [1 / 4] * 4),
        ([0, 0, 0, 0], [0, 90, -180, -90], [1 / 4] * 4),
        ([90, -90, 0, 0, 0, 0], [0, 0, 0, 90, -180, -90], [1 / 6] * 6),
        ([90, 0, 0, 0, 0], [0, 0, 90, -180, -90], [1 / 6, *[5 / 24] * 4]),
    ],
)
def test_closed_forms(lat: list[float], lon: list[float], shares: list[float]) -> None:
    areas = cell_areas_km2(lat, lon)
    # Five of an octahedron's corners: the cell of the lower pole goes to the four beside it, in equal parts.
    np.testing.assert_allclose(areas, np.array(shares) * EARTH_KM2, rtol=1e-12)


def test_an_icosahedron() -> None:
    one = [(0, a, b * GOLDEN) for a in (-1, 1) for b in (-1, 1)]
    corners = np.array([np.roll(corner, turn) for turn in range(3) for corner in one])
    np.testing.assert_allclose(cell_areas_km2(*from_unit(corners)), EARTH_KM2 / 12, rtol=1e-12)


def test_a_ring_on_any_circle_and_its_lunes() -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    gaps = np.random.default_rng(2).uniform(1, 3, 500)
    angle = 2 * np.pi * np.cumsum(gaps) / gaps.sum()
    for height in (0.0, 0.3, 0.99):
        flat = np.sqrt(1 - height**2)
        ring = np.stack([flat * np.cos(angle), flat * np.sin(angle), np.full(500, height)], axis=1) @ turn
        expected = (gaps + np.roll(gaps, -1)) / 2 / gaps.sum() * EARTH_KM2
        np.testing.assert_allclose(cell_areas_km2(*from_unit(ring)), expected, rtol=1e-9)


@pytest.mark.parametrize("n", [4, 5, 12, 300])
def test_against_counting_samples(n: int) -> None:
    lat, lon = spread(n, n)
    areas, counted = cell_areas_km2(lat, lon), by_samples(lat, lon, 200_000)
    assert np.abs(areas - counted).max() / EARTH_KM2 < 2e-4
    assert areas.sum() == pytest.approx(EARTH_KM2, rel=1e-12)


def test_a_cluster_in_one_hemisphere_has_the_other_as_well() -> None:
    rng = np.random.default_rng(5)
    lat, lon = 45 + rng.normal(size=60), 7 + rng.normal(size=60)
    counted = by_samples(lat, lon, 100_000)
    np.testing.assert_allclose(cell_areas_km2(lat, lon), counted, atol=4e-4 * EARTH_KM2)
    assert counted.max() > 0.1 * EARTH_KM2


def test_a_regular_grid_whose_corners_all_tie() -> None:
    lat, lon = np.meshgrid(np.arange(-80, 81, 10.0), np.arange(-180, 180, 10.0))
    areas = cell_areas_km2(lat.ravel(), lon.ravel()).reshape(lat.shape)
    assert areas.sum() == pytest.approx(EARTH_KM2, rel=1e-12)
    np.testing.assert_allclose(areas, np.broadcast_to(areas[:1], areas.shape), rtol=1e-9)
    np.testing.assert_allclose(areas[0], areas[0][::-1], rtol=1e-9)


@given(st.permutations(range(40)), st.floats(-180, 179))
def test_order_and_the_choice_of_the_meridian_do_not_matter(order: list[int], turn_deg: float) -> None:
    lat, lon = spread(40, 9)
    again = cell_areas_km2(lat[order], ((lon + turn_deg + 180) % 360 - 180)[order])
    np.testing.assert_allclose(again, cell_areas_km2(lat, lon)[order], rtol=1e-9)


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=30))
def test_whatever_the_points_the_sum_is_the_earth(points: list[tuple[float, float]]) -> None:
    lat, lon = np.array(points).T
    rows, mass = merge_duplicates(lat, lon)
    assert mass.sum() == len(points)
    areas = cell_areas_km2(lat[rows], lon[rows])
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(EARTH_KM2, rel=1e-9)


@pytest.mark.parametrize("spacing_deg", [1e-2, 1e-4, 1e-6, 1e-8])
def test_crowds_that_no_triangulation_can_tell_apart_share(spacing_deg: float) -> None:
    rng = np.random.default_rng(3)
    far = rng.uniform(-80, 80, 200), rng.uniform(-180, 180, 200)
    crowd = 10 + rng.normal(size=400) * spacing_deg, 20 + rng.normal(size=400) * spacing_deg
    areas = cell_areas_km2(*(np.concatenate(parts) for parts in zip(far, crowd, strict=True)))
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(EARTH_KM2, rel=1e-9)
    alone = cell_areas_km2(np.append(far[0], 10), np.append(far[1], 20))
    # The crowd's cells together are the cell of one point in its midst.
    assert areas[200:].sum() == pytest.approx(alone[-1], rel=max(1e-4, spacing_deg * 10))


def test_the_gallery_of_100_000_points(shared: Path) -> None:
    table = np.loadtxt(shared / "tables/geoclip_gallery_100k.csv", delimiter=",", skiprows=1)
    rows, mass = merge_duplicates(*table.T)
    assert len(rows) == 94_123
    assert mass.sum() == 100_000
    areas = cell_areas_km2(*table[rows].T)
    assert areas.sum() == pytest.approx(EARTH_KM2, rel=1e-12)
    assert (areas > 0).all()
    some = np.argsort(areas)[-40:]
    counted = by_samples(table[rows, 0], table[rows, 1], 300_000)
    np.testing.assert_allclose(areas[some], counted[some], rtol=0.03)


def test_duplicates_are_the_callers() -> None:
    with pytest.raises(UsageError, match=r"1 of 3 points .* row 2; merge them first"):
        cell_areas_km2([1, 2, 1], [3, 4, 3])
    with pytest.raises(UsageError, match="merge them first"):
        cell_areas_km2([90, 90], [3, 4])
    with pytest.raises(UsageError, match="merge them first"):
        cell_areas_km2([0, -0.0], [180, -180])


@pytest.mark.parametrize(("lat", "lon"), [([91], [0]), ([np.nan], [0]), ([0], [np.inf]), ([0, 1], [0]), ([[0]], [[0]])])
def test_what_is_no_position(lat: list[float], lon: list[float]) -> None:
    for ask in (cell_areas_km2, merge_duplicates):
        with pytest.raises(UsageError):
            ask(lat, lon)


def test_no_points() -> None:
    with pytest.raises(EmptyInputError):
        cell_areas_km2([], [])
    rows, mass = merge_duplicates([], [])
    assert len(rows) == len(mass) == 0


def test_merging_keeps_the_first_and_sums() -> None:
    rows, mass = merge_duplicates([5, 1, 5, 1, 90, 90], [7, 180, 7, -180, 3, 4], [1, 2, 4, 8, 16, 32])
    assert rows.tolist() == [0, 1, 4]
    assert rows.dtype == np.int64
    assert mass.tolist() == [5, 10, 48]
    assert merge_duplicates([5, 1, 5], [7, 8, 7])[1].tolist() == [2, 1]
    first, group = same_positions([5, 1, 5, 1, 90, 90], [7, 180, 7, -180, 3, 4])
    assert first.tolist() == rows.tolist()
    assert group.tolist() == [0, 1, 0, 1, 2, 2]


@pytest.mark.parametrize("mass", [[1.0], [1.0, -1.0], [1.0, np.nan], [[1.0, 1.0]]])
def test_masses_that_cannot_be(mass: list[float]) -> None:
    with pytest.raises(UsageError, match="masses"):
        merge_duplicates([1, 2], [3, 4], mass)


@pytest.mark.parametrize("n", [4, 5, 50])
@pytest.mark.parametrize("off_plane", [1e-16, 1e-14, 1e-12, 1e-10, 1e-8])
@pytest.mark.parametrize("height", [0.0, 0.5, 0.999])
def test_nearly_on_a_circle_is_nearly_lunes(n: int, off_plane: float, height: float) -> None:
    rng = np.random.default_rng(n)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    gaps = rng.uniform(1, 2, n)
    angle, flat = 2 * np.pi * np.cumsum(gaps) / gaps.sum(), np.sqrt(1 - height**2)
    ring = np.stack([flat * np.cos(angle), flat * np.sin(angle), height + off_plane * rng.normal(size=n)], axis=1)
    expected = (gaps + np.roll(gaps, -1)) / 2 / gaps.sum() * EARTH_KM2
    areas = cell_areas_km2(*from_unit(ring @ turn))
    np.testing.assert_allclose(areas, expected, rtol=1e-6 + 1e5 * off_plane)


@pytest.mark.parametrize("extent_km", [1000.0, 30.0, 1.0])
def test_a_town_alone_shares_the_earth(extent_km: float) -> None:
    rng = np.random.default_rng(7)
    spread_deg = extent_km / 111
    lat, lon = 47 + spread_deg * rng.uniform(-1, 1, 30), 8 + spread_deg * rng.uniform(-1, 1, 30)
    areas = cell_areas_km2(lat, lon)
    assert areas.sum() == pytest.approx(EARTH_KM2, rel=1e-12)
    # Cells of the midst are as small as the town, and those of the rim, seen from far away, do not depend on its size.
    assert 0 < areas.min() < extent_km**2
    counted = by_samples(lat, lon, 20_000)
    np.testing.assert_allclose(areas, counted, atol=2e-3 * EARTH_KM2)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from periplus.geo import EARTH_RADIUS_KM, destination
from periplus.plots.heat import Heat, heat
from periplus.plots.regions import region_path, world_regions
from periplus.records import Density, Fix


def _fix(*kernels: tuple[float, float, float, float], radius_km: float = 3000.0) -> Fix:
    lat, lon, weight, sigma = np.asarray(kernels, np.float64).T
    return Fix(0, 0, 0, radius_km, 0.5, 25, None, density=Density(lat, lon, weight / weight.sum(), sigma))


def _polygons(shape: dict[str, Any]) -> list[list[np.ndarray]]:
    assert shape["type"] == "MultiPolygon"
    return [[np.asarray(ring) for ring in polygon] for polygon in shape["coordinates"]]


def _signed_area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2)


def _area_km2(ring: np.ndarray) -> float:
    """Of the ring on the sphere, its edges straight on the cylindrical equal-area map."""
    flat = np.stack([np.radians(ring[:, 0]), np.sin(np.radians(ring[:, 1]))], axis=1)
    return _signed_area(flat) * EARTH_RADIUS_KM**2


def _holds(shape: dict[str, Any], lat: float, lon: float) -> bool:
    inside = False
    for polygon in _polygons(shape):
        for ring in polygon:
            (x0, y0), (x1, y1) = ring[:-1].T, ring[1:].T
            crosses = (y0 > lat) != (y1 > lat)
            with np.errstate(divide="ignore", invalid="ignore"):
                at = x0 + (lat - y0) * (x1 - x0) / (y1 - y0)
            inside ^= bool((crosses & (at > lon)).sum() % 2)
    return inside


KERNELS = [
    [(45.0, 4.0, 1.0, 700.0)],
    [(-17.0, 179.8, 1.0, 900.0)],
    [(89.0, 50.0, 1.0, 800.0)],
    [(-85.0, -180.0, 1.0, 1200.0)],
    [(0.0, 0.0, 0.5, 400.0), (10.0, 178.0, 0.5, 600.0)],
]


@pytest.mark.parametrize("kernels", KERNELS)
def test_rings_are_as_geojson_wants_them(kernels: list[tuple[float, float, float, float]]) -> None:
    for _, shape in world_regions(_fix(*kernels)):
        for outer, *holes in _polygons(shape):
            for ring in (outer, *holes):
                assert (ring[0] == ring[-1]).all()
                assert len(ring) >= 4
                assert (np.abs(ring) <= [180, 90]).all()
            assert _signed_area(outer) > 0
            assert all(_signed_area(hole) < 0 for hole in holes)


@pytest.mark.parametrize("kernels", KERNELS[:4])
def test_a_round_kernel_has_round_regions(kernels: list[tuple[float, float, float, float]]) -> None:
    ((lat, lon, _, sigma),) = kernels
    for share, shape in world_regions(_fix(*kernels)):
        # exp(-chord² / 2 sigma²) integrates to a share within this chord.
        radius = sigma * np.sqrt(-2 * np.log(1 - share))
        area = sum(_area_km2(ring) for polygon in _polygons(shape) for ring in polygon)
        assert area == pytest.approx(np.pi * radius**2, rel=0.12)
        for bearing in np.arange(0.0, 360, 45) + 7:
            within, beyond = ([float(v) for v in destination(lat, lon, bearing, f * radius)] for f in (0.85, 1.15))
            assert _holds(shape, *within) or abs(within[0]) > 88
            assert not _holds(shape, *beyond) or abs(beyond[0]) > 88


def test_a_region_over_the_date_line_is_cut_there() -> None:
    _, (_, shape) = world_regions(_fix((-17, 179.8, 1, 900.0)))
    polygons = [polygon[0] for polygon in _polygons(shape)]
    assert len(polygons) == 2
    assert {float(np.abs(ring[:, 0]).max()) for ring in polygons} == {180.0}
    assert sorted(float(np.sign(ring[:, 0].mean())) for ring in polygons) == [-1, 1]


def test_a_region_at_a_pole_ends_along_it() -> None:
    _, (_, shape) = world_regions(_fix((89, 50, 1, 800.0)))
    ((ring,),) = _polygons(shape)
    assert ring.max(axis=0).tolist() == [180, 90]
    assert ring[:, 0].min() == -180


def test_a_ring_has_a_hole() -> None:
    bearing = np.arange(0, 360, 6.0)
    lat, lon = destination(0, 0, bearing, 4000)
    n = len(bearing)
    fix = Fix(0, 0, 0, 5000, 0.5, 25, None, density=Density(lat, lon, np.full(n, 1 / n), np.full(n, 350.0)))
    _, (_, shape) = world_regions(fix)
    ((_, hole),) = _polygons(shape)
    assert np.abs(hole).max() < 40
    assert not _holds(shape, 0.0, 0.0)
    assert _holds(shape, 0.0, 36.0)


def test_a_single_pixel_is_not_lost() -> None:
    times = np.zeros((350, 720))
    times[100, 300] = 1.0
    path = region_path(Heat(times, np.ones((350, 720), np.bool_)), 0.9, 720)
    numbers = [float(v) for v in path[1:].split("l")[0].split(",")]
    assert numbers == pytest.approx([300.5, 100.5], abs=0.6)


def test_outlines_go_on_beside_the_map() -> None:
    path = region_path(heat(_density((89, 0, 1, 800.0))), 0.9, 720)
    # Above the map's upper edge, where it is cut off: no line along the pole.
    assert min(float(part.split(",")[1].split("l")[0]) for part in path.split("M")[1:]) < 0


def _density(*kernels: tuple[float, float, float, float]) -> Density:
    density = _fix(*kernels).density
    assert density is not None
    return density


def test_small_answers_have_no_regions() -> None:
    assert world_regions(_fix((0, 0, 1, 50.0), radius_km=150.0)) == []
    assert world_regions(Fix(0, 0, 100, 900, 0.5, 25, None)) == []

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Proj

from periplus.geo import (
    EARTH_RADIUS_KM,
    EQUAL_EARTH_HEIGHT,
    EQUAL_EARTH_WIDTH,
    distance_km,
    equal_earth,
    equal_earth_inverse,
    from_local_km,
    local_km,
)

LATS = st.floats(-90, 90)
LONS = st.floats(-180, 180, exclude_max=True)
EQEARTH = Proj("+proj=eqearth +R=1")


@pytest.mark.parametrize(
    ("lat", "lon", "x", "y"),
    [(0, 180, 1.0, 0.0), (90, 0, 0.0, 0.4867), (-90, -180, -0.5925, -0.4867), (40.7128, -74.006, -0.3628, 0.2908)],
)
def test_equal_earth_known_values(lat: float, lon: float, x: float, y: float) -> None:
    scale = 66.50336 / 180  # in the units of the published location encoder
    assert np.multiply(equal_earth(lat, lon), scale) == pytest.approx((x, y), abs=5e-5)


def test_the_size_of_the_map() -> None:
    assert equal_earth(0, 180) == pytest.approx((EQUAL_EARTH_WIDTH, 0))
    assert equal_earth(90, 0) == pytest.approx((0, EQUAL_EARTH_HEIGHT))


@given(LATS, LONS)
def test_equal_earth_agrees_with_proj(lat: float, lon: float) -> None:
    assert equal_earth(lat, lon) == pytest.approx(EQEARTH(lon, lat), abs=1e-9)


@given(LATS, LONS)
def test_equal_earth_there_and_back(lat: float, lon: float) -> None:
    back = equal_earth_inverse(*equal_earth(lat, lon))
    assert distance_km(*back, lat, lon) < 1e-3


def test_beside_the_map_is_nowhere() -> None:
    lat, lon = equal_earth_inverse([2.8, 0, 2.5, 0], [0, 1.4, 1.3, 0])
    assert np.isnan(lat).tolist() == np.isnan(lon).tolist() == [True, True, True, False]


@pytest.mark.parametrize("lat", [-75.0, 0.0, 30.0, 60.0, 85.0])
def test_equal_earth_keeps_areas(lat: float) -> None:
    d = 0.01
    (x0, y0), (x1, _), (_, y1) = equal_earth(lat, 10), equal_earth(lat, 10 + d), equal_earth(lat + d, 10)
    on_map = (x1 - x0) * (y1 - y0)  # y does not depend on longitude: the parallelogram's area
    assert on_map == pytest.approx(np.radians(d) ** 2 * np.cos(np.radians(lat + d / 2)), rel=1e-4)


@given(LATS, LONS, LATS, LONS)
def test_local_agrees_with_proj(lat: float, lon: float, lat0: float, lon0: float) -> None:
    assume(abs(lat0) < 89.99 and distance_km(lat, lon, lat0, lon0) < 19_000)
    metres = Proj(f"+proj=aeqd +lat_0={lat0!r} +lon_0={lon0!r} +R={EARTH_RADIUS_KM * 1000}")(lon, lat)
    assert local_km(lat, lon, lat0, lon0) == pytest.approx(np.divide(metres, 1000), rel=1e-6, abs=1e-3)


@given(LATS, LONS, LATS, LONS)
def test_local_there_and_back(lat: float, lon: float, lat0: float, lon0: float) -> None:
    east, north = local_km(lat, lon, lat0, lon0)
    assert np.hypot(east, north) == pytest.approx(distance_km(lat, lon, lat0, lon0))
    assert distance_km(*from_local_km(east, north, lat0, lon0), lat, lon) < 1e-6


def test_local_axes() -> None:
    degree_km = np.pi * EARTH_RADIUS_KM / 180
    east, north = local_km([0, 1], [-179.5, 179.5], 0, 179.5)
    assert east == pytest.approx([degree_km, 0])
    assert north == pytest.approx([0, degree_km])

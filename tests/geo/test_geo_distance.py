from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod

from periplus.geo import EARTH_RADIUS_KM, bearing_deg, destination, distance_km, wrap_lon_deg

LATS = st.floats(-90, 90)
LONS = st.floats(-180, 180, exclude_max=True)
SPHERE = Geod(a=EARTH_RADIUS_KM * 1000, b=EARTH_RADIUS_KM * 1000)
HALF_WAY_ROUND_KM = np.pi * EARTH_RADIUS_KM


@pytest.mark.parametrize(
    ("a", "b", "km"),
    [
        ((0, 0), (0, 0), 0.0),
        ((90, 12), (-90, -77), HALF_WAY_ROUND_KM),  # pole to pole, whatever the longitudes
        ((0, 0), (0, -180), HALF_WAY_ROUND_KM),
        ((37, -122), (-37, 58), HALF_WAY_ROUND_KM),  # antipodes
        ((0, 179.5), (0, -179.5), HALF_WAY_ROUND_KM / 180),  # one degree across the date line
        ((90, -180), (90, 33), 0.0),  # one pole has many longitudes
        ((0, 0), (90, 0), HALF_WAY_ROUND_KM / 2),
    ],
)
def test_distances_in_closed_form(a: tuple[float, float], b: tuple[float, float], km: float) -> None:
    assert distance_km(*a, *b) == pytest.approx(km, abs=1e-9)


@given(LATS, LONS, LATS, LONS)
def test_distance_agrees_with_proj(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    _, _, metres = SPHERE.inv(lon1, lat1, lon2, lat2)
    assert distance_km(lat1, lon1, lat2, lon2) == pytest.approx(metres / 1000, rel=1e-9, abs=1e-9)


@given(LATS, LONS, LATS, LONS)
def test_distance_is_symmetric_and_bounded(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    there, back = distance_km(lat1, lon1, lat2, lon2), distance_km(lat2, lon2, lat1, lon1)
    assert there == back
    assert 0 <= there <= HALF_WAY_ROUND_KM * (1 + 1e-15)


@given(*[LATS, LONS] * 3)
def test_triangle_inequality(a: float, b: float, c: float, d: float, e: float, f: float) -> None:
    assert distance_km(a, b, e, f) <= distance_km(a, b, c, d) + distance_km(c, d, e, f) + 1e-9


@pytest.mark.parametrize("lat", [0.0, 37.79, -89.0])
def test_tiny_distances_keep_their_digits(lat: float) -> None:
    step = 2.0**-40  # exactly representable beside the latitude: a tenth of a micrometre
    moved = np.asarray([lat + step, lat - step]) - lat
    assert distance_km(lat, 10, lat + moved, 10) == pytest.approx(
        np.radians(np.abs(moved)) * EARTH_RADIUS_KM, rel=1e-12
    )


@pytest.mark.parametrize("missing_deg", [1e-3, 1e-6, 1e-9])
def test_almost_antipodes_keep_their_digits(missing_deg: float) -> None:
    missing_km = HALF_WAY_ROUND_KM - distance_km(0.0, 0.0, missing_deg, 180.0)
    assert missing_km == pytest.approx(np.radians(missing_deg) * EARTH_RADIUS_KM, abs=2e-11)


def test_distance_broadcasts_and_passes_nan() -> None:
    km = distance_km(np.zeros((3, 1)), np.zeros((3, 1)), [0, np.nan], [1, 1])
    assert km.shape == (3, 2)
    assert np.isnan(km[:, 1]).all()
    assert np.isfinite(km[:, 0]).all()


@given(LATS, LONS, LATS, LONS)
def test_going_where_the_bearing_points_arrives(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    km, bearing = distance_km(lat1, lon1, lat2, lon2), bearing_deg(lat1, lon1, lat2, lon2)
    assert 0 <= bearing < 360
    lat, lon = destination(lat1, lon1, bearing, km)
    assert -90 <= lat <= 90
    assert -180 <= lon < 180
    # Near the antipode the bearing decides where one lands, and rounding decides the bearing.
    assert distance_km(lat, lon, lat2, lon2) < 1e-6


@given(LATS, LONS, st.floats(0, 360), st.floats(0, 20000))
def test_destination_agrees_with_proj(lat: float, lon: float, bearing: float, km: float) -> None:
    lon2, lat2, _ = SPHERE.fwd(lon, lat, bearing, km * 1000)
    assert distance_km(*destination(lat, lon, bearing, km), lat2, lon2) < 1e-6


@given(LATS, LONS, LATS, LONS)
def test_bearing_agrees_with_proj(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    km = distance_km(lat1, lon1, lat2, lon2)
    assume(1e-3 < km < HALF_WAY_ROUND_KM - 1e-3 and max(abs(lat1), abs(lat2)) < 89.999)
    azimuth, _, _ = SPHERE.inv(lon1, lat1, lon2, lat2)
    turn = abs(float(bearing_deg(lat1, lon1, lat2, lon2)) - azimuth) % 360
    assert min(turn, 360 - turn) < 1e-4


@pytest.mark.parametrize(("to", "bearing"), [((1, 0), 0), ((0, 1), 90), ((-1, 0), 180), ((0, -1), 270)])
def test_the_four_winds(to: tuple[float, float], bearing: float) -> None:
    assert bearing_deg(0, 0, *to) == pytest.approx(bearing)


@given(st.floats(-1e6, 1e6))
def test_wrapped_longitudes_stay_the_same_direction(lon: float) -> None:
    wrapped = float(wrap_lon_deg(lon))
    assert -180 <= wrapped < 180
    assert abs((wrapped - lon + 180) % 360 - 180) < 1e-8
    assert float(wrap_lon_deg(wrapped)) == wrapped


@pytest.mark.parametrize(("lon", "wrapped"), [(180, -180), (-180, -180), (540, -180), (-190, 170), (1e-20, 1e-20)])
def test_wrapping_at_the_edges(lon: float, wrapped: float) -> None:
    assert wrap_lon_deg(lon) == wrapped
    assert wrap_lon_deg(np.nextafter(-180, -181)) == np.nextafter(180, 0)

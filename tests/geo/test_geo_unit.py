from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import (
    EARTH_RADIUS_KM,
    chord_from_km,
    distance_km,
    from_unit,
    km_from_chord,
    mean_position,
    to_unit,
)

LATS = st.floats(-90, 90)
LONS = st.floats(-180, 180, exclude_max=True)


def test_axes() -> None:
    assert to_unit([0, 0, 90], [0, 90, 45]) == pytest.approx(np.eye(3), abs=1e-15)
    assert to_unit(0, 0).shape == (3,)


@given(LATS, LONS)
def test_there_and_back(lat: float, lon: float) -> None:
    xyz = to_unit(lat, lon)
    assert np.linalg.norm(xyz) == pytest.approx(1, abs=1e-15)
    assert distance_km(*from_unit(xyz), lat, lon) < 1e-8


@given(LATS, LONS, LATS, LONS)
def test_chords_stand_for_distances(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    km = float(distance_km(lat1, lon1, lat2, lon2))
    chord = np.linalg.norm(to_unit(lat1, lon1) - to_unit(lat2, lon2))
    assert chord_from_km(km) == pytest.approx(chord, abs=1e-14)


@given(st.floats(0, 20000))
def test_chord_there_and_back(km: float) -> None:
    assert km_from_chord(chord_from_km(km)) == pytest.approx(km, rel=1e-9, abs=1e-12)


def test_chords_end_at_the_antipode() -> None:
    assert chord_from_km([0, np.pi * EARTH_RADIUS_KM, 1e9]) == pytest.approx([0, 2, 2])
    assert km_from_chord(2.0000001) == pytest.approx(np.pi * EARTH_RADIUS_KM)


def test_mean_across_the_date_line_and_over_the_pole() -> None:
    lat, lon = mean_position([0, 0], [179, -179])
    assert (lat, abs(lon)) == pytest.approx((0, 180))
    assert mean_position([80, 80], [0, 180])[0] == pytest.approx(90)
    assert mean_position([10], [20]) == pytest.approx((10, 20))


def test_weights_pull_the_mean() -> None:
    assert mean_position([0, 0], [0, 90], [1, 0]) == pytest.approx((0, 0), abs=1e-12)
    assert mean_position([0, 0], [0, 90], [1, 3])[1] == pytest.approx(np.degrees(np.arctan2(3, 1)))
    assert mean_position([0, 0], [0, 90], [1e-300, 3e-300])[1] == pytest.approx(np.degrees(np.arctan2(3, 1)))


def test_positions_that_cancel_out_give_the_heaviest() -> None:
    assert mean_position([30, -30], [40, -140]) == pytest.approx((30, 40))
    assert mean_position([0, 0, 0], [0, 120, -120], [1, 1, 1]) == pytest.approx((0, 0), abs=1e-9)


@given(st.lists(st.tuples(LATS, LONS), min_size=1, max_size=8))
def test_mean_does_not_depend_on_the_order_of_a_hemisphere(positions: list[tuple[float, float]]) -> None:
    lat = np.abs(np.asarray([p[0] for p in positions])) / 2 + 45  # all in the northern cap: a mean exists
    lon = np.asarray([p[1] for p in positions])
    assert distance_km(*mean_position(lat, lon), *mean_position(lat[::-1], lon[::-1])) < 1e-6


def test_no_mean_of_nothing() -> None:
    with pytest.raises(EmptyInputError, match="at least one"):
        mean_position([], [])
    with pytest.raises(EmptyInputError, match="weight above 0"):
        mean_position([1], [2], [0])
    with pytest.raises(UsageError, match="finite"):
        mean_position([np.nan], [2])
    with pytest.raises(UsageError, match="not negative"):
        mean_position([1, 2], [2, 3], [1, -1])
    with pytest.raises(UsageError, match="one weight each"):
        mean_position([1, 2], [2, 3], [1])

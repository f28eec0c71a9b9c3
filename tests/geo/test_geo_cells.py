from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, cell_centre, cell_of, distance_km, from_unit

SIDES = st.floats(0.001, 5_000)


@given(st.floats(-90, 90), st.floats(-180, 180), SIDES)
def test_a_cell_contains_its_centre_and_reaches_not_far(lat: float, lon: float, side: float) -> None:
    cell = cell_of(lat, lon, side)
    centre = cell_centre(cell, side)
    assert cell_of(*centre, side) == cell
    assert distance_km(*centre, lat, lon) <= side + 1e-9


def test_areas_are_nearly_equal() -> None:
    rng = np.random.default_rng(5)
    lat, lon = from_unit(rng.normal(size=(400_000, 3)))
    side = 2000.0
    cells, counts = np.unique(cell_of(lat, lon, side), return_counts=True)
    sphere = 4 * np.pi * EARTH_RADIUS_KM**2
    assert len(cells) == pytest.approx(sphere / side**2, rel=0.03)
    assert counts.min() > 0.9 * counts.mean()
    assert counts.max() < 1.1 * counts.mean()


def test_exact_areas_of_the_bands() -> None:
    bands = round(np.pi * EARTH_RADIUS_KM / 100)
    edges = np.radians(np.linspace(-90, 90, bands + 1))
    area = 2 * np.pi * np.diff(np.sin(edges)) / (np.pi / bands) ** 2
    lon = np.linspace(-180, 180, 10_000, endpoint=False)
    for band in (0, 1, 2, 50, bands - 1):
        lat = np.degrees(edges[band] + edges[band + 1]) / 2
        columns = len(np.unique(cell_of(lat, lon, 100)))
        assert columns == round(area[band])
        assert area[band] / columns == pytest.approx(1, abs=0.05)


def test_edges_of_the_world() -> None:
    assert cell_of(10, 180, 50) == cell_of(10, -180, 50)
    assert len({int(c) for c in cell_of([90, -90], [0, 0], 50)}) == 2
    assert cell_of(np.nan, 0, 50) == -1
    assert np.isnan(cell_centre([-1], 50)).all()
    assert len(np.unique(cell_of([-90, 0, 90], [-180, 0, 179], 1e9))) == 1


def test_wrong_cells_are_refused() -> None:
    with pytest.raises(UsageError, match="too small"):
        cell_of(0, 0, 0)
    with pytest.raises(UsageError, match="too small"):
        cell_of(0, 0, float("nan"))
    with pytest.raises(UsageError, match="no cell of side 5000 km"):
        cell_centre(cell_of(60, 0, 10), 5000)

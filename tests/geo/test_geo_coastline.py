from __future__ import annotations

import numpy as np
import pytest

from periplus.geo import cell_centre, cell_of, from_unit
from periplus.geo.clip import clip_box, clip_side
from periplus.geo.coastline import coastline, flat_coastline, is_land

LAND = [
    (37.5, -121.0),
    (48, 2),
    (-80, 0),
    (-89.99, 100),
    (66.5, -175),
    (66, 179.9),
    (-25, 134),
    (70, -40),
    (-17.8, 178),
]
SEA = [(0, 0), (37.79, -123.5), (42, 51), (89.9, 0), (30, -150), (-60, 100), (-17, -179.0)]


def test_closed_curves_on_the_globe() -> None:
    rings = coastline()
    assert len(rings) == 1419
    for ring in rings:
        assert ring.shape[1] == 2
        assert (ring[0] == ring[-1]).all()
        assert (np.abs(ring) <= [90, 180]).all()


def test_flat_rings_stay_on_the_map_and_do_not_jump() -> None:
    for ring in flat_coastline():
        assert (np.abs(ring) <= [90, 180.0]).all()
        steps = np.abs(np.diff(ring, axis=0))
        on_the_edge = (np.abs(ring[1:, 1]) == 180) | (np.abs(ring[1:, 0]) == 90)
        assert steps[~on_the_edge].max(initial=0) < 7


@pytest.mark.parametrize(("lat", "lon", "land"), [*[(*p, True) for p in LAND], *[(*p, False) for p in SEA]])
def test_known_land_and_sea(lat: float, lon: float, land: bool) -> None:
    assert is_land(lat, lon) is land


def test_land_covers_its_share_of_the_globe() -> None:
    rng = np.random.default_rng(3)
    cells = np.unique(cell_of(*from_unit(rng.normal(size=(20_000, 3))), 700))
    share = np.mean([is_land(float(lat), float(lon)) for lat, lon in zip(*cell_centre(cells, 700), strict=True)])
    assert share == pytest.approx(0.29, abs=0.03)


def test_clipping_a_square() -> None:
    square = np.asarray([[0, 0], [4, 0], [4, 4], [0, 4]], float)
    assert sorted(clip_side(square, 0, 1, keep_above=True).tolist()) == [[1, 0], [1, 4], [4, 0], [4, 4]]
    corner = clip_box(square, (3, 3), (9, 9))
    assert sorted(corner.tolist()) == [[3, 3], [3, 4], [4, 3], [4, 4]]
    assert len(clip_box(square, (5, 5), (9, 9))) == 0
    assert clip_box(square, (-1, -1), (5, 5)).tolist() == square.tolist()
    assert len(clip_side(square[:0], 0, 1, keep_above=True)) == 0

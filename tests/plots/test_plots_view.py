from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.geo import distance_km
from periplus.geo.coastline import is_land
from periplus.plots.furniture import graticule, scale_bar
from periplus.plots.land import land_data, world_px, world_symbol
from periplus.plots.svg import Markup, dots_data, escape, path_data, tag
from periplus.plots.view import View


def test_the_centre_and_the_north() -> None:
    view = View(60, 10, 100, 400, 200)
    assert view.to_px(60, 10).tolist() == [200, 100]
    assert view.to_px([60 + np.degrees(50 / 6371.0088)], [10])[0] == pytest.approx([200, 50])
    assert (view.half_width_km, view.px_per_km) == (200, 1)


@given(st.floats(-89, 89), st.floats(-180, 179.9), st.floats(0.05, 4000), st.floats(0, 720), st.floats(0, 540))
def test_pixels_there_and_back(lat: float, lon: float, half: float, x: float, y: float) -> None:
    view = View(lat, lon, half)
    there = view.from_px(x, y)
    assert view.to_px(*there) == pytest.approx([x, y], abs=1e-5)
    km = np.hypot(x - 360, y - 270) / view.px_per_km
    assert distance_km(lat, lon, *there) == pytest.approx(km, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("lat", "lon", "half"),
    [(37.79, -122.4, 300), (30, -150, 5000), (-30, -130, 5000), (66, -179.5, 900), (-75, 0, 4500), (51, 10, 3000)],
)
def test_the_land_of_a_view_agrees_with_the_land_of_the_globe(lat: float, lon: float, half: float) -> None:
    """Also where the antipode of the centre is on land, where coasts wind round the whole map."""
    view = View(lat, lon, half)
    rings = _rings(land_data(view))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(5, 715, 150), rng.uniform(5, 535, 150)
    lats, lons = view.from_px(x, y)
    on_map = [sum(_crossings(ring, a, b) for ring in rings) % 2 == 1 for a, b in zip(x, y, strict=True)]
    on_globe = [is_land(float(a), float(b)) for a, b in zip(lats, lons, strict=True)]
    assert np.mean(np.asarray(on_map) == np.asarray(on_globe)) > 0.97  # the map is rounded to half a pixel


def test_the_world_is_small_and_has_both_poles() -> None:
    assert len(world_symbol()) < 60_000
    assert world_px(np.asarray([90.0, -90.0]), np.zeros(2))[:, 0] == pytest.approx([270, 270])


@pytest.mark.parametrize("lat", [0.0, 37.8, -66.0, 89.5])
@pytest.mark.parametrize("half", [0.1, 3.0, 150.0, 5000.0])
def test_every_map_has_a_few_lines_and_names(lat: float, half: float) -> None:
    lines, names = graticule(View(lat, 179.9, half))
    assert 3 <= lines.count("<path") <= 40
    assert 1 <= names.count("<text") <= 20
    assert "nan" not in lines


def test_scale_bar_is_round() -> None:
    bar = scale_bar(View(0, 0, 0.27))  # 1 px is 1 m
    assert ">100 m<" in bar
    assert "h100.0" in bar


def test_tags_escape() -> None:
    assert tag("a", "<5 & 6>", href='x"y', class_="near", fill_rule=None) == (
        '<a href="x&quot;y" class="near">&lt;5 &amp; 6&gt;</a>'
    )
    assert tag("b", tag("i", "x")) == "<b><i>x</i></b>"
    assert tag("img", alt="'") == '<img alt="&#x27;">'
    assert isinstance(tag("b"), Markup)
    assert escape("half \ud83c of a character") == "half ? of a character"


def test_paths_are_short() -> None:
    assert path_data(np.asarray([[0, 0], [0.01, 0], [1, 0.5]])) == "M0,0l1,0.5"
    assert path_data(np.asarray([[3, 3], [3, 3.01]]), closed=True) == ""
    assert path_data(np.zeros((0, 2))) == ""
    assert dots_data(np.asarray([[3, 3], [3.1, 3.1], [30, 3]])) == "M3,3h0M30,3h0"


def _rings(data: str) -> list[np.ndarray]:
    rings = []
    for part in re.findall(r"M[^Mz]*z", data):
        steps = np.asarray([[float(v) for v in pair.split(",")] for pair in re.split("[l ]", part[1:-1])])
        rings.append(np.cumsum(steps, axis=0))
    for x0, y0, x1, y1 in re.findall(r"M([\d.-]+),([\d.-]+)H([\d.-]+)V([\d.-]+)H", data):
        a, b, c, d = map(float, (x0, y0, x1, y1))
        rings.append(np.asarray([[a, b], [c, b], [c, d], [a, d]]))
    return rings


def _crossings(ring: np.ndarray, x: float, y: float) -> int:
    after = np.roll(ring, -1, axis=0)
    rows = np.flatnonzero((ring[:, 1] > y) != (after[:, 1] > y))
    share = (y - ring[rows, 1]) / (after[rows, 1] - ring[rows, 1])
    return int((ring[rows, 0] + share * (after[rows, 0] - ring[rows, 0]) > x).sum())

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from periplus.geo import Neighbours, destination
from periplus.plots import local_map, region_map, world_map
from periplus.plots.layers import apart, shading
from periplus.plots.map import half_extent_km
from periplus.plots.view import View
from periplus.records import Density, Evidence, Fix, Place, RecordedPosition


def _fix(radius_km: float = 0.09, reach_km: tuple[float, ...] = (), lat: float = 37.79, lon: float = -122.4) -> Fix:
    evidence = []
    for i, km in enumerate(reach_km):
        there = destination(lat, lon, 40 * i, km)
        evidence.append(Evidence(i, f"<{i}>", None, float(there[0]), float(there[1]), 1.0 / (i + 1), None, km))
    return Fix(lat, lon, radius_km / 3, radius_km, 0.9, 0.1, None, tuple(evidence))


@pytest.mark.parametrize(
    ("radius", "reach", "half"),
    [
        (0.09, (), 0.27),
        (0.001, (), 0.1),  # the smallest map
        (0.09, (1.0,), 1.15),  # evidence within eight times the base widens the map
        (0.09, (1.0, 50.0), 1.15),  # a far outlier does not
        (4000, (), 5000),
        (float("nan"), (), 0.1),
    ],
)
def test_how_far_a_map_reaches(radius: float, reach: tuple[float, ...], half: float) -> None:
    assert half_extent_km(_fix(radius, reach)) == pytest.approx(half)


def test_circles_and_dots_are_drawn_to_scale() -> None:
    fix = _fix()
    there = destination(37.79, -122.4, 90, 0.1)
    picture = local_map(fix, Neighbours([37.79, float(there[0]), 0], [-122.4, float(there[1]), 0]))
    ET.fromstring(picture)  # well-formed
    radii = [float(r) for r in re.findall(r'r="([\d.]+)" class="ring', picture)]
    px_per_km = 270 / 0.27
    assert radii == pytest.approx([0.09 * px_per_km, 0.03 * px_per_km], abs=0.06)
    (dots,) = re.findall(r'd="([^"]*)" class="dots"', picture)
    assert dots == "M360,270h0M460.5,270h0"


def test_rivals_inside_and_outside() -> None:
    fix = _fix()
    near = RecordedPosition(37.7901, -122.4, "exif", 0.011)
    far = Place(38.0, -121.0, 0.1, "A & B <script>")
    picture = local_map(replace(fix, runner_up=far, recorded=near), Neighbours([], []))
    ET.fromstring(picture)
    assert "<script>" not in picture
    assert picture.count('class="recorded"') == 1
    assert ">130 km<" in picture  # the distance of the arrow at the edge


@pytest.mark.parametrize(
    ("lat", "lon"), [(90.0, 0.0), (-90.0, 10.0), (0.0, -180.0), (-17.0, 179.99), (66.0, -179.9), (0.0, 0.0)]
)
@pytest.mark.parametrize("radius", [0.01, 30.0, 9000.0])
def test_maps_anywhere_are_well_formed(lat: float, lon: float, radius: float) -> None:
    fix = _fix(radius, (radius / 2, radius, radius), lat, lon)
    gallery = Neighbours(*np.random.default_rng(0).uniform(-90, 89, (2, 500)))
    for picture in (local_map(fix, gallery), region_map(fix), world_map(fix)):
        if picture is not None:
            ET.fromstring(picture)
            assert "nan" not in picture
            assert len(picture) < 200_000


def test_the_shading_is_strongest_where_the_belief_is() -> None:
    view = View(10, 20, 1.0)
    there = destination(10, 20, 90, 0.5)
    density = Density(
        np.asarray([10, float(there[0])]), np.asarray([20, float(there[1])]), np.asarray([0.8, 0.2]), np.full(2, 0.05)
    )
    (data,) = re.findall(r"base64,([^\"]+)", shading(view, density))
    alpha = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))[..., 3].astype(float)
    assert alpha.shape == (90, 120)
    assert alpha[44:46, 59:61].min() == pytest.approx(0.62 * 255, abs=6)
    column = round(60 + 0.5 * 45)
    assert alpha[45, column] == pytest.approx(0.62 * 255 * np.sqrt(0.25), abs=6)
    assert alpha[:20].max() == alpha[:, :20].max() == 0


def test_many_narrow_kernels_are_a_wide_one() -> None:
    rng = np.random.default_rng(0)
    view, n = View(50, 8, 900.0), 20_000
    lat, lon = destination(50, 8, rng.uniform(0, 360, n), 250 * np.sqrt(-2 * np.log(rng.uniform(1e-9, 1, n))))
    many = Density(lat, lon, np.full(n, 1 / n), np.full(n, 0.5))
    one = Density(np.asarray([50.0]), np.asarray([8.0]), np.ones(1), np.asarray([np.hypot(250, 0.8 * 20)]))
    both = Density(np.append(lat, 50), np.append(lon, 8), np.append(many.weights, 1) / 2, np.append(many.sigma_km, 250))
    pictures = []
    for density in (many, one, both):
        (data,) = re.findall(r"base64,([^\"]+)", shading(view, density))
        alpha = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))[..., 3].astype(float)
        pictures.append((alpha / alpha.max()) ** 2)
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.04
    assert np.abs(pictures[2] - pictures[1]).mean() < 0.03


def test_pins_do_not_cover_each_other_or_the_estimate() -> None:
    view = View(0, 0, 1)
    centre = np.asarray([360.0, 270.0])
    heads = apart(np.repeat([[362.0, 268.0]], 9, axis=0), centre, view)
    gaps = np.hypot(*(heads[:, None] - heads[None]).transpose(2, 0, 1)) + np.eye(9) * 99
    assert gaps.min() > 19
    assert np.hypot(*(heads - centre).T).min() > 19
    corner = apart(np.repeat([[1.0, 1.0]], 4, axis=0), centre, view)
    assert (corner >= 14).all()
    assert len(apart(np.zeros((0, 2)), centre, view)) == 0


def test_only_nine_pins_are_numbered() -> None:
    picture = local_map(_fix(0.09, tuple(np.linspace(0.01, 0.2, 14).tolist())), Neighbours([], []))
    assert picture.count('class="pin"') == 9
    assert picture.count('class="foot"') == 14

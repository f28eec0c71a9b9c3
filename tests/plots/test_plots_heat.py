from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from periplus.geo import (
    EARTH_RADIUS_KM,
    EQUAL_EARTH_HEIGHT,
    EQUAL_EARTH_WIDTH,
    equal_earth,
    equal_earth_inverse,
    to_unit,
)
from periplus.plots.heat import HEAT_HEIGHT_PX, HEAT_WIDTH_PX, Heat, heat, is_world_wide
from periplus.plots.tint import STEPS, heat_image, scale_bands, times_words, tint_of
from periplus.records import Area, Density, Fix

Places = list[tuple[float, float, float, float]]


def density(*kernels: tuple[float, float, float, float]) -> Density:
    lat, lon, weight, sigma = np.asarray(kernels, np.float64).T
    return Density(lat, lon, weight / weight.sum(), sigma)


def _pixels() -> tuple[np.ndarray, np.ndarray]:
    x = ((np.arange(HEAT_WIDTH_PX) + 0.5) / HEAT_WIDTH_PX * 2 - 1) * EQUAL_EARTH_WIDTH
    y = (1 - (np.arange(HEAT_HEIGHT_PX) + 0.5) / HEAT_HEIGHT_PX * 2) * EQUAL_EARTH_HEIGHT
    return equal_earth_inverse(*np.meshgrid(x, y))


def _pixel_of(lat: float, lon: float) -> tuple[int, int]:
    x, y = equal_earth(lat, lon)
    row = (1 - float(y) / EQUAL_EARTH_HEIGHT) / 2 * HEAT_HEIGHT_PX
    column = (float(x) / EQUAL_EARTH_WIDTH + 1) / 2 * HEAT_WIDTH_PX
    return min(int(row), HEAT_HEIGHT_PX - 1), min(int(column), HEAT_WIDTH_PX - 1)


@pytest.mark.parametrize(
    "kernels",
    [
        [(-17, 179.5, 0.6, 300.0), (45, 4, 0.4, 500.0)],
        [(88, 10, 0.5, 700.0), (-90, 0, 0.5, 900.0)],
        [(0, -180, 1.0, 2500.0)],
        [(20, 30, 0.9, 8000.0), (50, 10, 0.1, 150.0)],
    ],
)
def test_it_is_the_density(kernels: Places) -> None:
    belief = heat(density(*kernels))
    lat, lon = _pixels()
    assert (np.isfinite(lat) == belief.on_map).mean() > 0.9999
    places = to_unit(np.nan_to_num(lat), np.nan_to_num(lon))
    slow = np.zeros(lat.shape)
    for a, b, weight, sigma in kernels:
        kappa = (EARTH_RADIUS_KM / sigma) ** 2
        peak = 2 * kappa / -np.expm1(-2 * kappa)  # times the mean of a density over the sphere
        slow += weight * peak * np.exp(-kappa / 2 * ((places - to_unit(a, b)) ** 2).sum(axis=-1))
    wrong = np.abs(belief.times - slow)[belief.on_map]
    assert wrong.max() < 0.03 * slow[belief.on_map].max()
    assert belief.times[belief.on_map].mean() == pytest.approx(1, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180, exclude_max=True), st.floats(0.01, 30))
def test_a_narrow_kernel_is_where_it_is(lat: float, lon: float, sigma: float) -> None:
    belief = heat(density((lat, lon, 1.0, sigma)))
    held = belief.times >= 0.05 * belief.times[belief.on_map].max()
    row, column = _pixel_of(lat, lon)
    assert held[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].any()
    assert 1 <= (held & belief.on_map).sum() < 0.005 * held.size


def test_narrow_and_wide_keep_their_weights() -> None:
    belief = heat(density((0, -90, 0.3, 1.0), (0, 90, 0.7, 600.0)))
    share = np.where(belief.on_map, belief.times, 0) / belief.times[belief.on_map].sum()
    assert share[:, :360].sum() == pytest.approx(0.3, abs=0.02)


def test_it_goes_on_across_the_date_line() -> None:
    belief = heat(density((-17, 179.9, 1.0, 400.0)))
    row = _pixel_of(-17, 0)[0]
    inside = np.flatnonzero(belief.on_map[row])
    there = belief.times[row]
    assert there[inside[0]] == pytest.approx(there[inside[-1]], rel=0.05)
    assert there[inside[0] - 1] == pytest.approx(there[inside[-1]], rel=0.1)


def test_the_densest_region() -> None:
    times = np.array([[4.0, 3.0, 2.0, 1.0, 0.0, 99.0]])
    belief = Heat(times, np.array([[True] * 5 + [False]]))
    assert [belief.densest(share) for share in (0.1, 0.4, 0.41, 0.7, 0.9, 1.0)] == [4, 4, 3, 3, 2, 1]


def test_what_is_world_wide() -> None:
    spread = density((0, 0, 1, 900.0))
    fix = Fix(0, 0, 100, 201, 0.5, 25, None, density=spread)
    assert is_world_wide(fix)
    assert is_world_wide(replace(fix, radius_km_90=float("nan")))
    assert not is_world_wide(replace(fix, radius_km_90=200.0))
    assert is_world_wide(replace(fix, radius_km_90=200.0, areas=(Area("country", "Chad", "TD", 0.4),)))
    assert not is_world_wide(replace(fix, density=None))
    nothing = np.zeros(0)
    assert not is_world_wide(replace(fix, density=Density(nothing, nothing, nothing, nothing)))


def test_the_picture_is_small_and_strongest_where_the_belief_is() -> None:
    rng = np.random.default_rng(0)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, 2000))), rng.uniform(-180, 180, 2000)
    weights = rng.dirichlet(np.full(2000, 0.3))
    belief = heat(Density(lat, lon, weights, rng.uniform(40, 400, 2000)))
    (data,) = re.findall(r"base64,([^\"]+)", heat_image(belief, tint_of(belief), 540, 263))
    assert len(data) < 80_000
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert picture.size == (720, 350)
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    peak = np.unravel_index(np.argmax(np.where(belief.on_map, belief.times, 0)), belief.times.shape)
    assert alpha[peak] == alpha.max() > 200
    assert alpha[0, 0] == 0


def test_the_scale_is_logarithmic_and_bounded() -> None:
    belief = heat(density((0, 0, 1.0, 1000.0)))
    tint = tint_of(belief)
    assert tint.high == belief.times[belief.on_map].max()
    assert tint.high / tint.low == pytest.approx(100, rel=0.05)  # where 1 % of a round kernel lies outside
    middle = np.sqrt(tint.low * tint.high)
    assert tint.steps(np.array([0, tint.low * 0.99, middle * 0.99, tint.high, 2 * tint.high])).tolist() == [
        0, 0, STEPS // 2, STEPS, STEPS,
    ]  # fmt: skip
    flat = tint_of(Heat(np.ones((2, 2)), np.ones((2, 2), np.bool_)))
    assert (flat.low, flat.high) == (1 / 30, 1)
    assert scale_bands(0, 0, 80, 10).count("<rect") == STEPS


@pytest.mark.parametrize(
    ("times", "words"),
    [(0.0, "0"), (0.0312, "0.03"), (0.97, "1"), (0.51, "0.5"), (4.4, "4"), (96.0, "100"), (3049, "3,000")],
)
def test_multiples_in_words(times: float, words: str) -> None:
    assert times_words(times) == words

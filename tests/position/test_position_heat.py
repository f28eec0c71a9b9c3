"""Maps of the belief."""

from __future__ import annotations

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.position import density_at, grid, pixel_area_km2
from periplus.records import Density


def centres(height: int) -> tuple[np.ndarray, np.ndarray]:
    step = 180 / height
    return 90 - (np.arange(height) + 0.5)[:, None] * step, -180 + (np.arange(2 * height) + 0.5)[None] * step


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.floats(-90, 90), st.floats(-180, 179.99), st.floats(0.01, 1), st.floats(0.001, 30000)),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([1, 2, 18, 36, 45, 60]),
)
def test_no_mass_is_lost(kernels: list[tuple[float, float, float, float]], height: int) -> None:
    lat, lon, weight, sigma = np.array(kernels).T
    drawn = grid(Density(lat, lon, weight / weight.sum(), sigma), height)
    assert drawn.shape == (height, 2 * height)
    assert drawn.sum() == pytest.approx(1, abs=1e-9)
    assert drawn.min() >= 0


@pytest.mark.parametrize("sigma", [250.0, 600, 1000, 2000, 4000, 10000])
@pytest.mark.parametrize("at", [(40.0, 10.0), (5.0, 179.9), (89.9, -30.0), (-90.0, 0.0), (-70.0, -179.0)])
def test_it_is_the_density_times_the_pixels(at: tuple[float, float], sigma: float) -> None:
    density = Density(np.array([at[0]]), np.array([at[1]]), np.ones(1), np.array([sigma]))
    exact = density_at(density, *centres(180)) * pixel_area_km2(180)[:, None]
    assert np.abs(grid(density, 180) - exact).sum() / 2 < 0.006


def test_a_kernel_narrower_than_a_pixel_falls_on_its_pixel_and_those_beside_it() -> None:
    density = Density(np.array([48.5, -33.5]), np.array([2.5, 179.5]), np.array([0.75, 0.25]), np.full(2, 0.01))
    drawn = grid(density, 180)
    assert divmod(int(drawn.argmax()), 360) == (41, 182)
    assert drawn[39:44, 178:187].sum() == pytest.approx(0.75, abs=1e-3)
    # The last column and, across the date line, the first ones.
    assert drawn[120:127].take(range(-4, 4), axis=1, mode="wrap").sum() == pytest.approx(0.25, abs=1e-3)


def test_turning_the_world_turns_the_map() -> None:
    rng = np.random.default_rng(0)
    lat, lon, weights = rng.uniform(-90, 90, 9), rng.uniform(-180, 180, 9), np.full(9, 1 / 9)
    sigma = rng.uniform(50, 6000, 9)
    turned = (lon + 30 + 180) % 360 - 180
    first, second = (grid(Density(lat, x, weights, sigma), 36) for x in (lon, turned))
    assert np.roll(first, 6, axis=1) == pytest.approx(second, abs=1e-6)
    assert grid(Density(-lat, lon, weights, sigma), 36) == pytest.approx(first[::-1], abs=1e-6)


def test_pixels_cover_the_sphere() -> None:
    assert pixel_area_km2(90).sum() * 180 == pytest.approx(slow.SPHERE_KM2)


def test_what_cannot_be_drawn() -> None:
    density = Density(np.zeros(1), np.zeros(1), np.ones(1), np.ones(1))
    for what, height in [(density, 0), (Density(*(np.zeros(0) for _ in range(4))), 18)]:
        with pytest.raises(UsageError, match="cannot be drawn"):
            grid(what, height)

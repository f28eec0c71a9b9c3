"""Kernels on the sphere and beliefs as mixtures of them."""

from __future__ import annotations

import math

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, destination, distance_km, to_unit
from periplus.position import density_at, density_of, kappa_of, merged
from periplus.records import Density


def one(lat: float, lon: float, sigma: float) -> Density:
    return Density(np.array([lat]), np.array([lon]), np.ones(1), np.array([sigma]))


@pytest.mark.parametrize("sigma", [150.0, 500, 2000, 6371, 20000, 1e6])
@pytest.mark.parametrize("centre", [(90.0, 0.0), (-89.0, 77.0), (0.0, -180.0), (48.0, 2.0)])
def test_it_integrates_to_1(centre: tuple[float, float], sigma: float) -> None:
    lines = 80 if sigma > 1000 else 320
    assert slow.integral(one(*centre, sigma), lines, 2 * lines) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("sigma", [0.01, 1.0, 20.0])
def test_narrow_ones_integrate_to_1(sigma: float) -> None:
    # About their own centre: rings of width dr have the area 2 pi R sin(r / R) dr.
    z, weight = np.polynomial.legendre.leggauss(200)
    r = 5 * sigma * (z + 1)
    lat, lon = destination(60.0, 179.9, 35.0, r)
    value = density_at(one(60.0, 179.9, sigma), lat, lon) * 2 * np.pi * EARTH_RADIUS_KM * np.sin(r / EARTH_RADIUS_KM)
    assert (value * weight).sum() * 5 * sigma == pytest.approx(1, abs=1e-6)


def test_a_mixture_integrates_to_1() -> None:
    rng = np.random.default_rng(0)
    weights = rng.gamma(1.0, size=30)
    mixture = Density(
        rng.uniform(-90, 90, 30), rng.uniform(-180, 180, 30), weights / weights.sum(), rng.uniform(200, 5000, 30)
    )
    assert slow.integral(mixture, 400, 800) == pytest.approx(1, abs=1e-6)


@given(st.floats(300, 20000), st.floats(-90, 90), st.floats(-180, 179.9), st.floats(-90, 90))
def test_it_is_fishers_formula(sigma: float, lat: float, lon: float, at: float) -> None:
    density = one(lat, lon, sigma)
    assert float(density_at(density, at, 33.0)) == pytest.approx(
        slow.density_at(density, at, 33.0), rel=1e-6, abs=1e-30
    )


def test_the_width_is_half_the_mean_squared_chord() -> None:
    for sigma in (500.0, 2000.0):
        z, weight = np.polynomial.legendre.leggauss(300)
        kappa = float(kappa_of(sigma))
        dense = np.array([slow.kernel(kappa, math.acos(v)) for v in z]) * 2 * np.pi
        squared = float((dense * (2 - 2 * z) * weight).sum()) * EARTH_RADIUS_KM**2
        assert squared / 2 == pytest.approx(sigma**2, rel=1e-6)


def test_places_keep_their_shape() -> None:
    density = one(1, 2, 3000)
    assert density_at(density, 1.0, 2.0).shape == ()
    assert density_at(density, np.zeros((3, 1)), np.zeros((1, 4))).shape == (3, 4)


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(2, 40), st.integers(0, 999))
def test_no_mass_is_lost_and_none_moves_far(n: int, most: int, seed: int) -> None:
    rows = slow.spiral(n, seed)
    rng = np.random.default_rng(seed)
    p = rng.gamma(0.2, size=n) * (rng.random(n) < 0.8)
    p[0] += 1e-3
    found = density_of(p, rows, most)
    assert len(found.weights) <= most
    assert found.weights.sum() == pytest.approx(1, abs=1e-9)
    # The mean vector of the whole stays what it was.
    shares = p / p.sum() * (1 - np.minimum((rows.sigma_km / EARTH_RADIUS_KM) ** 2, 1))
    kept = found.weights * (1 - (found.sigma_km / EARTH_RADIUS_KM) ** 2)
    assert kept @ to_unit(found.lat_deg, found.lon_deg) == pytest.approx(shares @ rows.xyz.T, abs=1e-9)


def test_heavy_rows_keep_their_own_kernel() -> None:
    rows = slow.spiral(3000)
    p = np.full(3000, 1e-5)
    p[[5, 700]] = 0.4
    found = density_of(p, rows, 100)
    for row in (5, 700):
        at = np.flatnonzero((found.lat_deg == rows.lat_deg[row]) & (found.lon_deg == rows.lon_deg[row]))
        assert found.weights[at] == pytest.approx(p[row] / p.sum())
        assert found.sigma_km[at] == pytest.approx(rows.sigma_km[row])
    assert 50 < len(found.weights) <= 100


def test_merging_one_is_no_change_and_merging_two_widens() -> None:
    lat, lon = np.array([10.0, 10.0]), np.array([179.0, -179.0])
    xyz, weights, sigma = to_unit(lat, lon).T, np.array([0.5, 0.5]), np.array([30.0, 30.0])
    alone = merged(xyz, weights, sigma, np.array([0, 2]), 3)
    assert alone.sigma_km == pytest.approx(sigma, rel=1e-6)
    assert alone.lon_deg == pytest.approx(lon)
    both = merged(xyz, weights, sigma, np.array([0, 0]), 1)
    half = float(distance_km(lat[0], lon[0], lat[1], lon[1])) / 2
    assert both.lon_deg[0] == pytest.approx(-180)
    assert both.sigma_km[0] == pytest.approx(math.sqrt(sigma[0] ** 2 + half**2 / 2), rel=1e-3)


def test_what_makes_no_density() -> None:
    rows = slow.spiral(5)
    for p, most in [(np.zeros(5), 9), (np.ones(5), 1), (np.ones(4), 9), (np.array([1, 1, 1, 1, -1.0]), 9)]:
        with pytest.raises(UsageError, match="kernels"):
            density_of(p, rows, most)

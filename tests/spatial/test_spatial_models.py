"""Theoretical semivariograms: against closed forms, an integral, and GSTools."""

from __future__ import annotations

import math
from typing import get_args

import gstools as gs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, distance_km, to_unit
from periplus.spatial.fitting.matern import matern_correlation, matern_reach
from periplus.spatial.fitting.models import CONVENTION, FAMILIES, Family, Metric, VariogramModel
from periplus.spatial.pairs.lags import HALF_GIRTH_KM

KM = np.concatenate([[0, 1e-9, 1e-3], np.geomspace(0.1, HALF_GIRTH_KM, 300)])
SHAPES: list[tuple[Family, float]] = [
    ("exponential", 1), ("spherical", 1), ("gaussian", 1), ("stable", 0.4), ("stable", 1), ("stable", 1.7),
    ("stable", 2), ("matern", 0.2), ("matern", 0.5), ("matern", 1.5), ("matern", 4), ("matern", 70),
]  # fmt: skip


def _mixture(h: float, nu: float) -> float:
    """Matérn's correlation as a mixture of Gaussian ones over Gamma-distributed squared scales: no Bessel function."""

    def integrand(log_x: float) -> float:
        x = math.exp(log_x)
        return math.exp(nu * log_x - x - nu * h**2 / (2 * x) - math.lgamma(nu))

    centre = math.log(nu)
    return float(quad(integrand, centre - 60, centre + 6, points=[centre, centre - 3], epsabs=1e-13, limit=1000)[0])


@pytest.mark.parametrize("nu", [0.1, 0.5, 1.3, 7.0, 49.9, 50.0, 300.0])
def test_matern_is_a_mixture_of_gaussians(nu: float) -> None:
    for h in (1e-3, 0.1, 0.8, 2.0, 5.0):
        assert matern_correlation(np.array(h), nu) == pytest.approx(_mixture(h, nu), abs=2e-10), h


def test_matern_closed_forms() -> None:
    h = np.concatenate([[0.0, 1e-300, 1e-20], np.geomspace(1e-10, 1e6, 500), [np.inf]])
    near = np.minimum(h, 1e3)
    half, second = np.exp(-near), (1 + math.sqrt(3) * near) * np.exp(-math.sqrt(3) * near)
    third = (1 + math.sqrt(5) * near + 5 / 3 * near**2) * np.exp(-math.sqrt(5) * near)
    for nu, wanted in ((0.5, half), (1.5, second), (2.5, third)):
        np.testing.assert_allclose(matern_correlation(h, nu), wanted, atol=1e-13, rtol=0)
    np.testing.assert_allclose(matern_correlation(h, 1e6), np.exp(-(near**2) / 2), atol=1e-6, rtol=0)
    # Where the expansion takes over from Bessel's function nothing jumps.
    below, above = matern_correlation(h, np.nextafter(50, 0)), matern_correlation(h, 50.0)
    np.testing.assert_allclose(below, above, atol=2e-11, rtol=0)


@given(nu=st.floats(0.01, 1e6), h=st.lists(st.floats(0, 1e12), min_size=2, max_size=9))
def test_matern_falls_from_one_to_zero(nu: float, h: list[float]) -> None:
    rho = matern_correlation(np.sort(h), nu)
    assert np.isfinite(rho).all()
    assert (rho >= 0).all()
    assert (rho <= 1).all()
    assert (np.diff(rho) <= 1e-11).all()
    assert matern_correlation(np.zeros(1), nu) == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize(("family", "shape"), SHAPES)
@pytest.mark.parametrize("metric", get_args(Metric))
def test_every_curve(family: Family, shape: float, metric: Metric) -> None:
    model = VariogramModel(family, 0.2, 0.8, 300, shape, metric)
    gamma = model(KM)
    assert gamma[0] == 0
    assert (np.diff(gamma) >= -1e-11).all(), "rises"
    assert gamma[1] >= 0.2
    assert gamma[-1] <= model.sill + 1e-12
    assert model(KM.reshape(3, -1)).shape == (3, len(KM) // 3)
    assert model(7.0).shape == ()
    assert model(7.0) > 0.2
    assert np.isnan(model([np.nan, 1.0])).tolist() == [True, False]
    if metric == "great-circle" and family != "spherical":
        assert model(model.effective_range_km) == pytest.approx(0.2 + 0.95 * 0.8, abs=1e-10)
    assert all(type(getattr(model, name)) is float for name in ("nugget", "partial_sill", "length_scale_km", "shape"))


def test_the_chord_is_the_chord() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-90, 90, (2, 50)), rng.uniform(-180, 180, (2, 50))
    chord = np.linalg.norm(to_unit(lat[0], lon[0]) - to_unit(lat[1], lon[1]), axis=1) * EARTH_RADIUS_KM
    km = distance_km(lat[0], lon[0], lat[1], lon[1])
    model = VariogramModel("exponential", 0.1, 2.0, 4000, metric="chord")
    np.testing.assert_allclose(model(km), 0.1 + 2 * (1 - np.exp(-chord / 4000)), rtol=1e-12)


def test_effective_ranges() -> None:
    def reach(family: Family, shape: float = 1.0) -> float:
        return VariogramModel(family, 0, 1, 100, shape).effective_range_km

    assert reach("exponential") == pytest.approx(100 * math.log(20)) == pytest.approx(300, rel=2e-3)
    assert reach("gaussian") == pytest.approx(100 * math.sqrt(math.log(20))) == pytest.approx(173.2, rel=1e-3)
    assert reach("spherical") == 100
    assert reach("stable", 1) == pytest.approx(reach("exponential"))
    assert reach("stable", 2) == pytest.approx(reach("gaussian"))
    assert reach("matern", 0.5) == pytest.approx(reach("exponential"))
    assert reach("matern", 1e6) == pytest.approx(math.sqrt(2) * reach("gaussian"), rel=1e-5)
    for nu in (0.01, 1.0, 49.0, 1e6):
        assert matern_correlation(np.array(matern_reach(nu, 0.05)), nu) == pytest.approx(0.05, abs=1e-10)
    assert "length_scale_km" in CONVENTION
    assert "effective_range_km" in CONVENTION


@pytest.mark.parametrize(
    ("family", "shape", "peer"),
    [
        ("exponential", 1.0, gs.Exponential(rescale=1, len_scale=300, var=0.8, nugget=0.2)),
        ("gaussian", 1.0, gs.Gaussian(rescale=1, len_scale=300, var=0.8, nugget=0.2)),
        ("spherical", 1.0, gs.Spherical(rescale=1, len_scale=300, var=0.8, nugget=0.2)),
        ("stable", 0.7, gs.Stable(rescale=1, len_scale=300, var=0.8, nugget=0.2, alpha=0.7)),
        ("stable", 1.9, gs.Stable(rescale=1, len_scale=300, var=0.8, nugget=0.2, alpha=1.9)),
        # GSTools has u = √ν h / L here, without the 2.
        ("matern", 0.3, gs.Matern(rescale=math.sqrt(2), len_scale=300, var=0.8, nugget=0.2, nu=0.3)),
        ("matern", 1.5, gs.Matern(rescale=math.sqrt(2), len_scale=300, var=0.8, nugget=0.2, nu=1.5)),
        ("matern", 12.0, gs.Matern(rescale=math.sqrt(2), len_scale=300, var=0.8, nugget=0.2, nu=12.0)),
    ],
)
def test_as_gstools_has_it(family: Family, shape: float, peer: gs.CovModel) -> None:
    model = VariogramModel(family, 0.2, 0.8, 300, shape)
    km = KM[KM > 0.01]
    np.testing.assert_allclose(model(km), peer.variogram(km), rtol=1e-10, atol=1e-10)
    if family != "spherical":
        assert model.effective_range_km == pytest.approx(peer.percentile_scale(0.95), rel=1e-6)


def test_which_are_valid_on_the_sphere() -> None:
    valid: list[tuple[Family, float]] = [("exponential", 1), ("spherical", 1), ("stable", 1), ("matern", 0.5)]
    invalid: list[tuple[Family, float]] = [("gaussian", 1), ("stable", 1.01), ("matern", 0.51)]
    for family, shape in valid:
        model = VariogramModel(family, 0, 1, 100, shape)
        assert model.valid_on_sphere
        assert model.warning is None
    for family, shape in invalid:
        model = VariogramModel(family, 0, 1, 100, shape)
        assert not model.valid_on_sphere
        assert model.warning is not None
        assert "with the metric chord" in model.warning
        assert family in model.warning
        assert VariogramModel(family, 0, 1, 100, shape, "chord").valid_on_sphere


@pytest.mark.parametrize(("family", "shape"), SHAPES)
@pytest.mark.parametrize("metric", get_args(Metric))
def test_covariances_of_valid_models_are_positive_definite(family: Family, shape: float, metric: Metric) -> None:
    """By Schoenberg: the coefficients of a covariance in Legendre polynomials are not negative where it is valid."""
    model = VariogramModel(family, 0.0, 1.0, 20_000, shape, metric)
    x, weight = np.polynomial.legendre.leggauss(300)
    covariance = 1 - model.share(np.arccos(x) * EARTH_RADIUS_KM)
    least = float((np.polynomial.legendre.legvander(x, 60).T @ (weight * covariance)).min())
    assert least > -1e-12 if model.valid_on_sphere else least < -1e-3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"family": "linear"}, "stable"),
        ({"metric": "taxi"}, "chord"),
        ({"nugget": -0.1}, "nugget"),
        ({"partial_sill": math.nan}, "partial_sill"),
        ({"length_scale_km": 0.0}, "length_scale_km"),
        ({"length_scale_km": math.inf}, "length_scale_km"),
        ({"family": "stable", "shape": 2.1}, "shape"),
        ({"family": "stable", "shape": 0.0}, "shape"),
        ({"family": "matern", "shape": math.nan}, "shape"),
    ],
)
def test_what_is_impossible_is_said(changed: dict[str, object], said: str) -> None:
    whole: dict[str, object] = {"family": "exponential", "nugget": 0.0, "partial_sill": 1.0, "length_scale_km": 1.0}
    with pytest.raises(UsageError, match=said):
        VariogramModel(**(whole | changed))  # type: ignore[arg-type]


def test_a_family_without_shape_has_none() -> None:
    assert VariogramModel("gaussian", 0, 1, 1, 7.0).shape == 1
    assert set(FAMILIES) == set(get_args(Family))

"""Fits: what went in comes out, and what cannot be fitted is said."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.geo import from_unit
from periplus.spatial.fitting.fit import Fit, fit_model, fit_models
from periplus.spatial.fitting.least import WEIGHTS, Weights
from periplus.spatial.fitting.models import FAMILIES, Family, VariogramModel
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import given_lags
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.variogram import Variogram
from periplus.synth.planet import FieldModel

KM = np.geomspace(15, 1800, 18)
MODELS: list[tuple[Family, float]] = [
    ("exponential", 1), ("spherical", 1), ("gaussian", 1), ("stable", 0.6), ("stable", 1.3), ("matern", 0.3),
    ("matern", 1.5),
]  # fmt: skip


def made(gamma: NDArray[np.float64], km: NDArray[np.float64] = KM, **changed: Any) -> Variogram:
    """A semivariogram of these values with counts that grow as on a plane."""
    count = np.maximum(km**2 / 10, 2).astype(np.int64)
    edges = np.concatenate([[0], (km[1:] + km[:-1]) / 2, [1.1 * km[-1]]])
    none = np.full(len(km), np.nan)
    whole = Variogram("matheron", edges, km, gamma, count, none, np.zeros(len(km)), 1000, 1, count.astype(np.float64))
    return replace(whole, **changed)


def noisy(model: VariogramModel, share: float, seed: int) -> Variogram:
    return made(model(KM) * (1 + share * np.random.default_rng(seed).standard_normal(len(KM))))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("family", "shape"), MODELS)
def test_an_exact_curve_is_found_again(family: Family, shape: float, weights: Weights) -> None:
    for nugget in (0.0, 0.25):
        for metric in ("great-circle", "chord"):
            truth = VariogramModel(family, nugget, 1.5, 320, shape, metric)
            fit = fit_model(made(truth(KM)), family, weights, truth.metric)
            found = fit.model
            assert found.length_scale_km == pytest.approx(320, rel=1e-4)
            assert found.effective_range_km == pytest.approx(truth.effective_range_km, rel=1e-4)
            assert (found.nugget, found.partial_sill) == pytest.approx((nugget, 1.5), abs=1e-4)
            assert found.shape == pytest.approx(shape, rel=1e-4)
            assert fit.rmse < 1e-6
            assert set(fit.at_bounds) <= {"nugget"}
            assert fit.n_lags == len(KM)
            assert math.isfinite(fit.aic)
            if FAMILIES[family].shapes:
                held = fit_model(made(truth(KM)), family, weights, truth.metric, shape=shape)
                assert not held.shape_fitted
                assert held.model.shape == shape
                assert held.model.length_scale_km == pytest.approx(320, rel=1e-4)


@settings(max_examples=25)
@given(
    scale=st.floats(1e-6, 1e6),
    nugget=st.floats(0, 2),
    length=st.floats(60, 900),
    family=st.sampled_from(["exponential", "spherical", "gaussian"]),
    weights=st.sampled_from(list(WEIGHTS)),
)
def test_whatever_the_unit(scale: float, nugget: float, length: float, family: Family, weights: Weights) -> None:
    truth = VariogramModel(family, nugget * scale, scale, length)
    fit = fit_model(made(truth(KM)), family, weights)
    assert fit.model.length_scale_km == pytest.approx(length, rel=1e-3)
    assert fit.model.nugget == pytest.approx(nugget * scale, abs=1e-3 * scale)
    assert fit.model.partial_sill == pytest.approx(scale, rel=1e-3)


def test_the_unit_of_gamma_shifts_all_and_prefers_nothing() -> None:
    one = noisy(VariogramModel("exponential", 0.2, 1, 300), 0.02, 3)
    for weights in WEIGHTS:
        a = fit_model(one, "exponential", weights)  # type: ignore[arg-type]
        b = fit_model(replace(one, gamma=1000 * one.gamma), "exponential", weights)  # type: ignore[arg-type]
        assert b.model.length_scale_km == pytest.approx(a.model.length_scale_km, rel=1e-5)
        assert b.model.sill == pytest.approx(1000 * a.model.sill, rel=1e-5)
        assert b.rmse == pytest.approx(1000 * a.rmse, rel=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_it_is_the_least(weights: Weights) -> None:
    """No neighbour of the optimum has a smaller weighted sum of squares, written out here."""
    data = noisy(VariogramModel("exponential", 0.3, 1, 250), 0.05, 1)

    def squares(model: VariogramModel) -> float:
        fitted = model(KM)
        weight = {"pairs": data.count, "cressie": data.count / fitted**2, "equal": np.ones(len(KM))}[weights]
        return float(np.sum(weight * (data.gamma - fitted) ** 2))

    best = fit_model(data, "exponential", weights).model
    for name in ("nugget", "partial_sill", "length_scale_km"):
        for factor in (0.99, 0.999, 1.001, 1.01):
            assert squares(replace(best, **{name: getattr(best, name) * factor})) > squares(best)


def test_aic_and_rmse_are_as_stated() -> None:
    data = noisy(VariogramModel("exponential", 0.3, 1, 250), 0.05, 1)
    fit = fit_model(data, "stable", "pairs")
    weight = data.count / data.count.mean()
    rss = float(np.sum(weight * (data.gamma - fit.model(KM)) ** 2))
    assert fit.aic == pytest.approx(18 * math.log(rss / 18) + 2 * 4)
    assert fit.rmse == pytest.approx(math.sqrt(rss / weight.sum()))


@pytest.mark.parametrize("family", ["exponential", "spherical", "gaussian"])
def test_aic_finds_the_family_under_noise(family: Family) -> None:
    truth = VariogramModel(family, 0.25, 1, 900 if family == "spherical" else 300)
    first = [
        fit_models(noisy(truth, 0.01, seed), ("spherical", "exponential", "gaussian"))[0].model.family
        for seed in range(6)
    ]
    assert first.count(family) == 6


def test_fits_come_best_first() -> None:
    fits = fit_models(noisy(VariogramModel("gaussian", 0.25, 1, 300), 0.02, 0), metric="chord")
    assert {fit.model.family for fit in fits} == set(FAMILIES)
    assert [fit.aic for fit in fits] == sorted(fit.aic for fit in fits)
    assert {fit.model.metric for fit in fits} == {"chord"}
    assert fits[-1].model.family in ("exponential", "spherical")


def test_lags_that_count() -> None:
    truth = VariogramModel("exponential", 0.25, 1, 300)
    gamma, count = truth(KM), np.full(len(KM), 50)
    gamma[KM > 1000] = 77.0
    gamma[3], count[3] = np.nan, 0
    fit = fit_model(made(gamma, count=count), "exponential", max_km=1000)
    assert fit.model.length_scale_km == pytest.approx(300, rel=1e-6)
    assert fit.n_lags == np.count_nonzero(KM <= 1000) - 1
    assert fit.max_km == 1000
    assert fit_model(made(truth(KM)), "exponential").max_km == pytest.approx(1.1 * KM[-1])


def test_places_that_coincide_tell_the_nugget() -> None:
    truth = VariogramModel("exponential", 0.25, 1, 300)
    km = np.concatenate([[0.0], KM])
    gamma = np.concatenate([[0.25], truth(KM)])
    for weights in WEIGHTS:
        assert fit_model(made(gamma, km), "exponential", weights).model.nugget == pytest.approx(0.25)  # type: ignore[arg-type]


def test_a_range_beyond_the_lags_is_told() -> None:
    rising = fit_model(made(0.1 + KM / 1000), "exponential")
    assert "length_scale_km" in rising.at_bounds
    assert any("length_scale_km" in line for line in rising.warnings)
    far = fit_model(made(VariogramModel("exponential", 0.1, 1, 1000)(KM)), "exponential")
    assert far.at_bounds == ()
    assert any("beyond the last lag" in line for line in far.warnings)
    near = fit_model(made(VariogramModel("gaussian", 0.1, 1, 300)(KM)), "gaussian")
    assert [line for line in near.warnings if "chord" not in line] == []
    assert len(near.warnings) == 1
    assert fit_model(made(VariogramModel("exponential", 0.1, 1, 300)(KM)), "exponential").warnings == ()


def test_no_nugget_is_an_answer() -> None:
    none = fit_model(made(VariogramModel("exponential", 0, 1, 300)(KM) * np.linspace(0.97, 1.03, 18)), "exponential")
    assert none.model.nugget == 0
    assert none.at_bounds == ("nugget",)
    assert none.warnings == ()


def test_nugget_alone_is_told() -> None:
    fit = fit_model(made(1 + 1e-3 * np.cos(np.arange(18))), "exponential")
    assert fit.model.sill == pytest.approx(1, rel=0.01)
    falling = fit_model(made(2 - KM / KM[-1]), "exponential")
    assert falling.at_bounds


def _fails(said: str, data: Variogram, family: str = "exponential", **how: Any) -> None:
    with pytest.raises(UsageError, match=said):
        fit_model(data, family, **how)  # type: ignore[arg-type]


def test_what_cannot_be_fitted() -> None:
    good = VariogramModel("exponential", 0.25, 1, 300)(KM)
    _fails("choose from", made(good), "linear")
    _fails("choose from", made(good), weights="best")
    _fails("choose from", made(good), metric="taxi")
    _fails("has no shape", made(good), shape=1.0)
    _fails("has no shape", made(good), "stable", shape=2.5)
    _fails("has no shape", made(good), "matern", shape=math.nan)
    _fails("positive number", made(good), max_km=0.0)
    _fails("positive number", made(good), max_km=math.nan)
    _fails("needs 4 lags", made(good), max_km=KM[2] + 1)
    assert fit_model(made(good), "exponential", max_km=KM[3] + 1).n_lags == 4
    _fails("needs 5 lags", made(good), "matern", max_km=KM[3] + 1)
    _fails("needs 4 lags", made(good, count=np.zeros(18, np.int64)))
    for wrong in (-0.1, np.nan, np.inf, 1e200):
        _fails("cannot be fitted", made(np.where(np.arange(18) == 7, wrong, good)))
    _fails("same semivariance", made(np.full(18, 0.7)))
    _fails("same semivariance", made(np.zeros(18)))


@settings(max_examples=15)
@given(
    gamma=st.lists(st.floats(0, 1e3), min_size=18, max_size=18),
    family=st.sampled_from(list(FAMILIES)),
    weights=st.sampled_from(list(WEIGHTS)),
)
def test_whatever_the_values(gamma: list[float], family: Family, weights: Weights) -> None:
    """A fit, or an error that is ours."""
    if np.ptp(gamma) <= max(1e-12 * max(gamma), 1e-100):
        _fails("same semivariance", made(np.array(gamma)), family, weights=weights)
        return
    fit = fit_model(made(np.array(gamma)), family, weights)
    assert isinstance(fit, Fit)
    assert math.isfinite(fit.aic)
    assert math.isfinite(fit.rmse)
    assert np.isfinite(fit.model(KM)).all()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["exponential", "gaussian", "matern"])
def test_a_known_field_is_found_within_a_tenth(family: Literal["exponential", "gaussian", "matern"]) -> None:
    """20,000 places, vectors of eight draws and numbers of one, three times: range, sill and nugget."""
    xyz = np.random.default_rng(5).standard_normal((21_000, 3))
    xyz /= np.linalg.norm(xyz, axis=1, keepdims=True)
    lat, lon = from_unit(xyz[:20_000])
    field, lags = FieldModel("x", family, 300.0, 1.0, 0.25), given_lags([0, *np.geomspace(15, 1800, 18)])
    vectors = np.column_stack([field.draw((7, k)).at(lat, lon) for k in range(8)]).astype(np.float32) / np.sqrt(8)
    numbers = [field.draw_typical((seed,), xyz[20_000:]).at(lat, lon) for seed in range(3)]
    for values, within in ((vectors, 0.05), *((one, 0.1) for one in numbers)):
        variogram = exact_variograms(Observations(lat, lon, values), lags)[0]
        for weights, max_km in (("equal", None), ("cressie", 900.0)):
            shape = 1.5 if family == "matern" else None
            found = fit_model(variogram, family, weights, "chord", shape, max_km).model  # type: ignore[arg-type]
            ratios = (found.length_scale_km / 300, found.partial_sill, found.sill / 1.25, found.nugget / 0.25)
            assert ratios == pytest.approx((1, 1, 1, 1), abs=within), (weights, values.shape)

"""Random fields: their formulas against GSTools, their draws against the formulas."""

from __future__ import annotations

from dataclasses import replace

import gstools
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, destination, from_unit, to_unit
from periplus.synth.planet import FIELD_MODELS, FieldModel
from periplus.synth.planet.fields import Family

FAMILIES: tuple[Family, ...] = ("exponential", "gaussian", "matern")
LAGS_KM = np.array([0.5, 10.0, 150.0, 400.0, 900.0, 2500.0, 9000.0, 20000.0])


def sphere(seed: int, n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    xyz = np.random.default_rng(seed).standard_normal((n, 3))
    return np.asarray(xyz / np.linalg.norm(xyz, axis=1, keepdims=True))


def gstools_model(model: FieldModel) -> gstools.CovModel:
    shared = {
        "latlon": True, "geo_scale": EARTH_RADIUS_KM, "var": model.sill, "len_scale": model.length_scale_km,
        "nugget": model.nugget,
    }  # fmt: skip
    if model.family == "exponential":
        return gstools.Exponential(rescale=1, **shared)
    if model.family == "gaussian":
        return gstools.Gaussian(rescale=1, **shared)
    return gstools.Matern(nu=1.5, rescale=np.sqrt(2), **shared)


@pytest.mark.parametrize("family", FAMILIES)
def test_variogram_is_that_of_gstools_on_the_sphere(family: Family) -> None:
    model = FieldModel("x", family, 850.0, sill=1.7, nugget=0.3)
    theirs = gstools_model(model)
    # Theirs takes angles through the chord.
    angle = LAGS_KM / EARTH_RADIUS_KM
    np.testing.assert_allclose(
        model.variogram(LAGS_KM), theirs.vario_yadrenko(angle * theirs.geo_scale), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        model.covariance(LAGS_KM), theirs.cov_yadrenko(angle * theirs.geo_scale), rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_have_the_covariance_of_the_model(family: Family) -> None:
    model = FieldModel("x", family, 900.0, sill=2.0)
    places = destination(48.0, 11.0, 70.0, np.concatenate([[0.0], LAGS_KM[1:6]]))
    draws = np.stack([model.draw((seed,), modes=64).at(*places) for seed in range(2000)])
    products = draws[:, :1] * draws
    error = products.std(axis=0) / np.sqrt(len(draws))
    wanted = model.covariance(np.concatenate([[0.0], LAGS_KM[1:6]]))
    assert (np.abs(products.mean(axis=0) - wanted) < 4.5 * error).all()
    assert abs(draws.mean()) < 4.5 * draws[:, 0].std() / np.sqrt(len(draws))


@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from(FAMILIES))
def test_a_place_has_one_value_alone_or_among_others(seed: int, n: int, family: Family) -> None:
    field = FieldModel("x", family, 500.0, nugget=0.4).draw((seed,), modes=48)
    lat, lon = from_unit(sphere(seed, n))
    among = field.at(lat, lon)
    assert [float(field.at(a, b)[0]) for a, b in zip(lat, lon, strict=True)] == among.tolist()
    assert field.at(lat[::-1], lon[::-1]).tolist() == among[::-1].tolist()


def test_blocks_leave_no_seam() -> None:
    field = FieldModel("x", "matern", 3000.0).draw((0,), modes=128)
    lat, lon = np.linspace(-60, 60, 1300), np.linspace(-170, 170, 1300)
    assert np.abs(np.diff(field.at(lat, lon))).max() < 0.1
    assert field.at(np.array([]), np.array([])).shape == (0,)


def test_the_poles_and_the_date_line_are_like_other_places() -> None:
    field = FieldModel("x", "gaussian", 2000.0).draw((1,), modes=128)
    assert np.ptp(field.at(np.full(7, 90.0), np.linspace(-180, 179, 7))) < 1e-4
    east, west = field.at(np.array([10.0, 10.0]), np.array([179.9999, -179.9999]))
    assert east == pytest.approx(west, abs=1e-3)


def test_the_nugget_is_white() -> None:
    field = FieldModel("x", "gaussian", 1000.0, sill=1e-12, nugget=2.0).draw((3,), modes=16)
    lat, lon = np.linspace(0, 1, 20_000), np.zeros(20_000)
    values = field.at(lat, lon)
    assert values.mean() == pytest.approx(0, abs=0.04)
    assert values.var() == pytest.approx(2, rel=0.05)
    assert np.corrcoef(values[:-1], values[1:])[0, 1] == pytest.approx(0, abs=0.03)
    assert float((values**4).mean()) == pytest.approx(3 * 4, rel=0.12)


def test_seeds_and_names_decide() -> None:
    model, (lat, lon) = FieldModel("x", "matern", 800.0), from_unit(sphere(0, 50))
    values = model.draw((5,), modes=64).at(lat, lon)
    assert (model.draw((5,), modes=64).at(lat, lon) == values).all()
    for other in (model.draw((6,), modes=64), replace(model, name="y").draw((5,), modes=64)):
        assert np.abs(other.at(lat, lon) - values).max() > 0.1


@pytest.mark.parametrize(
    ("family", "length", "sill", "nugget"),
    [("cubic", 1.0, 1.0, 0.0), ("matern", 0.0, 1.0, 0.0), ("matern", np.nan, 1.0, 0.0), ("matern", np.inf, 1.0, 0.0),
     ("gaussian", 1.0, -1.0, 0.0), ("gaussian", 1.0, np.nan, 0.0), ("exponential", 1.0, 1.0, -0.1)],
)  # fmt: skip
def test_impossible_models_are_refused(family: Family, length: float, sill: float, nugget: float) -> None:
    with pytest.raises(UsageError, match="Field 'x'"):
        FieldModel("x", family, length, sill, nugget)


def test_typical_draws_are_nearer_to_the_model_and_repeat() -> None:
    model, places = FieldModel("x", "exponential", 1500.0), sphere(2, 300)
    chosen = model.draw_typical((4,), places, tries=8)
    misfits = [model.draw((4, k)).misfit(places) for k in range(8)]
    assert chosen.misfit(places) <= max(0.05, min(misfits)) + 1e-12
    assert (chosen.waves == model.draw_typical((4,), places, tries=8).waves).all()


def test_misfit_is_that_of_a_plain_double_loop() -> None:
    model, xyz = FieldModel("x", "matern", 2500.0), sphere(3, 120)
    field = model.draw((0,), modes=64)
    z = field.smooth(xyz)
    edges = np.array([0.2, 0.5, 0.8, 1.2, 1.6, 2.2, 3.0]) * 2500 / EARTH_RADIUS_KM
    sums = np.zeros((7, 3))
    for i in range(120):
        for j in range(i):
            chord = float(np.linalg.norm(xyz[i] - xyz[j]))
            if chord < edges[-1]:
                h = np.sqrt(3) * chord * EARTH_RADIUS_KM / 2500
                k = int(np.searchsorted(edges, chord))
                sums[k] += 1, 0.5 * (z[i] - z[j]) ** 2, 1 - (1 + h) * np.exp(-h)
    kept = sums[sums[:, 0] >= 1500]
    wanted = (np.abs(kept[:, 1] - kept[:, 2]) / kept[:, 0]).max(initial=0)
    assert field.misfit(xyz) == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_the_fields_of_planets_are_of_three_families_and_many_scales() -> None:
    assert {model.family for model in FIELD_MODELS} == set(FAMILIES)
    scales = [model.length_scale_km for model in FIELD_MODELS]
    assert min(scales) < 400 < 3000 < max(scales)
    assert len({model.name for model in FIELD_MODELS}) == len(FIELD_MODELS)
    assert to_unit(0, 0).shape == (3,)

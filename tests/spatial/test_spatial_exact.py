"""Semivariograms of all pairs: against a slow twin, a peer, and what must not change them."""

from __future__ import annotations

import tracemalloc

import gstools
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_variogram import slow_jackknife, slow_variograms

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, from_unit, to_unit
from periplus.spatial.observations import Observations
from periplus.spatial.pairs import tiles
from periplus.spatial.pairs.blocks import compact_blocks
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags, given_lags, linear_lags, log_lags
from periplus.spatial.variograms.exact import PassSettings, exact_variograms
from periplus.spatial.variograms.variogram import Estimator

LAGS = log_lags(1, HALF_GIRTH_KM, 12)
Array = np.ndarray


def _places(n: int = 500, seed: int = 0) -> tuple[Array, Array]:
    """All over the Earth, with a town, a place that several share, both poles and the date line."""
    rng = np.random.default_rng(seed)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    lat[:60], lon[:60] = 40 + rng.normal(0, 0.3, 60), rng.normal(0, 0.3, 60)
    lat[:4], lon[:4] = lat[0], lon[0]
    lat[60:64] = [90, -90, 89.999, 90]
    lon[64:70] = [180 - 1e-9, -180, -179.99, 179.99, -180, 179.5]
    lat[64:70] = 10
    return lat, lon


def _cone(n: int, dim: int = 64, seed: int = 0) -> Array:
    """Nearly equal unit vectors round a big mean."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, dim)) + 20 * rng.normal(size=dim)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None], np.float32)


def _observed(kind: str, directed: bool = False) -> Observations:
    """Values at places; ``directed`` ones have a direction that rounding does not decide: none coincide."""
    lat, lon = _places()
    if directed:
        moved = np.random.default_rng(8).normal(0, 1e-3, (2, len(lat)))
        lat, lon = np.clip(lat + moved[0], -89.9, 89.9) + moved[1], lon + moved[1]
    numbers = np.random.default_rng(5).normal(size=(len(lat), 2)) + 1000
    vectors = _cone(len(lat))
    values, other = {
        "scalar": (numbers[:, 0], None),
        "vector": (vectors, None),
        "half": (vectors.astype(np.float16), None),
        "scalars": (numbers[:, 0], numbers.sum(axis=1)),
        "vectors": (vectors, 0.5 * vectors + _cone(len(lat), seed=1)),
    }[kind]
    return Observations(lat, lon, values, other)


def _compare(observed: Observations, lags: Lags, estimator: Estimator, sectors: int, rel: float) -> None:
    found = exact_variograms(observed, lags, estimator, sectors, PassSettings(blocks=16))
    wanted = slow_variograms(observed, lags.edges_km, estimator, sectors)
    assert len(found) == len(wanted) == sectors
    for one, (count, distance, gamma) in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.count, count)
        np.testing.assert_array_equal(one.n_pairs, count)
        np.testing.assert_allclose(one.distance_km, distance, rtol=1e-9, atol=1e-7)
        np.testing.assert_allclose(one.gamma, gamma, rtol=rel, atol=1e-12)
        assert (one.sector_deg is None) == (sectors == 1)


@pytest.mark.parametrize("sectors", [1, 4])
@pytest.mark.parametrize("estimator", ["matheron", "cressie", "dowd"])
@pytest.mark.parametrize(("kind", "rel"), [("scalar", 1e-9), ("vector", 1e-5), ("half", 1e-5)])
def test_against_the_slow_twin(kind: str, estimator: Estimator, rel: float, sectors: int) -> None:
    rel = max(rel, 1e-6) if estimator == "dowd" else rel
    _compare(_observed(kind, sectors > 1), LAGS, estimator, sectors, rel)


@pytest.mark.parametrize("sectors", [1, 3])
@pytest.mark.parametrize(("kind", "rel"), [("scalars", 1e-9), ("vectors", 1e-5)])
def test_crossed_against_the_slow_twin(kind: str, rel: float, sectors: int) -> None:
    _compare(_observed(kind, sectors > 1), LAGS, "matheron", sectors, rel)


def test_crossed_with_itself_is_alone() -> None:
    alone = _observed("vector")
    twice = Observations(alone.lat_deg, alone.lon_deg, alone.values, alone.values)
    one, two = exact_variograms(alone, LAGS)[0], exact_variograms(twice, LAGS)[0]
    np.testing.assert_allclose(two.gamma, one.gamma, rtol=1e-5)


@pytest.mark.parametrize(
    "lags", [given_lags([100, 700, 5000]), given_lags([0, 1e-6]), linear_lags(HALF_GIRTH_KM, 3142)]
)
def test_some_lags_and_very_many(lags: Lags) -> None:
    _compare(_observed("scalar"), lags, "matheron", 1, 1e-9)


@pytest.mark.slow
def test_many_lags_of_medians() -> None:
    _compare(_observed("scalar"), linear_lags(HALF_GIRTH_KM, 1000), "dowd", 1, 1e-6)


@pytest.mark.parametrize("estimator", ["matheron", "cressie"])
def test_the_jackknife_estimates_anew_without_each_block(estimator: Estimator) -> None:
    observed = _observed("scalar")
    blocks = compact_blocks(to_unit(observed.lat_deg, observed.lon_deg), 16)
    of = np.empty(len(observed), np.int64)
    of[blocks.order] = np.repeat(np.arange(len(blocks)), np.diff(blocks.starts))
    found = exact_variograms(observed, LAGS, estimator, how=PassSettings(blocks=16))[0].standard_error
    told = np.isfinite(found)
    assert told.sum() >= 8
    np.testing.assert_allclose(found[told], slow_jackknife(observed, LAGS.edges_km, estimator, of)[told], rtol=1e-7)


def test_the_jackknife_of_medians_is_near() -> None:
    lat, lon = _places(900)
    observed = Observations(lat, lon, np.random.default_rng(0).normal(size=900))
    blocks = compact_blocks(to_unit(lat, lon), 12)
    of = np.empty(900, np.int64)
    of[blocks.order] = np.repeat(np.arange(len(blocks)), np.diff(blocks.starts))
    lags = linear_lags(HALF_GIRTH_KM, 4)
    found = exact_variograms(observed, lags, "dowd", how=PassSettings(blocks=12))[0].standard_error
    np.testing.assert_allclose(found, slow_jackknife(observed, lags.edges_km, "dowd", of), rtol=0.1)


@pytest.mark.parametrize("estimator", ["matheron", "cressie"])
def test_parity_with_gstools(estimator: Estimator) -> None:
    observed = _observed("scalar")
    edges = LAGS.edges_km.copy()
    edges[-1] = 20000
    _, gamma, count = gstools.vario_estimate(
        (observed.lat_deg, observed.lon_deg),
        observed.values,
        edges.copy(),
        latlon=True,
        geo_scale=EARTH_RADIUS_KM,
        estimator=estimator,
        return_counts=True,
    )
    found = exact_variograms(observed, Lags(edges), estimator)[0]
    np.testing.assert_array_equal(found.count, count)
    has = found.has_pairs
    np.testing.assert_allclose(found.gamma[has], gamma[has], rtol=1e-6)


@pytest.mark.parametrize("estimator", ["matheron", "cressie", "dowd"])
def test_workers_do_not_change_a_bit(estimator: Estimator) -> None:
    runs = [
        exact_variograms(_observed("vector"), LAGS, estimator, 2, PassSettings(workers=workers, blocks=12))
        for workers in (1, 2, 3)
    ]
    for other in runs[1:]:
        for one, two in zip(runs[0], other, strict=True):
            for name in ("gamma", "distance_km", "count", "standard_error"):
                assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name


@settings(max_examples=10)
@given(st.integers(0, 2**31))
def test_order_and_rotation_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = _places(200, seed)
    values = rng.normal(size=200)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    mixed = rng.permutation(200)
    moved = from_unit(to_unit(lat, lon) @ turn)
    # No edge at distances that many pairs share: rounding may carry them across.
    lags = given_lags([0, 3.3, 777, 4444, 9999, HALF_GIRTH_KM])
    one = exact_variograms(Observations(lat, lon, values), lags)[0]
    two = exact_variograms(Observations(moved[0][mixed], moved[1][mixed], values[mixed]), lags)[0]
    np.testing.assert_array_equal(one.count, two.count)
    np.testing.assert_allclose(one.gamma, two.gamma, rtol=1e-9)
    np.testing.assert_allclose(one.distance_km, two.distance_km, rtol=1e-6, atol=1e-5)


def test_places_that_coincide_are_in_the_lag_from_zero() -> None:
    lat, lon = np.full(20, 51.23456789), np.full(20, -3.3456789)
    found = exact_variograms(Observations(lat, lon, np.arange(20.0)), given_lags([0, 1e-9, 1]))[0]
    assert found.count.tolist() == [190, 0]
    assert found.distance_km[0] == 0
    assert np.isnan(found.gamma[1])
    assert np.isnan(found.distance_km[1])


def test_two_places_and_antipodes() -> None:
    found = exact_variograms(Observations(np.array([90.0, -90.0]), np.zeros(2), np.array([0.0, 2.0])), LAGS)[0]
    assert found.count[-1] == 1
    assert found.gamma[-1] == pytest.approx(2)
    assert found.distance_km[-1] == pytest.approx(HALF_GIRTH_KM)
    assert np.isnan(found.standard_error).all()
    assert found.blocks is not None
    assert found.blocks.n_blocks == 1


@pytest.mark.parametrize("estimator", ["matheron", "cressie", "dowd"])
def test_constant_values_have_no_semivariance(estimator: Estimator) -> None:
    lat, lon = _places(100)
    found = exact_variograms(Observations(lat, lon, np.full(100, 7.0)), linear_lags(HALF_GIRTH_KM, 3), estimator)[0]
    np.testing.assert_allclose(found.gamma, 0, atol=1e-250)
    found = exact_variograms(
        Observations(lat, lon, np.full((100, 8), 0.3, np.float32)), linear_lags(HALF_GIRTH_KM, 3), estimator
    )[0]
    np.testing.assert_allclose(found.gamma, 0, atol=1e-12)


def test_vectors_beyond_the_resident_limit_are_read_in_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = _observed("half")
    wanted = exact_variograms(observed, LAGS)[0]
    monkeypatch.setattr("periplus.spatial.variograms.values.RESIDENT_BYTES", 0)
    found = exact_variograms(observed, LAGS)[0]
    assert found.gamma.tobytes() == wanted.gamma.tobytes()


def test_the_size_of_tiles_changes_only_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = exact_variograms(_observed("scalar"), LAGS, "matheron", 3, PassSettings(blocks=3))
    monkeypatch.setattr(tiles, "ROWS", 17)
    monkeypatch.setattr(tiles, "COLUMNS", 23)
    found = exact_variograms(_observed("scalar"), LAGS, "matheron", 3, PassSettings(blocks=3))
    for one, two in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.count, two.count)
        np.testing.assert_allclose(one.gamma, two.gamma, rtol=1e-11)


def test_memory_stays_bounded() -> None:
    lat, lon = _places(6000)
    observed = Observations(lat, lon, np.random.default_rng(0).normal(size=6000))
    tracemalloc.start()
    exact_variograms(observed, LAGS, how=PassSettings(workers=2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All pairs at once would be 144 MB an array.
    assert peak < 32e6


def test_many_lags_have_fewer_blocks() -> None:
    lat, lon = _places(700)
    lags = linear_lags(HALF_GIRTH_KM, 50_000)
    found = exact_variograms(Observations(lat, lon, np.ones(700)), lags)[0]
    assert found.blocks is not None
    assert found.blocks.count.size <= 1 << 23
    assert found.count.sum() == 700 * 699 // 2


def test_wrong_wishes() -> None:
    observed = _observed("scalars")
    with pytest.raises(UsageError, match="matheron"):
        exact_variograms(observed, LAGS, "cressie")
    with pytest.raises(UsageError, match="choose from matheron"):
        exact_variograms(observed, LAGS, "genton")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="sectors"):
        exact_variograms(observed, LAGS, sectors=0)
    with pytest.raises(UsageError, match="workers"):
        PassSettings(workers=0)
    with pytest.raises(UsageError, match="backend"):
        PassSettings(backend="jax")  # type: ignore[arg-type]

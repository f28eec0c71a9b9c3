"""The sampled semivariogram: against all pairs on many seeds, uniform draws, hostile places."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import destination, distance_km, from_unit, to_unit
from periplus.spatial import Estimator, Observations, Variogram
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags, given_lags, linear_lags, log_lags
from periplus.spatial.variograms import pair_draws, pair_values
from periplus.spatial.variograms.estimators import vector_factor
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.pair_draws import LagPairs, PairDraws
from periplus.spatial.variograms.pair_values import pair_differences
from periplus.spatial.variograms.sampled import sampled_variograms

LAGS = log_lags(1, HALF_GIRTH_KM, 14)
DIM = 6


def _towns(n: int, seed: int = 0, spread_km: float = 10) -> tuple[np.ndarray, np.ndarray]:
    """Places in towns of unlike sizes, one at a pole, one on the date line, two opposite each other."""
    rng = np.random.default_rng(seed)
    lat = np.concatenate([[90, 0, 40, -40, 52], np.degrees(np.arcsin(rng.uniform(-1, 1, 15)))])
    lon = np.concatenate([[0, 180, 20, -160, 13], rng.uniform(-180, 180, 15)])
    size = rng.pareto(1, 20) + 0.3
    town = rng.choice(20, n, p=size / size.sum())
    lat, lon = destination(lat[town], lon[town], rng.uniform(0, 360, n), rng.exponential(spread_km, n))
    lat[::9], lon[::9] = lat[0], lon[0]
    return lat, lon


def _observed(n: int, vectors: bool, seed: int = 0) -> Observations:
    lat, lon = _towns(n, seed)
    rng = np.random.default_rng(seed + 1)
    smooth = to_unit(lat, lon) @ rng.standard_normal((3, DIM)) + 0.3 * rng.standard_t(10, (n, DIM))
    return Observations(lat, lon, smooth.astype(np.float32) if vectors else smooth[:, 0])


def _pairs_of(draws: LagPairs) -> list[tuple[int, int]]:
    low, high = np.minimum(draws.first, draws.second), np.maximum(draws.first, draws.second)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _slow_rows(lat: np.ndarray, lon: np.ndarray, lags: Lags) -> list[tuple[np.ndarray, np.ndarray]]:
    first, second = np.triu_indices(len(lat), 1)
    lag = lags.assign(distance_km(lat[first], lon[first], lat[second], lon[second]))
    return [(first[lag == k], second[lag == k]) for k in range(len(lags))]


def _slow_pairs(lat: np.ndarray, lon: np.ndarray, lags: Lags) -> list[list[tuple[int, int]]]:
    return [list(zip(i.tolist(), j.tolist(), strict=True)) for i, j in _slow_rows(lat, lon, lags)]


def _slow_curve(observed: Observations, lags: Lags, estimator: str) -> np.ndarray:
    """All pairs at once, with the formulas as they are printed."""
    values = np.asarray(observed.values, np.float64).reshape(len(observed), -1)
    found = np.full(len(lags), np.nan)
    for k, (i, j) in enumerate(_slow_rows(observed.lat_deg, observed.lon_deg, lags)):
        size, n = np.linalg.norm(values[i] - values[j], axis=1), len(i)
        if n and estimator == "matheron":
            found[k] = np.mean(size**2) / 2
        elif n and estimator == "cressie":
            found[k] = np.mean(np.sqrt(size)) ** 4 / (0.457 + 0.494 / n + 0.045 / n**2) / 2
        elif n:
            found[k] = 2.198 * np.median(size) ** 2 / 2
    return found * vector_factor(estimator, observed.dim)


@pytest.mark.parametrize(
    ("estimator", "vectors"),
    [
        ("matheron", True),
        ("cressie", True),
        ("dowd", False),
        pytest.param("matheron", False, marks=pytest.mark.slow),
        pytest.param("cressie", False, marks=pytest.mark.slow),
        pytest.param("dowd", True, marks=pytest.mark.slow),
    ],
)
def test_the_curve_of_all_pairs_on_twenty_seeds(estimator: Estimator, vectors: bool) -> None:
    observed = _observed(1500, vectors)
    true = _slow_curve(observed, LAGS, estimator)
    scores = []
    for seed in range(20):
        (found,) = sampled_variograms(observed, LAGS, estimator, pairs_per_lag=1000, seed=seed)
        assert np.array_equal(found.has_pairs, ~np.isnan(true))
        exact = found.sampling_error == 0
        assert found.gamma[exact] == pytest.approx(true[exact], rel=1e-5, nan_ok=True)
        drawn = found.sampling_error > 0
        assert (found.count[drawn] == 1000).all()
        scores.append((found.gamma - true)[drawn] / found.sampling_error[drawn])
    z = np.concatenate(scores)
    assert len(z) > 180
    assert np.abs(z).max() < 4.5
    assert 0.90 <= np.mean(np.abs(z) < 1.96) <= 0.99
    assert abs(z.mean()) < 4 / np.sqrt(len(z))


@pytest.mark.parametrize(
    "edges_km",
    [[0, 5], [2, 8], [20, 60], [4_000, 9_500], [19_900, HALF_GIRTH_KM], [10, 19_000]],
    ids=["from nothing", "in towns", "between towns", "far", "antipodes", "nearly all"],
)
@pytest.mark.parametrize("reaches", [(1,), (1, 8)])
def test_draws_are_uniform(edges_km: list[float], reaches: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_draws, "_CENSUS", 0)
    monkeypatch.setattr(pair_draws, "_POOR", 1.0)
    monkeypatch.setattr(pair_draws, "_REACHES", reaches)
    monkeypatch.setattr(pair_draws, "_MOST_PROPOSALS", 1 << 20)
    lat, lon = _towns(60, seed=3, spread_km=20)
    lags = given_lags(edges_km)
    (all_pairs,) = _slow_pairs(lat, lon, lags)
    number = 40 * len(all_pairs)
    for shared in (True, False):
        if not shared:
            monkeypatch.setattr(PairDraws, "_frequent", lambda *_: [])
        (drawn,) = PairDraws(lat, lon, lags, number, seed=5).all_lags()
        count = dict.fromkeys(all_pairs, 0)
        for pair in _pairs_of(drawn):
            count[pair] += 1
        assert not drawn.census
        assert sum(count.values()) == number
        # Chi-square has a mean of its degrees of freedom and twice them for variance.
        free = len(all_pairs) - 1
        chi = sum((times - 40) ** 2 / 40 for times in count.values())
        assert abs(chi - free) < 4 * np.sqrt(2 * free) + 1e-9
        assert drawn.in_all == pytest.approx(len(all_pairs), rel=0.1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 70), turn=st.integers(0, 3))
def test_a_census_is_every_pair_wherever_the_places_lie(seed: int, n: int, turn: int) -> None:
    lat, lon = _towns(n, seed)
    if turn:
        # Turned about an axis, poles and date line lie elsewhere.
        lat, lon = from_unit(np.roll(to_unit(lat, lon), turn, axis=1))
    lags = given_lags([0, 0.5, 3, 40, 8_000, 19_950, HALF_GIRTH_KM])
    drawn = PairDraws(lat, lon, lags, 3000, seed=0).all_lags()
    for one, all_pairs in zip(drawn, _slow_pairs(lat, lon, lags), strict=True):
        assert one.census
        assert one.in_all == len(all_pairs)
        assert sorted(_pairs_of(one)) == sorted(all_pairs)


@pytest.mark.parametrize("few", [False, True])
def test_a_census_of_a_grid_is_every_pair(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if few:
        monkeypatch.setattr(pair_draws, "_BATCH", 50)
    lat, lon = _towns(400, 2)
    monkeypatch.setattr(PairDraws, "_frequent", lambda *_: [])
    lags = given_lags([0, 1e-6, 0.4, 0.7, 30, 60, 19_900, 19_990, HALF_GIRTH_KM])
    drawn = PairDraws(lat, lon, lags, 5000, seed=0).all_lags()
    assert any(one.census for one in drawn)
    for one, all_pairs in zip(drawn, _slow_pairs(lat, lon, lags), strict=True):
        if one.census:
            assert sorted(_pairs_of(one)) == sorted(all_pairs)
        else:
            assert set(_pairs_of(one)) <= set(all_pairs)


@pytest.mark.parametrize("estimator", get_args(Estimator))
@pytest.mark.parametrize("sectors", [1, 3])
def test_a_census_equals_the_exact_pass(estimator: Estimator, sectors: int) -> None:
    observed = _observed(150, vectors=True)
    _agree(
        sampled_variograms(observed, LAGS, estimator, sectors, pairs_per_lag=20_000),
        exact_variograms(observed, LAGS, estimator, sectors),
    )


@pytest.mark.parametrize("vectors", [False, True])
def test_two_variables(vectors: bool) -> None:
    one, two = _observed(150, vectors), _observed(150, vectors, seed=9)
    both = Observations(one.lat_deg, one.lon_deg, one.values, two.values)
    _agree(sampled_variograms(both, LAGS), exact_variograms(both, LAGS))
    with pytest.raises(UsageError, match="matheron"):
        sampled_variograms(both, LAGS, "dowd")


def _agree(found: tuple[Variogram, ...], true: tuple[Variogram, ...]) -> None:
    assert len(found) == len(true)
    for a, b in zip(found, true, strict=True):
        assert a.count.tolist() == b.count.tolist()
        assert a.n_pairs.tolist() == b.count.tolist()
        assert a.gamma == pytest.approx(b.gamma, rel=1e-4, abs=1e-7, nan_ok=True)
        assert a.distance_km == pytest.approx(b.distance_km, rel=1e-6, abs=1e-3, nan_ok=True)
        assert np.array_equal(a.sampling_error, b.sampling_error, equal_nan=True)
        assert (a.n, a.dim, a.sector_deg, a.estimator) == (b.n, b.dim, b.sector_deg, b.estimator)


def test_sectors_share_the_pairs_of_a_lag() -> None:
    observed = _observed(900, vectors=False)
    true = exact_variograms(observed, LAGS, sectors=4)
    (whole,) = sampled_variograms(observed, LAGS, pairs_per_lag=1000, seed=1)
    found = sampled_variograms(observed, LAGS, sectors=4, pairs_per_lag=1000, seed=1)
    assert np.sum([one.count for one in found], axis=0).tolist() == whole.count.tolist()
    assert np.sum([one.n_pairs for one in found], axis=0) == pytest.approx(whole.n_pairs)
    for a, b in zip(found, true, strict=True):
        many = (a.count > 100) & (a.sampling_error > 0)
        assert (np.abs(a.gamma[many] - b.gamma[many]) < 4.5 * a.sampling_error[many]).all()
        share = np.sqrt(a.count[many]) / a.count[many]
        assert (np.abs(a.n_pairs[many] / b.n_pairs[many] - 1) < 6 * share).all()


def test_the_seed_decides() -> None:
    observed = _observed(900, vectors=True)
    one, same, other = (sampled_variograms(observed, LAGS, pairs_per_lag=200, seed=s)[0] for s in (4, 4, 5))
    assert np.array_equal(one.gamma, same.gamma, equal_nan=True)
    assert np.array_equal(one.n_pairs, same.n_pairs)
    drawn = one.sampling_error > 0
    assert (one.gamma[drawn] != other.gamma[drawn]).all()
    mixed = observed.rows(np.random.default_rng(0).permutation(900))
    true = _slow_curve(observed, LAGS, "matheron")
    (again,) = sampled_variograms(mixed, LAGS, pairs_per_lag=200, seed=4)
    assert (np.abs(again.gamma - true)[drawn] < 4.5 * again.sampling_error[drawn]).all()


def test_two_places() -> None:
    two = Observations(np.array([10.0, 10.0]), np.array([20.0, 21.0]), np.array([1.0, 4.0]))
    (found,) = sampled_variograms(two, linear_lags(1000, 5))
    assert found.count.tolist() == [1, 0, 0, 0, 0]
    assert found.gamma[0] == 4.5
    assert found.sampling_error[0] == 0
    assert np.isnan(found.gamma[1:]).all()
    assert np.isnan(found.standard_error).all()


def test_thousands_of_photos_at_two_places() -> None:
    n = 6000
    lat, lon = np.full(n, 48.0), np.where(np.arange(n) < n // 3, 2.0, 2.1)
    observed = Observations(lat, lon, np.random.default_rng(0).standard_normal(n))
    (found,) = sampled_variograms(observed, given_lags([0, 1, 5, 9, 20]), pairs_per_lag=500)
    assert found.count.tolist() == [500, 0, 500, 0]
    same = 2000 * 1999 / 2 + 4000 * 3999 / 2
    assert found.n_pairs == pytest.approx([same, 0, 2000 * 4000, 0], rel=0.05)
    assert found.gamma[[0, 2]] == pytest.approx([1, 1], abs=0.3)


def test_rare_pairs_among_very_many_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two crowds 1.1 km apart fill the cells; one place 1.5 km from them is hard to hit, and is not invented.
    monkeypatch.setattr(pair_draws, "_MOST_PROPOSALS", 1 << 16)
    lat = np.concatenate([np.full(5000, 0.0), np.full(5000, 0.01), [0.0]])
    lon = np.concatenate([np.zeros(10_000), [0.0135]])
    observed = Observations(lat, lon, np.arange(10_001.0))
    (found,) = sampled_variograms(observed, given_lags([1.4, 1.6]), pairs_per_lag=2000)
    assert 0 < found.count[0] <= 20_000
    assert found.n_pairs[0] == pytest.approx(5000, rel=0.5)


def test_differences_of_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors = np.memmap(tmp_path / "vectors", np.float16, "w+", shape=(300, 7))
    vectors[:] = rng.standard_normal((300, 7))
    first, second = rng.integers(0, 300, (2, 500))
    lat, lon = rng.uniform(-90, 90, (2, 300))
    observed = Observations(lat, lon, vectors, vectors[::-1])
    wide = np.asarray(vectors, np.float64)
    step, other = wide[first] - wide[second], wide[::-1][first] - wide[::-1][second]
    alone = Observations(lat, lon, vectors)
    for block in (1, 50, 1 << 20):
        monkeypatch.setattr(pair_values, "_BLOCK_NUMBERS", block)
        monkeypatch.setattr(pair_values, "_WINDOW_NUMBERS", 20 * block)
        assert pair_differences(observed, first, second) == pytest.approx((step * other).sum(1) / 2, abs=1e-5)
        assert pair_differences(alone, first, second) == pytest.approx((step**2).sum(1) / 2, rel=1e-5)
    numbers = Observations(lat, lon, 1e9 + wide[:, 0])
    exact = (numbers.values[first] - numbers.values[second]) ** 2 / 2
    assert np.array_equal(pair_differences(numbers, first, second), exact)


@pytest.mark.parametrize(
    ("estimator", "number", "match"),
    [("variance", 100, "choose from"), ("dowd", 1, "at least 2"), ("dowd", 10**9, "at most")],
)
def test_what_is_refused(estimator: Estimator, number: int, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        sampled_variograms(_observed(20, vectors=False), LAGS, estimator, pairs_per_lag=number)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(UsageError, match="seed"):
        sampled_variograms(_observed(20, vectors=False), LAGS, seed=-1)


@pytest.mark.slow
def test_memory_stays_bounded() -> None:
    n, dim = 150_000, 16
    lat, lon = _towns(n)
    observed = Observations(lat, lon, np.random.default_rng(0).standard_normal((n, dim)).astype(np.float16))
    tracemalloc.start()
    try:
        (found,) = sampled_variograms(observed, LAGS, pairs_per_lag=5000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.count == 5000).sum() > 10
    assert peak < 150e6

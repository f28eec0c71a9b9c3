from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_similarity import AllPairs, all_pairs, classes, greedy, jackknife_error, joint_counts
from scipy import stats

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import from_unit, to_unit
from periplus.spatial.clouds.cloud import BANDS, SimilarityCloud, SimilaritySettings
from periplus.spatial.clouds.similarity import quantiles_of_counts, similarity_against_distance
from periplus.spatial.pairs import checkpoint
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags
from periplus.spatial.pairs.tiles import PassSettings, make_plan

Values = NDArray[np.float64]
Vectors = NDArray[np.float32]
SMALL = SimilaritySettings(distance_classes=60, similarity_classes=128, lags=20, near_pairs=50, worst=6)


def places(n: int, seed: int = 0) -> tuple[Values, Values]:
    """All over the Earth, a third of them in towns."""
    rng = np.random.default_rng(seed)
    lat, lon = from_unit(rng.normal(size=(n, 3)))
    towns = n // 3
    lat[:towns] = np.clip(lat[-5:][rng.integers(0, 5, towns)] + rng.normal(0, 0.05, towns), -90, 90)
    lon[:towns] = lon[-5:][rng.integers(0, 5, towns)] + rng.normal(0, 0.05, towns)
    return lat, (lon + 180) % 360 - 180


def field_vectors(lat: Values, lon: Values, dim: int = 48, noise: float = 0.3, seed: int = 0) -> Vectors:
    """Unit vectors like those of a planet: their similarity falls with distance over some 3,000 km."""
    rng = np.random.default_rng(seed)
    waves = np.cos(to_unit(lat, lon) @ rng.normal(0, 2, (3, dim)) + rng.uniform(0, 2 * np.pi, dim))
    made = waves + noise * rng.normal(size=waves.shape) + 0.4
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def exact_vectors(lat: Values, lon: Values) -> Vectors:
    """Four of twelve numbers are ±1/2: lengths and products are exact in float32."""
    made = np.zeros((len(lat), 12), np.float32)
    rng = np.random.default_rng(0)
    signs = np.sign(to_unit(lat, lon) @ rng.normal(size=(3, 12)) + rng.normal(0, 0.2, (len(lat), 12)))
    for row in range(len(lat)):
        which = rng.permutation(12)[:4] if row % 3 else np.arange(4)
        made[row, which] = 0.5 * signs[row, which]
    return made


@pytest.fixture(scope="module")
def study() -> tuple[Values, Values, Vectors, SimilarityCloud, AllPairs]:
    lat, lon = places(500)
    vectors = field_vectors(lat, lon)
    cloud = similarity_against_distance(lat, lon, vectors, SMALL, PassSettings(blocks=12))
    return lat, lon, vectors, cloud, all_pairs(lat, lon, vectors)


def test_counts_are_the_twins(study: tuple[Values, Values, Vectors, SimilarityCloud, AllPairs]) -> None:
    *_, cloud, pairs = study
    slow = joint_counts(pairs, cloud.distance_edges_km, cloud.similarity_edges)
    gaps = [np.abs(pairs.similarity - edge) < 1e-6 for edge in cloud.similarity_edges]
    beside_an_edge = len(np.flatnonzero(np.any(gaps, axis=0)))
    assert beside_an_edge < 60
    assert np.abs(cloud.counts - slow).sum() <= 2 * beside_an_edge
    assert cloud.counts.sum(1).tolist() == slow.sum(1).tolist()
    assert cloud.n_pairs == 500 * 499 // 2 == cloud.counts.sum()
    assert pairs.similarity.min() >= cloud.similarity_edges[0]
    assert cloud.similarity_edges[-1] == 1


def test_means_and_bands(study: tuple[Values, Values, Vectors, SimilarityCloud, AllPairs]) -> None:
    *_, cloud, pairs = study
    of = classes(pairs.km, cloud.distance_edges_km)
    width = cloud.similarity_edges[1] - cloud.similarity_edges[0]
    for k in range(60):
        there = pairs.similarity[of == k]
        if len(there):
            assert cloud.mean[k] == pytest.approx(there.mean(), abs=1e-6)
            slow = np.quantile(there, BANDS, method="inverted_cdf")
            assert np.abs(cloud.quantiles[k] - slow).max() < width + 1e-6
        else:
            assert np.isnan([cloud.mean[k], *cloud.quantiles[k]]).all()
    assert cloud.mean_similarity == pytest.approx(pairs.similarity.mean(), abs=1e-7)
    coarse = classes(pairs.km, cloud.curve.edges_km)
    for lag in np.flatnonzero(cloud.curve.count):
        assert cloud.curve.mean[lag] == pytest.approx(pairs.similarity[coarse == lag].mean(), abs=1e-6)


def test_correlations(study: tuple[Values, Values, Vectors, SimilarityCloud, AllPairs]) -> None:
    *_, cloud, pairs = study
    log = np.log(np.maximum(pairs.km, 0.01))
    assert cloud.pearson.value == pytest.approx(np.corrcoef(pairs.km, pairs.similarity)[0, 1], abs=1e-8)
    assert cloud.pearson_log.value == pytest.approx(np.corrcoef(log, pairs.similarity)[0, 1], abs=1e-8)
    slow = stats.spearmanr(pairs.km, pairs.similarity).statistic
    # 60 classes of log distance, of which few hold most pairs.
    assert cloud.spearman.value == pytest.approx(slow, abs=0.02)
    for one in (cloud.pearson, cloud.pearson_log, cloud.spearman):
        assert -1 < one.low < one.value < one.high < 0
        assert not one.reason


def test_pearson_to_the_last_digits_where_products_are_exact() -> None:
    lat, lon = places(400, 1)
    vectors = exact_vectors(lat, lon)
    cloud = similarity_against_distance(lat, lon, vectors, SMALL)
    pairs = all_pairs(lat, lon, vectors)
    log = np.log(np.maximum(pairs.km, 0.01))
    assert cloud.pearson.value == pytest.approx(np.corrcoef(pairs.km, pairs.similarity)[0, 1], abs=1e-9)
    assert cloud.pearson_log.value == pytest.approx(np.corrcoef(log, pairs.similarity)[0, 1], abs=1e-9)


def test_spearman_with_classes_as_set() -> None:
    lat, lon = places(600, 2)
    vectors = field_vectors(lat, lon)
    cloud = similarity_against_distance(lat, lon, vectors, how=PassSettings(blocks=8))
    pairs = all_pairs(lat, lon, vectors)
    slow = stats.spearmanr(pairs.km, pairs.similarity).statistic
    assert cloud.spearman.value == pytest.approx(slow, abs=1e-3)
    tau = stats.kendalltau(pairs.km, pairs.similarity).statistic
    assert cloud.monotonicity.discordance == pytest.approx((1 + tau) / 2, abs=1e-3)


def test_intervals_are_those_of_leaving_blocks_out(
    study: tuple[Values, Values, Vectors, SimilarityCloud, AllPairs],
) -> None:
    lat, lon, _, cloud, pairs = study
    blocks = make_plan(lat, lon, Lags(np.array([0.0, 20000.0])), 12).blocks
    assert cloud.n_blocks == len(blocks) == 12
    rests = [pairs.without(blocks.order[a:b]) for a, b in zip(blocks.starts[:-1], blocks.starts[1:], strict=True)]

    def interval(value: float, replicates: list[float]) -> tuple[float, float]:
        z, error = np.arctanh(value), jackknife_error(np.arctanh(replicates))
        reach = stats.t.ppf(0.975, 11) * error
        return math.tanh(z - reach), math.tanh(z + reach)

    slow = interval(cloud.pearson.value, [np.corrcoef(rest.km, rest.similarity)[0, 1] for rest in rests])
    assert (cloud.pearson.low, cloud.pearson.high) == pytest.approx(slow, abs=1e-7)

    def classed(rest: AllPairs) -> float:
        km = classes(rest.km, cloud.distance_edges_km)
        return float(stats.spearmanr(km, classes(rest.similarity, cloud.similarity_edges)).statistic)

    slow = interval(cloud.spearman.value, [classed(rest) for rest in rests])
    assert (cloud.spearman.low, cloud.spearman.high) == pytest.approx(slow, abs=1e-5)
    k = int(cloud.curve.count.argmax())
    means = [rest.similarity[classes(rest.km, cloud.curve.edges_km) == k].mean() for rest in rests]
    assert cloud.curve.standard_error[k] == pytest.approx(float(jackknife_error(np.array(means))), abs=1e-7)


@pytest.mark.parametrize("per_photo", [1, 3])
def test_worst_pairs_are_the_greedy_ones(per_photo: int) -> None:
    lat, lon = places(300, 3)
    vectors = field_vectors(lat, lon, noise=0.8)
    vectors[7] = vectors.mean(0) / np.linalg.norm(vectors.mean(0))  # as alike as can be to all
    chosen = replace(SMALL, per_photo=per_photo)
    cloud = similarity_against_distance(lat, lon, vectors, chosen, PassSettings(blocks=10))
    pairs = all_pairs(lat, lon, vectors)
    far, near = pairs.km >= 1000, pairs.km < cloud.near_km
    slow = greedy(_some(pairs, far), pairs.similarity[far], 6, per_photo)
    assert [(one.first, one.second) for one in cloud.far_alike] == slow
    slow = greedy(_some(pairs, near), -pairs.similarity[near], 6, per_photo)
    assert [(one.first, one.second) for one in cloud.near_unlike] == slow
    for one in (*cloud.far_alike, *cloud.near_unlike):
        k = np.flatnonzero((pairs.first == one.first) & (pairs.second == one.second))[0]
        assert (one.distance_km, one.similarity) == pytest.approx((pairs.km[k], pairs.similarity[k]), rel=1e-6)
        assert one.expected == cloud.curve.at(one.distance_km)


def _some(pairs: AllPairs, kept: NDArray[np.bool_]) -> AllPairs:
    return AllPairs(pairs.first[kept], pairs.second[kept], pairs.km[kept], pairs.similarity[kept])


def test_the_near_are_looked_for_farther_off_until_there_are_enough() -> None:
    lat, lon = from_unit(np.random.default_rng(0).normal(size=(200, 3)))
    vectors = field_vectors(lat, lon)
    pairs = all_pairs(lat, lon, vectors)
    for wanted in (1, 60, 1000, 10**9):
        chosen = replace(SMALL, near_pairs=wanted, near_km=10)
        cloud = similarity_against_distance(lat, lon, vectors, chosen, PassSettings(blocks=4))
        reach = [10 * 2.0**k for k in range(12)]
        enough = [km for km in reach if np.count_nonzero(pairs.km < km) >= min(wanted, len(pairs.km))]
        assert cloud.near_km == min([*enough, HALF_GIRTH_KM])


def test_no_pair_is_far_in_a_town() -> None:
    lat, lon = np.random.default_rng(0).uniform(48, 48.1, (2, 60))
    cloud = similarity_against_distance(lat, lon, field_vectors(lat, lon), SMALL)
    assert cloud.far_alike == ()
    assert len(cloud.near_unlike) == 6


def test_similarity_of_fields_falls_with_distance() -> None:
    lat, lon = places(900, 4)
    cloud = similarity_against_distance(lat, lon, field_vectors(lat, lon, 256, 0.1), SMALL, PassSettings(blocks=16))
    known = (cloud.curve.count > 200) & (cloud.curve.middle_km > 50) & (cloud.curve.middle_km < 8000)
    assert (np.diff(cloud.curve.mean[known]) < 0).all()
    assert cloud.monotonicity.discordance < 0.25
    assert cloud.spearman.high < -0.5


def _same(one: SimilarityCloud, other: SimilarityCloud) -> None:
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(other, name))
    for name in ("pearson", "pearson_log", "spearman", "monotonicity", "far_alike", "near_unlike"):
        # As text, where NaN is NaN; of every digit.
        assert repr(getattr(one, name)) == repr(getattr(other, name))
    np.testing.assert_array_equal(one.curve.standard_error, other.curve.standard_error)


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_do_not_change_a_bit(
    study: tuple[Values, Values, Vectors, SimilarityCloud, AllPairs], workers: int
) -> None:
    lat, lon, vectors, cloud, _ = study
    _same(cloud, similarity_against_distance(lat, lon, vectors, SMALL, PassSettings(workers=workers, blocks=12)))


def test_order_of_rows_does_not_matter(study: tuple[Values, Values, Vectors, SimilarityCloud, AllPairs]) -> None:
    lat, lon, vectors, cloud, _ = study
    order = np.random.default_rng(5).permutation(len(lat))
    other = similarity_against_distance(lat[order], lon[order], vectors[order], SMALL, PassSettings(blocks=12))
    np.testing.assert_array_equal(cloud.counts, other.counts)
    assert cloud.pearson.low == pytest.approx(other.pearson.low, abs=1e-9)
    for one, two in zip((*cloud.far_alike, *cloud.near_unlike), (*other.far_alike, *other.near_unlike), strict=True):
        assert {one.first, one.second} == {int(order[two.first]), int(order[two.second])}


def test_equal_pictures_are_ordered_by_rows() -> None:
    """A hundred copies, wherever they lie: similarities differ by rounding alone."""
    rng = np.random.default_rng(6)
    lat, lon = from_unit(rng.normal(size=(100, 3)))
    one = rng.normal(size=384)
    vectors = np.tile(one / np.linalg.norm(one), (100, 1)).astype(np.float32)
    cloud = similarity_against_distance(lat, lon, vectors, SMALL, PassSettings(blocks=8))
    slow = all_pairs(lat, lon, vectors)
    far = slow.km >= 1000
    expected = greedy(_some(slow, far), np.ones(np.count_nonzero(far)), 6, 1)
    assert [(pair.first, pair.second) for pair in cloud.far_alike] == expected


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_a_turned_earth_is_the_same(seed: int) -> None:
    lat, lon = places(120, 7)
    vectors = field_vectors(lat, lon)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    plain = similarity_against_distance(lat, lon, vectors, SMALL, PassSettings(blocks=4))
    turned = similarity_against_distance(*from_unit(to_unit(lat, lon) @ turn), vectors, SMALL, PassSettings(blocks=4))
    assert turned.pearson.value == pytest.approx(plain.pearson.value, abs=1e-7)
    assert turned.pearson_log.value == pytest.approx(plain.pearson_log.value, abs=1e-7)
    assert np.abs(turned.counts - plain.counts).sum() <= 4
    assert [(a.first, a.second) for a in turned.far_alike] == [(a.first, a.second) for a in plain.far_alike]


def test_date_line_and_poles() -> None:
    lat, lon = np.array([90.0, 90.0, 0.0, 0.0, -90.0]), np.array([0.0, 120.0, 179.999, -179.999, 33.0])
    vectors = np.eye(5, dtype=np.float32)
    vectors[1] = vectors[0]
    cloud = similarity_against_distance(lat, lon, vectors, replace(SMALL, near_pairs=1))
    assert cloud.counts.sum(1)[0] == 1, "at the pole longitudes mean nothing"
    near = classes(np.array([0.2224]), cloud.distance_edges_km)[0]
    assert cloud.counts.sum(1)[near] == 1
    assert [(pair.first, pair.second) for pair in cloud.near_unlike] == [(2, 3), (0, 1)]
    assert cloud.counts.sum(1)[-1] == 2, "antipodes belong to the last class"


def test_two_photos() -> None:
    cloud = similarity_against_distance(
        np.array([0.0, 10.0]), np.array([0.0, 10.0]), np.array([[1, 0], [0.6, 0.8]], np.float32), SMALL
    )
    assert (cloud.n, cloud.n_pairs, cloud.n_blocks) == (2, 1, 1)
    assert cloud.mean_similarity == pytest.approx(0.6)
    for one in (cloud.pearson, cloud.pearson_log, cloud.spearman):
        assert math.isnan(one.value)
        assert one.reason == "fewer than two pairs"
    assert math.isnan(cloud.monotonicity.discordance)
    (far,) = cloud.far_alike
    assert (far.first, far.second) == (0, 1)
    assert far.similarity == pytest.approx(0.6)


def test_photos_of_one_place() -> None:
    lat, lon = np.full(50, 48.2), np.full(50, 16.4)
    cloud = similarity_against_distance(lat, lon, field_vectors(lat, lon), SMALL)
    assert cloud.counts[0].sum() == cloud.n_pairs
    assert cloud.pearson.reason == "distances do not vary"
    assert cloud.pearson_log.reason == "logarithms of distance do not vary"
    assert cloud.spearman.reason == "classes of distance do not vary"
    assert cloud.monotonicity.discordance == 0.5
    assert cloud.near_km == 25


def test_one_picture_everywhere() -> None:
    lat, lon = places(80, 8)
    vectors = np.tile(field_vectors(lat[:1], lon[:1]), (80, 1))
    cloud = similarity_against_distance(lat, lon, vectors, SMALL)
    for one in (cloud.pearson, cloud.pearson_log, cloud.spearman):
        assert math.isnan(one.value)
        assert "similarit" in one.reason
    np.testing.assert_allclose(cloud.mean[cloud.counts.sum(1) > 0], 1, atol=1e-6)


def test_photos_without_features_are_left_out() -> None:
    lat, lon = places(90, 9)
    vectors = field_vectors(lat, lon)
    vectors[[3, 50, 89]] = 0
    rest = np.setdiff1d(np.arange(90), [3, 50, 89])
    cloud = similarity_against_distance(lat, lon, vectors, SMALL)
    alone = similarity_against_distance(lat[rest], lon[rest], vectors[rest], SMALL)
    assert (cloud.n, cloud.n_empty, alone.n_empty) == (87, 3, 0)
    np.testing.assert_array_equal(cloud.counts, alone.counts)
    assert [pair.first for pair in cloud.far_alike] == rest[[pair.first for pair in alone.far_alike]].tolist()


def test_half_precision_mapped_from_a_file(tmp_path: Path) -> None:
    lat, lon = places(200, 10)
    half = field_vectors(lat, lon).astype(np.float16)
    np.save(tmp_path / "v.npy", half)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    cloud = similarity_against_distance(lat, lon, mapped, SMALL)
    single = similarity_against_distance(lat, lon, half.astype(np.float32), SMALL)
    np.testing.assert_allclose(cloud.mean, single.mean, atol=1e-7)
    assert np.abs(cloud.counts - single.counts).sum() <= 4
    assert [(a.first, a.second) for a in cloud.far_alike] == [(a.first, a.second) for a in single.far_alike]


def test_narrow_cones_get_narrow_classes() -> None:
    lat, lon = places(100, 11)
    vectors = field_vectors(lat, lon) + 3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cloud = similarity_against_distance(lat, lon, vectors, SMALL)
    pairs = all_pairs(lat, lon, vectors)
    assert 0.8 < cloud.similarity_edges[0] <= pairs.similarity.min()


def test_a_broken_pass_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.0)
    lat, lon = places(300, 12)
    vectors = field_vectors(lat, lon)
    calls: list[int] = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 20:
            raise KeyboardInterrupt

    how = PassSettings(blocks=10, checkpoint=tmp_path / "pass.npz", workers=2)
    whole = similarity_against_distance(lat, lon, vectors, SMALL, replace(how, checkpoint=None))
    with pytest.raises(KeyboardInterrupt):
        similarity_against_distance(lat, lon, vectors, SMALL, replace(how, progress=stop))
    with pytest.raises(UsageError, match="another pass"):
        similarity_against_distance(lat, lon, vectors, replace(SMALL, worst=5), how)
    seen: list[int] = []
    again = replace(how, progress=lambda done, _: seen.append(done))
    _same(whole, similarity_against_distance(lat, lon, vectors, SMALL, again))
    assert seen[0] > calls[-2]
    assert seen[-1] == whole.n_pairs
    assert not (tmp_path / "pass.npz").exists()


def test_quantiles_of_counts() -> None:
    edges = np.array([0.0, 1, 2, 3])
    found = quantiles_of_counts(np.array([[0, 100, 0], [0, 0, 0], [50, 0, 50]]), edges)
    np.testing.assert_allclose(found[0], 1 + np.array(BANDS))
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2], [0.1, 0.5, 1.0, 2.5, 2.9])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"distance_classes": 1, "lags": 1}, "distance_classes of 1"),
        ({"similarity_classes": 10**6}, "similarity_classes"),
        ({"lags": 7}, "divisor"),
        ({"min_km": 0.0}, "min_km"),
        ({"far_km": math.nan}, "far_km"),
        ({"near_km": 30000.0}, "near_km"),
        ({"worst": 0}, "worst"),
        ({"worst": 201}, "worst"),
        ({"per_photo": 0}, "per_photo"),
        ({"near_pairs": 0}, "near_pairs"),
    ],
)
def test_settings_are_checked(change: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SimilaritySettings(), **change)  # type: ignore[arg-type]


def test_hostile_input() -> None:
    lat, lon = places(30, 13)
    vectors = field_vectors(lat, lon)
    with pytest.raises(UsageError, match="Row 4 has length 2"):
        similarity_against_distance(lat, lon, np.where(np.arange(30)[:, None] == 4, 2, 1) * vectors)
    with pytest.raises(UsageError, match="not finite"):
        similarity_against_distance(lat, lon, np.where(np.arange(30)[:, None] == 3, np.nan, vectors))
    with pytest.raises(UsageError, match="vectors"):
        similarity_against_distance(lat, lon, vectors[:, 0])
    with pytest.raises(UsageError, match="belong together"):
        similarity_against_distance(lat, lon[:-1], vectors)
    with pytest.raises(EmptyInputError, match="of 30 there are 0"):
        similarity_against_distance(lat, lon, np.zeros_like(vectors))
    with pytest.raises(EmptyInputError):
        similarity_against_distance(lat[:1], lon[:1], vectors[:1])
    big = SimilaritySettings(distance_classes=2000, similarity_classes=8192)
    lat, lon = places(400)
    with pytest.raises(UsageError, match="2 GiB"):
        similarity_against_distance(lat, lon, field_vectors(lat, lon), big)

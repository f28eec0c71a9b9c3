"""What held-back photos say of a belief: fitted on some, tested on others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import oracle_world as slow
import pytest

from periplus.errors import EmptyInputError, GalleryError, RecordError, UsageError
from periplus.geo import destination, distance_km
from periplus.position import (
    TEMPERATURES,
    HeldBack,
    TemperatureSearch,
    WorldCalibration,
    WorldRows,
    calibrate_world,
    fit_outcomes,
    look_at,
    mass_before,
    outcome_of,
    posterior,
    world_calibration_from,
)
from periplus.position.logistic import predict
from periplus.position.world_calibrate import conformal

N = 300
ROWS = slow.spiral(N, 1)
SCALE = 40.0


def photos(q: int, seed: int, temperature: float, strangers: float = 0.0) -> HeldBack:
    """Scores whose right temperature is known; a share of truths has nothing to do with them."""
    rng = np.random.default_rng(seed)
    heads = rng.normal(size=(q, 12))
    look = np.cos(ROWS.xyz.T @ (rng_world().normal(size=(3, 12)) * 3) + rng_world().uniform(0, 7, 12))
    scores = (0.06 * heads @ look.T + 0.02 * rng.normal(size=(q, N))).astype(np.float32)
    p = posterior(scores, SCALE, ROWS, temperature).astype(np.float64)
    truth = (np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1) < rng.random((q, 1))).sum(axis=1)
    lost = rng.random(q) < strangers
    truth[lost] = rng.integers(0, N, lost.sum())
    cell = np.sqrt(ROWS.area_km2[truth] / math.pi)
    lat, lon = destination(
        ROWS.lat_deg[truth], ROWS.lon_deg[truth], rng.uniform(0, 360, q), 0.5 * cell * np.sqrt(rng.random(q))
    )
    return HeldBack(scores, lat, lon)


def rng_world() -> np.random.Generator:
    return np.random.default_rng(77)


def blocks(held: HeldBack, size: int = 64) -> Callable[[], Iterator[HeldBack]]:
    def again() -> Iterator[HeldBack]:
        for start in range(0, len(held.scores), size):
            some = slice(start, start + size)
            yield HeldBack(held.scores[some], held.lat_deg[some], held.lon_deg[some])

    return again


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_found(temperature: float) -> None:
    held = photos(1500, 3, temperature)
    search = TemperatureSearch(SCALE, ROWS)
    for block in blocks(held)():
        search.add(block.scores, block.lat_deg, block.lon_deg)
    assert search.queries == 1500
    assert search.best() == pytest.approx(temperature, rel=0.1)


def test_sums_of_log_densities_by_hand() -> None:
    held = photos(20, 5, 1.0)
    search = TemperatureSearch(SCALE, ROWS, (0.5, 2.0))
    search.add(held.scores, held.lat_deg, held.lon_deg)
    truth = slow.inside_cells(ROWS, held.lat_deg, held.lon_deg)
    for total, temperature in zip(search.log_densities, (0.5, 2.0), strict=True):
        exact = 0.0
        for scores, row in zip(held.scores, truth.tolist(), strict=True):
            p = slow.posterior(scores.tolist(), SCALE, ROWS.prior.tolist(), temperature)
            exact += math.log(p[row] / float(ROWS.area_km2[row]))
        assert total == pytest.approx(exact, abs=1e-3)


def test_the_parabola_between_and_the_ends() -> None:
    search = TemperatureSearch(1.0, ROWS)
    search.queries = 1
    at = math.log(0.77)
    search.log_densities = -((np.log(TEMPERATURES) - at) ** 2)
    assert search.best() == pytest.approx(0.77)
    search.log_densities = np.arange(len(TEMPERATURES), dtype=np.float64)
    assert search.best() == TEMPERATURES[-1]
    with pytest.raises(EmptyInputError, match="held-back"):
        TemperatureSearch(1.0, ROWS).best()


def coverage(calibration: WorldCalibration, fresh: HeldBack) -> dict[str, float]:
    """How many fresh truths lie in the regions, how many answers within the radii, and how right the confidence is."""
    p = posterior(fresh.scores, SCALE, ROWS, calibration.temperature)
    looks = [look_at(one, ROWS, calibration.right_km, calibration.guess) for one in p]
    error = distance_km([v.lat_deg for v in looks], [v.lon_deg for v in looks], fresh.lat_deg, fresh.lon_deg)
    sure = predict(np.array([v.features for v in looks]), calibration.confidence_weights)
    answered = sure >= calibration.answer_confidence
    before = mass_before(p, ROWS, ROWS.nearest(fresh.lat_deg, fresh.lon_deg))
    found = {"right": float((error <= calibration.right_km).mean()), "sure": float(sure.mean())}
    for i, share in enumerate((50, 90)):
        radius = np.array([v.nominal_km[i] for v in looks]) * calibration.radius_factors[i]
        found[f"region {share}"] = float((before <= calibration.levels[i]).mean())
        found[f"radius {share}"] = float((error <= radius)[answered].mean())
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("temperature", "strangers", "answer_confidence"), [(1.0, 0.0, 0.0), (2.2, 0.0, 0.4), (0.7, 0.07, 0.5)]
)
def test_regions_hold_what_they_promise_on_fresh_photos(
    temperature: float, strangers: float, answer_confidence: float
) -> None:
    start = WorldCalibration(right_km=1500.0, answer_confidence=answer_confidence)
    fitted = calibrate_world(blocks(photos(3000, 11, temperature, strangers)), SCALE, ROWS, start)
    found = coverage(fitted, photos(4000, 12, temperature, strangers))
    assert fitted.queries == 3000
    assert found["region 90"] == pytest.approx(0.9, abs=0.02)
    assert found["region 50"] == pytest.approx(0.5, abs=0.03)
    assert found["radius 90"] == pytest.approx(0.9, abs=0.04)
    assert found["radius 50"] == pytest.approx(0.5, abs=0.06)
    assert found["sure"] == pytest.approx(found["right"], abs=0.03)


def test_regions_of_few_photos_hold_about_what_they_promise() -> None:
    fitted = calibrate_world(blocks(photos(300, 1, 2.0)), SCALE, ROWS, WorldCalibration(right_km=1500.0))
    found = coverage(fitted, photos(300, 2, 2.0))
    # 300 and 300 photos scatter by 0.02, 0.055 and 0.04 from draw to draw: these are three of that.
    assert found["region 90"] == pytest.approx(0.9, abs=0.07)
    assert found["region 50"] == pytest.approx(0.5, abs=0.16)
    assert found["sure"] == pytest.approx(found["right"], abs=0.12)
    assert fitted.temperature == pytest.approx(2.0, rel=0.2)


def test_blocks_of_any_size_give_one_calibration() -> None:
    held = photos(120, 4, 1.3)
    start = WorldCalibration(right_km=1500.0, guess="row")
    one, two = (calibrate_world(blocks(held, size), SCALE, ROWS, start) for size in (7, 120))
    assert one.to_json().keys() == two.to_json().keys()
    assert one.temperature == pytest.approx(two.temperature)
    assert one.levels == pytest.approx(two.levels)
    assert one.radius_factors == pytest.approx(two.radius_factors)
    assert one.confidence_weights == pytest.approx(two.confidence_weights, abs=1e-4)


def test_without_photos_the_start_stays() -> None:
    start = WorldCalibration(temperature=1.7)
    assert calibrate_world(lambda: iter(()), SCALE, ROWS, start) == start
    empty = HeldBack(np.zeros((0, N), np.float32), np.zeros(0), np.zeros(0))
    assert calibrate_world(lambda: iter((empty,)), SCALE, ROWS, start) == start
    assert fit_outcomes([], start) == start


def test_copies_and_the_order_of_rows_do_not_matter() -> None:
    held = photos(60, 9, 1.0)
    order = np.random.default_rng(0).permutation(N)
    which = order[:100]
    mixed = slow.permuted(slow.doubled(ROWS, which), np.random.default_rng(1).permutation(N + 100))
    back = ROWS.nearest(mixed.lat_deg, mixed.lon_deg)
    start = WorldCalibration(right_km=1500.0)
    one = calibrate_world(blocks(held), SCALE, ROWS, start)
    two = calibrate_world(blocks(HeldBack(held.scores[:, back], held.lat_deg, held.lon_deg)), SCALE, mixed, start)
    assert two.temperature == pytest.approx(one.temperature, rel=1e-4)
    assert two.levels == pytest.approx(one.levels, abs=1e-3)
    assert two.radius_factors == pytest.approx(one.radius_factors, rel=1e-3)
    assert two.confidence_weights == pytest.approx(one.confidence_weights, abs=1e-2)


def test_the_conformal_quantile() -> None:
    values = np.arange(1.0, 100)
    assert (conformal(values, 0.5), conformal(values, 0.9), conformal(values[:3], 0.9)) == (50, 90, 3)


def test_radii_are_of_the_photos_that_are_answered() -> None:
    p = posterior(photos(1, 1, 1.0).scores, SCALE, ROWS)[0]
    look = look_at(p, ROWS, 500.0)
    sure = replace(look, features=(5.0, 1.0), nominal_km=(100.0, 200.0))
    unsure = replace(look, features=(-5.0, 1.0), nominal_km=(100.0, 200.0))
    truth = (look.lat_deg, look.lon_deg)
    right = replace(outcome_of(p, ROWS, truth, sure), error_km=50.0)
    wrong = replace(outcome_of(p, ROWS, truth, unsure), error_km=5000.0)
    fitted = fit_outcomes([right] * 120 + [wrong] * 60, WorldCalibration(right_km=500.0))
    assert fitted.radius_factors == (0.5, 0.25)
    few = fit_outcomes([right] * 10 + [wrong] * 60, WorldCalibration(right_km=500.0))
    assert few.radius_factors == (50.0, 25.0)


def test_an_unknown_guess() -> None:
    with pytest.raises(UsageError, match="mode, row, score"):
        look_at(np.full(N, 1 / N), ROWS, 100.0, "median")


def test_finer_rows_change_no_feature() -> None:
    p = posterior(photos(1, 1, 1.0).scores, SCALE, ROWS)[0].astype(np.float64)
    halves = WorldRows(
        *(np.concatenate([v, v]) for v in (ROWS.lat_deg, ROWS.lon_deg, ROWS.prior / 2, ROWS.area_km2 / 2))
    )
    one, two = look_at(p, ROWS, 2000.0), look_at(np.concatenate([p, p]) / 2, halves, 2000.0)
    assert two.features == pytest.approx(one.features, abs=1e-6)


FITTED = WorldCalibration(1.3, (0.4, 0.8), (0.9, 2.0), (1.0, -0.5, 0.1), 25.0, 0.6, "row", 12)


def test_json_there_and_back() -> None:
    assert world_calibration_from(json.loads(json.dumps(FITTED.to_json()))) == FITTED
    assert world_calibration_from(WorldCalibration().to_json()) == WorldCalibration()


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0}, {"temperature": "1"}, {"temperature": math.nan}, {"temperature": True},
        {"temperature": None}, {"levels": [0.5]}, {"levels": [0.9, 0.5]}, {"levels": [0.5, 1.5]}, {"levels": 0.5},
        {"radius_factors": [0, 1]}, {"radius_factors": ["a", 1]}, {"confidence_weights": [1, 2]},
        {"confidence_weights": [1, 2, math.inf]}, {"right_km": -1}, {"answer_confidence": 2}, {"guess": "best"},
        {"guess": 3}, {"guess": ["row"]}, {"queries": 1.5}, {"queries": -1}, {"queries": [1]}, {"surplus": 1},
    ],
)  # fmt: skip
def test_json_that_is_not_ours(change: dict[str, object]) -> None:
    with pytest.raises(GalleryError, match="cannot be read"):
        world_calibration_from(FITTED.to_json() | change)


def test_json_of_another_shape() -> None:
    values: tuple[object, ...] = (None, [], 3, {}, {k: v for k, v in FITTED.to_json().items() if k != "guess"})
    for value in values:
        with pytest.raises(GalleryError, match="needs the keys"):
            world_calibration_from(value)
    with pytest.raises(RecordError, match="impossible"):
        replace(FITTED, right_km=math.inf)

"""Calibration on made galleries whose scatter is known: what is promised must hold on fresh queries."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import GalleryError
from periplus.geo import destination, distance_km
from periplus.position import Calibration, Candidates, Kernel, Peak, calibrate, calibration_from
from periplus.position.calibrate import _conformal, confidence, guess, guess_features, pair_features, scale_km

Positions = NDArray[np.float64]
START = Calibration()


def ask(rng: np.random.Generator, scatter_km: float) -> tuple[Candidates, float, float]:
    """One query in a town of 6 km: some candidates show its place, the others anything."""
    lat, lon = (float(x) for x in destination(46.0, 8.0, rng.uniform(0, 360), rng.uniform(0, 3)))
    right = int(rng.choice([0, 1, 2, 4], p=[0.25, 0.25, 0.25, 0.25]))
    wrong = int(rng.integers(4, 10))
    near = destination(lat, lon, rng.uniform(0, 360, right), scatter_km * np.abs(rng.standard_t(4, right)))
    anywhere = destination(46.0, 8.0, rng.uniform(0, 360, wrong), rng.uniform(0, 3, wrong))
    scores = np.concatenate([rng.lognormal(2.6, 0.8, right), rng.lognormal(1.0, 0.5, wrong)])
    standing = np.concatenate([rng.normal(3, 2, right), rng.normal(0, 1, wrong)])
    lats, lons = (np.concatenate(pair) for pair in zip(near, anywhere, strict=True))
    return Candidates(np.rint(scores), standing, lats, lons), lat, lon


def town(seed: int, n: int, scatter_km: float = 0.03) -> tuple[list[Candidates], Positions, Positions]:
    rng = np.random.default_rng(seed)
    candidates, lat, lon = zip(*[ask(rng, scatter_km) for _ in range(n)], strict=True)
    return list(candidates), np.array(lat), np.array(lon)


def answer(
    asked: tuple[list[Candidates], Positions, Positions], calibration: Calibration
) -> tuple[Positions, Positions, Positions]:
    """Confidence, error and size of every guess."""
    candidates, lat, lon = asked
    peaks = [guess(c, calibration)[0] for c in candidates]
    errors = distance_km(np.array([p.lat_deg for p in peaks]), np.array([p.lon_deg for p in peaks]), lat, lon)
    sure = np.array([confidence(p, calibration) for p in peaks])
    return sure, errors, np.array([scale_km(p, calibration.kernel) for p in peaks])


Fresh = tuple[Calibration, Positions, Positions, Positions]


@pytest.fixture(scope="module", params=[0.02, 0.03])
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """A calibration from 800 left-out photos, and its guesses for 2,500 new ones."""
    made = calibrate(*town(1, 800, request.param), START)
    return made, *answer(town(2, 2500, request.param), made)


@pytest.mark.slow
def test_radii_hold_their_share_of_fresh_truths(fresh: Fresh) -> None:
    made, sure, errors, size = fresh
    answered = sure >= made.answer_confidence
    assert answered.sum() >= 1000
    inside = [float((errors <= factor * size)[answered].mean()) for factor in made.radius_factors]
    assert 0.43 <= inside[0] <= 0.57
    assert 0.85 <= inside[1] <= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("scatter_km", [0.02, 0.03])
def test_confidence_is_the_share_of_right_guesses_where_one_in_five_is_a_stranger(scatter_km: float) -> None:
    made = calibrate(*town(1, 800, scatter_km), START)
    candidates, lat, lon = town(2, 2500, scatter_km)
    sure, errors, _ = answer((candidates, lat, lon), made)
    # Every fourth query is asked again with its place left out: no guess can be right.
    strange = [without(c, lat[i], lon[i], 3 * made.kernel.wide_km) for i, c in enumerate(candidates) if i % 4 == 0]
    sure = np.concatenate([sure, [confidence(guess(c, made)[0], made) for c in strange]])
    right = np.concatenate([errors <= made.right_km, np.zeros(len(strange), np.bool_)])
    assert abs(float(sure.mean() - right.mean())) < 0.05
    for part in np.array_split(np.argsort(sure, kind="stable"), 5):
        assert abs(float(sure[part].mean() - right[part].mean())) < 0.05 + 2 * 0.5 / math.sqrt(len(part))


def without(candidates: Candidates, lat_deg: float, lon_deg: float, radius_km: float) -> Candidates:
    far = distance_km(candidates.lat_deg, candidates.lon_deg, lat_deg, lon_deg) > radius_km
    return Candidates(
        candidates.scores[far], candidates.standing[far], candidates.lat_deg[far], candidates.lon_deg[far]
    )


@pytest.mark.slow
def test_confidence_tells_right_from_wrong(fresh: Fresh) -> None:
    made, sure, errors, _ = fresh
    a, b = sure[errors <= made.right_km], sure[errors > made.right_km]
    assert float((a[:, None] > b).mean()) > 0.85


def test_the_kernel_follows_the_scatter() -> None:
    narrow, wide = (calibrate(*town(3, 200, scatter), START).kernel for scatter in (0.02, 0.2))
    assert wide.wide_km > 4 * narrow.wide_km
    for kernel in (narrow, wide):
        assert kernel.narrow_km / kernel.wide_km == pytest.approx(START.kernel.narrow_km / START.kernel.wide_km)
        assert kernel.share == START.kernel.share


def test_calibration_is_repeatable_and_counts() -> None:
    asked = town(4, 60)
    made = calibrate(*asked, START)
    assert made == calibrate(*asked, START)
    assert made.queries == 60
    assert (made.right_km, made.answer_confidence) == (START.right_km, START.answer_confidence)
    assert 0 < made.radius_factors[0] <= made.radius_factors[1]


def test_without_photos_the_defaults_stay() -> None:
    start = replace(START, right_km=0.3, answer_confidence=0.8)
    assert calibrate([], np.zeros(0), np.zeros(0), start) == start


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_photos_hardly_move_the_defaults(n: int) -> None:
    made = calibrate(*town(5, n), START)
    assert made.queries == n
    assert made.kernel == START.kernel
    assert made.radius_factors == START.radius_factors
    assert math.dist(made.guess_weights, START.guess_weights) < 1.5


@pytest.mark.parametrize(
    ("n", "half", "most"),
    # The ceil((n + 1) q)-th smallest of 1 ... n; the largest where there are too few.
    [(9, 5, 9), (10, 6, 10), (19, 10, 18), (99, 50, 90), (100, 51, 91), (3, 2, 3), (1, 1, 1)],
)
def test_radii_are_the_finite_sample_quantiles(n: int, half: int, most: int) -> None:
    ratios = np.random.default_rng(n).permutation(np.arange(1.0, n + 1))
    assert _conformal(ratios) == (half, most)


def test_guesses_that_are_all_wrong_make_unsure() -> None:
    candidates, lat, lon = town(6, 80)
    made = calibrate(candidates, -lat, lon, START)
    assert np.isfinite([*made.pair_weights, *made.guess_weights, *made.radius_factors]).all()
    sure, _, _ = answer((candidates, lat, lon), made)
    assert (sure < 0.1).all()


def test_guesses_that_are_all_exact_keep_radii_above_zero() -> None:
    lat, lon = np.full(40, 46.0), np.linspace(8, 9, 40)
    exact = [
        Candidates(np.array([80.0]), np.array([5.0]), lat[i : i + 1].copy(), lon[i : i + 1].copy()) for i in range(40)
    ]
    made = calibrate(exact, lat, lon, START)
    assert 0 < made.radius_factors[0] <= made.radius_factors[1]
    assert made.kernel.wide_km > 0
    assert confidence(guess(exact[0], made)[0], made) > 0.9


def test_features_of_pairs() -> None:
    scores, standing = np.array([0.0, 1.0, 99.0, 20.0]), np.array([0.0, 3.0, 100.0, -50.0])
    logs = np.log1p(scores)
    made = pair_features(Candidates(scores, standing, np.zeros(4), np.zeros(4)))
    np.testing.assert_allclose(made, np.stack([logs, logs**2 / 5, np.array([0, 3, 8, -2]) / 3], axis=1))


def test_more_inliers_are_believed_more_by_default() -> None:
    scores = np.arange(0, 120.0)
    zero = np.zeros(120)
    _, beliefs = guess(Candidates(scores, zero, zero, zero), START)
    assert (np.diff(beliefs) > 0).all()
    assert beliefs[0] < 0.05
    assert beliefs[-1] > 0.8


def test_guess_features_and_scale() -> None:
    empty = np.zeros(0)
    peak = Peak(1, 2, 5.0, 3, 4, 1.5, 0.04, np.zeros(0, np.int64), empty, empty, empty)
    # log(e^5 - 1): the odds of 1 - e^-5 are e^5 - 1.
    assert guess_features(peak) == pytest.approx([np.log(np.exp(5.0) - 1), 1.5])
    kernel = Kernel(wide_km=0.09)
    assert scale_km(peak, kernel) == pytest.approx(0.05)
    assert scale_km(replace(peak, spread_km=0.0), kernel) == pytest.approx(0.03)


FINITE = st.floats(-1e6, 1e6)


@given(
    st.tuples(*[FINITE] * 4),
    st.tuples(*[FINITE] * 3),
    st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0, 1)),
    st.integers(0, 10**6),
)
def test_json_gives_the_same_back(
    pair: tuple[float, ...], weights: tuple[float, ...], kernel: tuple[float, float, float], queries: int
) -> None:
    made = replace(START, pair_weights=pair, guess_weights=weights, kernel=Kernel(*kernel), queries=queries)
    assert calibration_from(json.loads(json.dumps(made.to_json()))) == made


def test_what_calibrate_makes_goes_through_json() -> None:
    made = calibrate(*town(7, 30), START)
    assert calibration_from(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": None},
        {"kernel": [0.09, 0.012, 0.3]},
        {"kernel": {"wide_km": 0.1, "colour": 3}},
        {"pair_weights": [1, 2, 3]},
        {"pair_weights": None},
        {"pair_weights": "abcd"},
        {"guess_weights": [1, 2, 3, 4]},
        {"guess_weights": [1, 2, {}]},
        {"radius_factors": [1]},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_hostile_json_is_a_gallery_error(change: dict[str, Any]) -> None:
    with pytest.raises(GalleryError, match="again"):
        calibration_from({**json.loads(json.dumps(START.to_json())), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"right_km": "near"},
        {"right_km": None},
        {"answer_confidence": [0.5]},
        {"queries": "many"},
        {"kernel": {"wide_km": "wide"}},
        {"kernel": {"wide_km": 0.0}},
        {"pair_weights": [1, 2, 3, float("nan")]},
        {"radius_factors": [2.0, 1.0]},
        {"radius_factors": [-1.0, 1.0]},
    ],
    ids=str,
)
def test_values_that_no_calibration_has_are_a_gallery_error(change: dict[str, Any]) -> None:
    """They would otherwise come up as a wrong answer, or as a crash far from here."""
    with pytest.raises(GalleryError):
        calibration_from({**json.loads(json.dumps(START.to_json())), **change})


@pytest.mark.parametrize("key", ["kernel", "pair_weights", "guess_weights", "radius_factors"])
def test_missing_parts_are_a_gallery_error(key: str) -> None:
    value = START.to_json()
    del value[key]
    with pytest.raises(GalleryError, match=key):
        calibration_from(value)


@pytest.mark.parametrize("value", [[1, 2], 7, "calibration", None])
def test_json_that_is_no_object_is_a_gallery_error(value: object) -> None:
    with pytest.raises(GalleryError):
        calibration_from(cast("Mapping[str, object]", value))

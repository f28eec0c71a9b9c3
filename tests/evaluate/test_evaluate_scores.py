"""Numbers of guesses alone: against closed forms and a loop over geopy's great circles."""

from __future__ import annotations

import math
from statistics import fmean, median

import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from periplus.evaluate import PROTOCOLS, geoscore, score_positions
from periplus.geo import EARTH_RADIUS_KM, places_of

WORLD = PROTOCOLS["world"]


def _guesses(n: int, seed: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    truth = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    away = 10 ** rng.uniform(-3, 2, n)
    lat, lon = truth[0] + rng.normal(0, 1, n) * away, truth[1] + rng.normal(0, 1, n) * away
    return (np.clip(lat, -90, 90), (lon + 180) % 360 - 180), truth


def test_geoscore() -> None:
    km = [0, 1492.7, 1492.7 * math.log(2), math.pi * EARTH_RADIUS_KM, math.inf]
    assert geoscore(km) == pytest.approx([5000, 5000 / math.e, 2500, 0.00751, 0], abs=1e-5)


@given(st.floats(0, 20_015), st.floats(0, 20_015))
def test_geoscore_falls(a: float, b: float) -> None:
    near, far = sorted((a, b))
    assert 5000 >= geoscore(near) >= geoscore(far) > 0


def test_against_a_loop() -> None:
    guess, truth = _guesses(400, 1)
    told = score_positions(guess, truth, WORLD)
    pairs = zip(zip(*guess, strict=True), zip(*truth, strict=True), strict=True)
    km = [great_circle(a, b, radius=EARTH_RADIUS_KM).km for a, b in pairs]
    np.testing.assert_allclose(told.distance_km, km, rtol=1e-7)
    found = told.values
    for threshold in (1, 25, 200, 750, 2500):
        assert found[f"within_km/{threshold}"] == sum(d <= threshold for d in km) / 400
    assert found["geoscore"] == pytest.approx(fmean(5000 * math.exp(-d / 1492.7) for d in km), rel=1e-9)
    assert found["geoscore_rounded"] == fmean(round(5000 * math.exp(-d / 1492.7)) for d in km)
    assert found["mean_km"] == pytest.approx(fmean(km), rel=1e-9)
    assert found["median_km"] == pytest.approx(median(km), rel=1e-7)
    ours, theirs = places_of(*guess), places_of(*truth)
    assert found["place_accuracy/country"] == fmean(
        a.country_code == b.country_code for a, b in zip(ours, theirs, strict=True)
    )
    named = [(a, b) for a, b in zip(ours, theirs, strict=True) if b.region]
    assert found["place_accuracy/region"] == fmean(
        (a.country_code, a.region) == (b.country_code, b.region) for a, b in named
    )
    assert list(found)[-4:] == [f"place_accuracy/{kind}" for kind in WORLD.places]


def test_no_guess_is_worth_nothing() -> None:
    lat = [48.85, math.nan, 91.0]
    told = score_positions((lat, [2.35, 2.35, 2.35]), ([48.85] * 3, [2.35] * 3), WORLD)
    assert told.distance_km.tolist() == [0, math.inf, math.inf]
    found = told.values
    assert found["geoscore"] == pytest.approx(5000 / 3)
    assert (found["mean_km"], found["median_km"]) == (math.inf, math.inf)
    assert found["place_accuracy/country"] == found["place_accuracy/city"] == pytest.approx(1 / 3)


def test_each_protocol_has_its_own() -> None:
    guess, truth = _guesses(5, 2)
    osv = list(score_positions(guess, truth, PROTOCOLS["osv5m"]).values)
    assert osv[4:] == [
        "geoscore",
        "mean_km",
        "median_km",
        *(f"place_accuracy/{p}" for p in ("country", "region", "city")),
    ]
    plain = score_positions(guess, truth, PROTOCOLS["im2gps"])
    assert list(plain.values) == [*(f"within_km/{t}" for t in (1, 25, 200, 750, 2500)), "median_km"]
    assert plain.true_places is None

"""Which lags are taken, and what is refused before long work."""

from __future__ import annotations

import numpy as np
import pytest
from forger_spatial import forge_vectors
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import distance_km, from_unit
from periplus.pipeline.spatial import LagChoice
from periplus.pipeline.spatial.lag_choice import SHORTEST_SHARE, largest_distance_km
from periplus.spatial import HALF_GIRTH_KM, Observations

LAT, LON, VECTORS = forge_vectors(60)
SEEN = Observations(LAT, LON, VECTORS)


def _largest(lat: np.ndarray, lon: np.ndarray) -> float:
    return float(distance_km(lat[:, None], lon[:, None], lat, lon).max())


def test_lags_end_at_half_of_the_largest_distance() -> None:
    half = largest_distance_km(LAT, LON) / 2
    log = LagChoice(number=12).of(SEEN)
    np.testing.assert_allclose(log.edges_km, [0, *np.geomspace(SHORTEST_SHARE * half, half, 12)], rtol=1e-12)
    linear = LagChoice("linear", 5).of(SEEN)
    np.testing.assert_allclose(linear.edges_km, np.linspace(0, half, 6), rtol=1e-12)
    even = LagChoice("equal-count", 7).of(SEEN)
    apart = distance_km(LAT[:, None], LON[:, None], LAT, LON)[np.triu_indices(60, 1)]
    counts = np.bincount(even.assign(apart), minlength=8)[:7]
    assert np.ptp(counts) <= 1
    assert counts.sum() == (apart < half).sum()


def test_lags_as_asked() -> None:
    assert LagChoice("linear", 4, max_km=100).of(SEEN).edges_km.tolist() == [0, 25, 50, 75, 100]
    np.testing.assert_allclose(LagChoice("log", 3, 1000, 10).of(SEEN).edges_km, [0, 10, 100, 1000])
    assert LagChoice(edges_km=(0, 3, 10)).of(SEEN).edges_km.tolist() == [0, 3, 10]
    assert LagChoice("linear", 2, HALF_GIRTH_KM).of(SEEN).edges_km[-1] == HALF_GIRTH_KM
    assert LagChoice("linear", 1, 5).of(SEEN).edges_km.tolist() == [0, 5]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"edges_km": (0, 5), "max_km": 9.0}, "leave the longest and the shortest distance out"),
        ({"edges_km": (0, 5), "min_km": 9.0}, "leave the longest and the shortest distance out"),
        ({"edges_km": (5,)}, "make no lags"),
        ({"edges_km": (5, 2)}, "must increase"),
        ({"edges_km": (0, float("nan"))}, "not finite"),
        ({"edges_km": (0, 20015.2)}, "leave the Earth"),
        ({"edges_km": (-1, 5)}, "leave the Earth"),
        ({"spacing": "linear", "min_km": 1.0}, "--spacing log"),
        ({"spacing": "linear", "number": 0}, "0 lags"),
        ({"number": 1}, "two or more"),
        ({"min_km": 5.0, "max_km": 5.0}, "from 5 to 5 km"),
        ({"min_km": 0.0}, "from 0 to"),
        ({"min_km": 30_000.0}, "from 30000 to"),
        ({"max_km": float("nan")}, "not on Earth"),
        ({"spacing": "equal-count", "max_km": 0.0}, "not on Earth"),
        ({"spacing": "linear", "max_km": float("inf")}, "not on Earth"),
        ({"max_km": 20_016.0}, "not on Earth"),
    ],
)
def test_what_no_places_could_have_is_refused_at_once(asked: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LagChoice(**asked)  # type: ignore[arg-type]


def test_one_place_has_no_distance() -> None:
    here = Observations(np.full(5, 48.0), np.full(5, 11.0), np.arange(5.0))
    with pytest.raises(UsageError, match="All photos stand at one place"):
        LagChoice().of(here)
    assert len(LagChoice(max_km=10).of(here)) == 40


@given(st.integers(0, 1000), st.integers(2, 40))
def test_the_largest_distance_is_found_to_a_factor_of_two(seed: int, n: int) -> None:
    xyz = np.random.default_rng(seed).normal((0, 0, seed % 4), 1, (n, 3))
    lat, lon = from_unit(xyz / np.linalg.norm(xyz, axis=1)[:, None])
    found, true = largest_distance_km(lat, lon), _largest(lat, lon)
    assert true / 2 - 1e-6 <= found <= true + 1e-6


def test_poles_antipodes_and_the_date_line() -> None:
    assert largest_distance_km(np.array([90.0, -90.0]), np.zeros(2)) == pytest.approx(HALF_GIRTH_KM)
    line = largest_distance_km(np.zeros(2), np.array([179.5, -179.5]))
    assert line == pytest.approx(HALF_GIRTH_KM / 180)

"""One position from a belief."""

from __future__ import annotations

import math

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.geo import EARTH_RADIUS_KM, cell_of, chord_from_km, destination, distance_km, mean_position
from periplus.position import GUESSES, Bell, Gain, ScoreGain, WorldRows, best_place, best_row, best_score, mode
from periplus.position.guess import SCORE_KM, cell_vote
from periplus.records import Density


def points(places: list[tuple[float, float]], weights: list[float], sigma: float = 1e-3) -> Density:
    lat, lon = np.array(places).T
    share = np.array(weights) / np.sum(weights)
    return Density(lat, lon, share, np.full(len(share), sigma))


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(0, 999), st.sampled_from([Bell(400.0), Bell(2500.0), ScoreGain()]))
def test_no_centre_earns_more(n: int, seed: int, gain: Gain) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = destination(rng.uniform(-90, 90), 179.0, rng.uniform(0, 360, n), rng.gamma(2.0, 700, n))
    density = points(list(zip(lat, lon, strict=True)), rng.gamma(0.5, size=n).tolist())

    def earns(d: float) -> float:
        if not isinstance(gain, Bell):
            return math.exp(-d / SCORE_KM)
        return math.exp(-((float(chord_from_km(d)) * EARTH_RADIUS_KM / gain.radius_km) ** 2) / 2)

    found = slow.expected(best_place(density, gain), density, earns)
    best = max(slow.expected((float(a), float(b)), density, earns) for a, b in zip(lat, lon, strict=True))
    assert found >= best * (1 - 1e-4)


def test_the_row_the_crowd_and_the_middle() -> None:
    # One heavy row alone; three rows together that outweigh it; far ones on the other side.
    places = [(10.0, 50.0), (40.0, 0.0), (40.5, 0.5), (39.5, 0.5), (40.0, 20.0), (45.0, 20.0)]
    density = points(places, [0.3, 0.2, 0.15, 0.15, 0.1, 0.1])
    assert best_place(density, Bell(1.0)) == places[0]
    crowd = best_place(density, Bell(100.0))
    assert float(distance_km(*crowd, 40.0, 0.3)) < 20
    assert float(distance_km(*best_place(density, ScoreGain()), 40.0, 0.3)) < 60


def test_a_bell_over_a_kernel_is_their_convolution() -> None:
    rng = np.random.default_rng(0)
    east, north = 300 + rng.normal(0, 200, 400000), rng.normal(0, 200, 400000)
    exact = np.exp(-(east**2 + north**2) / (2 * 150.0**2)).mean()
    assert Bell(150.0)(np.array([300.0]), np.array([200.0]))[0] == pytest.approx(exact, rel=0.02)


def test_the_mean_lies_between_two_across_the_date_line_and_over_the_pole() -> None:
    lat, lon = best_place(points([(0, 179.5), (0, -179.5)], [1, 1.0001]), Bell(200.0))
    assert lat == pytest.approx(0, abs=1e-6)
    assert abs(lon) > 179.9
    assert best_place(points([(89.5, 0), (89.5, 180 - 1e-9)], [1, 1.0001]), Bell(200.0))[0] > 89.9


def test_guesses_from_rows() -> None:
    rows = slow.spiral(3000)
    p = np.exp(-((rows.distance_km(30, 60) / 800) ** 2)).astype(np.float32)
    p[17] = 1.1 * p.max()
    p /= p.sum()
    assert best_row(p, rows) == (rows.lat_deg[17], rows.lon_deg[17])
    assert float(distance_km(*mode(p, rows, 500), 30, 60)) < 60
    assert float(distance_km(*best_score(p, rows), 30, 60)) < 60
    assert {name: guess(p, rows, 500.0) for name, guess in GUESSES.items()} == {
        "mode": mode(p, rows, 500.0), "row": best_row(p, rows), "score": best_score(p, rows),
        "cell": cell_vote(p, rows, 500.0),
    }  # fmt: skip


def test_the_order_of_rows_and_copies_of_rows_do_not_matter() -> None:
    rows = slow.spiral(300)
    p = np.random.default_rng(2).gamma(0.2, size=300)
    p /= p.sum()
    order = np.random.default_rng(3).permutation(300)
    split = np.concatenate([p, p[order[:40]] / 2])
    split[order[:40]] /= 2
    for guess in (lambda p, r: mode(p, r, 800.0), best_score):
        at = guess(p, rows)
        assert float(distance_km(*at, *guess(p[order], slow.permuted(rows, order)))) < 1e-3
        assert float(distance_km(*at, *guess(split, slow.doubled(rows, order[:40])))) < 1e-3


def test_one_centre_is_the_guess_and_none_is_no_guess() -> None:
    assert best_place(points([(-90.0, 12.0)], [1]), ScoreGain()) == (-90.0, 12.0)
    with pytest.raises(UsageError, match="without kernels"):
        best_place(Density(*(np.zeros(0) for _ in range(4))), ScoreGain())


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(0, 999))
def test_the_cell_with_most_votes_wins(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = destination(rng.uniform(-80, 80), 179.5, rng.uniform(0, 360, n), rng.gamma(2.0, 300, n))
    rows = WorldRows(lat, lon, np.full(n, 1 / n), rng.uniform(1, 2, n))
    p = rng.dirichlet(np.ones(n))
    votes: dict[int, list[int]] = {}
    for row, cell in enumerate(cell_of(lat, lon, 400.0).tolist()):
        votes.setdefault(cell, []).append(row)
    winners = max(votes.values(), key=lambda some: sum(p[some]))
    assert GUESSES["cell"](p, rows, 200.0) == pytest.approx(mean_position(lat[winners], lon[winners], p[winners]))

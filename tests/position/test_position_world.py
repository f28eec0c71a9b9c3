"""Rows of the world and the belief that scores give them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import EmptyInputError, RecordError, UsageError
from periplus.geo import distance_km
from periplus.position import WorldBelief, WorldRows, belief_of, posterior, sharpness

ROWS = slow.spiral(50)


def scores(n: int, seed: int = 0, q: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(q, n)).astype(np.float32)


@given(st.integers(0, 99), st.floats(0.1, 100), st.floats(0.05, 20))
def test_posterior_is_the_formula(seed: int, scale: float, temperature: float) -> None:
    given_scores = np.float32(0.2) * scores(50, seed, 3)
    found = posterior(given_scores, scale, ROWS, temperature)
    assert found.dtype == np.float32
    for row, expected in zip(found, given_scores, strict=True):
        exact = slow.posterior(expected.tolist(), scale, ROWS.prior.tolist(), temperature)
        assert row == pytest.approx(np.array(exact), rel=5e-4, abs=1e-7)


def test_the_limits_of_temperature() -> None:
    one = scores(50)
    cold, hot = posterior(one, 1.0, ROWS, 1e-6)[0], posterior(one, 1.0, ROWS, 1e6)[0]
    assert cold.max() == 1
    assert cold.argmax() == one.argmax()
    assert hot == pytest.approx(ROWS.prior, rel=1e-4)


def test_huge_scores_do_not_overflow_and_scores_are_left_alone() -> None:
    one = np.float32(1e30) * scores(50)
    before = one.copy()
    assert np.isfinite(posterior(one, 1.0, ROWS)).all()
    assert (one == before).all()


def test_excluded_rows_have_no_belief() -> None:
    one = scores(50, q=2)
    one[0, 7] = one[1, :49] = -np.inf
    p = posterior(one, 5.0, ROWS)
    assert p[0, 7] == 0
    assert p[0].sum() == pytest.approx(1, abs=1e-6)
    assert p[1].tolist() == [0.0] * 49 + [1.0]


def test_a_merged_row_is_believed_as_its_copies_together() -> None:
    which = np.array([3, 17])
    one = scores(50)
    split = posterior(np.concatenate([one, one[:, which]], axis=1), 9.0, slow.doubled(ROWS, which))[0]
    whole = posterior(one, 9.0, ROWS)[0]
    split[which] += split[50:]
    assert split[:50] == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.zeros((1, 49), np.float32), UsageError),
        (np.zeros(50, np.float32), UsageError),
        (np.full((1, 50), np.nan, np.float32), UsageError),
        (np.full((1, 50), np.inf, np.float32), UsageError),
        (np.full((1, 50), -np.inf, np.float32), EmptyInputError),
    ],
)
def test_hostile_scores(bad: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        posterior(bad, 1.0, ROWS)


@pytest.mark.parametrize(("scale", "temperature"), [(0, 1), (-1, 1), (1, 0), (np.inf, 1), (1, np.nan), (1, np.inf)])
def test_impossible_scales(scale: float, temperature: float) -> None:
    with pytest.raises(UsageError, match="positive"):
        sharpness(scale, temperature)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: (r.lat_deg[:-1], r.lon_deg, r.prior, r.area_km2), "must all be"),
        (lambda r: (r.lat_deg[:0], r.lon_deg[:0], r.prior[:0], r.area_km2[:0]), "at least 1"),
        (lambda r: (r.lat_deg + 90, r.lon_deg, r.prior, r.area_km2), "Row"),
        (lambda r: (r.lat_deg, r.lon_deg + 180, r.prior, r.area_km2), "Row"),
        (lambda r: (r.lat_deg, r.lon_deg * np.nan, r.prior, r.area_km2), "Row 0"),
        (lambda r: (r.lat_deg, r.lon_deg, r.prior * 2, r.area_km2), "sums to"),
        (lambda r: (r.lat_deg, r.lon_deg, r.prior, r.area_km2 * 0), "Row 0"),
        (lambda r: (r.lat_deg, r.lon_deg, r.prior, r.area_km2 * np.inf), "Row 0"),
    ],
)
def test_impossible_rows(change: Callable[[WorldRows], tuple[np.ndarray, ...]], told: str) -> None:
    with pytest.raises(RecordError, match=told):
        WorldRows(*change(ROWS))


def test_distances_and_nearest_rows() -> None:
    for place in [(89.9, 10.0), (-90.0, 0.0), (1.0, -180.0), (40.0, 179.99)]:
        away = distance_km(*place, ROWS.lat_deg, ROWS.lon_deg)
        assert ROWS.distance_km(*place) == pytest.approx(away, abs=1e-3)
        assert ROWS.nearest(*place)[0] == away.argmin()


def test_places_are_found_once_whatever_their_longitude_is_called() -> None:
    rows = WorldRows(np.array([90.0, 5, 90, 5, 0]), np.array([10.0, 6, -70, 6, 0]), np.full(5, 0.2), np.arange(1.0, 6))
    assert ROWS.place is None
    assert rows.place is not None
    assert rows.place[0] == rows.place[2] != rows.place[1] == rows.place[3] != rows.place[4]
    assert rows.cell_km2.tolist() == [4, 6, 4, 6, 5]
    p = np.array([0.1, 0.2, 0.3, 0.1, 0.3])
    assert rows.pooled(p) == pytest.approx(np.array([0.4, 0.3, 0.4, 0.3, 0.3]))
    assert rows.density(np.stack([p, p]))[1] == pytest.approx(np.array([0.1, 0.05, 0.1, 0.05, 0.06]))


def test_cells_are_numbered_from_0_and_kept() -> None:
    codes, count = ROWS.cells(3000.0)
    assert sorted(set(codes.tolist())) == list(range(count))
    assert ROWS.cells(3000.0)[0] is codes


def test_a_belief_needs_a_gallery_row_for_each_row() -> None:
    p = np.full(50, 0.02)
    assert belief_of(p, ROWS).gallery_row.tolist() == list(range(50))
    with pytest.raises(RecordError, match="need 50 rows"):
        WorldBelief(p[:-1], ROWS, np.arange(50))

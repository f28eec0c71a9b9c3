"""Candidates hold every pair of a lag, once, and their numbers name them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.geo import to_unit
from periplus.spatial.variograms.pair_cells import Candidates, all_candidates, near_candidates


def _places(seed: int, n: int, spread_deg: float) -> np.ndarray:
    """Towns with photos that share a place, some of them at the poles, the date line and each other's antipodes."""
    rng = np.random.default_rng(seed)
    lat = np.concatenate([[90.0, -90.0, 0.0, 0.0, 45.0], rng.uniform(-80, 80, 3)])
    lon = np.concatenate([[0.0, 10.0, -180.0, 0.0, 179.99], rng.uniform(-180, 180, 3)])
    town = rng.integers(0, len(lat), n)
    lat = np.clip(lat[town] + spread_deg * rng.standard_normal(n), -90, 90)
    lon = lon[town] + spread_deg * rng.standard_normal(n)
    lat[: n // 4], lon[: n // 4] = lat[0], lon[0]
    return to_unit(lat, lon)


def _all_of(pool: Candidates) -> list[tuple[int, int]]:
    first, second = pool.rows(np.arange(pool.total))
    return list(zip(first.tolist(), second.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 60),
    spread_deg=st.sampled_from([0.0, 0.01, 3.0]),
    ends=st.tuples(st.floats(0, 2), st.floats(1e-7, 2)).map(sorted).filter(lambda ends: ends[0] < ends[1]),
    reach=st.sampled_from([1, 2, 3, 8]),
    mirrored=st.booleans(),
)
def test_every_pair_of_the_range_is_there_once(
    seed: int, n: int, spread_deg: float, ends: list[float], reach: int, mirrored: bool
) -> None:
    xyz = _places(seed, n, spread_deg)
    pool = near_candidates(xyz, ends[0], ends[1], reach, mirrored)
    assert pool is not None
    found = _all_of(pool)
    assert len(found) == pool.total == len(set(found))
    unordered = [(min(pair), max(pair)) for pair in found if pair[0] != pair[1] or not mirrored]
    assert len(set(unordered)) * (2 if mirrored else 1) == len(unordered)
    sign = -1 if mirrored else 1
    first, second = np.triu_indices(n, 1)
    chord = np.linalg.norm(xyz[first] - sign * xyz[second], axis=1)
    within = (chord >= ends[0]) & (chord <= ends[1])
    assert set(zip(first[within].tolist(), second[within].tolist(), strict=True)) <= set(unordered)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 10, 11])
def test_all_candidates(n: int) -> None:
    pool = all_candidates(n)
    pairs = {(min(pair), max(pair)) for pair in _all_of(pool)}
    assert pool.total == n * (n - 1) // 2 == len(pairs)
    assert all(i < j for i, j in pairs)


def test_numbers_of_many_millions_of_places() -> None:
    n = 10_000_001
    pool = all_candidates(n)
    first, second = pool.rows(np.array([0, n - 1, n, pool.total - 1]))
    assert pool.total == n * (n - 1) // 2
    assert first.tolist() == [0, n - 1, 0, n - 1]
    assert second.tolist() == [1, 0, 2, n // 2 - 1]


def test_finer_grids_fit_closer_and_stop_in_time() -> None:
    xyz = to_unit(*np.random.default_rng(0).uniform(-60, 60, (2, 3000)))
    totals = []
    for reach in (1, 3, 8):
        pool = near_candidates(xyz, 0.09, 0.1, reach)
        assert pool is not None
        totals.append(pool.total)
    assert totals[0] > 1.5 * totals[1] > 2 * totals[2]
    assert near_candidates(xyz, 0.09, 0.1, 8, most_lookups=100) is None


def test_a_cell_that_the_range_leaves_out_is_left_out() -> None:
    # 1000 photos at one place, one 100 km away: the range begins at 50 km.
    xyz = to_unit([10.0] * 1000 + [10.9], [20.0] * 1001)
    pool = near_candidates(xyz, 50 / 6371, 110 / 6371, 8)
    assert pool is not None
    assert pool.total == 1000

"""Lags: edges, assignment, and the table that assigns many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import distance_km
from periplus.spatial.pairs.classes import ArcClasses
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags, equal_count_lags, given_lags, linear_lags, log_lags
from periplus.spatial.pairs.workspace import Workspace


def test_edges() -> None:
    assert linear_lags(100, 4).edges_km.tolist() == [0, 25, 50, 75, 100]
    np.testing.assert_allclose(log_lags(1, 1000, 4).edges_km, [0, 1, 10, 100, 1000])
    assert given_lags([3, 5]).kind == "given"
    assert len(linear_lags(HALF_GIRTH_KM, 3142)) == 3142


def test_a_lag_holds_its_lower_end_and_the_last_the_antipode() -> None:
    lags = given_lags([10, 20, 40])
    assert lags.assign([9.99, 10, 19.99, 20, 39.99, 40, 50]).tolist() == [-1, 0, 0, 1, 1, 2, 2]
    assert linear_lags(HALF_GIRTH_KM, 2).assign([0, HALF_GIRTH_KM, HALF_GIRTH_KM + 1e-9]).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "edges",
    [[1.0], [2.0, 1.0], [0.0, 1.0, 1.0], [-1.0, 1.0], [0.0, np.nan], [0.0, 20100.0], [0.0, np.inf], [[0.0, 1.0]]],
)
def test_edges_that_are_none(edges: list[float]) -> None:
    with pytest.raises(UsageError):
        given_lags(edges)


def test_orders_that_cannot_be() -> None:
    for max_km, number in ((0.0, 3), (np.nan, 3), (30000.0, 3), (100.0, 0), (100.0, 1_000_000)):
        with pytest.raises(UsageError):
            linear_lags(max_km, number)
    for low in (0.0, 100.0, np.nan):
        with pytest.raises(UsageError, match="logarithmic"):
            log_lags(low, 100, 5)


def test_equal_counts() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-60, 60, 300), rng.uniform(-180, 180, 300)
    lags = equal_count_lags(lat, lon, 5000, 10)
    first, second = np.triu_indices(300, 1)
    counts = np.bincount(lags.assign(distance_km(lat[first], lon[first], lat[second], lon[second])), minlength=11)[:10]
    assert np.ptp(counts) <= 2
    with pytest.raises(EmptyInputError):
        equal_count_lags(np.array([0.0, 50.0]), np.zeros(2), 100, 3)


def test_equal_counts_of_a_sample_are_fixed_by_the_seed() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-60, 60, 2100), rng.uniform(-180, 180, 2100)
    one, two = (equal_count_lags(lat, lon, 5000, 10, seed=3).edges_km for _ in range(2))
    assert one.tolist() == two.tolist()
    assert equal_count_lags(lat, lon, 5000, 10, seed=4).edges_km.tolist() != one.tolist()
    assert len(equal_count_lags(np.zeros(9), np.zeros(9), 100, 5)) == 1


@example([1e-9, 1.0000000000000003e-9], False, 0)
@given(st.lists(st.floats(1e-9, 3.5), min_size=2, max_size=40, unique=True), st.booleans(), st.integers(0, 2**32))
def test_the_table_is_a_search(edges: list[float], from_zero: bool, seed: int) -> None:
    ends = np.array([*([0.0] if from_zero else []), *sorted(edges)])
    rng = np.random.default_rng(seed)
    near = np.concatenate([ends, np.nextafter(ends, 0), np.nextafter(ends, 9), [0.0, np.pi]])
    arc = np.concatenate([near, rng.uniform(0, np.pi, 50), np.exp(rng.uniform(-25, 1, 50))])
    classes = ArcClasses(ends)
    lag = np.empty(len(arc), np.intp)
    classes.of(arc, lag, Workspace())
    m = len(ends) - 1
    wanted = np.digitize(arc, ends) - 1
    assert lag.tolist() == np.where(wanted < 0, m, wanted).tolist()


def test_arcs_follow_edges() -> None:
    lags = Lags(np.array([0.0, 100.0, HALF_GIRTH_KM]))
    assert lags.arcs[-1] == np.inf
    assert lags.edges_km[-1] == HALF_GIRTH_KM

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import EARTH_RADIUS_KM, Neighbours, distance_km

# Poles, the date line and repeated points come up often.
POINTS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from([-90.0, 90.0, 0.0, 37.79]), st.floats(-90, 90)),
        st.one_of(st.sampled_from([-180.0, 179.9999, 0.0]), st.floats(-180, 180, exclude_max=True)),
    ),
    min_size=1,
    max_size=12,
)
RADII = st.one_of(st.sampled_from([0.0, 0.05, 25.0, 20016.0]), st.floats(0, 20100))


def _columns(points: list[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    array = np.asarray(points, np.float64)
    return array[:, 0], array[:, 1]


@given(POINTS, POINTS, RADII)
def test_within_agrees_with_its_slow_twin(
    gallery: list[tuple[float, float]], queries: list[tuple[float, float]], radius: float
) -> None:
    found = Neighbours(*_columns(gallery)).within_km(*_columns(queries), radius)
    assert len(found) == len(queries)
    for rows, query in zip(found, queries, strict=True):
        slow = [i for i, place in enumerate(gallery) if distance_km(*query, *place) <= radius]
        assert rows.dtype == np.int64
        assert rows.tolist() == slow


@given(POINTS, POINTS, st.integers(1, 14))
def test_nearest_agrees_with_its_slow_twin(
    gallery: list[tuple[float, float]], queries: list[tuple[float, float]], k: int
) -> None:
    rows, km = Neighbours(*_columns(gallery)).nearest(*_columns(queries), k)
    assert rows.shape == km.shape == (len(queries), min(k, len(gallery)))
    for q, query in enumerate(queries):
        every = distance_km(*query, *_columns(gallery))
        assert len(set(rows[q].tolist())) == rows.shape[1]
        assert km[q] == pytest.approx(every[rows[q]], abs=1e-12)
        # Chords tell near-antipodes apart to 0.1 m only.
        assert km[q] == pytest.approx(np.sort(every)[: rows.shape[1]], abs=5e-4)
        assert (np.diff(km[q]) >= 0).all()


@given(POINTS, RADII)
def test_pairs_agree_with_their_slow_twin(points: list[tuple[float, float]], radius: float) -> None:
    pairs = Neighbours(*_columns(points)).pairs_within_km(radius)
    slow = [
        [i, j]
        for i in range(len(points))
        for j in range(i + 1, len(points))
        if distance_km(*points[i], *points[j]) <= radius
    ]
    assert pairs.shape == (len(slow), 2)
    assert pairs.tolist() == slow


def test_across_the_date_line_and_the_pole() -> None:
    neighbours = Neighbours([0, 0, 89.9, 89.9], [179.99, -179.99, 0, 180 - 360])
    assert [r.tolist() for r in neighbours.within_km([0, 90], [180, 77], 12)] == [[0, 1], [2, 3]]
    assert neighbours.pairs_within_km(23).tolist() == [[0, 1], [2, 3]]


def test_rows_without_position_keep_their_number_and_are_never_found() -> None:
    neighbours = Neighbours([np.nan, 10, np.nan, 10], [np.nan, 20, 3, 20.001])
    assert len(neighbours) == 4
    assert neighbours.within_km(10, 20, 1)[0].tolist() == [1, 3]
    assert neighbours.nearest(10, 20, 5)[0].tolist() == [[1, 3]]
    assert neighbours.pairs_within_km(1).tolist() == [[1, 3]]


def test_nobody_there() -> None:
    nobody = Neighbours([], [])
    assert nobody.within_km(0, 0, 1e5)[0].tolist() == []
    assert nobody.pairs_within_km(1).shape == (0, 2)
    with pytest.raises(EmptyInputError, match="none of the rows has a position"):
        nobody.nearest(0, 0)


def test_everything_within_half_the_way_round() -> None:
    neighbours = Neighbours([0, 0, 90], [0, -180, 0])
    assert neighbours.within_km(0, 0, np.pi * EARTH_RADIUS_KM + 1)[0].tolist() == [0, 1, 2]


def test_wrong_questions_are_refused() -> None:
    neighbours = Neighbours([0], [0])
    with pytest.raises(UsageError, match="radius of -1"):
        neighbours.within_km(0, 0, -1)
    with pytest.raises(UsageError, match="radius of nan"):
        neighbours.pairs_within_km(float("nan"))
    with pytest.raises(UsageError, match="Place 1 has no position"):
        neighbours.within_km([0, np.nan], [0, 0], 1)
    with pytest.raises(UsageError, match="at least one neighbour"):
        neighbours.nearest(0, 0, 0)
    with pytest.raises(UsageError, match=r"must both be \(n,\)"):
        Neighbours([0, 1], [0])

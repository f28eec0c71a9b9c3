from __future__ import annotations

import numpy as np
import pytest

from periplus.curate.census import (
    count_capture,
    count_duplicates,
    count_landmarks,
    count_places,
    ranked,
)

NAN = float("nan")


def test_landmarks() -> None:
    found = count_landmarks(["a"] * 6 + ["b"] * 3 + ["c", None, ""])
    assert found.counts == {"a": 6, "b": 3, "c": 1}
    assert (found.unlabelled, found.half, found.singletons) == (2, 1, 1)
    # Mean absolute difference over twice the mean: (2*3 + 2*5 + 2*2) / 9 / (2 * 10/3).
    assert found.gini == pytest.approx(20 / 9 / (20 / 3))
    assert count_landmarks(["a", "b"] * 3).gini == pytest.approx(0, abs=1e-12)
    assert count_landmarks(["a", "a", "b", "c"]).half == 1
    assert count_landmarks([None]).counts == {}


def test_equal_counts_are_in_the_order_of_their_names() -> None:
    assert list(ranked(["c", "a", "b", "b"]).items()) == [("b", 2), ("a", 1), ("c", 1)]


def test_capture() -> None:
    times = ["2019-07-04T12:30:00", "2020-01-02T07:00:00+01:00", "2020-01-02", "nonsense", None]
    found = count_capture(times, np.asarray([-10.0, 50.0, NAN, 1.0, 1.0]))
    assert (found.dated, found.undated, found.with_offset) == (3, 2, 1)
    assert found.parts_of_day == {"morning": 1, "noon": 1, "afternoon": 0, "night": 0, "unknown": 1}
    assert found.seasons == {"winter": 2, "spring": 0, "summer": 0, "autumn": 0, "unknown": 1}
    assert found.years == {"2019": 1, "2020": 2}
    assert (found.hours[12], found.hours[7], sum(found.hours)) == (1, 1, 2)


def test_places() -> None:
    lat = np.asarray([48.8584, 48.8584, -33.8568, NAN])
    lon = np.asarray([2.2945, 2.2945, 151.2153, NAN])
    found = count_places(lat, lon, np.asarray([False, False, True, True]))
    assert (found.placed, found.from_file) == (3, 1)
    assert found.countries == {"France": 2, "Australia": 1}
    assert count_places(lat[3:], lon[3:], np.asarray([False])).countries == {}


def test_duplicates() -> None:
    found = count_duplicates(
        np.asarray([0, 1, 0, 2, 1, 0, 3]),
        np.asarray([False, False, True, False, False, False, False]),
        np.asarray([10, 5, 10, 5, 9, 20, 1]),
        ["x", "x", "x", "z", "y", None, "z"],
        ["train", "train", "test", "train", None, "train", "index"],
    )
    assert found.groups == ((5, 0, 2), (4, 1))  # the largest picture first, of equal ones the first row
    assert (found.exact, found.near) == (1, 3)
    assert (found.conflicts, found.landmark_pairs) == (2, {"x | y": 1})
    assert (found.across, found.split_pairs) == (3, {"test | train": 1})

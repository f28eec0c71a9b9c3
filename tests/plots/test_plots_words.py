from __future__ import annotations

import pytest

from periplus.plots.words import answer_words, distance_words, percent_words, position_words
from periplus.records import Fix

NAN = float("nan")


@pytest.mark.parametrize(
    ("km", "words"),
    [
        (0, "under 1 m"),
        (0.0301, "30 m"),
        (0.0996, "100 m"),
        (0.999, "1.0 km"),
        (1.234, "1.2 km"),
        (9.96, "10 km"),
        (344, "340 km"),
        (12345, "12,000 km"),
        (NAN, "an unknown distance"),
        (float("inf"), "an unknown distance"),
    ],
)
def test_distances(km: float, words: str) -> None:
    assert distance_words(km) == words


@pytest.mark.parametrize(
    ("lat", "lon", "radius", "words"),
    [
        (37.7921, -122.40012, 0.09, "37.79210° N 122.40012° W"),
        (-0.5, 179.99999, 0, "0.50000° S 179.99999° E"),
        (48.137, 11.575, 100, "48.14° N 11.57° E"),
        (48.137, 11.575, 3000, "48.1° N 11.6° E"),
        (48.137, 11.575, NAN, "48.13700° N 11.57500° E"),
    ],
)
def test_positions_claim_no_more_than_their_radius(lat: float, lon: float, radius: float, words: str) -> None:
    assert position_words(lat, lon, radius) == words


@pytest.mark.parametrize(("p", "words"), [(0.93, "93 %"), (1, "over 99 %"), (0, "under 1 %"), (0.994, "99 %")])
def test_nothing_is_certain(p: float, words: str) -> None:
    assert percent_words(p) == words


def test_answers() -> None:
    fix = Fix(37.7921, -122.40012, 0.03, 0.09, 0.93, 0.1, None, place="San Francisco, California, United States")
    assert answer_words(fix) == (
        "Camera position: 37.79210° N 122.40012° W, near San Francisco, California, United States, "
        "within 30 m (50 %) / 90 m (90 %), confidence 93 %."
    )
    unsure = Fix(37.7921, -122.40012, NAN, NAN, 0.2, 0.1, "too few matches.")
    assert answer_words(unsure) == (
        "No answer: too few matches (best guess 37.79210° N 122.40012° W, confidence 20 %)."
    )
    assert answer_words(Fix(NAN, NAN, NAN, NAN, 0, 0.1, "no features")) == "No answer: no features."

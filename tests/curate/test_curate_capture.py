from __future__ import annotations

import pytest

from periplus.curate.capture import Moment, moment_of, part_of_day, season_of


def test_parts_of_the_day() -> None:
    words = "nnnnnnmmmmmooo" + "aaaaa" + "nnnnn"
    names = {"n": "night", "m": "morning", "o": "noon", "a": "afternoon"}
    assert [part_of_day(hour) for hour in range(24)] == [names[letter] for letter in words]


def test_seasons_turn_with_the_hemisphere() -> None:
    north = [season_of(month, 48.0) for month in range(1, 13)]
    assert north == ["winter"] * 2 + ["spring"] * 3 + ["summer"] * 3 + ["autumn"] * 3 + ["winter"]
    south = [season_of(month, -33.9) for month in range(1, 13)]
    assert south == north[6:] + north[:6]
    assert season_of(7, 0.0) == "summer"
    assert season_of(7, None) is season_of(7, float("nan")) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-07-04T12:30:00", Moment(2019, 7, 12, False)),
        ("2019-07-04T23:59:59+02:00", Moment(2019, 7, 23, True)),
        ("2019-07-04 05:00", Moment(2019, 7, 5, False)),
        ("2019-07-04T05:00:00Z", Moment(2019, 7, 5, True)),
        ("2019-07-04", Moment(2019, 7, None, False)),
        ("0000:00:00 00:00:00", None),
        ("2019-13-04T00:00:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_moments(text: str | None, moment: Moment | None) -> None:
    assert moment_of(text) == moment

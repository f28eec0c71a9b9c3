"""When a photo was taken, as people say it: part of the day, season."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

PARTS_OF_DAY: Final = ("morning", "noon", "afternoon", "night")
"""From 6, 11, 14 and 19 o'clock of the camera's own clock."""
SEASONS: Final = ("winter", "spring", "summer", "autumn")
"""The meteorological ones: three whole months each; winter is December to February in the north."""


@dataclass(frozen=True)
class Moment:
    """A time of capture.

    Attributes:
        year: of the camera's calendar.
        month: 1 to 12.
        hour: 0 to 23 by the camera's clock; None where only the day is known.
        has_offset: whether the offset from UTC is known.
    """

    year: int
    month: int
    hour: int | None
    has_offset: bool


def moment_of(taken_at: str | None) -> Moment | None:
    """A catalog's ``taken_at`` (ISO 8601); None where there is none, or where it is no time."""
    if not taken_at:
        return None
    try:
        time = datetime.fromisoformat(taken_at.strip())
    except ValueError:
        return None
    dated_only = len(taken_at.strip()) <= len("2000-01-01")
    return Moment(time.year, time.month, None if dated_only else time.hour, time.tzinfo is not None)


def part_of_day(hour: int) -> str:
    """Which of :data:`PARTS_OF_DAY` an hour, 0 to 23, lies in."""
    for name, first, last in (("morning", 6, 11), ("noon", 11, 14), ("afternoon", 14, 19)):
        if first <= hour < last:
            return name
    return "night"


def season_of(month: int, lat_deg: float | None) -> str | None:
    """Which of :data:`SEASONS` a month, 1 to 12, is at a latitude in degrees; None where that is unknown.

    South of the equator the year is turned by half; on it, as in the north.
    """
    if lat_deg is None or math.isnan(lat_deg):
        return None
    return SEASONS[(month % 12 // 3 + (2 if lat_deg < 0 else 0)) % 4]

"""The charts of an audit: bars, the long tail, the clock, the years, the world."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.plots.bars import stripe
from periplus.plots.land import WORLD_HEIGHT_PX, WORLD_WIDTH_PX, world_px
from periplus.plots.svg import Markup, join, path_data, tag

_WIDTH: Final = 1040.0
_HEIGHT: Final = 260.0
_LEFT: Final = 52.0
_BELOW: Final = 24.0
_MOST_COLUMNS: Final = 160
_WIDEST: Final = 72.0
_LOGARITHMIC_FROM: Final = 20.0
_INNER: Final = 34.0
_OUTER: Final = 128.0
_CELL_PX: Final = 4.0


def bars(counts: Mapping[str, int], most: int = 12, *, kinds: bool = False, full: int = 0) -> Markup:
    """Horizontal bars with their numbers.

    Args:
        counts: by name, in the order of the bars.
        most: how many are shown; the rest is summed up.
        kinds: whether each has the colour of its name.
        full: the number whose bar is whole; 0 for the largest shown.
    """
    shown = list(counts.items())[:most]
    largest = full or max((n for _, n in shown), default=0) or 1
    rows = [
        join(
            [
                tag("dt", tag("bdi", name)),
                tag("dd", stripe(n / largest, name if kinds else None)),
                tag("dd", f"{n:,}", class_="n"),
            ]
        )
        for name, n in shown
    ]
    rest = list(counts.values())[most:]
    note = f"and {len(rest):,} more with {sum(rest):,} photos" if rest else ""
    return join([tag("dl", *rows, class_="bars"), tag("p", note, class_="soft") if note else ""])


def long_tail(counts: Mapping[str, int], half: int) -> Markup:
    """Photos by landmark, the largest first; a line stands where half of the photos are.

    Up to 160 landmarks are columns, more are an outline. The scale is logarithmic where the largest has 20 times as
    many as the middle one.
    """
    photos = np.asarray(list(counts.values()), np.float64)
    n, top = len(photos), float(photos.max())
    logarithmic = top >= _LOGARITHMIC_FROM * float(np.median(photos))
    low = 0.5 if logarithmic else 0.0

    def y_of(value: NDArray[np.float64] | float) -> NDArray[np.float64]:
        share = np.log(np.asarray(value) / low) / np.log(top / low) if logarithmic else np.asarray(value) / top
        return (_HEIGHT - _BELOW) * (1 - share) + 8

    steps = [10.0**i for i in range(math.ceil(math.log10(top)) + 1)] if logarithmic else _nice_steps(top)
    parts: list[str] = [_rule(float(y_of(step)), f"{step:,.0f}") for step in steps if step <= top]
    wide = min((_WIDTH - _LEFT) / n, _WIDEST)
    floor = float(y_of(low))
    if n <= _MOST_COLUMNS:
        for i, (name, value) in enumerate(counts.items()):
            y = float(y_of(value))
            title = tag("title", f"{name}: {value:,}")
            x, width, height = (f"{v:.2f}" for v in (_LEFT + (i + 0.08) * wide, 0.84 * wide, max(floor - y, 0)))
            parts.append(tag("rect", title, x=x, y=y, width=width, height=height, class_="column"))
    else:
        rows = np.unique(np.round(np.geomspace(1, n, 600)).astype(np.int64)) - 1
        line = np.stack([_LEFT + rows * wide, y_of(photos[rows])], axis=1)
        ends = [[_WIDTH, float(y_of(photos[-1]))], [_WIDTH, floor], [_LEFT, floor]]
        parts.append(tag("path", d=path_data(np.concatenate([line, ends]), closed=True), class_="area"))
    parts += _half_mark(_LEFT + half * wide, half, n)
    words = f"{n:,} landmarks, the largest first" + (" (logarithmic scale)" if logarithmic else "")
    parts.append(tag("text", words, x=_LEFT, y=_HEIGHT + 6, class_="tick"))
    return _chart(_WIDTH, _HEIGHT + 10, "Photos by landmark", parts)


def clock(hours: Sequence[int], part_of_day: Sequence[str]) -> Markup:
    """Photos by hour round a clock of 24 hours, noon above; the area of a sector is its number."""
    most = max(hours) or 1
    parts: list[str] = [tag("circle", r=_OUTER, class_="rim"), tag("circle", r=_INNER, class_="rim")]
    for hour, count in enumerate(hours):
        radius = math.sqrt(_INNER**2 + (count / most) * (_OUTER**2 - _INNER**2))
        title = tag("title", f"{hour}:00 to {hour + 1}:00: {count:,}")
        parts.append(tag("path", title, d=_sector(hour, radius), class_=part_of_day[hour]))
    for hour in range(0, 24, 3):
        turn = _turn(hour)
        x, y = (_OUTER + 15) * math.cos(turn), (_OUTER + 15) * math.sin(turn)
        parts.append(tag("text", str(hour), x=x, y=y + 4, class_="tick middle"))
    return tag(
        "svg", *parts, viewBox="-150 -150 300 300", class_="chart", role="img", aria_label="Photos by hour of the day"
    )


def years_chart(years: Mapping[str, int]) -> Markup:
    """Photos by year, every year between the first and the last."""
    first, last = (int(edge(years, key=int)) for edge in (min, max))
    span, most = last - first + 1, max(years.values())
    wide, high = _WIDTH / max(span, 8), 110.0
    parts: list[str] = []
    for year in range(first, last + 1):
        n = years.get(str(year), 0)
        x, height = (year - first) * wide, high * n / most
        if n:
            title = tag("title", f"{year}: {n:,}")
            y, width, height_px = (f"{v:.2f}" for v in (high - height, 0.84 * wide, height))
            parts.append(tag("rect", title, x=f"{x:.2f}", y=y, width=width, height=height_px, class_="column"))
        if span <= 24 or year % 10 == 0 or year in (first, last):
            parts.append(tag("text", str(year), x=x + 0.42 * wide, y=high + 18, class_="tick middle"))
    return _chart(_WIDTH, high + 24, "Photos by year", parts)


def coverage_map(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> Markup:
    """Photos on the world in Equal Earth; the area of a spot is their number there. Needs the symbol ``world``."""
    cells, count = np.unique(np.round(world_px(lat_deg, lon_deg) / _CELL_PX), axis=0, return_counts=True)
    radius = 1.8 + 9 * np.sqrt(count / count.max())
    order = np.argsort(-count, kind="stable")
    spots = [
        tag("circle", tag("title", f"{n:,}"), cx=x * _CELL_PX + 1, cy=y * _CELL_PX + 1, r=float(r), class_="spot")
        for (x, y), n, r in zip(cells[order].tolist(), count[order].tolist(), radius[order].tolist(), strict=True)
    ]
    world = tag("use", href="#world", width=WORLD_WIDTH_PX + 2, height=WORLD_HEIGHT_PX + 2)
    box = f"0 0 {WORLD_WIDTH_PX + 2:.0f} {WORLD_HEIGHT_PX + 2:.1f}"
    return tag("svg", world, *spots, viewBox=box, role="img", aria_label="Where the photos are", class_="world chart")


def _half_mark(x: float, half: int, n: int) -> list[str]:
    words = f"half of the photos show {half:,} of {n:,} landmarks"
    side = {"class_": "marked end", "x": x - 7} if x > _WIDTH / 2 else {"class_": "marked", "x": x + 7}
    return [tag("line", x1=x, x2=x, y1=-8.0, y2=_HEIGHT - _BELOW + 8, class_="mark"), tag("text", words, y=0.0, **side)]


def _rule(y: float, name: str) -> Markup:
    line = tag("line", x1=_LEFT, x2=_WIDTH, y1=y, y2=y, class_="rule")
    return join([line, tag("text", name, x=_LEFT - 8, y=y + 4, class_="tick end")])


def _nice_steps(top: float) -> list[float]:
    """Round numbers from 0 to ``top``, about four of them, whole where counts are."""
    power = 10.0 ** math.floor(math.log10(max(top / 4, 1)))
    step = next(step * power for step in (1, 2, 5, 10) if step * power >= top / 4)
    return [i * step for i in range(int(top / step) + 1)]


def _turn(hour: float) -> float:
    """The direction of an hour in radians, clockwise from the right; noon is above."""
    return (hour - 12) / 24 * math.tau - math.tau / 4


def _sector(hour: int, radius: float) -> str:
    corners = [
        f"{r * math.cos(_turn(h)):.2f},{r * math.sin(_turn(h)):.2f}"
        for h, r in ((hour + 0.04, _INNER), (hour + 0.04, radius), (hour + 0.96, radius), (hour + 0.96, _INNER))
    ]
    return (
        f"M{corners[0]}L{corners[1]}A{radius:.2f},{radius:.2f} 0 0 1 {corners[2]}"
        f"L{corners[3]}A{_INNER:.2f},{_INNER:.2f} 0 0 0 {corners[0]}Z"
    )


def _chart(width: float, height: float, label: str, parts: Sequence[str]) -> Markup:
    box = f"0 -12 {width:.0f} {height + 12:.0f}"
    picture = tag("svg", *parts, viewBox=box, class_="chart long", role="img", aria_label=label)
    return tag("div", picture, class_="scroll")

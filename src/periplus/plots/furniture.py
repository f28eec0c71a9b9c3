"""What every map needs to be read: graticule with labels, scale bar, north arrow."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.geo import wrap_lon_deg
from periplus.plots.svg import Markup, join, path_data, tag
from periplus.plots.view import View
from periplus.plots.words import distance_words

_LINES: Final = 4
_STEPS_DEG: Final = (90.0, 45.0, 30.0, 15.0, 10.0, 5.0, 2.0, 1.0)
_MARGIN_PX: Final = 8.0


def graticule(view: View) -> tuple[Markup, Markup]:
    """Lines of equal latitude and longitude at round degrees, and their names where they leave the picture."""
    half_lat = np.degrees(view.half_height_km / 6371)
    low, high = max(view.lat_deg - 1.3 * half_lat, -90.0), min(view.lat_deg + 1.3 * half_lat, 90.0)
    lat_step, lon_step, half_lon = _steps(view, low, high)
    lats = np.arange(math.ceil(low / lat_step), math.floor(high / lat_step) + 1) * lat_step
    first, last = (view.lon_deg + side * half_lon for side in (-1, 1))
    lons = np.arange(math.ceil(first / lon_step), math.ceil(last / lon_step)) * lon_step
    along_lat, along_lon = np.linspace(low, high, 49), np.linspace(first, last, 97)
    lines, names = [], []
    for lat in lats:
        line = _near(view, view.to_px(np.full(97, lat), along_lon))
        lines.append(tag("path", d=path_data(line), class_="grid"))
        names.append(_name(view, line, _degrees(float(lat), lat_step, "NS"), 0))
    for lon in lons:
        line = _near(view, view.to_px(along_lat, np.full(49, lon)))
        lines.append(tag("path", d=path_data(line), class_="grid"))
        names.append(_name(view, line, _degrees(float(wrap_lon_deg(lon)), lon_step, "EW"), 1))
    return join(lines), join(names)


def scale_bar(view: View) -> Markup:
    """A bar of a round length, about a fifth of the width."""
    wanted = view.half_width_km * 2 / 5
    power = 10 ** math.floor(math.log10(wanted))
    km = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    width = km * view.px_per_km
    x, y = _MARGIN_PX + 10, view.height_px - _MARGIN_PX - 24
    return tag(
        "g",
        tag("path", d=f"M{x:.1f},{y - 5:.1f}v5h{width:.1f}v-5", class_="bar"),
        tag("text", distance_words(km), x=x + width / 2, y=y - 8, class_="label middle"),
    )


def north_arrow(view: View) -> Markup:
    """An arrow to the north, which is up in the middle of the map."""
    x, y = view.width_px - 26, 20
    return tag(
        "g",
        tag("path", d=f"M{x},{y}l7,20l-7,-5l-7,5z", class_="north"),
        tag("text", "N", x=x, y=y + 33, class_="label middle"),
    )


def _steps(view: View, low: float, high: float) -> tuple[float, float, float]:
    """Degrees between parallels, degrees between meridians, and degrees of longitude from the centre to a side."""
    lat_step = _round_step(np.degrees(2 * view.half_height_km / 6371) / _LINES)
    narrow = math.cos(math.radians(min(abs(view.lat_deg), 89.0)))
    width = np.degrees(2 * view.half_width_km / 6371) / narrow
    if low <= -89 or high >= 89 or width > 180:
        return lat_step, 30.0, 180.0
    # Towards the pole the picture spans more degrees than in its middle.
    edge = math.cos(math.radians(min(max(abs(low), abs(high)), 89.0)))
    return lat_step, _round_step(width / _LINES), min(180.0, width * 0.65 * narrow / edge)


def _round_step(wanted: float) -> float:
    """The largest round number of degrees not above ``wanted``."""
    for step in _STEPS_DEG:
        if step <= wanted:
            return step
    power = 10 ** math.floor(math.log10(wanted))
    return float(max(step * power for step in (1, 2, 5) if step * power <= wanted * (1 + 1e-9)))


def _near(view: View, line: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a line in or around the picture."""
    rows = np.flatnonzero(view.holds(line, -60))
    return line[max(rows[0] - 1, 0) : rows[-1] + 2] if len(rows) else line[:0]


def _name(view: View, line: NDArray[np.float64], name: str, axis: int) -> Markup:
    """The name of a line where it leaves the picture, at the left (axis 0) or below (axis 1), if there is room."""
    if not len(line):
        return Markup()
    # Finer than the line is drawn, so that the name stands at the edge.
    place = np.linspace(0, len(line) - 1, 600)
    fine = np.stack([np.interp(place, np.arange(len(line)), line[:, i]) for i in (0, 1)], axis=1)
    inside = fine[view.holds(fine, 3)]
    if not len(inside):
        return Markup()
    x, y = (inside[np.argmin(inside[:, 0])] if axis == 0 else inside[np.argmax(inside[:, 1])]).tolist()
    if axis == 0 and 20 < y < view.height_px - 70 and x < 60:
        return tag("text", name, x=x + 3, y=y - 4, class_="label faint")
    if axis == 1 and 60 < x < view.width_px - 60 and y > view.height_px - 30:
        return tag("text", name, x=x + 4, y=y - 3, class_="label faint")
    return Markup()


def _degrees(value: float, step: float, names: str) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    name = "" if value in (0, -180) else names[0] if value > 0 else names[1]
    return f"{abs(value):.{decimals}f}°{' ' + name if name else ''}"

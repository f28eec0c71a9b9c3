"""Axes that every figure shares: distances in km, counts, and a scale of counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from periplus.plots.spatial.canvas import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import FuncFormatter

DISTANCE: Final = "Great-circle distance (km)"
_THOUSANDS: Final = 3
_MILLIONS: Final = 6


def distance_axis(axes: Axes, low_km: float, high_km: float, *, log: bool) -> None:
    """Set the horizontal axis to distances, with numbers as people write them: 0.1, 10, 10,000."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=9))
        axes.xaxis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=99))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(number_words_formatter())
    axes.set_xlim(low_km, high_km)


def count_axis(axes: Axes, low: float, high: float) -> None:
    """Set the vertical axis to counts, logarithmic: 1, 100, 10 k, 1 M."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.set_yscale("log")
    axes.set_ylim(low, high)
    decades = max(1, math.ceil(math.log10(high / low) / 3))
    axes.yaxis.set_major_locator(LogLocator(base=10.0**decades, numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count_words(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def letter(axes: Axes, text: str) -> None:
    """The name of a panel, above its left edge."""
    axes.set_title(text, color=INK, pad=4)


def number_words_formatter() -> FuncFormatter:
    """Ticks as :func:`number_words`."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: number_words(value))


def share_formatter() -> FuncFormatter:
    """Ticks as shares: ``"0.1 %"``, ``"100 %"``."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: f"{number_words(100 * value)} %")


def number_words(value: float) -> str:
    """A number with no more digits than it has, thousands parted: ``"0.1"``, ``"2,500"``."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def count_words(value: float) -> str:
    """A count in three digits or so: ``"100"``, ``"10 k"``, ``"1 M"``, ``"1 G"``."""
    if value < 1:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    for digits, unit in ((9, " G"), (_MILLIONS, " M"), (_THOUSANDS, " k")):
        if exponent >= digits:
            return f"{value / 10**digits:g}{unit}"
    return f"{value:g}"

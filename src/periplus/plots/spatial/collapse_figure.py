"""The figure of collapse: spectra, similarities, how often vectors are found, and the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from periplus.errors import UsageError
from periplus.plots.spatial.axes import letter, number_words_formatter, share_formatter
from periplus.plots.spatial.canvas import LINE, PAGE_IN, drawing, plain
from periplus.plots.spatial.collapse_panels import draw_numbers, draw_occurrences, draw_similarities, look
from periplus.spatial.vectors.collapse import Collapse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SPACES: Final = 3
_ONE_LINE: Final = 90


def collapse_figure(collapses: Sequence[Collapse]) -> Figure:
    """How vectors fill their sphere, both columns wide.

    Five panels: the spectrum, the variance that the first directions carry together, similarities of all pairs (each
    curve as high as wide; grey: vectors spread evenly), how many vectors are how often among the nearest of others, and
    the numbers.

    Args:
        collapses: one to three spaces, such as before and after whitening.

    Raises:
        UsageError: none, or more than three.
        MissingExtraError: Matplotlib is not installed.
    """
    if not 1 <= len(collapses) <= MOST_SPACES:
        raise UsageError(f"A figure shows 1 to {MOST_SPACES} spaces of vectors, not {len(collapses)}.")
    names = [plain(one.label) or ("vectors" if len(collapses) == 1 else f"{k}") for k, one in enumerate(collapses, 1)]
    with drawing(PAGE_IN, 4.1) as figure:
        panels = figure.subplot_mosaic([["spectrum", "sum", "similarity"], ["hubs", "numbers", "numbers"]])
        _spectra(panels["spectrum"], panels["sum"], collapses)
        draw_similarities(panels["similarity"], collapses)
        draw_occurrences(panels["hubs"], collapses)
        draw_numbers(panels["numbers"], collapses, names)
        if len(collapses) > 1:
            handles = panels["spectrum"].get_lines()[: len(collapses)]
            columns = len(names) if sum(map(len, names)) < _ONE_LINE else 1
            figure.legend(handles, names, loc="outside upper left", ncols=columns, borderaxespad=0.2)
    return figure


def _spectra(axes: Axes, sums: Axes, collapses: Sequence[Collapse]) -> None:
    letter(axes, "Spectrum")
    letter(sums, "Variance of the first directions")
    kept = [max(1, one.directions.rank) for one in collapses]
    shares = [one.spectrum / max(float(one.spectrum.sum()), np.finfo(np.float64).tiny) for one in collapses]
    # Before anything is drawn: where nothing varies there is no positive share to fit a scale to.
    axes.set_yscale("log")
    axes.set_ylim(max(min(float(share[k - 1]) for share, k in zip(shares, kept, strict=True)) / 2, 1e-7), 1.3)
    for panel in (axes, sums):
        panel.set_xscale("log")
        panel.set_xlim(0.9, max(2, *kept) * 1.15)
        panel.xaxis.set_major_formatter(number_words_formatter())
        panel.set_xlabel("Direction, by variance")
    for level in (0.5, 0.9, 0.99):
        sums.axhline(level, color=LINE, lw=0.5, zorder=1)
    for k, (share, number) in enumerate(zip(shares, kept, strict=True)):
        axes.plot(np.arange(1, number + 1), share[:number], **look(k))
        sums.plot(np.arange(1, number + 1), np.cumsum(share)[:number], **look(k))
    axes.yaxis.set_major_formatter(share_formatter())
    axes.set_ylabel("Share of the variance")
    sums.set_yticks([0, 0.5, 0.9, 0.99], ["0 %", "50 %", "90 %", "99 %"])
    sums.set_ylim(0, 1.02)

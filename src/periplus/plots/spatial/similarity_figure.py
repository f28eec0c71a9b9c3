"""The figure of similarity against distance: the cloud of all pairs, its mean and its quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.plots.spatial.axes import DISTANCE, count_words, distance_axis
from periplus.plots.spatial.canvas import COLUMN_IN, FEW_PAIRS, INK, PAGE_IN, SOFT, drawing, plain
from periplus.plots.spatial.words import correlation_words, percent
from periplus.spatial.clouds.cloud import SimilarityCloud
from periplus.spatial.clouds.similarity import quantiles_of_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Values = NDArray[np.float64]
MOST_PANELS: Final = 3
_RAMP: Final = ("#e9eff5", "#a9c6de", "#5f97c4", "#2a6296", "#12304f")
_MEAN: Final = "#D55E00"
_LATTICE: Final = {1: (58, 32), 2: (62, 34), 3: (44, 34)}
"""Hexagons across and down (rows of one parity) for so many panels: nearly regular on paper."""
_FINE: Final = 800
_LEAST_HEIGHT: Final = 0.1


def similarity_figure(clouds: Sequence[SimilarityCloud]) -> Figure:
    """Clouds of pairwise similarity over distance, side by side with the same axes.

    Each: hexagons as dark as their pairs are many (one logarithmic scale for all), the mean with two standard errors,
    quantiles (25 and 75 % thin, 5 and 95 % dotted), triangles where the mean rises with distance, and the correlations
    with their 95 % intervals.

    Args:
        clouds: one (one column wide), two or three (both columns wide).

    Raises:
        UsageError: none, more than three, or one without pairs.
        MissingExtraError: Matplotlib is not installed.
    """
    if not 1 <= len(clouds) <= MOST_PANELS:
        raise UsageError(f"A figure shows 1 to {MOST_PANELS} clouds beside each other, not {len(clouds)}.")
    if any(not cloud.counts.any() for cloud in clouds):
        raise UsageError("A cloud has no pairs to draw; widen its distances, or bring more places.")
    low_km, high_km = _reach(clouds)
    with drawing(COLUMN_IN if len(clouds) == 1 else PAGE_IN, 3.0 if len(clouds) < MOST_PANELS else 2.75) as figure:
        panels = figure.subplots(1, len(clouds), sharex=True, sharey=True, squeeze=False)[0]
        hexagons = []
        for axes, cloud in zip(panels, clouds, strict=True):
            hexagons.append(_cloud(axes, cloud, (low_km, high_km, *_heights(clouds)), _LATTICE[len(clouds)]))
            # After the hexagons, which set the scale anew.
            distance_axis(axes, low_km, high_km, log=True)
            axes.set_ylim(*_heights(clouds))
            _curves(axes, cloud)
            _head(axes, cloud)
        figure.set_layout_engine("constrained", wspace=0.05)
        panels[0].set_ylabel("Cosine similarity")
        for axes in panels:
            axes.set_xlabel(DISTANCE)
        _shade(figure, hexagons, list(panels))
        names = panels[0].legend(loc="lower left", labelspacing=0.25, borderaxespad=0.3, frameon=True)
        names.get_frame().set(alpha=0.7, edgecolor="none")
    return figure


def _cloud(
    axes: Axes, cloud: SimilarityCloud, box: tuple[float, float, float, float], lattice: tuple[int, int]
) -> PolyCollection:
    left, right, bottom, top = box
    x, y, pairs = spread(cloud.counts, np.log10(cloud.distance_edges_km), cloud.similarity_edges)
    return axes.hexbin(
        10**x, y, C=pairs, reduce_C_function=np.sum, xscale="log", mincnt=1, gridsize=lattice, linewidths=0.15,
        extent=(np.log10(left), np.log10(right), bottom, top), edgecolors="face", zorder=1,
    )  # fmt: skip


def spread(counts: NDArray[np.int64], x_edges: Values, y_edges: Values) -> tuple[Values, Values, Values]:
    """Points that stand for the classes of a joint histogram: several in each, its pairs shared evenly among them.

    One point a class would beat against the lattice of hexagons: some would catch two columns of classes, some one.

    Args:
        counts: (L, S).
        x_edges: (L + 1,).
        y_edges: (S + 1,).

    Returns:
        x, y and pairs, each (p,); as many points across and down as make 800 of the classes from the first to the last
        that has pairs, where these are fewer.
    """
    row, column = np.nonzero(counts)
    across, down = (np.ceil(_FINE / (np.ptp(held) + 1)).astype(int) for held in (row, column))
    x = x_edges[row, None] + np.diff(x_edges)[row, None] * ((np.arange(across) + 0.5) / across)
    y = y_edges[column, None] + np.diff(y_edges)[column, None] * ((np.arange(down) + 0.5) / down)
    shared = counts[row, column, None, None] / (across * down)
    points = np.broadcast_arrays(x[:, :, None], y[:, None, :], shared)
    return points[0].ravel(), points[1].ravel(), points[2].ravel()


def bands_of(cloud: SimilarityCloud) -> tuple[Values, Values]:
    """Quantiles in the lags of the mean curve, where these have 30 pairs or more.

    Returns:
        Middles of the lags in km, (g,), and quantiles at 5, 25, 50, 75 and 95 %, (g, 5).
    """
    counts = cloud.counts.reshape(len(cloud.curve.mean), -1, cloud.counts.shape[1]).sum(axis=1)
    shown = _enough(cloud)
    return cloud.curve.middle_km[shown], quantiles_of_counts(counts[shown], cloud.similarity_edges)


def _enough(cloud: SimilarityCloud) -> NDArray[np.bool_]:
    """Which lags of the mean curve are drawn."""
    count = cloud.curve.count
    return np.asarray(count >= min(FEW_PAIRS, int(count.max())))


def _shade(figure: Figure, hexagons: Sequence[PolyCollection], panels: list[Axes]) -> None:
    """One scale of darkness for all panels, from one pair to the most."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    most = max(float(np.asarray(drawn.get_array()).max()) for drawn in hexagons)
    for drawn in hexagons:
        drawn.set_norm(LogNorm(1, max(most, 10)))
        drawn.set_cmap(_ramp())
    bar = figure.colorbar(hexagons[0], ax=panels, pad=0.015, aspect=32, fraction=0.05)
    bar.ax.yaxis.set_major_locator(LogLocator(numticks=9))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count_words(value)))
    bar.set_label("Pairs in a hexagon")
    bar.outline.set_visible(False)


def _curves(axes: Axes, cloud: SimilarityCloud) -> None:
    from matplotlib.patheffects import Normal, Stroke

    halo = [Stroke(linewidth=2.6, foreground="white"), Normal()]
    thin = [Stroke(linewidth=1.5, foreground="white", alpha=0.55), Normal()]
    km, bands = bands_of(cloud)
    for column, dashes, width in ((0, (0, (1, 1.6)), 0.8), (4, (0, (1, 1.6)), 0.8), (1, "-", 0.6), (3, "-", 0.6)):
        name = {0: "5 and 95 %", 1: "25 and 75 %"}.get(column)
        axes.plot(km, bands[:, column], color=INK, ls=dashes, lw=width, label=name, path_effects=thin, zorder=3)
    curve = cloud.curve
    shown = _enough(cloud)
    km, mean, error = curve.middle_km[shown], curve.mean[shown], 2 * np.nan_to_num(curve.standard_error[shown])
    axes.fill_between(km, mean - error, mean + error, color=_MEAN, alpha=0.25, lw=0, zorder=3.5)
    axes.plot(km, mean, color=_MEAN, lw=1.4, path_effects=halo, label="mean", zorder=4)
    rises = [rise for rise in cloud.monotonicity.rises if rise.is_beyond_chance]
    if rises:
        at = [rise.to_km for rise in rises]
        axes.plot(at, np.interp(at, km, mean), "^", ms=3.6, mfc="white", mec=_MEAN, mew=0.8, label="rises", zorder=5)


def _head(axes: Axes, cloud: SimilarityCloud) -> None:
    lines = [
        f"Pearson r {correlation_words(cloud.pearson)}",
        f"Spearman ρ {correlation_words(cloud.spearman)}",
        f"Discordance {percent(cloud.monotonicity.discordance, 3)}",
    ]
    axes.set_title("\n".join(lines), fontsize=6.5, fontweight="normal", color=SOFT, linespacing=1.35, pad=3)
    axes.annotate(plain(cloud.label) or "all pairs", (0, 1), (0, 30), "axes fraction", "offset points", color=INK,
                  fontsize=8, fontweight="bold", va="bottom", annotation_clip=False)  # fmt: skip


def _ramp() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("periplus pairs", _RAMP)


def _reach(clouds: Sequence[SimilarityCloud]) -> tuple[float, float]:
    """From the nearest class with pairs to the farthest, at least a factor of 10."""
    lows, highs = [], []
    for cloud in clouds:
        held = np.flatnonzero(cloud.counts.sum(axis=1))
        lows.append(cloud.distance_edges_km[held[0]])
        highs.append(cloud.distance_edges_km[held[-1] + 1])
    return float(min(lows)), float(max(*highs, 10 * min(lows)))


def _heights(clouds: Sequence[SimilarityCloud]) -> tuple[float, float]:
    """From the least similar class with pairs to the most similar, at least 0.1 apart, with a little air."""
    lows, highs = [], []
    for cloud in clouds:
        held = np.flatnonzero(cloud.counts.sum(axis=0))
        lows.append(cloud.similarity_edges[held[0]])
        highs.append(cloud.similarity_edges[held[-1] + 1])
    low, high = float(min(*lows, max(highs) - _LEAST_HEIGHT)), float(max(highs))
    return low - 0.02 * (high - low), min(high + 0.02 * (high - low), 1.0 if high <= 1 else high)

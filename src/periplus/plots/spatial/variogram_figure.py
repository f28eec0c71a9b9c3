"""The figure of semivariograms: estimates with their errors, fitted models, and the pairs that they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.plots.spatial.axes import DISTANCE, count_axis, distance_axis
from periplus.plots.spatial.canvas import COLUMN_IN, DASHES, FEW_PAIRS, INK, MARKERS, SOFT, colours, drawing, plain
from periplus.plots.spatial.fit_marks import draw_fit, fit_words, model_words
from periplus.plots.spatial.words import name_of
from periplus.spatial.variograms.variogram import Variogram

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from periplus.spatial.fitting.fit import Fit
    from periplus.spatial.fitting.models import VariogramModel

    Entry = Artist | tuple[Artist, ...]
Values = NDArray[np.float64]
_ROOM: Final = 1.12
_CURVE_POINTS: Final = 400


def variogram_figure(
    variograms: Sequence[Variogram],
    fits: Sequence[Fit] = (),
    truths: Sequence[VariogramModel] = (),
    *,
    log_distance: bool = False,
    quantity: str = "Semivariance",
) -> Figure:
    """Semivariograms over distance, one column wide.

    Above: estimates with bars of one standard error (thick and short: the error of sampling pairs, where they were
    sampled); lags of fewer than 30 pairs are hollow; fitted models as lines, solid as far as they were fitted, with
    nugget (diamond at the left edge), sill (line at the right, its interval as a band) and effective range (line down
    to the axis, its interval as a band). Below: pairs in each lag.

    Args:
        variograms: one or more, told apart by colour, marker and dashes.
        fits: one for each variogram, or any number with the variograms' labels.
        truths: models that the data were made from, dashed; one a variogram in its colour, others in ink.
        log_distance: whether distance is logarithmic.
        quantity: what the vertical axis shows, with its unit.

    Raises:
        UsageError: no variogram, none with pairs, or a fit that belongs to none.
        MissingExtraError: Matplotlib is not installed.
    """
    low_km, high_km = _reach(variograms, log=log_distance)
    owners = fit_owners(variograms, fits)
    with drawing(COLUMN_IN, 3.45) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4.2, 1))
        distance_axis(above, low_km, high_km, log=log_distance)
        above.set_ylim(*_heights(variograms, fits, truths))
        grid = _between(low_km, high_km, log=log_distance)
        entries: list[tuple[Entry, str]] = []
        palette = colours(len(variograms))
        for k, variogram in enumerate(variograms):
            mine = [fit for fit, owner in zip(fits, owners, strict=True) if owner == k]
            points = _points(above, variogram, (palette[k], MARKERS[k % len(MARKERS)]), joined=not mine)
            _pairs(below, variogram, (palette[k], MARKERS[k % len(MARKERS)]), DASHES[k % len(DASHES)])
            looks = [(palette[k], DASHES[(k + i) % len(DASHES)]) for i in range(len(mine))]
            lines = [draw_fit(above, fit, grid, look, len(fits) == 1) for fit, look in zip(mine, looks, strict=True)]
            told = list(zip(lines, map(fit_words, mine), strict=True))
            entries += _named(_name(variogram, k, len(variograms)), points, told)
        # Of one truth a curve, each has its curve's colour.
        own = palette if len(truths) == len(variograms) > 1 else [INK] * len(truths)
        for truth, colour in zip(truths, own, strict=True):
            (line,) = above.plot(grid, truth(grid), color=colour, lw=0.9, ls=(0, (4, 2)), zorder=2.5)
            entries.append((line, f"truth: {model_words(truth)}"))
        above.set_ylabel(quantity)
        _legend(figure, entries)
        count_axis(below, 0.7, 2.5 * max(int(variogram.count.max()) for variogram in variograms))
        below.axhline(FEW_PAIRS, color=SOFT, lw=0.5, ls=(0, (1, 2)), zorder=1)
        below.set_ylabel("Pairs")
        below.set_xlabel(DISTANCE)
        figure.align_ylabels()
    return figure


def fit_owners(variograms: Sequence[Variogram], fits: Sequence[Fit]) -> list[int]:
    """Which variogram each fit is of: one for one where there are equally many, by label otherwise.

    Raises:
        UsageError: a fit whose label no variogram has, or several have.
    """
    labels = [variogram.label for variogram in variograms]
    if len(fits) == len(labels) and all(fit.label in ("", name) for fit, name in zip(fits, labels, strict=True)):
        return list(range(len(fits)))
    for fit in fits:
        if fit.label not in labels:
            raise UsageError(f"The fit of {fit.label!r} belongs to none of the variograms {labels}; draw its own too.")
        if labels.count(fit.label) > 1:
            raise UsageError(f"Several variograms are labelled {fit.label!r}; give one fit for each, in their order.")
    return [labels.index(fit.label) for fit in fits]


def _name(variogram: Variogram, k: int, number: int) -> str:
    return plain(name_of(variogram)) or ("estimate" if number == 1 else f"estimate {k + 1}")


def _named(name: str, points: Artist, fits: list[tuple[Artist, str]]) -> list[tuple[Entry, str]]:
    """Lines of the legend: an estimate and its only fit share one."""
    if len(fits) == 1:
        return [((fits[0][0], points), f"{name}; {fits[0][1]}")]
    return [(points, name), *fits]


def _points(axes: Axes, variogram: Variogram, look: tuple[str, str], *, joined: bool) -> Artist:
    """Draw the estimates in a colour with a marker; without a fit a faint line joins them."""
    colour, marker = look
    shown = variogram.has_pairs
    x, y = variogram.distance_km[shown], variogram.gamma[shown]
    error, sampling = variogram.standard_error[shown], variogram.sampling_error[shown]
    axes.errorbar(x, y, yerr=error, fmt="none", ecolor=colour, elinewidth=0.6, capsize=1.4, capthick=0.6, alpha=0.75)
    inner = sampling > 0
    if inner.any():
        axes.errorbar(x[inner], y[inner], yerr=sampling[inner], fmt="none", ecolor=colour, elinewidth=1.8)
    enough = variogram.count[shown] >= FEW_PAIRS
    style: dict[str, Any] = {"color": colour, "marker": marker, "ls": "none", "mew": 0.7, "mec": colour, "zorder": 4}
    (full,) = axes.plot(x[enough], y[enough], **style)
    axes.plot(x[~enough], y[~enough], **{**style, "mfc": "white"})
    if joined:
        axes.plot(x, y, color=colour, lw=0.6, alpha=0.6, zorder=2)
    return full


def _pairs(axes: Axes, variogram: Variogram, look: tuple[str, str], dashes: Any) -> None:
    colour, marker = look
    count = np.where(variogram.has_pairs, variogram.count, np.nan)
    axes.stairs(count, variogram.edges_km, color=colour, lw=0.8, ls=dashes, baseline=None)
    x = np.where(variogram.has_pairs, variogram.distance_km, np.nan)
    few = variogram.count < FEW_PAIRS
    axes.plot(x[few], count[few], marker=marker, ls="none", ms=2.6, mfc="white", mec=colour, mew=0.6)


def _legend(figure: Figure, entries: Sequence[tuple[Entry, str]]) -> None:
    handles, names = [entry[0] for entry in entries], [entry[1] for entry in entries]
    longest = max(map(len, names))
    columns = 1 if longest > 24 or len(names) < 3 else 2 if longest > 14 else 3
    # A pair of artists is drawn as one above the other, which the types do not know.
    drawn = cast("list[Artist]", handles)
    figure.legend(drawn, names, loc="outside upper left", ncols=columns, borderaxespad=0.2, labelspacing=0.3)


def _reach(variograms: Sequence[Variogram], *, log: bool) -> tuple[float, float]:
    """Where the distance axis begins and ends."""
    if not variograms or not any(variogram.has_pairs.any() for variogram in variograms):
        raise UsageError("There is no variogram with pairs to draw; widen the lags, or bring more places.")
    edges = np.concatenate([variogram.edges_km for variogram in variograms])
    means = np.concatenate([variogram.distance_km[variogram.has_pairs] for variogram in variograms])
    if not log:
        return 0.0, float(edges.max()) * 1.015
    low = means[means > 0].min(initial=np.inf)
    if not np.isfinite(low):
        raise UsageError("All pairs are at distance 0, which a logarithmic axis does not have; draw it linear.")
    first = edges[edges > 0].min(initial=np.inf)
    return float(min(low * 0.8, first)), float(edges.max()) * 1.04


def _between(low_km: float, high_km: float, *, log: bool) -> Values:
    # A model jumps from 0 to its nugget at distance 0; the curve begins just beside it.
    if log:
        return np.asarray(np.geomspace(low_km, high_km, _CURVE_POINTS))
    return np.asarray(np.linspace(high_km * 1e-6, high_km, _CURVE_POINTS))


def _heights(
    variograms: Sequence[Variogram], fits: Sequence[Fit], truths: Sequence[VariogramModel]
) -> tuple[float, float]:
    """Where the vertical axis begins and ends: at 0, unless a cross-variogram goes below."""
    last = np.asarray([max(variogram.edges_km[-1] for variogram in variograms)])
    tops = [float(model(last)[0]) for model in (*(fit.model for fit in fits), *truths)]
    bottoms = [0.0]
    for variogram in variograms:
        solid = variogram.count >= min(FEW_PAIRS, max(1, int(variogram.count.max())))
        gamma, error = variogram.gamma[solid], np.nan_to_num(variogram.standard_error)[solid]
        tops.append(float((gamma + np.minimum(error, np.abs(gamma))).max(initial=0.0)))
        bottoms.append(float(gamma.min(initial=0.0)))
    low, high = min(bottoms), max(tops)
    span = (high - low) or 1.0
    return (low - (0.08 * span if low < 0 else 0.0), low + _ROOM * span)

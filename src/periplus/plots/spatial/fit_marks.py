"""A fitted model in a figure: its curve, and where its nugget, sill and effective range are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from periplus.geo import EARTH_RADIUS_KM, km_from_chord
from periplus.plots.spatial.axes import number_words
from periplus.plots.spatial.canvas import INK

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from periplus.spatial.fitting.fit import Fit
    from periplus.spatial.fitting.models import VariogramModel

Values = NDArray[np.float64]
_BAND: Final[dict[str, Any]] = {"lw": 3.2, "alpha": 0.3, "solid_capstyle": "butt", "clip_on": False}


def draw_fit(axes: Axes, fit: Fit, grid_km: Values, look: tuple[str, Any], named: bool) -> Artist:
    """Draw a fit over a grid of distances; returns its line.

    Args:
        axes: whose limits are set.
        fit: the model and its intervals.
        grid_km: (p,) distances, increasing, all positive.
        look: colour and dashes.
        named: whether sill, range and nugget are written beside their marks, for a fit that is alone.
    """
    colour, dashes = look
    fitted = grid_km <= fit.max_km
    (line,) = axes.plot(grid_km[fitted], fit.model(grid_km[fitted]), color=colour, ls=dashes, zorder=3)
    axes.plot(grid_km[~fitted], fit.model(grid_km[~fitted]), color=colour, lw=0.7, ls=(0, (1, 1.5)), zorder=3)
    _nugget(axes, fit, colour)
    _sill(axes, fit, colour, named=named)
    _range(axes, fit, colour, named=named)
    return line


def fit_words(fit: Fit) -> str:
    """A fit in one line: ``"exponential, sill 1.02, range 2,310 km"``."""
    return model_words(fit.model)


def model_words(model: VariogramModel) -> str:
    """A model in one line: ``"exponential, sill 1.02, range 2,310 km"``."""
    return f"{model.family}, sill {model.sill:.3g}, range {rounded(model.effective_range_km)} km"


def reached_km(model: VariogramModel) -> float:
    """The great-circle distance of a model's effective range, which is in its own metric; infinite beyond the Earth."""
    return _on_sphere(model.effective_range_km, model)


def rounded(value: float) -> str:
    """A number with three digits that count."""
    return number_words(float(f"{value:.3g}"))


def _nugget(axes: Axes, fit: Fit, colour: str) -> None:
    side = axes.get_yaxis_transform()
    if interval := _interval(fit, "nugget"):
        axes.plot(
            [0, 0], interval, transform=side, color=colour, lw=3.2, alpha=0.3, solid_capstyle="butt", clip_on=False
        )
    axes.plot([0], [fit.model.nugget], "D", transform=side, color=colour, ms=3, mfc="white", mew=0.8, clip_on=False,
              zorder=6)  # fmt: skip


def _sill(axes: Axes, fit: Fit, colour: str, *, named: bool) -> None:
    low, high = axes.get_xlim()
    sill, start = fit.model.sill, float(np.clip(reached_km(fit.model), low, high))
    if named and (interval := _interval(fit, "sill")):
        axes.fill_between([start, high], *interval, color=colour, alpha=0.13, lw=0, zorder=1)
    axes.plot([start, high], [sill, sill], color=colour, lw=0.6, zorder=2)
    if named and sill < axes.get_ylim()[1]:
        axes.annotate(f"sill\n{sill:.3g}", (1, sill), (3, 0), axes.get_yaxis_transform(), "offset points", color=INK,
                      fontsize=6.5, va="center", annotation_clip=False)  # fmt: skip


def _range(axes: Axes, fit: Fit, colour: str, *, named: bool) -> None:
    low, high = axes.get_xlim()
    reach = reached_km(fit.model)
    if not low < reach < high:
        return
    height = float(fit.model(np.asarray([reach]))[0])
    bottom = axes.get_ylim()[0]
    axes.plot([reach, reach], [bottom, height], color=colour, lw=0.6, ls=(0, (1, 1.5)), zorder=2)
    if not named:
        return
    if interval := _interval(fit, "effective_range_km"):
        reaches = [_on_sphere(km, fit.model) for km in interval]
        axes.plot(np.clip(reaches, low, high), [0, 0], transform=axes.get_xaxis_transform(), color=colour, **_BAND)
    right = axes.transAxes.inverted().transform(axes.transData.transform((reach, height)))[0] > 0.55
    axes.annotate(f"range {rounded(fit.model.effective_range_km)} km", (reach, bottom), (-4 if right else 4, 5),
                  textcoords="offset points", ha="right" if right else "left", color=INK, fontsize=6.5)  # fmt: skip


def _on_sphere(km: float, model: VariogramModel) -> float:
    if model.metric == "great-circle":
        return km
    return float(km_from_chord(km / EARTH_RADIUS_KM)) if km < 2 * EARTH_RADIUS_KM else math.inf


def _interval(fit: Fit, name: str) -> tuple[float, float] | None:
    told = None if fit.intervals is None else fit.intervals.get(name)
    return None if told is None or not np.isfinite(told).all() else (float(told[0]), float(told[1]))

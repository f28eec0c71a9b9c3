"""The panels of the figure of collapse: similarities, hubs and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from periplus.plots.spatial.axes import count_axis, letter, share_formatter
from periplus.plots.spatial.canvas import DASHES, INK, LINE, MARKERS, PALETTE, SOFT
from periplus.plots.spatial.words import digits, percent, signed
from periplus.spatial.vectors.collapse import Collapse
from periplus.spatial.vectors.hubness import Hubness

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]
_TIMES: Final = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
_SEEN: Final = 2e-3
_LONGEST_NAME: Final = {1: 40, 2: 27, 3: 18}


def look(k: int) -> dict[str, Any]:
    """Colour and dashes of a space of vectors."""
    return {"color": PALETTE[k], "ls": DASHES[k]}


def draw_similarities(axes: Axes, collapses: Sequence[Collapse]) -> None:
    """Histograms of the similarity of pairs, their peaks brought to one height, and that of vectors spread evenly."""
    letter(axes, "Similarity of pairs")
    dim = max(one.dim for one in collapses)
    low = high = 3.5 / np.sqrt(dim)
    low = -low
    for k, one in enumerate(collapses):
        height = one.similarity_counts / max(1, int(one.similarity_counts.max()))
        axes.stairs(height, one.similarity_edges, lw=1.0, **look(k))
        axes.stairs(height, one.similarity_edges, fill=True, color=PALETTE[k], alpha=0.12)
        held = np.flatnonzero(height > _SEEN)
        low = min(low, float(one.similarity_edges[held[0]]))
        high = max(high, float(one.similarity_edges[held[-1] + 1]))
    low, high = max(-1.0, low - 0.03), min(1.0, high + 0.03)
    grid = np.linspace(low, high, 400)
    even = uniform_density(grid, dim)
    axes.plot(grid, even / even.max(), color=SOFT, lw=0.6, zorder=1)
    axes.annotate("spread evenly", (0, 1), (0, 2), color=SOFT, textcoords="offset points", fontsize=6, ha="center")
    axes.set(xlim=(low, high), ylim=(0, 1.12), xlabel="Cosine similarity", ylabel="Pairs (peak 1)", yticks=[0, 0.5, 1])


def uniform_density(similarity: Values, dim: int) -> Values:
    """Density of the cosine of two directions spread evenly over the sphere in ``dim`` dimensions.

    Γ(d/2) / (√π Γ((d-1)/2)) (1 - s²)^((d-3)/2) (Mardia, Jupp: Directional Statistics, 2000, section 9.3).
    """
    inside = np.maximum(1 - similarity**2, np.finfo(np.float64).tiny)
    scale = gammaln(dim / 2) - gammaln(max(dim - 1, 1) / 2) - 0.5 * np.log(np.pi)
    return np.asarray(np.exp(scale + (dim - 3) / 2 * np.log(inside)))


def draw_occurrences(axes: Axes, collapses: Sequence[Collapse]) -> None:
    """Share of the vectors that are among the k nearest of so many others or more; both axes logarithmic."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    letter(axes, "Hubs")
    shown = [(k, one.hubness) for k, one in enumerate(collapses) if one.hubness is not None]
    if not shown:
        axes.text(0.5, 0.5, "too few vectors that differ", transform=axes.transAxes, ha="center", color=SOFT)
        axes.set_axis_off()
        return
    for k, hubness in shown:
        times, share = tail_of(hubness)
        axes.step(times + 1, share, where="post", lw=1.0, **look(k))
        axes.plot(times[-1:] + 1, share[-1:], MARKERS[k], color=PALETTE[k])
    near = shown[0][1].k
    axes.axvline(near + 1, color=SOFT, lw=0.5, ls=(0, (1, 2)), zorder=1)
    count_axis(axes, min(1 / len(hubness.occurrence) for _, hubness in shown) * 0.6, 1.4)
    axes.yaxis.set_major_formatter(share_formatter())
    # One more, so that a logarithmic axis has a place for none.
    axes.set_xscale("log")
    most = max(hubness.largest for _, hubness in shown)
    axes.xaxis.set_major_locator(FixedLocator([t + 1 for t in _TIMES if t <= most]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value - 1:,.0f}"))
    axes.set(xlabel=f"Times among the {near} nearest of others", ylabel="Vectors found as often or more")


def tail_of(hubness: Hubness) -> tuple[Values, Values]:
    """How often vectors are found, each number that occurs, and the share of vectors found as often or more."""
    times, count = np.unique(hubness.occurrence, return_counts=True)
    share = np.cumsum(count[::-1])[::-1] / count.sum()
    return times.astype(np.float64), np.asarray(share, np.float64)


def numbers_of(one: Collapse) -> dict[str, str]:
    """The numbers of a space of vectors, name to value."""
    hubness, fills = one.hubness, one.intrinsic_dimension
    return {
        "Vectors; dimensions": f"{one.n:,}; {one.dim:,}",
        "Mean similarity": f"{signed(one.mean_similarity)} ± {signed(one.similarity_std)}",
        "Length of the mean vector": signed(one.mean_norm),
        "Effective rank": digits(one.effective_rank),
        "Participation ratio": digits(one.participation_ratio),
        "Directions for 50, 90, 99 %": "; ".join(f"{number:,}" for number in one.explained),
        "Uniformity (spread evenly)": f"{signed(one.uniformity, 2)} ({signed(one.uniformity_expected, 2)})",
        "Alignment of pairs": "–" if one.alignment is None else signed(one.alignment),
        "Skewness of hubs": "–" if hubness is None else signed(hubness.skewness, 2),
        "Found by nobody": "–" if hubness is None else percent(hubness.antihubs),
        "Dimension by TwoNN": "–" if fills is None else f"{fills.two_nn:.1f} ± {fills.two_nn_error:.1f}",
        "Dimension by MLE": "–" if fills is None else f"{fills.mle:.1f} ± {fills.mle_error:.1f}",
    }


def draw_numbers(axes: Axes, collapses: Sequence[Collapse], names: Sequence[str]) -> None:
    """The numbers as a small table, one column a space."""
    letter(axes, "Numbers")
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    columns = [numbers_of(one) for one in collapses]
    rights = np.linspace(1, 0.34, len(columns) + 1)[:-1][::-1]
    step = 1 / (len(columns[0]) + 1)
    for k, (right, name) in enumerate(zip(rights, names, strict=True)):
        longest = _LONGEST_NAME[len(names)]
        told = name if len(name) <= longest else name[: longest - 1] + "…"
        axes.text(right, 1 - step / 2, told, color=PALETTE[k], fontweight="bold", fontsize=6.5, ha="right", va="center")
    for row, line in enumerate(columns[0], 1):
        y = 1 - row * step
        axes.plot([0, 1], [y, y], color=LINE, lw=0.4)
        axes.text(0, y - step / 2, line, color=SOFT, fontsize=6.5, va="center")
        for right, column in zip(rights, columns, strict=True):
            axes.text(right, y - step / 2, column[line], color=INK, fontsize=6.5, ha="right", va="center")

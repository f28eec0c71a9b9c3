"""Semivariograms in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from periplus.cli.text import counted, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from periplus.pipeline.spatial import VariogramAnswer
    from periplus.spatial import Fit, VariogramModel


def show_variograms(answer: VariogramAnswer, truths: Sequence[VariogramModel | None]) -> None:
    """Write what is known of each curve: its ends, its models, and its true model where there is one."""
    for curve, fits, true in zip(answer.variograms, answer.fits, truths, strict=True):
        held = curve.has_pairs
        name = curve.label or "Semivariogram"
        if not held.any():
            show(f"{name}: no two places are in any lag.", strong=True)
            continue
        reach = f"{curve.edges_km[:-1][held][0]:,.4g} to {curve.edges_km[1:][held][-1]:,.4g} km"
        used, there = int(curve.count.sum()), round(float(curve.n_pairs[held].sum()))
        pairs = counted(used, "pair") if used == there else f"{used:,} of {counted(there, 'pair')}"
        show(
            f"{name}: {counted(curve.n, 'place')}, {pairs}, {reach} in {counted(int(held.sum()), 'lag')}.", strong=True
        )
        first, last = curve.gamma[held][0], curve.gamma[held][-1]
        show(f"Semivariance {first:.4g} in the first lag, {last:.4g} in the last.", indent=2)
        for place, fit in enumerate(fits):
            show(_fit_words(fit, best=place == 0), indent=2)
        for warning in fits[0].warnings if fits else ():
            show(f"Mind: {warning}", indent=2)
        if true is not None:
            show(f"True {_model_words(true)}", indent=2)


def _fit_words(fit: Fit, *, best: bool) -> str:
    words = f"{'Best: ' if best else ''}{_model_words(fit.model, fit.intervals)}; AIC {fit.aic:.1f}"
    return words[0].upper() + words[1:]


def _model_words(model: VariogramModel, intervals: Mapping[str, tuple[float, float]] | None = None) -> str:
    """A model in one line, each number with its interval where there is one."""

    def number(name: str, unit: str = "") -> str:
        ends = (intervals or {}).get(name)
        told = "" if ends is None else f" [{_told(ends[0], unit)}, {_told(ends[1], unit)}]"
        return f"{_told(getattr(model, name), unit)}{unit}{told}"

    shape = f", shape {number('shape')}" if model.family in ("stable", "matern") else ""
    return (
        f"{model.family}: nugget {number('nugget')}, sill {number('sill')}, length scale "
        f"{number('length_scale_km', ' km')}, effective range {number('effective_range_km', ' km')}{shape}"
    )


def _told(value: float, unit: str) -> str:
    """A number; a distance that the Earth does not have is not told to its digits."""
    from periplus.spatial import HALF_GIRTH_KM

    return f"over {HALF_GIRTH_KM:,.0f}" if unit and value > HALF_GIRTH_KM else f"{value:.4g}"

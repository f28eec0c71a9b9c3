"""The table of fitted models."""

from __future__ import annotations

from collections.abc import Sequence

from periplus.plots.spatial.frame import table
from periplus.plots.spatial.words import between, digits, signed
from periplus.plots.svg import Markup, join, tag
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.fitting.models import CONVENTION, FAMILIES

_COLUMNS = {
    "nugget": "Nugget",
    "partial_sill": "Partial sill",
    "sill": "Sill",
    "length_scale_km": "Length scale L (km)",
    "effective_range_km": "Effective range (km)",
    "shape": "Shape",
}


def fits_section(groups: Sequence[tuple[str, Sequence[Fit]]]) -> Markup:
    """All fits, the best of each curve first, with their intervals, their convention and what to mind.

    Args:
        groups: name of each curve and its fits, best first.
    """
    fits = [fit for _, mine in groups for fit in mine]
    if not fits:
        return Markup()
    named = sum(1 for _, mine in groups if mine) > 1
    rows = [_row(name, fit, mine[0].aic, named=named) for name, mine in groups for fit in mine]
    head = [*(["Curve"] if named else []), "Model", "Δ AIC", *_COLUMNS.values(), "RMSE", "Lags"]
    families = {fit.model.family: FAMILIES[fit.model.family].formula for fit in fits}
    formulas = "; ".join(f"{family}: {formula}" for family, formula in families.items())
    notes = [
        tag("p", f"Share of the partial sill at distance h: {formulas}.", class_="soft convention"),
        tag("p", f"Convention: {CONVENTION}", class_="soft convention"),
        tag("p", _weights(fits), class_="soft convention"),
    ]
    return tag("section", tag("h2", "Fitted models"), table(head, rows, 2 if named else 1), *notes, _warnings(fits))


def _row(name: str, fit: Fit, best_aic: float, *, named: bool) -> list[str]:
    metric = "" if fit.model.metric == "great-circle" else f" ({fit.model.metric})"
    cells = [f"{fit.model.family}{metric}", signed(fit.aic - best_aic, 1)]
    for key in _COLUMNS:
        shapeless = key == "shape" and FAMILIES[fit.model.family].shapes is None
        held = key == "shape" and not fit.shape_fitted
        told = None if fit.intervals is None or held else fit.intervals.get(key)
        reach = between(*told, "km" if key.endswith("_km") else "").removesuffix(" km") if told else ""
        value = "" if shapeless else digits(getattr(fit.model, key))
        cells.append(join([value, tag("small", reach)]) if reach else value)
    row = [*cells, digits(fit.rmse, 2), f"{fit.n_lags}"]
    return [tag("bdi", name), *row] if named else row


def _weights(fits: Sequence[Fit]) -> str:
    used = ", ".join(sorted({fit.weights for fit in fits}))
    told = f"Least squares with weights {used}; AIC compares fits to the same lags with the same weights."
    if any(fit.intervals for fit in fits):
        share = max(fit.confidence for fit in fits)
        told += f" Small numbers: {100 * share:g} % intervals by bootstrap over compact blocks of places."
    return told


def _warnings(fits: Sequence[Fit]) -> Markup:
    said: dict[str, None] = {}
    for fit in fits:
        name = f"{fit.label}, {fit.model.family}" if fit.label else fit.model.family
        said.update(dict.fromkeys(f"{name}: {sentence}" for sentence in fit.warnings))
    lines = [tag("li", sentence) for sentence in said]
    return join([tag("h3", "To mind"), tag("ul", *lines, class_="told")]) if lines else Markup()

"""The page of semivariograms: the figure, what it tells, the fits and the lags."""

from __future__ import annotations

from collections.abc import Sequence

from periplus.plots.spatial.about import About
from periplus.plots.spatial.canvas import FEW_PAIRS
from periplus.plots.spatial.fit_table import fits_section
from periplus.plots.spatial.frame import facts_section, figure_sections, folded_section, page, table
from periplus.plots.spatial.variogram_figure import fit_owners, variogram_figure
from periplus.plots.spatial.variogram_words import variogram_tells
from periplus.plots.spatial.words import digits, km_words, name_of, photos_words, whole
from periplus.plots.svg import Markup, join, tag
from periplus.plots.words import distance_words
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.fitting.models import VariogramModel
from periplus.spatial.variograms.variogram import ESTIMATORS, Variogram

_CAPTION = (
    "Above: semivariance at the mean distance of each lag. Thin bars: one standard error of the field's own "
    "semivariance (delete-one-block jackknife){sampled}. Hollow: lags of fewer than {few} pairs. Lines: fitted models, "
    "dotted beyond the lags they were fitted to; diamond: nugget; line at the right: sill; dotted drop: effective "
    "range; bands: their 95 % intervals. Below: pairs that each lag rests on; the dotted line marks {few}."
)


def variogram_page(
    variograms: Sequence[Variogram],
    fits: Sequence[Fit],
    about: About,
    truths: Sequence[VariogramModel] = (),
    *,
    log_distance: bool = False,
) -> str:
    """The page as HTML text; arguments as :func:`~periplus.plots.spatial.variogram_figure.variogram_figure`.

    Of several fits of one variogram all stand in the table and the best by AIC is drawn.

    Raises:
        UsageError: no variogram with pairs, or a fit that belongs to none.
        MissingExtraError: Matplotlib is not installed.
    """
    owners = fit_owners(variograms, fits)
    ranked = [_ranked(fits, owners, k) for k in range(len(variograms))]
    best = [mine[0] if mine else None for mine in ranked]
    drawn = [fit for fit in best if fit is not None]
    figure = variogram_figure(variograms, drawn, truths, log_distance=log_distance)
    sampled = any(_is_sampled(variogram) for variogram in variograms)
    caption = _CAPTION.format(few=FEW_PAIRS, sampled="; thick bars: the error of sampling pairs" if sampled else "")
    names = [name_of(one) or f"curve {k}" for k, one in enumerate(variograms, 1)]
    told = [(name, variogram_tells(one, mine)) for name, one, mine in zip(names, variograms, ranked, strict=True)]
    lags = [(name, _lag_table(one, fit)) for name, one, fit in zip(names, variograms, best, strict=True)]
    sections = [
        figure_sections("Semivariance and distance", figure, (_label(variograms), caption), told),
        fits_section(list(zip(names, ranked, strict=True))),
        folded_section("Lags", lags),
        facts_section(about, _facts(variograms)),
    ]
    return page(about, _lead(variograms, about), _tiles(variograms, best), sections)


def _ranked(fits: Sequence[Fit], owners: Sequence[int], k: int) -> list[Fit]:
    mine = [fit for fit, owner in zip(fits, owners, strict=True) if owner == k]
    return sorted(mine, key=lambda fit: fit.aic)


def _is_sampled(variogram: Variogram) -> bool:
    return bool((variogram.sampling_error > 0).any())


def _label(variograms: Sequence[Variogram]) -> str:
    far = distance_words(float(variograms[0].edges_km[-1]))
    return f"Semivariance against great-circle distance up to {far}; the numbers are in the tables below."


def _lead(variograms: Sequence[Variogram], about: About) -> str:
    first, photos = variograms[0], sorted({one.n for one in variograms})
    what = "the values" if first.dim == 1 else f"vectors of {first.dim:,} numbers"
    by = f" ({about.encoder})" if about.encoder else ""
    used = sum(int(one.count.sum()) for one in variograms)
    there = sum(float(one.n_pairs.sum()) for one in variograms)
    pairs = f"all {whole(there)} pairs"
    if any(_is_sampled(variogram) for variogram in variograms):
        pairs = f"a sample of {whole(used)} of {whole(there)} pairs"
    of = photos_words(photos[-1]) if len(photos) == 1 else f"{photos[0]:,} to {photos_words(photos[-1])}"
    lags = f"{len(first.gamma)} lags" if len(variograms) == 1 else f"{len(first.gamma)} lags, {len(variograms)} curves"
    return (
        f"How {what}{by} differ between {of} from {about.source} with the distance between the cameras: {pairs} up to "
        f"{distance_words(float(first.edges_km[-1]))} apart, in {lags}."
    )


def _tiles(variograms: Sequence[Variogram], best: Sequence[Fit | None]) -> list[tuple[str, str]]:
    tiles = [(whole(max(one.n for one in variograms)), "photos")]
    tiles.append((whole(sum(float(one.count.sum()) for one in variograms)), "pairs"))
    fit = best[0]
    if len(variograms) > 1 or fit is None:
        return [*tiles, (str(len(variograms)), "curves" if len(variograms) > 1 else "curve")]
    model = fit.model
    share = model.nugget / model.sill if model.sill else 0.0
    tiles += [(digits(model.sill), "sill"), (f"{100 * share:.0f} %", "of it nugget")]
    return [*tiles, (f"{km_words(model.effective_range_km)} km", "effective range")]


def _lag_table(variogram: Variogram, fit: Fit | None) -> Markup:
    sampled = _is_sampled(variogram)
    head = ["From – to (km)", "Mean distance (km)", "Semivariance", "Standard error"]
    head += (["Sampling error"] if sampled else []) + (["Model"] if fit else []) + ["Pairs"]
    head += ["Pairs in all"] if sampled else []
    rows = []
    for k, gamma in enumerate(variogram.gamma.tolist()):
        low, high = variogram.edges_km[k : k + 2].tolist()
        row = [f"{km_words(low)} – {km_words(high)}", km_words(variogram.distance_km[k]), digits(gamma, 4)]
        row.append(digits(variogram.standard_error[k], 2))
        row += [digits(variogram.sampling_error[k], 2)] if sampled else []
        if fit:
            row.append(digits(float(fit.model(variogram.distance_km[k])), 4) if variogram.count[k] else "–")
        row.append(whole(variogram.count[k]) + (" *" if variogram.count[k] < FEW_PAIRS else ""))
        rows.append(row + ([whole(float(variogram.n_pairs[k]))] if sampled else []))
    few = int((variogram.count < FEW_PAIRS).sum())
    note = [tag("p", f"* fewer than {FEW_PAIRS} pairs: not to be relied on.", class_="soft")] if few else []
    return join([table(head, rows), *note])


def _facts(variograms: Sequence[Variogram]) -> dict[str, str]:
    estimators = sorted({one.estimator for one in variograms})
    facts = {"Estimator": "; ".join(f"{name}: {ESTIMATORS.get(name, name)}" for name in estimators)}
    sampled = any(_is_sampled(one) for one in variograms)
    facts["Pairs"] = "a random sample of the pairs of each lag" if sampled else "every pair of photos, exactly"
    facts["Standard error"] = (
        "delete-one-block jackknife over compact blocks of places: what another draw of the field would change, "
        "not only of its pairs"
    )
    sectors = [one.sector_deg for one in variograms if one.sector_deg is not None]
    if sectors:
        facts["Direction"] = "axes from the middle of each pair, degrees clockwise from north, modulo 180"
    return facts

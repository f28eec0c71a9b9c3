"""The page of collapse: how vectors fill their sphere, what that says, and everybody's neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from periplus.plots.spatial.about import About
from periplus.plots.spatial.collapse_figure import collapse_figure
from periplus.plots.spatial.collapse_panels import numbers_of
from periplus.plots.spatial.frame import facts_section, figure_sections, page, table
from periplus.plots.spatial.pictures import Photos, photo_figure
from periplus.plots.spatial.words import digits, percent, photos_words, signed, whole
from periplus.plots.svg import Markup, tag
from periplus.spatial.vectors.collapse import Collapse

_CAPTION = (
    "Spectrum: share of the variance in each direction, largest first; beside it what the first directions carry "
    "together. Similarity of all pairs, peaks brought to one height; grey: vectors spread evenly. Hubs: the share "
    "of vectors that are among the nearest of so many others or more; dotted: the mean."
)


def collapse_page(collapses: Sequence[Collapse], photos: Sequence[Photos], about: About) -> str:
    """The page as HTML text.

    Args:
        collapses: one to three spaces of vectors, such as before and after whitening.
        photos: for each space the files of its rows, None where unknown.
        about: what was measured.

    Raises:
        UsageError: no space, too many, or too few files.
        MissingExtraError: Matplotlib is not installed.
    """
    figure = collapse_figure(collapses)
    names = [one.label or ("vectors" if len(collapses) == 1 else f"space {k}") for k, one in enumerate(collapses, 1)]
    label = "Spectrum, similarities and hubs of the vectors; the numbers are in the table below."
    told = [(name, one.findings) for one, name in zip(collapses, names, strict=True)]
    hubs = [
        _hubs(one, name if len(collapses) > 1 else "", files)
        for one, name, files in zip(collapses, names, photos, strict=True)
    ]
    sections = [
        figure_sections("How vectors fill their sphere", figure, (label, _CAPTION), told),
        _numbers(collapses, names),
        *hubs,
        facts_section(about, _facts(collapses[0])),
    ]
    return page(about, _lead(collapses, about), _tiles(collapses[0]), sections)


def _lead(collapses: Sequence[Collapse], about: About) -> str:
    first = collapses[0]
    by = f" ({about.encoder})" if about.encoder else ""
    spaces = "" if len(collapses) == 1 else f", in {len(collapses)} spaces"
    empty = f"; {photos_words(first.n_empty)} without features left out" if first.n_empty else ""
    sample = ""
    if first.n_sampled < first.n:
        seed = "" if about.seed is None else f", seed {about.seed}"
        sample = f" Pairs and neighbours are those of {whole(first.n_sampled)} drawn at random{seed}."
    return (
        f"Whether the vectors of {photos_words(first.n)} from {about.source}{by} are a cone, or fill few of their "
        f"{first.dim:,} dimensions{spaces}{empty}.{sample}"
    )


def _tiles(one: Collapse) -> list[tuple[str, str]]:
    tiles = [(whole(one.n), "vectors"), (whole(one.dim), "dimensions")]
    tiles += [(signed(one.mean_similarity, 2), "mean similarity"), (digits(one.effective_rank), "effective rank")]
    return tiles if one.hubness is None else [*tiles, (signed(one.hubness.skewness, 2), "skewness of hubs")]


def _numbers(collapses: Sequence[Collapse], names: Sequence[str]) -> Markup:
    columns = [numbers_of(one) for one in collapses]
    rows = [[line, *(column[line] for column in columns)] for line in columns[0]]
    return tag("section", tag("h2", "Numbers"), table(["", *(tag("bdi", name) for name in names)], rows))


def _hubs(one: Collapse, name: str, photos: Photos) -> Markup:
    hubness = one.hubness
    if hubness is None or not len(hubness.hubs):
        return Markup()
    shown = [
        photo_figure(photos, row, f"{times:,} times")
        for row, times in zip(hubness.hubs.tolist(), hubness.hub_occurrence.tolist(), strict=True)
    ]
    words = (
        f"The photos that are oftenest among the {hubness.k} nearest of others; {hubness.k} times is the mean. "
        f"{percent(hubness.antihubs)} of the photos are among nobody's."
    )
    title = f"Hubs{f', {name}' if name else ''}"
    return tag("section", tag("h2", title), tag("p", words, class_="soft"), tag("div", *shown, class_="wall"))


def _facts(one: Collapse) -> dict[str, str]:
    exact = one.n_sampled == one.n
    facts = {
        "Variance": "of unit vectors round their mean; its directions are the covariance's eigenvectors",
        "Effective rank": "exp of the entropy of the spectrum's shares (Roy and Vetterli 2007)",
        "Participation ratio": "(Σ λ)² / Σ λ² of the spectrum λ",
        "Uniformity": "log mean exp(-2 |x - y|²) over pairs (Wang and Isola 2020); beside it that of an even spread",
        "Alignment": "mean |x - y|² over the pairs that belong together",
        "Dimension": "TwoNN (Facco et al. 2017) and maximum likelihood (Levina and Bickel 2004, averaged as MacKay and "
        "Ghahramani 2005), each with its standard error",
        "Pairs": "all, exactly" if exact else f"those of {one.n_sampled:,} vectors drawn at random",
    }
    if one.alignment is None:
        del facts["Alignment"]
    return facts

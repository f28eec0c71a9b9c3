"""The page of similarity against distance: the clouds, what they tell, and the pairs that contradict them most."""

from __future__ import annotations

from collections.abc import Sequence

from periplus.plots.spatial.about import About
from periplus.plots.spatial.canvas import FEW_PAIRS
from periplus.plots.spatial.frame import facts_section, figure_sections, folded_section, page, table
from periplus.plots.spatial.pictures import Photos, photo_figure
from periplus.plots.spatial.similarity_figure import similarity_figure
from periplus.plots.spatial.similarity_words import similarity_tells
from periplus.plots.spatial.words import correlation_words, digits, km_words, percent, photos_words, signed, whole
from periplus.plots.svg import Markup, join, tag
from periplus.plots.words import distance_words
from periplus.spatial.clouds.cloud import SimilarityCloud
from periplus.spatial.clouds.worst_pairs import WorstPair

_CAPTION = (
    "Every pair of photos; the stronger the colour of a hexagon, the more pairs fall into it. Orange: mean similarity "
    "in each lag, with two standard errors (delete-one-block jackknife); triangles: where it rises by more than that. "
    f"Lines: quantiles of the same lags. Lags of fewer than {FEW_PAIRS} pairs have no curves."
)


def similarity_page(clouds: Sequence[SimilarityCloud], photos: Sequence[Photos], about: About) -> str:
    """The page as HTML text.

    Args:
        clouds: one to three.
        photos: for each cloud the files of its rows, None where unknown.
        about: what was measured.

    Raises:
        UsageError: no cloud, too many, one without pairs, or too few files.
        MissingExtraError: Matplotlib is not installed.
    """
    figure = similarity_figure(clouds)
    names = [cloud.label or ("all pairs" if len(clouds) == 1 else f"cloud {k}") for k, cloud in enumerate(clouds, 1)]
    label = "Cosine similarity against great-circle distance of all pairs; the numbers are in the tables below."
    told = [(name, similarity_tells(cloud)) for name, cloud in zip(names, clouds, strict=True)]
    galleries = [
        _gallery(cloud, name if len(clouds) > 1 else "", files)
        for cloud, name, files in zip(clouds, names, photos, strict=True)
    ]
    tables = [(name, _lags(cloud)) for name, cloud in zip(names, clouds, strict=True)]
    sections = [
        figure_sections("Similarity and distance", figure, (label, _CAPTION), told),
        _correlations(clouds, names),
        *galleries,
        folded_section("Mean similarity by distance", tables),
        facts_section(about, _facts(clouds[0])),
    ]
    return page(about, _lead(clouds, about), _tiles(clouds[0]), sections)


def _lead(clouds: Sequence[SimilarityCloud], about: About) -> str:
    first = clouds[0]
    by = f" ({about.encoder})" if about.encoder else ""
    empty = f"; {photos_words(first.n_empty)} without features left out" if first.n_empty else ""
    spaces = "" if len(clouds) == 1 else f", {len(clouds)} clouds"
    return (
        f"How alike photos look{by} and how far apart their cameras stood: all {whole(first.n_pairs)} pairs of "
        f"{photos_words(first.n)} from {about.source}{empty}{spaces}."
    )


def _tiles(cloud: SimilarityCloud) -> list[tuple[str, str]]:
    tiles = [(whole(cloud.n), "photos"), (whole(cloud.n_pairs), "pairs")]
    tiles += [(signed(cloud.pearson.value), "Pearson's r"), (signed(cloud.spearman.value), "Spearman's ρ")]
    return [*tiles, (percent(cloud.monotonicity.discordance), "discordance")]


def _correlations(clouds: Sequence[SimilarityCloud], names: Sequence[str]) -> Markup:
    head = ["", "Pearson", "Pearson, log distance", "Spearman", "Mean similarity", "Rises", "Discordance"]
    rows = [
        [
            tag("bdi", name),
            *(correlation_words(one) for one in (cloud.pearson, cloud.pearson_log, cloud.spearman)),
            signed(cloud.mean_similarity),
            f"{len(cloud.monotonicity.rises)} of {cloud.monotonicity.n_steps}",
            percent(cloud.monotonicity.discordance, 3),
        ]
        for name, cloud in zip(names, clouds, strict=True)
    ]
    note = "In brackets: 95 % intervals by delete-one-block jackknife over compact blocks of places."
    return tag("section", tag("h2", "Correlations"), table(head, rows), tag("p", note, class_="soft"))


def _gallery(cloud: SimilarityCloud, name: str, photos: Photos) -> Markup:
    of = f", {name}" if name else ""
    parts = [
        _pairs(
            f"Far but alike{of}",
            f"The most alike of the pairs at least {distance_words(cloud.far_km)} apart.",
            cloud.far_alike,
            photos,
        ),
        _pairs(
            f"Near but unlike{of}",
            f"The least alike of the pairs nearer than {distance_words(cloud.near_km)}.",
            cloud.near_unlike,
            photos,
        ),
    ]
    return join(parts)


def _pairs(title: str, words: str, pairs: Sequence[WorstPair], photos: Photos) -> Markup:
    if not pairs:
        return tag("section", tag("h2", title), tag("p", f"{words} There is none.", class_="soft"))
    cards = tag("div", *(_card(pair, photos) for pair in pairs), class_="groups")
    return tag("section", tag("h2", title), tag("p", words, class_="soft"), cards)


def _card(pair: WorstPair, photos: Photos) -> Markup:
    both = tag("div", *(photo_figure(photos, row) for row in (pair.first, pair.second)), class_="pair")
    words = (
        f"{distance_words(pair.distance_km)} apart · similarity {signed(pair.similarity)} · "
        f"expected {signed(pair.expected)} at that distance"
    )
    return tag("div", both, tag("p", words), class_="group")


def _lags(cloud: SimilarityCloud) -> Markup:
    curve, rows = cloud.curve, []
    for k in range(len(curve.mean)):
        low, high = curve.edges_km[k : k + 2].tolist()
        row = [f"{km_words(low)} – {km_words(high)}", signed(float(curve.mean[k]), 4)]
        row += [digits(float(curve.standard_error[k]), 2), whole(int(curve.count[k]))]
        rows.append(row)
    return table(["From – to (km)", "Mean similarity", "Standard error", "Pairs"], rows)


def _facts(cloud: SimilarityCloud) -> dict[str, str]:
    return {
        "Pairs": "every pair of photos, exactly; nothing is sampled",
        "Similarity": "cosine of the angle between the vectors of two photos",
        "Discordance": "probability that of two random pairs the farther one is the more alike, ties half",
        "Intervals": f"95 %, delete-one-block jackknife over {cloud.n_blocks} compact blocks of places",
        "First lag": f"also the pairs nearer than {distance_words(float(cloud.distance_edges_km[0]))}",
    }

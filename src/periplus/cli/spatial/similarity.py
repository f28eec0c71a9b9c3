"""``periplus spatial similarity``: how alike photos are, by how far apart they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.guard import verb
from periplus.cli.model_options import ModelOptions
from periplus.cli.options import Columns, Jobs, Json, Splits
from periplus.cli.progress import progress
from periplus.cli.spatial.options import (
    AgainstOption,
    CacheOption,
    CheckpointOption,
    EncoderOption,
    FigureOption,
    HtmlOption,
    Outputs,
    PhotosOption,
    SeedOption,
    SpatialSource,
    TableOption,
    VectorsOption,
    about,
    paths_of,
    read_json_of,
    reading_of,
    saying_what_is_kept,
    side_by_side,
    tell_read,
)
from periplus.cli.text import counted, emit, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from periplus.pipeline.spatial import Placed
    from periplus.spatial import Correlation, SimilarityCloud, SimilaritySettings


@verb
def similarity(
    source: SpatialSource,
    encoder: EncoderOption = None,
    against: AgainstOption = None,
    model: ModelOptions = None,
    vectors: VectorsOption = None,
    far_km: Annotated[
        float, typer.Option(metavar="KM", help="Alike but far are pairs at least so far apart; less in a small place.")
    ] = 1000.0,
    near_km: Annotated[
        float,
        typer.Option(
            metavar="KM", help="Near but unlike are pairs nearer than this; less in a small place, more where few are."
        ),
    ] = 25.0,
    worst: Annotated[int, typer.Option(min=1, max=200, metavar="N", help="Pairs of each kind to show.")] = 20,
    min_km: Annotated[
        float, typer.Option(metavar="KM", help="Where the axis of distance begins; nearer pairs count there.")
    ] = 0.01,
    checkpoint: CheckpointOption = None,
    cache: CacheOption = None,
    photos: PhotosOption = 0,
    seed: SeedOption = 0,
    split: Splits = None,
    column: Columns = None,
    jobs: Jobs = 0,
    table: TableOption = None,
    figure: FigureOption = None,
    html: HtmlOption = None,
    json: Json = False,
) -> int:
    """Compare the cosine similarity of all pairs of photos with the distance between them.

    For an ideal encoder similarity would fall with distance, always. Told are the mean curve with quantiles, the
    correlations, where the curve rises, and the pairs that are alike but far, or near but unlike.

    Example: periplus spatial similarity world.gallery --html similarity.html

    Example: periplus spatial similarity photos.csv --encoder planet --encoder asmk --cache seen --figure two.png
    """
    from periplus.pipeline import default_jobs
    from periplus.pipeline.spatial import answer_similarities, open_several
    from periplus.plots.spatial.similarity_figure import MOST_PANELS
    from periplus.spatial import PassSettings, SimilaritySettings
    from periplus.spatial.documents import similarity_document
    from periplus.spatial.tables import similarity_table

    outputs = Outputs(table, figure, html, (checkpoint,))
    outputs.require_room(side_by_side(encoder, against), MOST_PANELS)
    reading = reading_of(model, vectors, cache, split, column, (photos, seed), jobs)
    settings = SimilaritySettings(far_km=far_km, near_km=near_km, worst=worst, min_km=min_km)
    how = PassSettings(jobs or default_jobs(), checkpoint=checkpoint)
    with saying_what_is_kept(checkpoint, cache), progress() as tell:
        placed = open_several([source, *(against or ())], encoder or (), reading, tell)
        clouds = answer_similarities(placed, settings, how, tell)
    if json:
        pairs = zip(clouds, placed, strict=True)
        emit({
            "source": source,
            "encoders": [similarity_document(cloud, one.catalog.ids) for cloud, one in pairs],
            **read_json_of(placed),
        })  # fmt: skip
    else:
        for cloud, one in zip(clouds, placed, strict=True):
            _show(cloud, one, settings)
    outputs.write_table(lambda: similarity_table(clouds))
    _draw(outputs, clouds, placed, source, seed if photos else None)
    return tell_read(placed)


def _show(cloud: SimilarityCloud, placed: Placed, settings: SimilaritySettings) -> None:
    ids = placed.catalog.ids
    title = f"{cloud.label}: {counted(cloud.n, 'photo')}, {counted(cloud.n_pairs, 'pair')}, "
    show(f"{title}mean similarity {cloud.mean_similarity:.3f}.", strong=True)
    for name, one in (("distance", cloud.pearson), ("log distance", cloud.pearson_log)):
        show(f"Pearson with {name}: {_words(one)}", indent=2)
    show(f"Spearman: {_words(cloud.spearman)}", indent=2)
    fall = cloud.monotonicity
    if fall.discordance == fall.discordance:
        often = f"{fall.discordance:.1%} (ideal: 0 %, by chance: 50 %)"
        show(f"Of two random pairs the farther is the more alike in {often}.", indent=2)
    real = [rise for rise in fall.rises if rise.is_beyond_chance]
    steps = f"{len(fall.rises)} of {fall.n_steps} steps"
    show(f"The mean curve rises at {steps}, at {len(real)} beyond two standard errors.", indent=2)
    for title, pairs in (("Alike but far", cloud.far_alike), ("Near but unlike", cloud.near_unlike)):
        for pair in pairs[:3]:
            names = f"{ids[pair.first]} and {ids[pair.second]}"
            numbers = f"similarity {pair.similarity:.3f} (expected {pair.expected:.3f}) at {pair.distance_km:,.1f} km"
            show(f"{title}: {names}, {numbers}.", indent=2)
    if (cloud.far_km, cloud.near_km) != (settings.far_km, settings.near_km):
        show(f"Far is {cloud.far_km:,.4g} km here, and near {cloud.near_km:,.4g} km.", indent=2)


def _words(one: Correlation) -> str:
    if one.value != one.value:
        return f"unknown: {one.reason}"
    interval = f" [{one.low:.3f}, {one.high:.3f}]" if one.low == one.low else f" ({one.reason})"
    return f"{one.value:.3f}{interval}"


def _draw(
    outputs: Outputs, clouds: Sequence[SimilarityCloud], placed: Sequence[Placed], source: str, seed: int | None
) -> None:
    if outputs.figure is not None:
        from periplus.plots.spatial.canvas import save_figure
        from periplus.plots.spatial.similarity_figure import similarity_figure

        outputs.write_figure(lambda path: save_figure(similarity_figure(clouds), path))
    if outputs.html is not None:
        from periplus.plots.spatial.similarity_page import similarity_page

        outputs.write_page(
            similarity_page(
                clouds, [paths_of(one) for one in placed], about("Similarity against distance", source, placed, seed)
            )
        )

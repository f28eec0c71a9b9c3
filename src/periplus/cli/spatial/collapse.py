"""``periplus spatial collapse``: whether vectors fill their space."""

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
from periplus.cli.text import counted, emit, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from periplus.pipeline.spatial import CollapseAnswer, Placed


@verb
def collapse(
    source: SpatialSource,
    encoder: EncoderOption = None,
    against: AgainstOption = None,
    model: ModelOptions = None,
    vectors: VectorsOption = None,
    positives: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Photos of one value belong together; by default landmark or sequence."),
    ] = None,
    positives_km: Annotated[
        float | None, typer.Option(min=0, metavar="KM", help="Nearest photos within this belong together, instead.")
    ] = None,
    whiten: Annotated[
        bool, typer.Option("--whiten", help="Measure again after whitening by principal components.")
    ] = False,
    whiten_dim: Annotated[
        int | None, typer.Option(min=1, metavar="D", help="Directions it keeps; by default those of 99 % variance.")
    ] = None,
    neighbours: Annotated[int, typer.Option(min=2, max=1000, help="Of hubs and of the intrinsic dimension.")] = 10,
    max_vectors: Annotated[
        int, typer.Option(min=100, help="Pairs and neighbours are looked at among so many, chosen by lot.")
    ] = 50_000,
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
    """Tell whether an embedding space is a cone or has collapsed: how much of it the vectors of photos fill.

    Mean similarity, spectrum and effective rank, uniformity and alignment, hubs, intrinsic dimension. Positions are
    not looked at, but photos without one are left out, as by the other verbs.

    Example: periplus spatial collapse world.gallery --whiten --html collapse.html
    """
    from periplus.pipeline import default_jobs
    from periplus.pipeline.spatial import CollapseQuestion, answer_collapses, open_several
    from periplus.plots.spatial.collapse_figure import MOST_SPACES
    from periplus.spatial import CollapseSettings
    from periplus.spatial.documents import collapse_document
    from periplus.spatial.tables import collapse_table

    outputs = Outputs(table, figure, html)
    keep = whiten_dim or (-1 if whiten else 0)
    outputs.require_room(side_by_side(encoder, against) * (2 if keep else 1), MOST_SPACES)
    reading = reading_of(model, vectors, cache, split, column, (photos, seed), jobs)
    settings = CollapseSettings(
        neighbours=neighbours, max_vectors=max_vectors, seed=seed, workers=jobs or default_jobs()
    )
    question = CollapseQuestion(settings, positives, positives_km, keep)
    with saying_what_is_kept(cache), progress() as tell:
        placed = open_several([source, *(against or ())], encoder or (), reading, tell)
        answer = answer_collapses(placed, question, tell)
    if json:
        found = zip(answer.found, answer.sources, strict=True)
        measured = [collapse_document(one, placed[number].catalog.ids) for one, number in found]
        emit({"source": source, "encoders": measured, "notes": list(answer.notes), **read_json_of(placed)})
    else:
        _show(answer)
    outputs.write_table(lambda: collapse_table(answer.found))
    _draw(outputs, answer, placed, source, seed)
    return tell_read(placed)


def _show(answer: CollapseAnswer) -> None:
    for one in answer.found:
        show(f"{one.label}: {counted(one.n, 'photo')}, vectors of {one.dim:,} numbers.", strong=True)
        for finding in one.findings:
            show(finding, indent=2)
    for note in answer.notes:
        say(note)


def _draw(outputs: Outputs, answer: CollapseAnswer, placed: Sequence[Placed], source: str, seed: int) -> None:
    if outputs.figure is not None:
        from periplus.plots.spatial.canvas import save_figure
        from periplus.plots.spatial.collapse_figure import collapse_figure

        outputs.write_figure(lambda path: save_figure(collapse_figure(answer.found), path))
    if outputs.html is not None:
        from periplus.plots.spatial.collapse_page import collapse_page

        paths = [paths_of(placed[number]) for number in answer.sources]
        outputs.write_page(collapse_page(answer.found, paths, about("Collapse and cone", source, placed, seed)))

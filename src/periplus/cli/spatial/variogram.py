"""``periplus spatial variogram``: how unlike photos are, by how far apart they were taken."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    numbers,
    read_json_of,
    reading_of,
    saying_what_is_kept,
    side_by_side,
    tell_read,
)
from periplus.cli.spatial.variogram_text import show_variograms
from periplus.cli.text import emit, say
from periplus.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from periplus.pipeline.spatial import VariogramAnswer
    from periplus.plots.spatial.about import About
    from periplus.spatial import Family, VariogramModel

Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="Let torch compare the pairs, on cpu or cuda; NumPy does where not said."),
]
_FAMILIES: tuple[Family, ...] = ("stable", "spherical", "exponential", "gaussian", "matern")


@verb
def variogram(
    source: SpatialSource,
    encoder: EncoderOption = None,
    against: AgainstOption = None,
    model: ModelOptions = None,
    vectors: VectorsOption = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--values", metavar="COLUMN", help="Numbers of SOURCE instead of vectors. Repeatable: a curve each."
        ),
    ] = None,
    cross: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The cross-variogram of --values with this column.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="A curve for each continent, country, land, or value of a column."),
    ] = None,
    estimator: Annotated[
        Literal["matheron", "cressie", "dowd"], typer.Option(help="The mean, or one that outliers harm less.")
    ] = "matheron",
    spacing: Annotated[
        Literal["linear", "log", "equal-count"], typer.Option(help="How the lags lie between 0 and --max-km.")
    ] = "log",
    lags: Annotated[int, typer.Option(min=1, max=100_000, help="How many lags.")] = 40,
    max_km: Annotated[
        float | None, typer.Option(help="The longest lag; by default half of the largest distance.")
    ] = None,
    min_km: Annotated[
        float | None, typer.Option(help="Where logarithmic lags begin; the first holds all nearer pairs.")
    ] = None,
    edges_km: Annotated[
        str | None, typer.Option(metavar="KM,KM,...", help="The edges of all lags, instead of the four above.")
    ] = None,
    sectors: Annotated[int, typer.Option(min=1, max=36, help="A curve for each of so many directions.")] = 1,
    sample: Annotated[
        int,
        typer.Option(min=0, metavar="PAIRS", help="So many pairs a lag, drawn evenly; 0 takes all pairs there are."),
    ] = 0,
    fit: Annotated[
        list[str] | None,
        typer.Option(metavar="FAMILY", help=f"{', '.join(_FAMILIES)}, all or none. Repeatable; all by default."),
    ] = None,
    weights: Annotated[
        Literal["equal", "cressie", "pairs"],
        typer.Option(help="Of lags in a fit: all the same, pairs / γ², or pairs."),
    ] = "equal",
    metric: Annotated[
        Literal["great-circle", "chord"], typer.Option(help="What models take for distance; on chords all are valid.")
    ] = "great-circle",
    fit_max_km: Annotated[float | None, typer.Option(help="Fit lags up to here only.")] = None,
    resamples: Annotated[
        int,
        typer.Option(
            min=0, max=10_000, help="Of the bootstrap that tells the best model's intervals; 0, or 40 and more."
        ),
    ] = 200,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="planet.json or fields.json: draw the true model, too.")
    ] = None,
    save_fit: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Keep the best model, for training and for later.")
    ] = None,
    checkpoint: CheckpointOption = None,
    device: Device = None,
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
    """Estimate how unlike photos (or a table's numbers) are by their distance, over all pairs, and fit models to it.

    The semivariance of unit vectors is 1 - cosine. Nothing is as alike as it can be at distance 0 (the nugget), and
    beyond the range nothing is more alike than anything else (the sill).

    Example: periplus spatial variogram town.gallery --figure town.png

    Example: periplus spatial variogram planet/photos.parquet --values field_elevation --truth planet/planet.json
    """
    from periplus.pipeline import default_jobs
    from periplus.pipeline.spatial import (
        FitChoice,
        LagChoice,
        VariogramQuestion,
        answer_variograms,
        open_several,
        true_models,
    )
    from periplus.spatial import PassSettings
    from periplus.spatial.documents import variogram_document
    from periplus.spatial.tables import variogram_table

    outputs = Outputs(table, figure, html, (save_fit, checkpoint))
    columns, families = tuple(dict.fromkeys(values or ())), _families(fit)
    if columns and (encoder or vectors):
        raise UsageError("--values are looked at instead of vectors: leave --encoder and --vectors out.")
    if save_fit is not None:
        _check_saving(max(len(columns), 1) * sectors * side_by_side(encoder, against), families)
    asked = columns or ((vectors.name,) if vectors else ())
    truths = {} if truth is None else true_models(truth, () if cross else asked)
    reading = reading_of(model, vectors, cache, split, column, (photos, seed), jobs)
    given = numbers(edges_km, "--edges-km")
    how = PassSettings(jobs or default_jobs(), checkpoint=checkpoint)
    question = VariogramQuestion(
        columns=columns,
        cross=cross,
        by=by,
        lags=LagChoice(spacing, lags, max_km, min_km, given, seed),
        estimator=estimator,
        sectors=sectors,
        sample=sample,
        seed=seed,
        fit=FitChoice(families, weights, metric, fit_max_km, resamples),
        how=how if device is None else PassSettings(how.workers, backend="torch", device=device, checkpoint=checkpoint),
    )
    with saying_what_is_kept(checkpoint, cache), progress() as tell:
        placed = open_several([source, *(against or ())], encoder or (), reading, tell)
        answer = answer_variograms(placed, question, tell)
    true = [truths.get(variable) for variable in answer.variables]
    if json:
        curves = zip(answer.variograms, answer.fits, true, strict=True)
        emit({
            "source": source,
            "curves": [variogram_document(*curve) for curve in curves],
            "notes": list(answer.notes),
            **read_json_of(placed),
        })  # fmt: skip
    else:
        show_variograms(answer, true)
        for note in answer.notes:
            say(note)
    best = [fits[0] if fits else None for fits in answer.fits]
    outputs.write_table(lambda: variogram_table(answer.variograms, best))
    what = about("Semivariogram", source, placed, seed if sample or photos else None)
    _draw(outputs, answer, list(truths.values()), what, log=spacing == "log")
    if save_fit is not None:
        _save_fit(answer, save_fit)
    return tell_read(placed)


def _families(names: list[str] | None) -> tuple[Family, ...]:
    """The families to fit.

    Raises:
        UsageError: there is no such family.
    """
    if not names or names == ["all"]:
        return _FAMILIES
    if names == ["none"]:
        return ()
    for name in names:
        if name not in _FAMILIES:
            raise UsageError(f"--fit {name}: choose from {', '.join(_FAMILIES)}, or all or none alone.")
    return tuple(family for family in _FAMILIES if family in names)


def _draw(
    outputs: Outputs, answer: VariogramAnswer, truths: Sequence[VariogramModel], what: About, *, log: bool
) -> None:
    if outputs.figure is not None:
        from periplus.plots.spatial.canvas import save_figure
        from periplus.plots.spatial.variogram_figure import variogram_figure

        drawn = variogram_figure(answer.variograms, answer.best, truths, log_distance=log)
        outputs.write_figure(lambda path: save_figure(drawn, path))
    if outputs.html is not None:
        from periplus.plots.spatial.variogram_page import variogram_page

        fits = [fit for fits in answer.fits for fit in fits]
        outputs.write_page(variogram_page(answer.variograms, fits, what, truths, log_distance=log))


def _check_saving(curves: int, families: Sequence[Family]) -> None:
    """Fail before the work, where it is known that there will be no single model.

    Raises:
        UsageError: so it is.
    """
    if curves > 1 or not families:
        raise UsageError(f"--save-fit keeps the model of one curve; this makes {curves}, of {len(families)} families.")


def _save_fit(answer: VariogramAnswer, path: Path) -> None:
    """Keep the best model of the only curve.

    Raises:
        UsageError: there are several curves, or none could be fitted.
    """
    from periplus.spatial import write_fit

    if len(answer.variograms) > 1 or not answer.best:
        raise UsageError(
            f"--save-fit keeps the model of one curve; there are {len(answer.variograms)}, of which "
            f"{len(answer.best)} have one."
        )
    write_fit(path, answer.best[0])
    say(f"Wrote {path}.")

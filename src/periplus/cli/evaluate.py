"""``periplus evaluate``: how good a gallery's answers are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from periplus.cli.evaluate_rank import evaluate_rank
from periplus.cli.guard import verb
from periplus.cli.options import Columns, GalleryOption, Jobs, Json, Source, Splits, mapping
from periplus.cli.progress import progress
from periplus.cli.query_table import TableOption, check_table, write_table
from periplus.cli.text import emit, show, skips_json, status_of, tell_skipped
from periplus.cli.world_options import (
    BufferOption,
    ExcludeOption,
    GuessOption,
    NeighboursOption,
    exclusion_of,
    world_config,
)
from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.evaluate import FixProtocol

evaluate_app = typer.Typer(
    help="Measure how good a gallery's answers are.", no_args_is_help=True, rich_markup_mode="markdown"
)
evaluate_app.command("rank")(evaluate_rank)


@evaluate_app.command("fix")
@verb
def evaluate_fix(
    source: Source,
    gallery: GalleryOption,
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What is measured: periplus-fix in a town; worldwide im2gps, osv5m, or all of it: world. "
            "Default: by how far the gallery reaches.",
        ),
    ] = None,
    thresholds_km: Annotated[
        str | None, typer.Option(metavar="KM,KM,...", help="Other distances, such as 0.025,0.05,1.")
    ] = None,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="SOURCE shows places the gallery does not hold: count false answers.")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Whose photos belong together; by default author, or else sequence."),
    ] = None,
    exclude: ExcludeOption = None,
    buffer_km: BufferOption = 0.0,
    neighbours: NeighboursOption = None,
    guess: GuessOption = None,
    split: Splits = None,
    column: Columns = None,
    jobs: Jobs = 0,
    table: TableOption = None,
    json: Json = False,
) -> int:
    """Locate photos whose positions are known, those positions ignored, and compare.

    A gallery photo with the very content of a query does not answer it, so a gallery may be asked its own photos.

    Places are compared with the columns country, region, city and continent of SOURCE, or by the nearest town.

    Example: periplus evaluate fix truth.csv -g town.gallery --thresholds-km 0.05,0.1,1

    Example: periplus evaluate fix planet/photos.parquet -g planet.gallery --protocol world --table queries.csv
    """
    from periplus.evaluate import report_lines, report_to_json
    from periplus.pipeline import EvaluateConfig, default_jobs, evaluate_elsewhere, evaluate_source
    from periplus.sources import open_source

    if elsewhere and (protocol or thresholds_km or cluster):
        raise UsageError(
            "--elsewhere counts answers, not distances: leave --protocol, --thresholds-km and --cluster out."
        )
    chosen = None if elsewhere else _protocol(protocol, thresholds_km, gallery)
    check_table(table)
    exclusion, world = exclusion_of(exclude, buffer_km), world_config(neighbours, guess)
    config = EvaluateConfig(jobs=jobs or default_jobs(), cluster=cluster, exclusion=exclusion, world=world)
    with progress() as tell:
        scan = open_source(source, progress=lambda done: tell("read", done, None), columns=mapping(column))
        scan = scan.of_splits(tuple(split or ()))
        if chosen is None:
            evaluation = evaluate_elsewhere(scan, gallery, config, tell)
        else:
            evaluation = evaluate_source(scan, gallery, chosen, config, tell)
    skipped = evaluation.skipped
    if json:
        told = {"gallery": str(gallery), "source": source}
        emit({**told, **report_to_json(evaluation.report), "skipped": skips_json(skipped)})
    else:
        for line in report_lines(evaluation.report):
            show(line)
    if table is not None:
        write_table(evaluation.report, table)
    tell_skipped(skipped)
    return status_of(evaluation.report.n, skipped)


def _protocol(name: str | None, thresholds_km: str | None, gallery: Path) -> FixProtocol:
    from periplus.evaluate import parse_thresholds_km, protocol_named
    from periplus.pipeline.evaluating import default_protocol

    protocol = protocol_named(name) if name else default_protocol(gallery)
    return protocol if thresholds_km is None else protocol.at(parse_thresholds_km(thresholds_km))

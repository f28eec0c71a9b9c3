"""``periplus evaluate rank``: how good a gallery's rankings are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from periplus.cli.guard import verb
from periplus.cli.options import Columns, GalleryOption, Jobs, Json, Source, Splits, mapping
from periplus.cli.progress import progress
from periplus.cli.query_table import TableOption, check_table, write_table
from periplus.cli.selecting import Selection, open_selected
from periplus.cli.text import emit, show, skips_json, status_of, tell_skipped
from periplus.errors import UsageError

if TYPE_CHECKING:
    from periplus.pipeline import Refinement

Refine = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STAGE=N",
        help="Improve the ranking from itself: augmentation, expansion, superglobal, reciprocal, diffusion.",
    ),
]


@verb
def evaluate_rank(
    source: Source,
    gallery: GalleryOption,
    protocol: Annotated[str, typer.Option(metavar="NAME", help="How rankings are judged.")] = "gldv2-retrieval",
    label: Annotated[str, typer.Option(metavar="COLUMN", help="Equal values make a gallery photo right.")] = "landmark",
    rerank: Annotated[
        Literal["none", "sift", "vlad", "patches"], typer.Option(help="Local evidence on the best candidates.")
    ] = "none",
    weight: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the global score; the rest is local evidence's.")
    ] = 0.5,
    refine: Refine = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Depth of a ranking.")] = 100,
    split: Splits = None,
    column: Columns = None,
    jobs: Jobs = 0,
    table: TableOption = None,
    json: Json = False,
) -> int:
    """Rank the gallery for photos whose landmark is known, and judge the rankings by a published protocol.

    A gallery photo with the very content of a query does not answer it, unless a benchmark says so. Queries that
    nothing in the gallery answers are left out and counted.

    Examples: periplus evaluate rank queries.csv -g landmarks.gallery

    periplus evaluate rank roxford5k:/data/oxford -g oxford.gallery --split query --protocol roxford-medium
    """
    from periplus.evaluate import report_lines, report_to_json
    from periplus.pipeline import Judge, RankConfig, RankQuestion, default_jobs, truth_of
    from periplus.pipeline import evaluate_rank as run

    check_table(table)
    rank = RankConfig(k=k, method=rerank, refinement=refinement(refine or []), jobs=jobs or default_jobs())
    question = RankQuestion(rank, Judge(protocol, label, truth_of(source, protocol)), weight)
    with progress() as tell:
        scan = open_selected(source, Selection(mapping(column), tuple(split or ())), tell)
        evaluation = run(scan, str(gallery), question, tell)
    if json:
        local = {"rerank": rerank, "weight": weight if rerank != "none" else None}
        emit(
            {
                "gallery": str(gallery),
                "source": source,
                **local,
                **report_to_json(evaluation.report),
                "skipped": skips_json(evaluation.skipped),
            }
        )
    else:
        for line in report_lines(evaluation.report):
            show(line)
    if table is not None:
        write_table(evaluation.report, table)
    tell_skipped(evaluation.skipped)
    return status_of(evaluation.report.n, evaluation.skipped)


def refinement(stages: list[str]) -> Refinement:
    """What ``--refine STAGE=N`` asks for; N is how many neighbours (k1 of reciprocal) or candidates take part.

    Raises:
        UsageError: a stage is unknown, or its number is none.
    """
    from periplus.pipeline import Refinement

    return Refinement.from_counts(dict(_stage(text) for text in stages))


def _stage(text: str) -> tuple[str, int]:
    name, sign, number = text.partition("=")
    if not sign or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise UsageError(f"--refine {text!r} is not STAGE=N with a number from 1, as in expansion=10.")
    return name, int(number)

"""``periplus train`` and ``periplus compare``: whole experiments, and their results side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from periplus.cli.guard import resumable, verb
from periplus.cli.options import Jobs, Json
from periplus.cli.progress import progress
from periplus.cli.text import emit, say, show, status_of, tell_skipped


@resumable
def train(
    experiment: Annotated[Path, typer.Argument(metavar="EXPERIMENT.toml", help="What to do.", show_default=False)],
    runs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder of runs; train.output_dir where not said.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, as in train.lr=0.1. Repeatable."),
    ] = None,
    ask: Annotated[
        str | None,
        typer.Option(metavar="QUERIES", help="Then ask these photos of a gallery of all the experiment's photos."),
    ] = None,
    jobs: Jobs = 0,
    json: Json = False,
) -> int:
    """Run an experiment: train what it trains, index, rank, evaluate.

    What is done already is kept: a finished training is not trained again. Needs the extra learn.

    Examples: periplus train experiments/landmarks-44/e4.toml

    periplus train experiments/landmarks-44/best.toml --ask queries.csv
    """
    from periplus.evaluate import report_lines, report_to_json
    from periplus.learn import override, read_experiment
    from periplus.pipeline.experimenting import ask_whole, run_experiment
    from periplus.pipeline.networks import train_network
    from periplus.pipeline.runs import compare, comparison_lines, write_run
    from periplus.sources import open_source

    wanted = override(read_experiment(experiment), settings or [])
    folder = runs or Path(wanted.train.output_dir if wanted.train is not None else "runs")
    again = resume or (wanted.train is not None and wanted.train.resume)
    if os.environ.get("RANK", "0") != "0":  # torchrun's name for the others of a data-parallel training
        train_network(wanted, folder, resume=again, jobs=jobs)
        return 0
    with progress() as tell:
        queries = None if ask is None else open_source(ask, progress=lambda done: tell("read", done, None))
        result = run_experiment(wanted, folder, resume=again, jobs=jobs, progress=tell)
        run = write_run(wanted, result)
        asked = None if queries is None else ask_whole(wanted, result, queries, jobs=jobs, progress=tell)
    if json:
        told = None if asked is None else {"queries": ask, **report_to_json(asked.report)}
        emit({"run": str(result.folder), **_document(result.folder), "asked": told})
    else:
        for line in comparison_lines(compare([run])):
            show(line)
        for line in [] if asked is None else report_lines(asked.report):
            show(line)
        say(f"Wrote {result.folder}.")
    skipped = (*result.skipped, *(() if asked is None else asked.skipped))
    tell_skipped(skipped)
    return status_of(result.private.n, skipped)


@verb
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.", show_default=False)],
    against: Annotated[
        str, typer.Option(metavar="NAME", help="The run that gains are over; the first where not said.")
    ] = "",
    json: Json = False,
) -> int:
    """Put the results of experiments side by side, with the paired interval of each gain.

    Example: periplus compare runs/e1 runs/e2 runs/e4 --against e1
    """
    from periplus.pipeline.runs import compare as side_by_side
    from periplus.pipeline.runs import comparison_lines, read_run

    found = side_by_side([read_run(folder) for folder in runs], against)
    if json:
        gains = [None if gain is None else [gain.value, gain.low, gain.high] for gain in found.gains]
        documents = [
            {"run": str(folder), "gain": gain, **_document(folder)} for folder, gain in zip(runs, gains, strict=True)
        ]
        emit({"value": found.value, "against": found.against, "runs": documents})
    else:
        for line in comparison_lines(found):
            show(line)
    return 0


def _document(folder: Path) -> dict[str, Any]:
    from periplus.pipeline.runs import RESULT
    from periplus.store import read_json

    return dict(read_json(folder / RESULT))

"""What experiments found, on disk and side by side."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet

from periplus.errors import CannotRunError, PeriplusError, UsageError
from periplus.evaluate import paired_bootstrap, report_to_json
from periplus.pipeline.experimenting import ExperimentResult
from periplus.records import Interval, Report
from periplus.store import read_json, write_bytes_atomic, write_json_atomic

if TYPE_CHECKING:
    from periplus.learn import Experiment

RESULT, TABLE, SETTINGS = "evaluation.json", "queries.parquet", "experiment.toml"
_OF_FIXES = "within_km/750"
"""What runs that locate are compared by: the share of countries."""
PARTS = ("public", "private", "unseen")


@dataclass(frozen=True)
class Run:
    """An evaluated experiment.

    Attributes:
        name: of the experiment.
        about: a sentence.
        reports: by part: ``public``, ``private`` and, where photos were left out of the training, ``unseen``.
        weight: v of the fusion that was chosen on the public queries; None without one.
    """

    name: str
    about: str
    reports: dict[str, Report]
    weight: float | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        value: what is compared, such as ``"mAP/100"``.
        runs: in the order given.
        gains: of the private value over the run that each is compared with, with its paired interval; None where
            there is no such run.
        against: the name of that run.
    """

    value: str
    runs: tuple[Run, ...]
    gains: tuple[Interval | None, ...]
    against: str


def write_run(experiment: Experiment, result: ExperimentResult) -> Run:
    """Keep what an experiment found, and all its settings, in its folder.

    Raises:
        CannotRunError: the system refused to write.
    """
    from periplus.learn import to_toml

    parts = {"public": result.public, "private": result.private, "unseen": result.unseen}
    reports = {part: report for part, report in parts.items() if report is not None}
    tables = [
        report.table.append_column("part", pa.array([part] * len(report.table), pa.string()))
        for part, report in reports.items()
        if report.table is not None
    ]
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.concat_tables(tables), buffer)
    result.folder.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(result.folder / TABLE, buffer.getvalue())
    document: dict[str, Any] = {
        "experiment": experiment.to_dict(),
        "fingerprint": experiment.fingerprint,
        "weight": result.weight,
        "swept": [list(pair) for pair in result.swept],
        **{part: report_to_json(report) for part, report in reports.items()},
    }
    write_bytes_atomic(result.folder / SETTINGS, to_toml(experiment).encode())
    write_json_atomic(result.folder / RESULT, document)
    return Run(experiment.experiment.name, experiment.experiment.about, reports, result.weight)


def read_run(folder: Path) -> Run:
    """Read what :func:`write_run` wrote.

    Raises:
        CannotRunError: there is no whole result in the folder.
    """
    try:
        document = read_json(folder / RESULT)
        table = pyarrow.parquet.read_table(folder / TABLE)
        about = cast("dict[str, dict[str, Any]]", document["experiment"])["experiment"]
        parts = [part for part in PARTS if part in document or part != "unseen"]
        reports = {part: _report(cast("dict[str, Any]", document[part]), table, part) for part in parts}
        weight = cast("float | None", document["weight"])
    except (PeriplusError, OSError, KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
        raise CannotRunError(
            f"{folder} holds no whole result ({error}). Run it first: periplus train EXPERIMENT.toml."
        ) from error
    return Run(str(about["name"]), str(about["about"]), reports, weight)


def compare(runs: Sequence[Run], against: str = "") -> Comparison:
    """Put runs side by side.

    Args:
        runs: of one protocol and the same queries.
        against: the name of the run that gains are over; the first run where it is empty.

    Raises:
        UsageError: there is no such run, or the runs were judged differently.
    """
    if not runs:
        raise UsageError("There is nothing to compare: name at least one run.")
    base = next((run for run in runs if run.name == (against or runs[0].name)), None)
    if base is None:
        raise UsageError(f"No run here is named {against!r}; there are {', '.join(run.name for run in runs)}.")
    values = base.reports["private"].values
    value = _OF_FIXES if _OF_FIXES in values else next(iter(values))
    gains = tuple(
        None if run is base else paired_bootstrap(base.reports["private"], run.reports["private"], value)
        for run in runs
    )
    return Comparison(value, tuple(runs), gains, base.name)


def comparison_lines(comparison: Comparison) -> list[str]:
    """The comparison as a Markdown table."""
    head = ["run", *(f"{part} {comparison.value}" for part in PARTS), "v", f"private gain over {comparison.against}"]
    rows = [head, ["---"] * len(head)]
    for run, gain in zip(comparison.runs, comparison.gains, strict=True):
        values = [_told(run.reports[part].values[comparison.value]) if part in run.reports else "" for part in PARTS]
        rows.append([run.name, *values, "" if run.weight is None else f"{run.weight:g}", _gain(gain)])
    return ["| " + " | ".join(row) + " |" for row in rows]


def _told(value: Interval) -> str:
    return "-" if math.isnan(value.value) else f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _gain(value: Interval | None) -> str:
    return "" if value is None else f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def _report(document: dict[str, Any], table: pa.Table, part: str) -> Report:
    """The report of a part; its values from the document, its queries from the table."""
    own = table.filter(pa.compute.equal(table.column("part"), part)).drop_columns(["part"])
    intervals = document["intervals_95"]
    values: dict[str, Interval] = {}
    for family, ends in intervals.items():
        flat = (
            {f"{family}/{key}": (document[family][key], pair) for key, pair in ends.items()}
            if isinstance(ends, dict)
            else {family: (document[family], ends)}
        )
        values |= {name: Interval(_number(value), *map(_number, pair)) for name, (value, pair) in flat.items()}
    return Report(document["protocol"], values, document["n"], document["left_out"], document["fingerprints"], own)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)

"""What experiments found: written, read back to the last digit, and compared query by query."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from periplus.errors import CannotRunError, UsageError
from periplus.evaluate import RETRIEVAL_PROTOCOLS, Relevance, evaluate_ranking, evaluate_recognition, paired_bootstrap
from periplus.learn import Experiment
from periplus.learn.retrieval_settings import EvaluateConfig
from periplus.learn.settings import AboutConfig, DataConfig
from periplus.pipeline.experimenting import ExperimentResult
from periplus.pipeline.runs import PARTS, Run, compare, comparison_lines, read_run, write_run
from periplus.records import Interval, Ranking, Report

GALLERY, QUERIES = 40, 12


def ranked(seed: int, skill: float, queries: int = QUERIES, protocol: str = "gldv2-retrieval") -> Report:
    """A report on drawn rankings in which positives (rows 0 to 4) come the earlier, the larger the skill."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(0, 1, (queries, GALLERY)) + skill * (np.arange(GALLERY) < 5)
    rows = np.argsort(-worth, axis=1)
    scores = np.broadcast_to(np.linspace(1, 0, GALLERY, dtype=np.float32), rows.shape).copy()
    relevance = Relevance.from_rows([range(5)] * queries, GALLERY)
    filled = np.concatenate([rows, np.full((queries, 1), -1)], axis=1)
    floor = np.full((queries, 1), -np.inf, np.float32)
    report = evaluate_ranking(
        Ranking(filled, np.concatenate([scores, floor], axis=1)),
        relevance,
        RETRIEVAL_PROTOCOLS[protocol],
        query_ids=[f"q{i}" for i in range(queries)],
        resamples=40,
    )
    return Report(report.protocol, report.values, report.n, report.left_out, {"encoder": "e"}, report.table)


def experiment(name: str, protocol: str = "gldv2-retrieval") -> Experiment:
    return Experiment(
        AboutConfig(name, f"about {name}"), DataConfig("photos.csv"), evaluate=EvaluateConfig(protocol=protocol)
    )


def found(folder: Path, private: Report, unseen: Report | None = None, weight: float | None = None) -> ExperimentResult:
    swept = () if weight is None else ((0.0, 0.25), (weight, 0.5))
    return ExperimentResult(folder, folder / "index.gallery", ranked(9, 1.0, 5), private, unseen, weight, swept)


def same(a: Report, b: Report) -> None:
    assert a.values.keys() == b.values.keys()
    for name, value in a.values.items():
        np.testing.assert_equal(vars(value), vars(b.values[name]))
    assert (a.protocol, a.n, a.left_out, a.fingerprints) == (b.protocol, b.n, b.left_out, b.fingerprints)
    assert a.table is not None
    assert b.table is not None
    assert a.table.equals(b.table)


@pytest.mark.parametrize("protocol", [name for name, one in RETRIEVAL_PROTOCOLS.items() if one.measures])
def test_what_is_written_is_read_back(tmp_path: Path, protocol: str) -> None:
    private, unseen = ranked(1, 1.5, protocol=protocol), ranked(2, 0.5, protocol=protocol)
    result = ExperimentResult(
        tmp_path / "r", tmp_path / "g", ranked(3, 1.0, 5, protocol), private, unseen, 0.7, ((0.2, 0.1), (0.7, 0.3))
    )
    wrote = write_run(experiment("r", protocol), result)
    read = read_run(tmp_path / "r")
    assert (read.name, read.about, read.weight) == (wrote.name, wrote.about, wrote.weight) == ("r", "about r", 0.7)
    assert list(read.reports) == list(PARTS)
    for part, report in zip(PARTS, (result.public, private, unseen), strict=True):
        same(read.reports[part], report)
        same(wrote.reports[part], report)


def test_the_document_says_what_was_done(tmp_path: Path) -> None:
    write_run(experiment("e5"), found(tmp_path / "e5", ranked(1, 1.0), weight=0.6))
    document = json.loads((tmp_path / "e5" / "evaluation.json").read_text())
    assert set(document) == {"experiment", "fingerprint", "weight", "swept", "public", "private"}
    assert document["experiment"] == experiment("e5").to_dict()
    assert document["fingerprint"] == experiment("e5").fingerprint
    assert document["swept"] == [[0.0, 0.25], [0.6, 0.5]]
    assert sorted(path.name for path in (tmp_path / "e5").iterdir()) == [
        "evaluation.json",
        "experiment.toml",
        "queries.parquet",
    ]


def test_recognition_and_nothing_at_all_are_read_back(tmp_path: Path) -> None:
    gap = evaluate_recognition(
        ["a", None, "b"], [0.5, 0.0, 0.9], [{"a"}, {"b"}, set()], query_ids=["0", "1", "2"], resamples=10
    )
    result = ExperimentResult(tmp_path / "r", tmp_path / "g", gap, gap, None)
    write_run(experiment("r", "gldv2-recognition"), result)
    same(read_run(tmp_path / "r").reports["private"], gap)
    nothing = evaluate_ranking(
        Ranking(np.full((1, 1), -1), np.full((1, 1), -np.inf, np.float32)),
        Relevance.from_rows([[]], 3),
        RETRIEVAL_PROTOCOLS["gldv2-retrieval"],
        query_ids=["0"],
    )
    run = write_run(experiment("none"), ExperimentResult(tmp_path / "n", tmp_path / "g", nothing, nothing, nothing))
    same(read_run(tmp_path / "n").reports["unseen"], nothing)
    assert math.isnan(read_run(tmp_path / "n").reports["public"].values["mAP/100"].low)
    assert comparison_lines(compare([run]))[2] == "| none | - | - | - |  |  |"


def test_gains_are_paired(tmp_path: Path) -> None:
    reports = {"e1": ranked(1, 0.2), "e2": ranked(2, 1.0), "e4": ranked(3, 2.5)}
    runs = [
        write_run(experiment(name), found(tmp_path / name, report, weight=0.4 if name == "e4" else None))
        for name, report in reports.items()
    ]
    for against in ("", "e1", "e4"):
        base = against or "e1"
        side = compare(runs, against)
        assert (side.value, side.against, side.runs) == ("mAP/100", base, tuple(runs))
        for run, gain in zip(runs, side.gains, strict=True):
            if run.name == base:
                assert gain is None
            else:
                assert gain == paired_bootstrap(reports[base], reports[run.name], "mAP/100")
                means = [float(np.mean(each.table.column("AP").to_numpy())) for each in
                         (reports[run.name], reports[base]) if each.table is not None]  # fmt: skip
                assert gain.value == pytest.approx(means[0] - means[1])
    read = [read_run(tmp_path / name) for name in reports]
    assert compare(read).gains == compare(runs).gains


def test_a_comparison_is_a_table() -> None:
    one, two = ({"public": _flat(0.5), "private": _flat(value)} for value in (0.25, 0.75))
    runs = [Run("e1", "", one, None), Run("e5", "", {**two, "unseen": _flat(0.1)}, 0.35)]
    assert comparison_lines(compare(runs)) == [
        "| run | public mAP/100 | private mAP/100 | unseen mAP/100 | v | private gain over e1 |",
        "| --- | --- | --- | --- | --- | --- |",
        "| e1 | 0.500 [0.500, 0.500] | 0.250 [0.250, 0.250] |  |  |  |",
        "| e5 | 0.500 [0.500, 0.500] | 0.750 [0.750, 0.750] | 0.100 [0.100, 0.100] | 0.35 | +0.500 [+0.500, +0.500] |",
    ]


def _flat(value: float) -> Report:
    """All queries alike."""
    table = pa.table({"id": ["a", "b"], "AP": [value, value]})
    return Report("gldv2-retrieval", {"mAP/100": Interval(value, value, value)}, 2, {}, {}, table)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one = write_run(experiment("e1"), found(tmp_path / "e1", ranked(1, 1.0)))
    fewer = write_run(experiment("e2"), found(tmp_path / "e2", ranked(1, 1.0, 7)))
    recall = ranked(1, 1.0, protocol="recall")
    other = write_run(experiment("e3"), ExperimentResult(tmp_path / "e3", tmp_path / "g", recall, recall, None))
    with pytest.raises(UsageError, match="name at least one run"):
        compare([])
    with pytest.raises(UsageError, match="No run here is named 'e7'; there are e1, e2"):
        compare([one, fewer], "e7")
    with pytest.raises(UsageError, match="Only one of the reports has the query 'q10'"):
        compare([one, fewer])
    with pytest.raises(UsageError, match="two reports of one protocol"):
        compare([one, other])


def _cut(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _change(folder: Path, key: str, value: object) -> None:
    document: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    if value is None:
        del document[key]
    else:
        document[key] = value
    (folder / "evaluation.json").write_text(json.dumps(document))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no document": lambda folder: (folder / "evaluation.json").unlink(),
    "no table": lambda folder: (folder / "queries.parquet").unlink(),
    "half a document": lambda folder: _cut(folder, "evaluation.json"),
    "half a table": lambda folder: _cut(folder, "queries.parquet"),
    "no weight": lambda folder: _change(folder, "weight", None),
    "no experiment": lambda folder: _change(folder, "experiment", None),
    "a word for a report": lambda folder: _change(folder, "private", "gone"),
    "a report without values": lambda folder: _change(folder, "private", {"intervals_95": 3}),
    "a report of words": lambda folder: _change(folder, "private", {"intervals_95": {"mAP": ["x", "y"]}, "mAP": "z"}),
    "a document of none": lambda folder: (folder / "evaluation.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_named(tmp_path: Path, damage: str) -> None:
    write_run(experiment("e1"), found(tmp_path / "e1", ranked(1, 1.0), weight=0.5))
    DAMAGE[damage](tmp_path / "e1")
    with pytest.raises(CannotRunError, match=r"e1 holds no whole result .*periplus train EXPERIMENT.toml"):
        read_run(tmp_path / "e1")


def test_a_run_without_its_private_part_is_not_whole(tmp_path: Path) -> None:
    for part in ("public", "private"):
        write_run(experiment("e1"), found(tmp_path / "e1", ranked(1, 1.0)))
        _change(tmp_path / "e1", part, None)
        with pytest.raises(CannotRunError, match="holds no whole result"):
            read_run(tmp_path / "e1")

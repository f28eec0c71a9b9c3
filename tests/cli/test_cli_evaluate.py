"""``periplus evaluate fix``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet

from periplus.synth import Town


def test_fix(call: Any, gallery: Path, town: Town, tmp_path: Path) -> None:
    table = tmp_path / "queries.csv"
    done = call(
        "evaluate",
        "fix",
        town.truth,
        "-g",
        gallery,
        "--thresholds-km",
        "0.05,0.1,1",
        "-j",
        1,
        "--json",
        "--table",
        table,
    )
    assert done.status == 0
    told = done.document
    assert list(told) == [
        "gallery", "source", "protocol", "n", "answered", "within_km", "within_km_answered", "median_km",
        "median_km_answered", "coverage_50", "coverage_90", "seconds_per_query", "intervals_95", "left_out",
        "fingerprints", "skipped",
    ]  # fmt: skip
    assert (told["protocol"], told["n"]) == ("periplus-fix@0.05,0.1,1", 6)
    assert list(told["within_km"]) == ["0.05", "0.1", "1"]
    assert told["left_out"] == {"without-position": 3}
    assert set(told["fingerprints"]) == {"encoder", "gallery"}
    assert pyarrow.csv.read_csv(table).num_rows == 6


def test_elsewhere(call: Any, gallery: Path, town: Town, tmp_path: Path) -> None:
    table = tmp_path / "strangers.parquet"
    done = call("evaluate", "fix", town.strangers, "-g", gallery, "--elsewhere", "-j", 1, "--json", "--table", table)
    assert done.status == 0
    assert (done.document["protocol"], done.document["n"]) == ("periplus-strangers", 3)
    assert 0 <= done.document["answered"] <= 1
    assert pyarrow.parquet.read_table(table).num_rows == 3


def test_people_read_lines(call: Any, gallery: Path, town: Town) -> None:
    done = call("evaluate", "fix", town.strangers, "-g", gallery, "--elsewhere", "-j", 1)
    assert done.out.splitlines()[0] == "periplus-strangers: 3 queries"


def test_wrong_use(call: Any, gallery: Path, town: Town, tmp_path: Path) -> None:
    for wrong, words in (
        (["--protocol", "im2gp"], "did you mean 'im2gps'"),
        (["--thresholds-km", "1,x"], "are no thresholds"),
        (["--elsewhere", "--thresholds-km", "1"], "counts answers, not distances"),
        (["--table", tmp_path / "t.xlsx"], "ends in .csv or .parquet"),
    ):
        done = call("evaluate", "fix", town.truth, "-g", gallery, *wrong)
        assert (done.status, done.out) == (2, ""), wrong
        assert words in done.err


def test_no_truth(call: Any, gallery: Path, town: Town) -> None:
    done = call("evaluate", "fix", town.strangers, "-g", gallery, "-j", 1)
    assert (done.status, done.out) == (3, "")
    assert "No query with a position" in done.err

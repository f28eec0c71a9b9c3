"""``periplus evaluate fix`` by a worldwide protocol."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from periplus.synth import Town


@pytest.fixture(scope="module")
def truth(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The town's truth with authors and countries; paths are made absolute."""
    with town.truth.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    path = tmp_path_factory.mktemp("world") / "truth.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["file", "lat", "lon", "author", "country", "unique_city"])
        writer.writeheader()
        for i, row in enumerate(rows):
            name, lat, lon = list(row.values())[:3]
            country = ("FR", "France", "nan")[i % 3]
            writer.writerow({"file": name, "lat": lat, "lon": lon, "author": f"a{i % 2}", "country": country})
    for photo in (*town.queries.glob("*.jpg"), *town.strangers.glob("*.jpg")):
        target = path.parent / photo.relative_to(town.truth.parent)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(photo, target)
    return path


def test_world(call: Any, gallery: Path, truth: Path, tmp_path: Path) -> None:
    table = tmp_path / "queries.parquet"
    done = call("evaluate", "fix", truth, "-g", gallery, "--protocol", "world", "-j", 1, "--json", "--table", table)
    assert done.status == 0, done.err
    told = done.document
    assert (told["protocol"], told["n"]) == ("world", 6)
    assert list(told["within_km"]) == ["1", "25", "200", "750", "2500"]
    assert list(told["place_accuracy"]) == ["continent", "country", "region", "city"]
    assert 0 <= told["geoscore"] <= 5000
    assert (told["clustered"]["column"], told["clustered"]["clusters"]) == ("author", 2)
    assert told["places"]["country"]["source"] == "column country"
    assert told["places"]["country"]["n"] + told["places"]["country"]["unknown"] == 6
    assert told["places"]["city"]["source"] == "gazetteer", "a column without any value tells nothing"
    assert sum(one["n"] for one in told["strata"]["continent"].values()) == 6
    assert sum(one["n"] for one in told["strata"]["gallery_within_25_km"].values()) == 6
    assert {"true_country", "guess_country", "stratum_settlement", "cluster"} <= set(
        pyarrow.parquet.read_table(table).column_names
    )


def test_people_read_sections(call: Any, gallery: Path, truth: Path) -> None:
    done = call("evaluate", "fix", truth, "-g", gallery, "--protocol", "world", "--cluster", "country", "-j", 1)
    assert done.status == 0, done.err
    for words in (
        "world: 6 queries",
        "GeoScore",
        "by country [",
        "by continent:",
        "by settlement:",
        "by gallery within",
    ):
        assert words in done.out


def test_wrong_columns(call: Any, gallery: Path, truth: Path) -> None:
    done = call("evaluate", "fix", truth, "-g", gallery, "--cluster", "autor", "-j", 1)
    assert (done.status, done.out) == (2, "")
    assert "did you mean 'author'" in done.err
    done = call("evaluate", "fix", truth, "-g", gallery, "--protocol", "osv5", "-j", 1)
    assert "did you mean 'osv5m'" in done.err

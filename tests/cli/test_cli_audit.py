"""``periplus audit``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from periplus.cli.audit import audit
from periplus.curate import FLAGS, keep_rows, read_findings
from periplus.sources import read_folder

KEYS = [
    "source", "photos", "without_photo", "skipped_by_kind", "with_finding", "findings", "thresholds", "sizes_px",
    "splits", "landmarks", "duplicates", "capture", "places", "cameras", "authors", "skipped",
]  # fmt: skip


@pytest.fixture
def call() -> Callable[..., Result]:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(audit)
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos, one of them grey, and one a copy."""
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = rng.integers(0, 255, (16, 20, 3), np.uint8)
        Image.fromarray(pixels).resize((120, 90), Image.Resampling.NEAREST).save(photos / f"{name}.png")
    (photos / "copy.png").write_bytes((photos / "a.png").read_bytes())
    Image.open(photos / "b.png").convert("L").transpose(Image.Transpose.ROTATE_180).save(photos / "grey.png")
    return photos


def test_one_document(call: Callable[..., Result], folder: Path) -> None:
    done = call(folder, "--json", "-j", 1)
    assert (done.exit_code, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert list(told) == KEYS
    assert (told["source"], told["photos"], told["with_finding"]) == (str(folder), 4, 2)
    assert {name: n for name, n in told["findings"].items() if n} == {
        "grey": 1,
        "exact_duplicate": 1,
        "near_duplicate": 1,
    }
    assert list(told["findings"]) == list(FLAGS)
    assert told["skipped"] == []


def test_words_for_people(call: Callable[..., Result], folder: Path) -> None:
    done = call(folder, "-j", 1)
    assert done.exit_code == 0
    assert f"{folder}: 4 photos, 2 with a finding." in done.stdout
    assert "exact duplicate          1   25.00%  has the very bytes of another file" in done.stdout
    assert "Duplicates: 1 group; 1 photo could go." in done.stdout
    assert "\x1b" not in done.stdout


def test_page_and_findings(call: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    page, table = tmp_path / "a.html", tmp_path / "f.csv"
    done = call(folder, "-j", 1, "--html", page, "--findings", table)
    assert done.exit_code == 0
    assert f"Wrote {page}." in done.stderr
    assert f"Wrote {table}." in done.stderr
    assert "<h1><bdi>Audit of photos</bdi></h1>" in page.read_text(encoding="utf-8")
    kept = keep_rows(read_folder(folder).catalog, read_findings(table), ["grey", "exact_duplicate"])
    assert kept.rows.tolist() == [True, True, False, False]
    assert kept.dropped == {"grey": 1, "exact_duplicate": 1}
    assert call(folder, "-j", 1, "--findings", tmp_path / "f.parquet").exit_code == 0
    assert pyarrow.parquet.read_table(tmp_path / "f.parquet").num_rows == 4


def test_columns_of_a_table(call: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    table = folder / "t.csv"
    table.write_text("file,what,part\na.png,x,train\ncopy.png,y,test\nb.png,y,test\n", encoding="utf-8")
    done = call(table, "--column", "landmark=what", "--column", "split=part", "-j", 1)
    assert done.exit_code == 0
    assert "label conflict           2" in done.stdout
    assert "across splits            2" in done.stdout
    assert "test | train: 1 group in both" in done.stdout
    assert "Landmarks: 2; half of the photos show 1 of them" in done.stdout


def test_a_damaged_photo_costs_only_itself(call: Callable[..., Result], folder: Path) -> None:
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:120])
    done = call(folder, "-j", 1, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["findings"]["unreadable"] == 1
    assert [skip["kind"] for skip in told["skipped"]] == ["damaged"]
    assert "1 photo skipped: damaged 1." in done.stderr


def test_what_cannot_be(call: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    for arguments, status, words in (
        ((folder, "--findings", "f.json"), 2, "ends in .csv or .parquet"),
        ((folder, "--html", tmp_path / "no" / "a.html"), 3, "its folder does not exist"),
        ((folder, "--html", tmp_path), 3, "there is a folder of this name"),
        ((tmp_path / "gone",), 2, "neither a folder nor a table"),
        ((folder, "--column", "landmark"), 2, "is not FIELD=NAME"),
    ):
        done = call(*arguments)
        assert done.exit_code == status, arguments
        assert words in done.stderr
        assert done.stdout == ""
    (tmp_path / "empty").mkdir()
    assert call(tmp_path / "empty").exit_code == 3

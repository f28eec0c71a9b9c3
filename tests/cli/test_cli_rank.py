"""``periplus evaluate rank``, and the stages that its progress is told in."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from forger_landmarks import LANDMARKS, made_landmarks

from periplus.cli import progress
from periplus.cli.evaluate_rank import refinement
from periplus.errors import UsageError
from periplus.pipeline import Refinement
from periplus.rerank import Diffusion, Expansion, Reciprocal, SuperGlobal

KEYS = [
    "gallery", "source", "rerank", "weight", "protocol", "n", "mAP", "intervals_95", "left_out", "fingerprints",
    "skipped",
]  # fmt: skip


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photos of 6 landmarks in a table with splits: eight of ten are ``gallery``; read only."""
    source = made_landmarks(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("rank")
    with source.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "photos.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [*rows[0], "split"])
        table.writeheader()
        for number, row in enumerate(rows):
            shutil.copy2(source.parent / row["file"], folder)
            table.writerow({**row, "split": "query" if number % 10 > 7 else "gallery"})
    return folder / "photos.csv"


@pytest.fixture(scope="session")
def words(call: Any, photos: Path) -> Path:
    """Their gallery by words; read only."""
    gallery = photos.parent / "w.gallery"
    assert call("index", photos, "-o", gallery, "--split", "gallery", "--no-calibration", "-j", 1).status == 0
    return gallery


@pytest.fixture(scope="session")
def vectors(call: Any, photos: Path) -> Path:
    """Their gallery by VLAD; read only."""
    gallery = photos.parent / "v.gallery"
    arguments = ("--split", "gallery", "--encoder", "vlad", "--no-calibration", "-j", 1)
    assert call("index", photos, "-o", gallery, *arguments).status == 0
    return gallery


def rank(call: Any, photos: Path, gallery: Path, *arguments: object) -> Any:
    return call("evaluate", "rank", photos, "-g", gallery, "--split", "query", "-j", 1, *arguments)


def test_one_document(call: Any, photos: Path, words: Path, tmp_path: Path) -> None:
    done = rank(call, photos, words, "--json", "--table", tmp_path / "q.parquet")
    assert (done.status, done.err) == (0, f"Wrote {tmp_path / 'q.parquet'}.\n")
    told = done.document
    assert list(told) == KEYS
    assert (told["protocol"], told["n"], told["rerank"], told["weight"]) == ("gldv2-retrieval", 12, "none", None)
    assert list(told["mAP"]) == list(told["intervals_95"]["mAP"]) == ["100"]
    low, high = told["intervals_95"]["mAP"]["100"]
    assert 0.7 < low <= told["mAP"]["100"] <= high <= 1
    assert (told["left_out"], told["skipped"]) == ({"no positives": 0}, [])
    assert set(told["fingerprints"]) == {"encoder", "gallery"}
    table = pyarrow.parquet.read_table(tmp_path / "q.parquet")
    assert table.column_names == ["id", "n_relevant", "n_found", "first_correct_rank", "AP"]
    assert table.column("id").to_pylist() == [f"{name}_{view}.jpg" for name in LANDMARKS for view in (8, 9)]
    assert np.mean(table.column("AP").to_numpy()) == pytest.approx(told["mAP"]["100"])


def test_local_evidence_and_its_weight(call: Any, photos: Path, words: Path) -> None:
    plain = rank(call, photos, words, "--json").document["mAP"]["100"]
    whole = rank(call, photos, words, "--rerank", "vlad", "--weight", 1, "--json").document
    assert (whole["rerank"], whole["weight"], whole["mAP"]["100"]) == ("vlad", 1.0, plain)
    sift = rank(call, photos, words, "--rerank", "sift", "--weight", 0.2, "--json").document
    assert sift["mAP"]["100"] > plain


def test_people_read_lines(call: Any, photos: Path, words: Path) -> None:
    done = rank(call, photos, words, "--protocol", "recall")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "recall: 12 queries; left out: no positives 0"
    assert [line.split()[0] for line in lines[1:]] == ["recall@1", "recall@5", "recall@10", "recall@20"]


def test_refinement_changes_the_ranking(call: Any, photos: Path, vectors: Path) -> None:
    values = [
        rank(call, photos, vectors, *refine, "--json").document["mAP"]["100"]
        for refine in ([], ["--refine", "superglobal=12"], ["--refine", "reciprocal=5", "--refine", "augmentation=4"])
    ]
    assert len(set(values)) == 3


def test_what_a_refinement_is() -> None:
    assert refinement([]) == Refinement()
    assert refinement(["expansion=5", "superglobal=40"]) == Refinement(
        expansion=Expansion(5), superglobal=SuperGlobal(40)
    )
    assert refinement(["augmentation=2", "reciprocal=9", "diffusion=70"]) == Refinement(
        augmentation=Expansion(2), reciprocal=Reciprocal(k1=9), diffusion=Diffusion(70)
    )
    for wrong in ("expansion", "expansion=", "expansion=0", "expansion=-1", "expansion=1.5", "expansion=²"):
        with pytest.raises(UsageError, match="is not STAGE=N with a number from 1"):
            refinement([wrong])


def test_a_gallery_asked_its_own_photos(call: Any, photos: Path, words: Path, tmp_path: Path) -> None:
    done = call(
        "evaluate", "rank", photos, "-g", words, "--split", "gallery", "-j", 1, "--json", "--table", tmp_path / "t.csv"
    )
    assert (done.status, done.document["n"]) == (0, 48)
    assert pyarrow.csv.read_csv(tmp_path / "t.csv").column("n_relevant").to_pylist() == [7] * 48


def test_another_label_and_other_columns(call: Any, photos: Path, words: Path, tmp_path: Path) -> None:
    """Queries from a table with names of its own; the gallery's column is the one that both must have."""
    lines = ["picture,what", *(f"{name}_8.jpg,{name}" for name in LANDMARKS), "gate_9.jpg,"]
    (photos.parent / "other.csv").write_text("\n".join(lines) + "\n")
    other = photos.parent / "other.csv"
    columns = ("--column", "path=picture", "--column", "landmark=what")
    done = call("evaluate", "rank", other, "-g", words, *columns, "-j", 1, "--json")
    assert (done.status, done.document["n"], done.document["left_out"]) == (0, 6, {"no positives": 1})
    done = call("evaluate", "rank", other, "-g", words, *columns, "-j", 1, "--label", "town")
    assert (done.status, done.out) == (2, "")
    assert "The gallery has no column 'town' to tell what is right; it has id, path," in done.err


def test_bad_photos_are_told(call: Any, photos: Path, words: Path, tmp_path: Path) -> None:
    shutil.copy2(photos.parent / "arch_8.jpg", tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "q.csv").write_text("file,landmark\narch_8.jpg,arch\nbad.jpg,arch\ngone.jpg,gate\n")
    done = call("evaluate", "rank", tmp_path / "q.csv", "-g", words, "-j", 1, "--json")
    assert (done.status, done.document["n"]) == (1, 1)
    assert sorted(skip["kind"] for skip in done.document["skipped"]) == ["damaged", "missing"]
    assert done.err.splitlines()[-1].startswith("2 photos skipped: ")
    (tmp_path / "q.csv").write_text("file,landmark\nbad.jpg,arch\n")
    done = call("evaluate", "rank", tmp_path / "q.csv", "-g", words, "-j", 1)
    assert (done.status, done.out) == (3, "")
    assert done.err == "No query could be asked; 1 were skipped.\n"


def test_wrong_use(call: Any, photos: Path, words: Path, vectors: Path, tmp_path: Path) -> None:
    for gallery, wrong, words_said in (
        (words, ["--protocol", "roxford-mediun"], "did you mean 'roxford-medium'"),
        (words, ["--rerank", "patches"], "keeps no patches"),
        (words, ["--refine", "expansion=3"], "is searched by words: only vectors can be refined"),
        (vectors, ["--refine", "expand=3"], "No refinement 'expand'; there are augmentation, expansion, superglobal"),
        (vectors, ["--refine", "expansion"], "--refine 'expansion' is not STAGE=N with a number from 1"),
        (words, ["--split", "private"], "There is no split 'private' in this source; it has gallery, query."),
        (words, ["--table", tmp_path / "t.txt"], "a table ends in .csv or .parquet"),
        (words, ["--weight", 1.5], "weight"),
        (words, ["-k", 0], "-k"),
        (words, ["--rerank", "orb"], "orb"),
    ):
        done = rank(call, photos, gallery, *wrong)
        assert (done.status, done.out) == (2, ""), wrong
        assert words_said in done.err
        assert done.err.count("\n") == 1
    done = rank(call, photos, tmp_path / "none.gallery")
    assert done.status == 3


def test_every_stage_that_is_told_has_a_name() -> None:
    """Else a bar on a terminal, which no other test looks at, would stop the work."""
    sources = [path.read_text(encoding="utf-8") for path in Path(progress.__file__).parents[1].rglob("*.py")]
    stages = set(re.findall(r"\b(?:tell|progress|told)\(\s*\"([a-z]+)\"", "\n".join(sources)))
    assert {"read", "describe", "train", "ask", "rerank", "compare"} <= stages
    assert stages <= set(progress._STAGES)

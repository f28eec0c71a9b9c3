"""Which photos of a source are taken: ``--split``, and ``--findings`` with ``--drop``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from forger_landmarks import made_landmarks

from periplus.cli.progress import Tell
from periplus.cli.selecting import Selection, open_selected
from periplus.curate.findings import FLAGS
from periplus.errors import UsageError
from periplus.gallery import open_gallery

SPLITS = ("train", "index", "query-public")


@pytest.fixture
def table(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """The first six photos of two landmarks each, in three splits."""
    source = made_landmarks(tmp_path_factory.getbasetemp())
    lines = ["file,landmark,split"]
    for number in range(12):
        photo = f"{('arch', 'gate')[number // 6]}_{number % 6}.jpg"
        shutil.copy2(source.parent / photo, tmp_path)
        lines.append(f"{photo},{photo.partition('_')[0]},{SPLITS[number % 3]}")
    (tmp_path / "photos.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "photos.csv"


def findings(path: Path, found: dict[str, tuple[str, ...]]) -> Path:
    """A table that says of photos what an audit found."""
    columns: dict[str, Any] = {"id": pa.array(list(found), pa.string())}
    columns |= {flag: pa.array([flag in flags for flags in found.values()], pa.bool_()) for flag in FLAGS}
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def silent(*_: object) -> None:
    pass


def taken(table: Path, **how: Any) -> list[str]:
    tell: Tell = silent
    return open_selected(str(table), Selection(**how), tell).catalog.ids


def test_splits_are_taken(table: Path) -> None:
    everything = taken(table)
    assert len(everything) == 12
    assert taken(table, splits=("index",)) == everything[1::3]
    assert taken(table, splits=("query-public", "train")) == [p for i, p in enumerate(everything) if i % 3 != 1]
    with pytest.raises(UsageError, match="no split 'private' in this source; it has index, query-public, train"):
        taken(table, splits=("private",))


def test_findings_leave_photos_out(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = taken(table)
    known: dict[str, tuple[str, ...]] = dict.fromkeys(names[:10], ())
    known |= {names[0]: ("grey",), names[3]: ("grey", "small"), names[7]: ("small",), names[9]: ("blank",)}
    file = findings(tmp_path / "f.parquet", known)
    kept = taken(table, findings=file, drop=("grey", "small"))
    assert kept == [name for i, name in enumerate(names) if i not in (0, 3, 7)]
    told = capsys.readouterr().err.splitlines()
    assert told == [f"Left out by {file}: 3 photos (grey 2, small 2).", "2 photos it does not know; kept."]
    # Of a split: only its photos are counted.
    kept = taken(table, findings=file, drop=("grey",), splits=("train",))
    assert kept == names[6::3]
    assert capsys.readouterr().err == f"Left out by {file}: 2 photos (grey 2).\n"


def test_what_goes_together(table: Path, tmp_path: Path) -> None:
    file = findings(tmp_path / "f.parquet", dict.fromkeys(taken(table), ()))
    for half in ({"findings": file}, {"drop": ("grey",)}):
        with pytest.raises(UsageError, match="--findings FILE and --drop NAME,"):
            Selection(**half)
    assert Selection.named(None, None, None, None) == Selection()
    assert Selection.named({"id": "x"}, ["a"], file, "grey,,small") == Selection(
        {"id": "x"}, ("a",), file, ("grey", "small")
    )
    with pytest.raises(UsageError, match="There is no finding 'gray'; did you mean 'grey'"):
        taken(table, findings=file, drop=("gray",))
    with pytest.raises(UsageError, match="of another source"):
        taken(table, findings=findings(tmp_path / "o.parquet", {"other.jpg": ()}), drop=("grey",))


def test_index_takes_them(call: Any, table: Path, tmp_path: Path) -> None:
    names = taken(table)
    file = findings(tmp_path / "f.parquet", {name: ("grey",) if name == names[4] else () for name in names})
    done = call(
        "index", table, "-o", tmp_path / "g", "--split", "train", "--split", "index", "--findings", file,
        "--drop", "grey,blurred", "--no-calibration", "-j", 1, "--json",
    )  # fmt: skip
    assert done.status == 0
    assert done.document["added"] == 7
    assert done.err.splitlines()[0] == f"Left out by {file}: 1 photo (grey 1, blurred 0)."
    gallery = open_gallery(tmp_path / "g").catalog
    assert gallery.ids == [name for i, name in enumerate(names) if i % 3 != 2 and i != 4]
    assert set(gallery.column("split")) == {"train", "index"}
    assert set(gallery.column("landmark")) == {"arch", "gate"}


def test_wrong_use(call: Any, table: Path, tmp_path: Path) -> None:
    file = findings(tmp_path / "f.parquet", {"a": ()})
    (tmp_path / "f.txt").write_text("")
    (tmp_path / "bad.csv").write_text("id,grey\na,true\n")
    for wrong, words in (
        (["--split", "tran"], "There is no split 'tran' in this source; it has index, query-public, train."),
        (["--findings", file], "--findings FILE and --drop NAME,... go together"),
        (["--drop", "grey"], "--findings FILE and --drop NAME,... go together"),
        (["--findings", file, "--drop", ","], "go together"),
        (["--findings", file, "--drop", "grey"], "they are of another source. Audit this one first."),
        (["--findings", tmp_path / "none.csv", "--drop", "grey"], "There is no table of findings at"),
        (["--findings", tmp_path / "f.txt", "--drop", "grey"], "a table of findings ends in .csv or .parquet"),
        (["--findings", tmp_path / "bad.csv", "--drop", "grey"], "is no table of findings: it has no column"),
    ):
        done = call("index", table, "-o", tmp_path / "g", *wrong)
        assert (done.status, done.out) == (2, ""), wrong
        assert words in done.err
        assert done.err.count("\n") == 1
        assert not (tmp_path / "g").exists()

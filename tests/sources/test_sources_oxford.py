from __future__ import annotations

from pathlib import Path

import pytest
from forger_buildings import BOXES, GALLERY, forge_oxford
from forger_pictures import write_jpeg

from periplus.errors import CatalogError, UsageError
from periplus.sources import BOX_COLUMNS, open_source, oxford_truth, read_oxford

IDS = ("query:all_souls_000013", "query:radcliffe_camera_000519")


@pytest.mark.parametrize("form", ["pkl", "mat", "txt"])
@pytest.mark.parametrize("name", ["oxford5k", "paris6k"])
def test_every_form_says_the_same(tmp_path: Path, form: str, name: str) -> None:
    forged = forge_oxford(tmp_path, name, form)
    scan = open_source(f"{name}:{tmp_path}")
    assert scan.catalog.ids == [*IDS, *GALLERY]
    assert scan.catalog.column("split") == ["query"] * 2 + ["gallery"] * 5
    # A query's picture is in the gallery too.
    assert (
        scan.catalog.row(0)["path"] == scan.catalog.row(2)["path"] == str(tmp_path.resolve() / f"jpg/{GALLERY[0]}.jpg")
    )
    assert [scan.catalog.row(1)[column] for column in BOX_COLUMNS] == list(BOXES[1])
    assert scan.catalog.column("landmark")[:2] == (["all_souls", "radcliffe_camera"] if form == "txt" else [None, None])
    truth = oxford_truth(tmp_path, name)
    assert truth.queries == IDS
    assert dict(truth.groups) == forged.groups


def test_the_ground_truth_file_comes_before_the_texts(tmp_path: Path) -> None:
    forge_oxford(tmp_path, form="txt")
    forge_oxford(tmp_path, form="pkl")
    assert read_oxford(tmp_path, "oxford5k").catalog.row(0)["landmark"] is None


def test_texts_beside_the_pictures_and_names_of_paris(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "paris/defense/paris_defense_000605.jpg", "a")
    write_jpeg(tmp_path / "paris/general/paris_general_000001.jpg", "b")
    (tmp_path / "defense_1_query.txt").write_text("paris_defense_000605 0 0 10.5 12\n")
    (tmp_path / "defense_1_good.txt").write_text("paris_defense_000605\r\nparis_defense_000999\r\n")
    for kind in ("ok", "junk"):
        (tmp_path / f"defense_1_{kind}.txt").write_text("\n")
    scan = read_oxford(tmp_path, "paris6k")
    assert scan.catalog.ids == ["query:paris_defense_000605", "paris_defense_000605", "paris_general_000001"]
    # What a ground truth names belongs to the gallery, there or not.
    assert [skip.path for skip in scan.skipped] == ["paris_defense_000999"]
    assert oxford_truth(tmp_path, "paris6k").groups["ok"] == (("paris_defense_000605", "paris_defense_000999"),)


def test_one_picture_may_ask_twice(tmp_path: Path) -> None:
    forge_oxford(tmp_path, form="txt")
    gt = tmp_path / "gt"
    for kind in ("query", "good", "ok", "junk"):
        (gt / f"all_souls_2_{kind}.txt").write_bytes((gt / f"all_souls_1_{kind}.txt").read_bytes())
    assert oxford_truth(tmp_path, "oxford5k").queries == (IDS[0], f"{IDS[0]}#2", IDS[1])
    assert len(read_oxford(tmp_path, "oxford5k").catalog) == 8


BREAK = {
    "no box": ("all_souls_1_query.txt", "oxc1_all_souls_000013", r"all_souls_1_query\.txt has the box"),
    "a word in the box": (
        "all_souls_1_query.txt",
        "oxc1_all_souls_000013 1 2 x 4",
        r"all_souls_1_query\.txt has the box",
    ),
    "a box of nan": ("all_souls_1_query.txt", "oxc1_all_souls_000013 1 2 nan 4", r"all_souls_1_query\.txt has the box"),
    "nothing": ("all_souls_1_query.txt", "", "names the picture ''"),
    "a query that leads out": ("all_souls_1_query.txt", "../../x 1 2 3 4", r"names the picture '\.\./\.\./x'"),
    "an answer that leads out": (
        "all_souls_1_ok.txt",
        "oxford_1\n../x\n",
        r"all_souls_1_ok\.txt names the picture '\.\./x'",
    ),
    "an answer that is junk": ("all_souls_1_junk.txt", "oxford_002985\n", "'oxford_002985' is both an answer"),
    "no text": ("all_souls_1_good.txt", "\udcff", "is no text"),
    "too long": ("all_souls_1_good.txt", "x" * (1 << 20) + "x", "more than 1048576 bytes"),
}


@pytest.mark.parametrize("name", BREAK)
def test_what_cannot_be(tmp_path: Path, name: str) -> None:
    forge_oxford(tmp_path, form="txt")
    file, text, said = BREAK[name]
    (tmp_path / "gt" / file).write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(CatalogError, match=said):
        read_oxford(tmp_path, "oxford5k")


def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no folder"):
        oxford_truth(tmp_path / "gone", "oxford5k")
    with pytest.raises(CatalogError, match="periplus data oxford5k"):
        read_oxford(tmp_path, "oxford5k")
    forge_oxford(tmp_path, form="txt")
    (tmp_path / "gt/all_souls_1_junk.txt").unlink()
    with pytest.raises(CatalogError, match=r"all_souls_1_junk\.txt cannot be read"):
        read_oxford(tmp_path, "oxford5k")
    monkeypatch.setattr("periplus.sources.oxford._MAX_QUERIES", 1)
    with pytest.raises(CatalogError, match="the limit is 1"):
        read_oxford(tmp_path, "oxford5k")

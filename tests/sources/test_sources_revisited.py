from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forger_buildings import BOXES, GALLERY, QUERIES, forge_distractors, forge_revisited
from forger_pictures import write_jpeg
from scipy.io import loadmat, savemat

from periplus.errors import CatalogError, UsageError
from periplus.records import SCHEMA
from periplus.sources import (
    BOX_COLUMNS,
    Scan,
    open_source,
    read_distractors,
    read_revisited,
    revisited_truth,
)

NAME = "roxford5k"
IDS = [f"query:{name}" for name in QUERIES]


def boxes(scan: Scan) -> list[tuple[object, ...]]:
    return list(zip(*(scan.catalog.column(name) for name in BOX_COLUMNS), strict=True))


@pytest.mark.parametrize("form", ["pkl", "mat"])
@pytest.mark.parametrize("name", ["roxford5k", "rparis6k"])
def test_queries_then_gallery(tmp_path: Path, form: str, name: str) -> None:
    forged = forge_revisited(tmp_path, name, form)
    scan = open_source(f"{name}:{tmp_path}")
    assert scan.catalog.ids == [*IDS, *GALLERY]
    assert scan.catalog.column("split") == ["query"] * 2 + ["gallery"] * 5
    assert boxes(scan) == [*BOXES, *[(None,) * 4] * 5]
    assert scan.catalog.column("path") == [str(tmp_path.resolve() / f"jpg/{name}.jpg") for name in (*QUERIES, *GALLERY)]
    assert (scan.skipped, scan.root) == ((), tmp_path.resolve())
    truth = revisited_truth(tmp_path, name)
    assert truth.queries == tuple(IDS)
    assert dict(truth.groups) == forged.groups
    assert truth.groups["hard"] == (("oxford_002985",), ("radcliffe_camera_000519", "oxford_002985"))
    assert truth.usage == ()
    assert len(truth) == 2


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    forged = forge_revisited(tmp_path, protocol=protocol)
    assert dict(revisited_truth(tmp_path, NAME).groups) == forged.groups


def test_the_pickle_comes_before_the_matlab_file(tmp_path: Path) -> None:
    forge_revisited(tmp_path, form="mat")
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(b"hello")
    with pytest.raises(CatalogError, match=r"gnd_roxford5k\.pkl"):
        revisited_truth(tmp_path, NAME)


def test_pictures_in_folders_and_missing_ones(tmp_path: Path) -> None:
    forge_revisited(tmp_path)
    deep = tmp_path / "jpg/oxford/general"
    deep.mkdir(parents=True)
    (tmp_path / "jpg/oxford_002985.jpg").rename(deep / "oxford_002985.jpg")
    for gone in (QUERIES[1], GALLERY[4]):
        (tmp_path / f"jpg/{gone}.jpg").unlink()
    seen: list[int] = []
    scan = read_revisited(tmp_path, NAME, seen.append)
    assert scan.catalog.ids == [IDS[0], *GALLERY[:4]]
    assert scan.catalog.row(3)["path"] == str(deep.resolve() / "oxford_002985.jpg")
    assert [(skip.path, skip.kind) for skip in scan.skipped] == [(QUERIES[1], "missing"), (GALLERY[4], "missing")]
    assert seen == [5]
    # The truth is the makers', whatever is here.
    assert len(revisited_truth(tmp_path, NAME)) == 2


def test_nothing_is_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        read_revisited(tmp_path / "gone", NAME)
    with pytest.raises(CatalogError, match=r"no gnd_roxford5k\.pkl .nor \.mat.* periplus data roxford5k"):
        open_source(f"roxford5k:{tmp_path}")
    forge_revisited(tmp_path / "x")
    with pytest.raises(UsageError, match="columns of roxford5k are known"):
        open_source(f"roxford5k:{tmp_path / 'x'}", columns={"id": "name"})


def test_many_missing_pictures_are_told_as_a_number(tmp_path: Path) -> None:
    names = [f"oxford_{i:06d}" for i in range(2500)]
    entry = {"bbx": [0, 0, 1, 1], "easy": [0], "hard": [], "junk": []}
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(pickle.dumps({"imlist": names, "qimlist": ["q"], "gnd": [entry]}))
    scan = read_revisited(tmp_path, NAME)
    assert len(scan.catalog) == 0
    assert set(BOX_COLUMNS) <= set(scan.catalog.table.column_names)
    assert len(scan.skipped) == 1001
    assert scan.skipped[-1].reason == "1,501 more of its pictures are not there."


def test_distractors(tmp_path: Path) -> None:
    forge_revisited(tmp_path / NAME)
    names = forge_distractors(tmp_path / "revisitop1m")
    alone = open_source(f"revisitop1m:{tmp_path / 'revisitop1m'}")
    assert alone.catalog.ids == [f"revisitop1m/{name}" for name in names]
    assert alone.catalog.row(2)["path"] == str(tmp_path.resolve() / "revisitop1m/jpg/17/1003.jpg")
    assert set(alone.catalog.column("split")) == {"gallery"}
    seen: list[int] = []
    scan = open_source(f"roxford5k+1m:{tmp_path / NAME}", progress=seen.append)
    assert scan.catalog.ids == [*IDS, *GALLERY, *alone.catalog.ids]
    assert scan.catalog.table.column_names == [*SCHEMA.names, *BOX_COLUMNS]
    assert seen == [7, 10]
    (tmp_path / "revisitop1m").rename(tmp_path / NAME / "revisitop1m")
    assert len(read_revisited(tmp_path / NAME, NAME, distractors=True).catalog) == 10


def test_distractors_that_are_not_there(tmp_path: Path) -> None:
    forge_revisited(tmp_path / NAME)
    with pytest.raises(CatalogError, match="periplus data revisitop1m"):
        open_source(f"roxford5k+1m:{tmp_path / NAME}")
    with pytest.raises(UsageError, match="no folder"):
        read_distractors(tmp_path / "revisitop1m")
    forge_distractors(tmp_path / "revisitop1m")
    (tmp_path / "revisitop1m/jpg/0/1002.jpg").unlink()
    scan = read_distractors(tmp_path / "revisitop1m")
    assert [(skip.path, skip.kind) for skip in scan.skipped] == [("0/1002.jpg", "missing")]
    (tmp_path / "revisitop1m/revisitop1m.txt").unlink()
    with pytest.raises(CatalogError, match=r"revisitop1m\.txt cannot be read"):
        read_distractors(tmp_path / "revisitop1m")


@pytest.mark.parametrize(
    "line", ["../secret.jpg", "/etc/passwd", "a/../../b", "a\\b", "x" * 400, "a\x1b.jpg", "0/1001.jpg"]
)
def test_a_list_that_leads_out(tmp_path: Path, line: str) -> None:
    forge_distractors(tmp_path)
    write_jpeg(tmp_path.parent / "secret.jpg", "s")
    with (tmp_path / "revisitop1m.txt").open("a") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(CatalogError, match=r"revisitop1m\.txt line 5: "):
        read_distractors(tmp_path)


def test_a_list_that_is_no_text_or_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge_distractors(tmp_path)
    (tmp_path / "revisitop1m.txt").write_bytes(b"\xff\xfe\n")
    with pytest.raises(CatalogError, match="UTF-8"):
        read_distractors(tmp_path)
    monkeypatch.setattr("periplus.sources.revisited._MAX_LINES", 2)
    (tmp_path / "revisitop1m.txt").write_text("a\nb\nc\n")
    with pytest.raises(CatalogError, match="4 lines; the limit is 2"):
        read_distractors(tmp_path)


def change(found: dict[str, Any], key: str, value: object) -> None:
    found["gnd"][1][key] = value


cyclic: list[Any] = []
cyclic.append(cyclic)

BREAK: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a position too far": (lambda f: change(f, "easy", [5]), r"query 2: easy has 5, not a position of 5"),
    "a negative position": (lambda f: change(f, "hard", np.array([-1])), "query 2: hard has -1"),
    "half a position": (lambda f: change(f, "junk", [0.5]), r"query 2: junk has 0\.5"),
    "not a number": (lambda f: change(f, "junk", [float("nan")]), "query 2: junk has nan"),
    "a huge number": (lambda f: change(f, "junk", [1e300]), r"query 2: junk has 1e\+300"),
    "a truth value": (lambda f: change(f, "junk", [True]), "query 2: junk has True"),
    "a text": (lambda f: change(f, "junk", "x"), "query 2: junk has 'x'"),
    "nothing": (lambda f: change(f, "junk", None), "query 2: junk has None"),
    "a list in itself": (lambda f: change(f, "junk", [cyclic]), r"query 2: junk has \[\.\.\.\]"),
    "twice": (lambda f: change(f, "junk", [1, 3, 3]), "query 2: junk has the position 3 twice"),
    "no list": (lambda f: f["gnd"][1].pop("hard"), "query 2 has no list 'hard'; it has 'bbx', 'easy', 'junk'"),
    "a box inside out": (lambda f: change(f, "bbx", [5, 0, 1, 9]), r"query 2 has the box \[5, 0, 1, 9\]"),
    "a box of NaN": (lambda f: change(f, "bbx", [float("nan"), 0, 1, 9]), "query 2 has the box"),
    "a box without end": (lambda f: change(f, "bbx", [0, 0, float("inf"), 9]), "query 2 has the box"),
    "three numbers": (lambda f: change(f, "bbx", [0, 0, 9]), "query 2 has the box"),
    "a box of lists": (lambda f: change(f, "bbx", cyclic), "query 2 has the box"),
    "no box": (lambda f: f["gnd"][1].pop("bbx"), "query 2 has the box None"),
    "no query": (lambda f: f["gnd"].pop(), "has 1 entries in gnd for 2 queries"),
    "a query that is a list": (lambda f: f["gnd"].__setitem__(0, []), "query 1 of gnd is a list"),
    "no names": (lambda f: f.pop("imlist"), "imlist is no list"),
    "no queries": (lambda f: f.pop("qimlist"), "qimlist is no list"),
    "an empty gallery": (lambda f: f["imlist"].clear(), "imlist is no list of 1"),
    "a name that leads out": (lambda f: f["imlist"].__setitem__(1, "../../etc/passwd"), "imlist 2 names the picture"),
    "an absolute name": (lambda f: f["qimlist"].__setitem__(1, "/etc/passwd"), "qimlist 2 names the picture"),
    "a hidden name": (lambda f: f["qimlist"].__setitem__(1, ".."), "qimlist 2 names the picture"),
    "an empty name": (lambda f: f["imlist"].__setitem__(0, ""), "imlist 1 names the picture ''"),
    "a name in bytes": (lambda f: f["imlist"].__setitem__(0, b"x"), "imlist 1 names the picture b'x'"),
    "a name that is a list": (lambda f: f["imlist"].__setitem__(0, cyclic), r"imlist 1 names the picture \[\.\.\.\]"),
    "a name twice": (lambda f: f["imlist"].append(GALLERY[0]), "imlist names 'all_souls_000013' twice"),
    "no ground truth": (lambda f: f.pop("gnd"), "holds no ground truth"),
}


@pytest.mark.parametrize("name", BREAK)
def test_what_cannot_be(tmp_path: Path, name: str) -> None:
    forge_revisited(tmp_path)
    path = tmp_path / "gnd_roxford5k.pkl"
    found = pickle.loads(path.read_bytes())
    breaks, said = BREAK[name]
    breaks(found)
    path.write_bytes(pickle.dumps(found))
    with pytest.raises(CatalogError, match=rf"gnd_roxford5k\.pkl.*{said}"):
        read_revisited(tmp_path, NAME)


def test_positions_of_matlab_count_from_one(tmp_path: Path) -> None:
    forge_revisited(tmp_path, form="mat")
    path = tmp_path / "gnd_roxford5k.mat"
    found = {key: value for key, value in loadmat(path).items() if not key.startswith("__")}
    found["gnd"][0, 0]["easy"][0, 0] = 0
    savemat(path, found)
    with pytest.raises(CatalogError, match=r"query 1: easy has 0\.0, not a position of 5 pictures counted from 1"):
        revisited_truth(tmp_path, NAME)


@pytest.mark.parametrize("content", [[1, 2], "text", None, {"gnd": 3}, struct.pack("<q", 1)])
def test_a_pickle_of_something_else(tmp_path: Path, content: object) -> None:
    (tmp_path / "gnd_rparis6k.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(CatalogError, match="holds no ground truth"):
        revisited_truth(tmp_path, "rparis6k")

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from forger_gldv2 import NAMES, WIKI, ForgedGldv2, forge_gldv2, picture_id, picture_path
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import CatalogError, RecordError, UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.sources import Scan, Truth, gldv2_recognition, gldv2_relevance, open_source, read_gldv2
from periplus.sources.bigcsv import read_columns
from periplus.sources.gldv2 import GLDV2_SCHEMA


@pytest.fixture
def forged(tmp_path: Path) -> ForgedGldv2:
    return forge_gldv2(tmp_path / "gldv2")


def rows(scan: Scan) -> dict[object, dict[str, object]]:
    return {row["id"]: row for row in scan.catalog.table.to_pylist()}


def edit(forged: ForgedGldv2, name: str, change: Callable[[list[list[str]]], object]) -> Path:
    """Change the rows of a table, its header among them."""
    path = forged.root / "metadata" / name
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    change(found)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(found)
    return path


def test_all_of_it(forged: ForgedGldv2) -> None:
    seen: list[int] = []
    scan = open_source(f"gldv2:{forged.root}", progress=seen.append)
    assert scan.catalog.table.schema.equals(GLDV2_SCHEMA)
    assert scan.catalog.ids == [*forged.landmarks["train"], *forged.landmarks["index"], *forged.usage]
    found = rows(scan)
    splits = {"Public": "query-public", "Private": "query-private", "Ignored": "ignored"}
    for split, landmarks in forged.landmarks.items():
        for photo, number in landmarks.items():
            name = NAMES[split][number]
            row = found[photo]
            assert (row["split"], row["landmark"]) == (split, f"{split}:{number}")
            assert row["category"] == WIKI + name[0]
            kinds = (row["supercategory"], row["hierarchical_label"], row["natural_or_human_made"])
            assert kinds == name[1:]
            assert row["clean"] == (photo in forged.clean if split == "train" else None)
    for photo, usage in forged.usage.items():
        assert (found[photo]["split"], found[photo]["landmark"]) == (splits[usage], None)
    for one, row in found.items():
        folder = str(row["split"]) if row["split"] in ("train", "index") else "test"
        assert row["path"] == str(picture_path(forged.root.resolve(), folder, str(one)))
        assert Path(str(row["path"])).is_file()
        assert (row["lat_deg"], row["taken_at"]) == (None, None)
    assert (scan.skipped, scan.root, seen) == ((), forged.root.resolve(), [6, 11, 15])


def test_who_made_a_train_picture(forged: ForgedGldv2) -> None:
    photo = next(iter(forged.landmarks["train"]))
    row = rows(open_source(f"gldv2-train:{forged.root}"))[photo]
    assert row["author"] == f"Author {photo[:4]}"
    assert row["licence"] == "http://creativecommons.org/licenses/by/3.0"
    assert row["title"] == f'File:A "quoted", two\nline title {photo}.jpg'
    assert row["url"] == f"https://upload.wikimedia.org/{photo}.jpg"


def test_the_same_number_is_never_the_same_landmark(forged: ForgedGldv2) -> None:
    scan = open_source(f"gldv2:{forged.root}")
    names = {(str(row["landmark"]), row["category"]) for row in rows(scan).values() if row["landmark"]}
    assert {landmark for landmark, _ in names} == {"train:7", "train:12", "index:7", "index:3"}
    assert ("train:7", f"{WIKI}Old_Church") in names
    assert ("index:7", f"{WIKI}Some,_Fall") in names


def test_parts(forged: ForgedGldv2) -> None:
    for part, count in (("train", 6), ("index", 5), ("test", 4)):
        assert len(open_source(f"gldv2-{part}:{forged.root}").catalog) == count
        assert len(read_gldv2(forged.root, (part,)).catalog) == count
    both = read_gldv2(forged.root, ("test", "index"))
    assert both.catalog.ids == [*forged.usage, *forged.landmarks["index"]]
    with pytest.raises(UsageError, match="no 'val'"):
        read_gldv2(forged.root, ("train", "val"))
    with pytest.raises(UsageError, match="no folder"):
        read_gldv2(forged.root / "gone")
    with pytest.raises(UsageError, match="columns of gldv2 are known"):
        open_source(f"gldv2:{forged.root}", columns={"landmark": "x"})


@pytest.mark.parametrize("folder", ["", "metadata", "train", "ground_truth"])
def test_tables_wherever_people_keep_them(tmp_path: Path, folder: str) -> None:
    assert len(read_gldv2(forge_gldv2(tmp_path, folder).root).catalog) == 15


def test_only_what_is_there_is_read(forged: ForgedGldv2) -> None:
    tables = forged.root / "metadata"
    for name in ("train.csv", "index_image_to_landmark.csv"):
        (tables / name).unlink()
    scan = open_source(f"gldv2:{forged.root}")
    assert set(scan.catalog.column("split")) == {"index", "query-public", "query-private", "ignored"}
    assert set(scan.catalog.column("landmark")) == {None}
    with pytest.raises(CatalogError, match=r"no train\.csv .* periplus data gldv2"):
        open_source(f"gldv2-train:{forged.root}")
    (tables / "retrieval_solution_v2.1.csv").unlink()
    with pytest.raises(CatalogError, match=r"no retrieval_solution_v2\.1\.csv"):
        open_source(f"gldv2-test:{forged.root}")
    for name in ("index.csv", "test.csv"):
        (tables / name).unlink()
    with pytest.raises(CatalogError, match="none of train"):
        open_source(f"gldv2:{forged.root}")


def test_without_the_tables_that_only_add(forged: ForgedGldv2) -> None:
    for name in ("train_label_to_hierarchical.csv", "train_clean.csv", "train_attribution.csv"):
        (forged.root / "metadata" / name).unlink()
    row = open_source(f"gldv2-train:{forged.root}").catalog.row(0)
    assert row["category"] == f"{WIKI}Old_Church"
    assert (row["supercategory"], row["clean"], row["author"], row["url"]) == (None, None, None, None)
    (forged.root / "metadata/train_label_to_category.csv").unlink()
    assert open_source(f"gldv2-train:{forged.root}").catalog.row(0)["category"] is None


def test_missing_pictures(forged: ForgedGldv2, monkeypatch: pytest.MonkeyPatch) -> None:
    train = list(forged.landmarks["train"])
    for photo in train[:2]:
        picture_path(forged.root, "train", photo).unlink()
    # Pictures in another folder, of another name, or that no table lists are no pictures of the set.
    stranger = picture_path(forged.root, "train", picture_id("stranger"))
    for path in (stranger, forged.root / "train" / f"{train[0]}.jpg", stranger.with_suffix(".png")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    wrong = picture_path(forged.root, "train", train[0]).parent
    (wrong / f"{train[0]}.JPG").touch()
    (wrong / f"{train[0][:3]}\udcff.jpg").touch()
    scan = open_source(f"gldv2-train:{forged.root}")
    assert scan.catalog.ids == train[2:]
    assert [(skip.path, skip.kind) for skip in scan.skipped] == [(photo, "missing") for photo in train[:2]]
    assert scan.catalog.row(0)["author"] == f"Author {train[2][:4]}"
    monkeypatch.setattr("periplus.sources.gldv2.SHOWN", 1)
    monkeypatch.setattr("periplus.sources.listing.SHOWN", 1)
    skipped = open_source(f"gldv2-train:{forged.root}").skipped
    assert [(skip.path, skip.kind) for skip in skipped] == [
        (train[0], "missing"),
        (str(forged.root / "train"), "missing"),
    ]
    assert skipped[1].reason == "1 more of its pictures are not there."


def test_no_picture_is_there(forged: ForgedGldv2) -> None:
    (forged.root / "train").rename(forged.root / "elsewhere")
    scan = open_source(f"gldv2-train:{forged.root}")
    assert (len(scan.catalog), len(scan.skipped)) == (0, 6)
    assert scan.catalog.table.schema.equals(GLDV2_SCHEMA)


def test_relevance(forged: ForgedGldv2) -> None:
    truth = gldv2_relevance(forged.root)
    assert truth.queries == tuple(forged.usage)
    assert dict(zip(truth.queries, truth.groups["relevant"], strict=True)) == forged.relevant
    assert truth.usage == ("public", "private", "ignored", "private")
    private = truth.select("private")
    assert private.queries == (truth.queries[1], truth.queries[3])
    assert private.groups["relevant"] == (forged.relevant[truth.queries[1]], forged.relevant[truth.queries[3]])
    assert set(private.usage) == {"private"}
    assert len(truth.select("nobody")) == 0


def test_recognition(forged: ForgedGldv2) -> None:
    truth = gldv2_recognition(forged.root)
    shown = {photo: tuple(f"train:{number}" for number in numbers) for photo, numbers in forged.shown.items()}
    assert dict(zip(truth.queries, truth.groups["landmark"], strict=True)) == shown
    assert truth.usage == ("public", "private", "public", "private")


@pytest.mark.parametrize(
    ("queries", "lists", "usage"),
    [(("a", "a"), ((), ()), ()), (("a",), (), ()), (("a",), (("x",),), ("public", "private"))],
)
def test_a_truth_speaks_of_its_queries_only(
    queries: tuple[str, ...], lists: tuple[tuple[str, ...], ...], usage: tuple[str, ...]
) -> None:
    with pytest.raises(RecordError):
        Truth(queries, {"relevant": lists}, usage)


def test_a_query_that_the_solution_does_not_know_is_ignored(forged: ForgedGldv2) -> None:
    edit(forged, "retrieval_solution_v2.1.csv", lambda found: found.pop(1))
    assert open_source(f"gldv2-test:{forged.root}").catalog.column("split")[0] == "ignored"


def put(row: int, column: int, value: str) -> Callable[[list[list[str]]], object]:
    return lambda found: found[row].__setitem__(column, value)


BREAK: dict[str, tuple[str, Callable[[list[list[str]]], object], str]] = {
    "an id that leads out": (
        "train.csv",
        put(3, 0, "../../etc/passwd"),
        r"train\.csv line 4: id is '\.\./\.\./etc/passwd'",
    ),
    "an id in capitals": ("index.csv", put(2, 0, "ABCDEF0123456789"), r"index\.csv line 3: id is 'ABCDEF0123456789'"),
    "a short id": ("test.csv", put(1, 0, "0123"), r"test\.csv line 2: id is '0123'"),
    "no id": ("train.csv", put(1, 0, ""), r"train\.csv line 2: id is ''"),
    "an id twice": (
        "train.csv",
        lambda f: f.append(f[2]),
        r"train\.csv line 8: id '\w{16}' stands there again, first in row 2",
    ),
    "a landmark that is no number": ("train.csv", put(2, 2, "-7"), r"train\.csv line 3: landmark_id is '-7'"),
    "a huge landmark": ("train.csv", put(2, 2, "9" * 30), r"train\.csv line 3: landmark_id is '9{30}'"),
    "no landmark": ("train.csv", put(2, 2, ""), r"train\.csv line 3: landmark_id is ''"),
    "no landmark column": (
        "train.csv",
        put(0, 2, "label"),
        r"train\.csv needs .*landmark_id.* once; it has 'id, url, label'",
    ),
    "a column twice": ("train.csv", put(0, 1, "id"), r"train\.csv needs"),
    "a row too short": ("train.csv", lambda f: f[2].pop(), r"train\.csv cannot be read as CSV"),
    "a clean list of others": ("train_clean.csv", put(1, 1, "x y"), r"train_clean\.csv line 2: images is 'x y'"),
    "a label twice": (
        "train_label_to_hierarchical.csv",
        lambda f: f.append(f[1]),
        r"train_label_to_hierarchical\.csv line 4: landmark_id '7' stands there again",
    ),
    "an author twice": (
        "train_attribution.csv",
        lambda f: f.append(f[1]),
        r"train_attribution\.csv line \d+: id '\w{16}'",
    ),
    "an index label twice": ("index_image_to_landmark.csv", lambda f: f.append(f[1]), "stands there again"),
    "an unknown usage": ("retrieval_solution_v2.1.csv", put(1, 2, "Secret"), r"csv line 2: Usage is 'Secret'"),
    "a picture of both sets": (
        "index.csv",
        lambda f: f.append([picture_id("train0")]),
        "a picture's id stands in two of train, index, test",
    ),
}


@pytest.mark.parametrize("name", BREAK)
def test_what_cannot_be(forged: ForgedGldv2, name: str) -> None:
    table, change, said = BREAK[name]
    edit(forged, table, change)
    picture = picture_path(forged.root, "index", picture_id("train0"))
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.touch()
    with pytest.raises(CatalogError, match=said):
        open_source(f"gldv2:{forged.root}")


@pytest.mark.parametrize(
    ("table", "row", "value", "said"),
    [
        ("retrieval_solution_v2.1.csv", 1, "x", r"retrieval_solution_v2\.1\.csv line 2: images is 'x'"),
        ("retrieval_solution_v2.1.csv", 2, "train:7", "line 3: images is 'train:7'"),
        ("recognition_solution_v2.1.csv", 2, "7 x", r"recognition_solution_v2\.1\.csv line 3: landmarks is '7 x'"),
        ("recognition_solution_v2.1.csv", 1, "7,12", "line 2: landmarks is '7,12'"),
    ],
)
def test_answers_that_cannot_be(forged: ForgedGldv2, table: str, row: int, value: str, said: str) -> None:
    edit(forged, table, put(row, 1, value))
    read = gldv2_relevance if "retrieval" in table else gldv2_recognition
    with pytest.raises(CatalogError, match=said):
        read(forged.root)


def test_a_row_after_lines_too_long_to_count(forged: ForgedGldv2) -> None:
    many = " ".join(picture_id(str(number)) for number in range(8000))
    edit(forged, "train_clean.csv", lambda found: found.extend([["3", many], ["4", "x"]]))
    with pytest.raises(CatalogError, match=r"train_clean\.csv row 4: images is 'x'"):
        open_source(f"gldv2-train:{forged.root}")


def test_limits(forged: ForgedGldv2) -> None:
    with pytest.raises(CatalogError, match=r"more than 3 rows"):
        open_source(f"gldv2-train:{forged.root}", Limits(max_table_rows=3))
    with pytest.raises(CatalogError, match=r"bytes; the limit of a table is 10"):
        open_source(f"gldv2-train:{forged.root}", Limits(max_table_bytes=10))


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"id\n", b'id,landmark_id\n"' + b"x" * 100, b"\x00" * 1000])
def test_tables_that_are_none(forged: ForgedGldv2, text: bytes) -> None:
    (forged.root / "metadata/train.csv").write_bytes(text)
    with pytest.raises(CatalogError, match=r"train\.csv"):
        open_source(f"gldv2-train:{forged.root}")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8)


@given(
    values=st.lists(st.tuples(st.integers(0, 10**9 - 1), TEXT), max_size=30),
    wanted=st.none() | st.sets(st.integers(0, 10**9 - 1), max_size=3),
    sieve=st.integers(1, 10),
)
def test_columns_as_the_csv_module_reads_them(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[int, str]], wanted: set[int] | None, sieve: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "c.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [("a", "key", "b"), *((text, key, text) for key, text in values)]
        )
    # Some of the keys that are there, besides those that are not.
    chosen = None if wanted is None else {*wanted, *(key for key, _ in values[::2])}
    keys = None if chosen is None else pa.array([str(key) for key in chosen], pa.string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("periplus.sources.bigcsv._SIEVED_ROWS", sieve)
        patch.setattr("periplus.sources.bigcsv._BLOCK_BYTES", 200)
        table = read_columns(path, {"key": "[0-9]{1,9}", "b": ""}, DEFAULT_LIMITS, keys)
    kept = [(str(key), text or None) for key, text in values if chosen is None or key in chosen]
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == kept

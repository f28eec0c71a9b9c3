from __future__ import annotations

from pathlib import Path

import pytest

from periplus.errors import UsageError
from periplus.sources import SOURCES, open_source


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "places.csv"
    path.write_text("lat,lon\n1,2\n")
    return path


def test_a_folder_a_table_and_their_long_names(shared: Path, table: Path) -> None:
    photos = shared / "street-photos/photos"
    assert len(open_source(str(photos)).catalog) == 57
    assert len(open_source(f"folder:{photos}").catalog) == 57
    assert len(open_source(str(table)).catalog) == 1
    assert len(open_source(f"table:{table}").catalog) == 1


def test_what_exists_comes_before_what_it_could_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table:x").mkdir()
    assert len(open_source("table:x").catalog) == 0
    Path("odd:name.csv").write_text("lat,lon\n1,2\n")
    assert len(open_source("odd:name.csv").catalog) == 1


@pytest.mark.parametrize("spec", ["tabel:x.csv", "nowhere", "", "folder", "x:y:z", "README.md", "table:"])
def test_an_unknown_source_lists_the_known(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(spec if spec else "nothing:")
    assert ", ".join(SOURCES) in str(caught.value)


def test_the_nearest_name_is_proposed() -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'table:x\.csv'"):
        open_source("tabel:x.csv")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gone.csv", "no table 'gone.csv'"),
        ("table:gone.csv", "no table 'gone.csv'"),
        ("folder:gone", "no folder 'gone'"),
        ("table:gone.txt", "is no table"),
    ],
)
def test_a_known_kind_that_is_not_there(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(spec)


def test_progress_goes_through(table: Path) -> None:
    (table.parent / "a.jpg").touch()
    table.write_text("file\na.jpg\n")
    seen: list[int] = []
    open_source(str(table), progress=seen.append)
    assert seen == [1]

from __future__ import annotations

from pathlib import Path

import pytest
from forger_classes import forge_classes
from forger_pictures import write_jpeg

from periplus.errors import UsageError
from periplus.sources import open_source, read_classes
from periplus.sources.folder import FOLDER_SCHEMA


@pytest.mark.parametrize("splits", [(), ("train",), ("train", "index", "query"), ("gallery", "query-private")])
def test_landmarks_and_splits(tmp_path: Path, splits: tuple[str, ...]) -> None:
    made = forge_classes(tmp_path, splits)
    scan = open_source(f"classes:{tmp_path}")
    rows = zip(scan.catalog.ids, scan.catalog.column("split"), scan.catalog.column("landmark"), strict=True)
    assert {photo: (split, landmark) for photo, split, landmark in rows} == made
    assert scan.catalog.ids == sorted(made)
    assert scan.catalog.table.schema.equals(FOLDER_SCHEMA)
    assert (scan.skipped, scan.root) == ((), tmp_path.resolve())
    assert scan.catalog.row(0)["width_px"] == 16


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    forge_classes(tmp_path)
    write_jpeg(tmp_path / "train/steam.jpg", "x")
    scan = read_classes(tmp_path)
    assert set(scan.catalog.column("landmark")) == {"colosseum", "Notre Dame", "train"}
    assert set(scan.catalog.column("split")) == {None}


def test_photos_without_class_are_skipped(tmp_path: Path) -> None:
    made = forge_classes(tmp_path, ("train", "query"))
    write_jpeg(tmp_path / "train/loose.jpg", "x")
    (tmp_path / "train/colosseum/damaged.jpg").write_bytes(b"no picture")
    scan = read_classes(tmp_path)
    assert len(scan.catalog) == len(made)
    assert [(skip.path, skip.kind) for skip in scan.skipped] == [
        ("train/colosseum/damaged.jpg", "not-a-photo"),
        ("train/loose.jpg", "no-class"),
    ]
    write_jpeg(tmp_path / "lost.jpg", "y")
    scan = read_classes(tmp_path)
    # A photo on top shows that the folders on top are no splits.
    assert set(scan.catalog.column("landmark")) == {"train", "query"}
    assert {skip.path for skip in scan.skipped if skip.kind == "no-class"} == {"lost.jpg"}


def test_nothing(tmp_path: Path) -> None:
    assert len(read_classes(tmp_path).catalog) == 0
    with pytest.raises(UsageError, match="no folder"):
        open_source(f"classes:{tmp_path / 'gone'}")
    with pytest.raises(UsageError, match="columns of classes are known"):
        open_source(f"classes:{tmp_path}", columns={"id": "x"})

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from periplus.errors import UsageError
from periplus.photos import Limits
from periplus.records import SCHEMA, Skip
from periplus.sources import read_folder
from periplus.sources.folder import FOLDER_SCHEMA

GPS = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 42.0), 5: b"\0", 6: 35.0, 17: 90.0}


def photo(path: Path, gps: dict[int, object] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    exif.get_ifd(0x8825).update(gps or {})
    Image.new("RGB", (30, 20), "green").save(path, exif=exif)
    return path


def kinds(skipped: tuple[Skip, ...]) -> dict[str, str]:
    return {skip.path: skip.kind for skip in skipped}


def test_a_folder_becomes_a_catalog(tmp_path: Path) -> None:
    photo(tmp_path / "b/two.jpg")
    photo(tmp_path / "a.JPG", GPS)
    photo(tmp_path / "b.png")
    (tmp_path / "readme.txt").write_text("no photo")
    (tmp_path / "b/notes.md").write_text("no photo")
    scan = read_folder(tmp_path)
    assert scan.catalog.ids == ["a.JPG", "b.png", "b/two.jpg"]
    assert scan.catalog.table.schema == FOLDER_SCHEMA
    assert (scan.skipped, scan.ignored, scan.root, scan.notes) == ((), 2, tmp_path.resolve(), ())
    assert scan.catalog.row(0) == {
        **dict.fromkeys(SCHEMA.names),
        "id": "a.JPG",
        "path": str(tmp_path.resolve() / "a.JPG"),
        "lat_deg": 48 + 51 / 60 + 30 / 3600,
        "lon_deg": 2.295,
        "altitude_m": 35.0,
        "bearing_deg": 90.0,
        "camera": "Camera",
        "position_source": "exif",
        "width_px": 30,
        "height_px": 20,
    }
    assert scan.catalog.has_position.tolist() == [True, False, False]


def test_the_real_folder(shared: Path) -> None:
    scan = read_folder(str(shared / "awkward-files"))
    assert len(scan.catalog) == 48
    assert (scan.skipped, scan.ignored) == ((), 1)
    assert scan.catalog.ids == sorted(scan.catalog.ids)
    assert int(scan.catalog.has_position.sum()) == 16
    assert [note.path for note in scan.notes] == ["immich_empty_gps.jpg"]
    assert scan.notes[0].kind == "metadata"


def test_bad_photos_are_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    photo(tmp_path / "good.jpg")
    (tmp_path / "text.jpg").write_text("no picture at all")
    (tmp_path / "empty.png").touch()
    (tmp_path / "torn.jpg").write_bytes((tmp_path / "good.jpg").read_bytes()[:30])
    (tmp_path / "new.jxl").write_bytes(b"\xff\x0a" + bytes(90))
    (tmp_path / "large.jpg").write_bytes((tmp_path / "good.jpg").read_bytes() + bytes(5000))
    os.mkfifo(tmp_path / "pipe.jpg")
    scan = read_folder(tmp_path, Limits(max_bytes=4000))
    assert scan.catalog.ids == ["good.jpg"]
    assert kinds(scan.skipped) == {
        "empty.png": "damaged",
        "large.jpg": "too-large",
        "new.jxl": "unsupported-format",
        "pipe.jpg": "not-a-file",
        "text.jpg": "not-a-photo",
        "torn.jpg": "damaged",
    }
    assert all(skip.reason for skip in scan.skipped)


def test_hidden_files_and_sidecars_are_no_photos(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "._a.jpg")
    photo(tmp_path / ".trash/b.jpg")
    (tmp_path / "a.xmp").write_text("<x/>")
    (tmp_path / "a.jpg.XMP").write_text("<x/>")
    scan = read_folder(tmp_path)
    assert (scan.catalog.ids, scan.skipped, scan.ignored) == (["a.jpg"], (), 0)


def test_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    photo(root / "inside/a.jpg")
    photo(tmp_path / "outside/b.jpg")
    (root / "loop").symlink_to(".")
    (root / "inside/up").symlink_to("..")
    (root / "away").symlink_to(tmp_path / "outside")
    (root / "away.jpg").symlink_to(tmp_path / "outside/b.jpg")
    (root / "same.jpg").symlink_to("inside/a.jpg")
    (root / "self.jpg").symlink_to("self.jpg")
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    (root / "notes.txt").symlink_to(tmp_path / "outside/b.jpg")
    scan = read_folder(root)
    assert scan.catalog.ids == ["inside/a.jpg", "same.jpg"]
    assert kinds(scan.skipped) == dict.fromkeys(
        ["away", "away.jpg", "gone.jpg", "inside/up", "loop", "self.jpg"], "symlink"
    )
    reasons = {skip.path: skip.reason for skip in scan.skipped}
    assert "outside" in reasons["away.jpg"]
    assert "nowhere" in reasons["gone.jpg"]
    assert "nowhere" in reasons["self.jpg"]
    assert "where it lies" in reasons["loop"]


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    photo(tmp_path / "real/a.jpg")
    (tmp_path / "link").symlink_to("real")
    scan = read_folder(tmp_path / "link")
    assert scan.catalog.column("path") == [str((tmp_path / "real/a.jpg").resolve())]


NAMES = ["a b.jpg", "📷🗼.jpg", "שלום-مرحبا.jpg", "e\u0301.jpg", "é.jpg", "new\nline.jpg", "#?%.jpg", "ÿ/ß.jpg"]


def test_any_name_is_kept_as_it_is(tmp_path: Path) -> None:
    for name in NAMES:
        photo(tmp_path / name)
    scan = read_folder(tmp_path)
    assert scan.catalog.ids == sorted(NAMES)
    assert scan.skipped == ()


def test_names_that_are_no_utf_8_are_skipped(tmp_path: Path) -> None:
    photo(tmp_path / "good.jpg")
    bad = tmp_path / os.fsdecode(b"caf\xe9")
    bad.mkdir()
    for path in (bad / "a.jpg", bad.with_suffix(".jpg"), bad.with_suffix(".txt")):
        path.write_bytes((tmp_path / "good.jpg").read_bytes())
    scan = read_folder(tmp_path)
    assert scan.catalog.ids == ["good.jpg"]
    assert kinds(scan.skipped) == {"caf\\xe9": "bad-name", "caf\\xe9.jpg": "bad-name"}
    assert scan.ignored == 1


def test_a_folder_that_cannot_be_listed_is_a_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "locked/b.jpg")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        # Root may list everything, so the refusal is played.
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    scan = read_folder(tmp_path)
    assert scan.catalog.ids == ["a.jpg"]
    assert kinds(scan.skipped) == {"locked": "unreadable"}


def test_progress_counts_every_photo(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        photo(tmp_path / name)
    (tmp_path / "c.jpg").touch()
    seen: list[int] = []
    read_folder(tmp_path, progress=seen.append)
    assert seen == [1, 2, 3]


def test_an_empty_folder_and_none(tmp_path: Path) -> None:
    assert len(read_folder(tmp_path).catalog) == 0
    for wrong in (tmp_path / "gone", photo(tmp_path / "a.jpg")):
        with pytest.raises(UsageError, match="no folder"):
            read_folder(wrong)


def test_deep_folders(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 200)
    photo(deep / "a.jpg")
    assert read_folder(tmp_path).catalog.ids == ["d/" * 200 + "a.jpg"]

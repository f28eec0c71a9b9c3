"""Bad input: a clear message, the right status, nothing half written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import periplus.pipeline
from periplus.errors import GalleryError
from periplus.gallery import open_gallery
from periplus.synth import Town


def test_an_empty_folder(call: Any, gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = call("index", tmp_path / "empty", "-o", tmp_path / "g.gallery", "--json")
    assert (done.status, done.out) == (3, "")
    assert "no photo that could be indexed" in done.err
    assert not (tmp_path / "g.gallery").exists()
    located = call("locate", tmp_path / "empty", "-g", gallery, "--json")
    assert located.status == 3
    assert [skip["kind"] for skip in located.document["skipped"]] == ["empty"]


def test_a_source_that_is_none(call: Any, tmp_path: Path) -> None:
    done = call("index", tmp_path / "nowhere", "-o", tmp_path / "g.gallery")
    assert done.status == 2
    assert "is neither a folder nor a table" in done.err
    assert not (tmp_path / "g.gallery").exists()


@pytest.fixture
def bad_photos(tmp_path: Path, forged_png: bytes) -> dict[str, Path]:
    folder = tmp_path / "bad"
    folder.mkdir()
    photos = {name: folder / name for name in ("text.jpg", "huge.png", "dot.png", "none.jpg", "cut.jpg")}
    photos["text.jpg"].write_text("I am a letter.")
    photos["huge.png"].write_bytes(forged_png)
    photos["cut.jpg"].write_bytes(b"")
    Image.new("RGB", (1, 1), "red").save(photos["dot.png"])
    return photos


def test_photos_that_are_none_are_skipped_with_their_reason(
    call: Any, gallery: Path, query: Path, bad_photos: dict[str, Path]
) -> None:
    done = call("locate", *bad_photos.values(), query, "-g", gallery, "--json")
    assert done.status == 1
    told = done.document
    kinds = {Path(skip["path"]).name: skip["kind"] for skip in told["skipped"]}
    assert kinds["text.jpg"] == "not-a-photo"
    assert kinds["huge.png"] == "too-large"
    assert kinds["none.jpg"] == "missing"
    assert kinds["cut.jpg"] == "damaged"
    answers = {Path(photo["photo"]).name: photo for photo in told["photos"]}
    assert query.name in answers
    if "dot.png" in answers:
        assert answers["dot.png"]["answered"] is False
    assert "Skipped" in done.err
    assert "too-large 1" in done.err


def test_index_tells_what_it_skips_also_where_nothing_is_left(
    call: Any, bad_photos: dict[str, Path], tmp_path: Path
) -> None:
    bad_photos["dot.png"].unlink()
    done = call("index", bad_photos["text.jpg"].parent, "-o", tmp_path / "g.gallery")
    assert done.status == 3
    assert "3 photos skipped" in done.err
    assert not (tmp_path / "g.gallery").exists()


def test_nothing_but_missing_photos(call: Any, gallery: Path, tmp_path: Path) -> None:
    done = call("locate", tmp_path / "none.jpg", "-g", gallery, "--html", tmp_path / "a.html")
    assert (done.status, done.out) == (3, "")
    assert "none.jpg (missing): there is no such file." in done.err
    assert not (tmp_path / "a.html").exists()
    assert call("locate", "", "-g", gallery).status == 2
    assert call("locate", "a\udcff.jpg", "-g", gallery).err.startswith("Skipped a\\xff.jpg (bad-name)")


@pytest.mark.parametrize("name", ["a b [red]x[bold] 🗼.jpg", "תמונה \u202egpj.jpg", "new\nline\x1b[2J.jpg"])
def test_awkward_names(call: Any, gallery: Path, query: Path, tmp_path: Path, name: str) -> None:
    photo = tmp_path / name
    shutil.copy(query, photo)
    told = call("locate", photo, "-g", gallery, "--json", "--html", tmp_path / "a.html").document
    assert told["photos"][0]["photo"] == str(photo)
    text = call("locate", photo, "-g", gallery)
    assert text.status == 0
    assert not {"\x1b", "\u202e"} & set(text.out + text.err)
    if "[red]" in name:
        assert text.out.splitlines()[0] == str(photo)


def test_the_corner_where_greenwich_meets_the_equator(call: Any, gallery: Path, query: Path, tmp_path: Path) -> None:
    folder = tmp_path / "null island"
    folder.mkdir()
    image = Image.open(query)
    exif = image.getexif()
    exif.get_ifd(0x8825).update({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)})
    image.save(folder / "zero.jpg", exif=exif)
    done = call("index", folder, "-o", tmp_path / "g.gallery", "--codebook", gallery, "-j", 1, "--json")
    assert done.status == 0
    assert done.document["with_position"] == 0
    assert [note["kind"] for note in done.document["notes"]] == ["metadata"]
    assert "Note on zero.jpg" in done.err


def test_a_target_below_a_file(call: Any, town: Town, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = call("index", town.gallery, "-o", tmp_path / "file" / "g.gallery")
    assert (done.status, done.out) == (3, "")
    assert "a part of this path is a file" in done.err
    assert call("index", town.gallery, "-o", tmp_path / "file").status == 3


def test_a_read_only_target(call: Any, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    done = call("index", town.gallery, "-o", tmp_path / "g.gallery")
    assert (done.status, done.out) == (3, "")
    assert "permission is denied" in done.err
    assert list(tmp_path.iterdir()) == []


def _full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk(call: Any, copied: Path, town: Town, query: Path, tmp_path: Path) -> None:
    before = (copied / "gallery.json").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", _full)
        added = call("gallery", "add", copied, town.queries, "-j", 1, "--json")
        exported = call("gallery", "export", copied, "-o", tmp_path / "t.csv")
        fresh = call("index", town.queries, "-o", tmp_path / "new.gallery", "--codebook", copied, "-j", 1)
        told = call("locate", query, "-g", copied, "--json", "--geojson", tmp_path / "t.geojson")
    for done in (added, exported, fresh, told):
        assert done.status == 3
        assert "the disk is full" in done.err
    assert told.document["photos"][0]["photo"] == str(query)
    assert (copied / "gallery.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("t.*")) == []
    with pytest.raises(GalleryError):
        open_gallery(tmp_path / "new.gallery")
    assert call("gallery", "check", copied).status == 0
    again = call("index", town.queries, "-o", tmp_path / "new.gallery", "--codebook", copied, "-j", 1)
    assert again.status == 0


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (KeyboardInterrupt(), 130, "Stopped. What was done is kept; run the same command to go on."),
        (BrokenPipeError(), 130, "Stopped: nothing reads the output any more."),
        (MemoryError(), 3, "Out of memory."),
        (OSError(errno.EIO, "Input/output error", "x\x1b"), 3, "The system refused: x\\x1b: Input/output error."),
    ],
)
def test_what_stops_a_verb(
    call: Any,
    town: Town,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    words: str,
) -> None:
    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(periplus.pipeline, "index", stop)
    done = call("index", town.queries, "-o", tmp_path / "g.gallery")
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith(words)

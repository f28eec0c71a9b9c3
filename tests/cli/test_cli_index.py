"""``periplus index`` and ``periplus gallery add``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from periplus.gallery import open_gallery
from periplus.synth import Town

INDEX_KEYS = [
    "gallery", "source", "photos", "with_position", "added", "changed", "unchanged", "removed", "gone", "ignored",
    "skipped", "notes", "seconds",
]  # fmt: skip


def test_one_document(indexed: Any, town: Town) -> None:
    told = indexed.document
    assert list(told) == INDEX_KEYS
    assert told["gallery"] == str(town.root / "town.gallery")
    assert told["source"] == str(town.gallery)
    assert (told["photos"], told["with_position"], told["added"], told["unchanged"]) == (40, 40, 40, 0)
    assert told["skipped"] == told["notes"] == []
    assert set(told["seconds"]) == {"learn", "describe", "calibrate"}
    assert indexed.err == ""


def test_again_changes_nothing(call: Any, copied: Path, town: Town) -> None:
    before = (copied / "gallery.json").read_bytes()
    done = call("index", town.gallery, "-o", copied, "-j", 1)
    assert done.status == 0
    assert "40 photos, 40 with a position (0 added, 0 changed, 40 unchanged, 0 removed)" in done.out
    assert (copied / "gallery.json").read_bytes() == before


def test_prune_forgets_and_without_it_nothing_is_forgotten(call: Any, copied: Path, town: Town, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for number in range(3):
        shutil.copy(town.gallery / f"gallery_{number:05d}.jpg", few)
    # The paths differ, so these three are other photos of the same id.
    told = call("gallery", "add", copied, few, "--no-calibration", "-j", 1, "--json")
    assert told.status == 3
    assert {skip["kind"] for skip in told.document["skipped"]} == {"id-taken"}
    assert told.document["gone"] == 37
    assert "--prune" not in told.err  # gallery add has no such option
    kept = call("index", few, "-o", copied, "--no-calibration", "-j", 1, "--json")
    assert "37 photos of the gallery not in" in kept.err
    pruned = call("index", few, "-o", copied, "--prune", "--no-calibration", "-j", 1, "--json")
    assert pruned.document["removed"] == 37
    assert len(open_gallery(copied)) == 3


def test_prune_refuses_an_empty_source(call: Any, copied: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = call("index", tmp_path / "empty", "-o", copied, "--prune")
    assert done.status == 2
    assert "pruning would empty" in done.err
    assert len(open_gallery(copied)) == 40


def test_a_gallery_keeps_its_encoder(call: Any, gallery: Path, town: Town, tmp_path: Path) -> None:
    done = call("index", town.gallery, "-o", gallery, "--encoder", "vlad")
    assert (done.status, done.out) == (2, "")
    assert "was made with the encoder asmk and keeps it" in done.err
    both = call("index", town.gallery, "-o", tmp_path / "new", "--encoder", "asmk", "--codebook", gallery)
    assert both.status == 2
    unknown = call("index", town.gallery, "-o", tmp_path / "new", "--encoder", "sift")
    assert unknown.status == 2
    assert "asmk, vlad" in unknown.err
    assert not (tmp_path / "new").exists()


def test_add_needs_a_gallery(call: Any, town: Town, tmp_path: Path) -> None:
    done = call("gallery", "add", tmp_path / "none.gallery", town.queries)
    assert done.status == 3
    assert "There is no gallery at" in done.err
    assert not (tmp_path / "none.gallery").exists()


def test_codebook_is_taken_over(call: Any, gallery: Path, town: Town, tmp_path: Path) -> None:
    new = tmp_path / "new.gallery"
    done = call("index", town.queries, "-o", new, "--codebook", gallery, "-j", 1, "--json")
    assert done.status == 0
    assert done.document["with_position"] == 0
    assert "No photo of this gallery has a position" in done.err
    assert open_gallery(new).fingerprint == open_gallery(gallery).fingerprint


@pytest.mark.slow
def test_one_photo_and_two_identical_ones(call: Any, town: Town, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(town.gallery / "gallery_00000.jpg", folder / "one.jpg")
    alone = call("index", folder, "-o", tmp_path / "g.gallery", "-j", 1, "--json")
    assert (alone.status, alone.document["photos"]) == (0, 1)
    found = call("locate", folder / "one.jpg", "-g", tmp_path / "g.gallery", "--json")
    assert found.status == 0
    assert "is not calibrated" in found.err
    shutil.copy(folder / "one.jpg", folder / "two.jpg")
    twins = call("index", folder, "-o", tmp_path / "g.gallery", "-j", 1, "--json")
    assert (twins.status, twins.document["added"], twins.document["unchanged"]) == (0, 1, 1)
    hits = call("search", folder / "two.jpg", "-g", tmp_path / "g.gallery", "--json").document["photos"][0]["hits"]
    assert sorted(hit["id"] for hit in hits) == ["one.jpg", "two.jpg"]
    assert hits[0]["score"] == hits[1]["score"]

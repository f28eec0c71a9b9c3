"""``periplus gallery``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from periplus.gallery import open_gallery


def test_info(call: Any, gallery: Path) -> None:
    done = call("gallery", "info", gallery, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == [
        "path", "rows", "with_position", "deleted_rows", "segments", "dim", "encoder", "fingerprint", "content_digest",
        "resources", "disk_bytes", "bytes_per_photo", "calibration",
    ]  # fmt: skip
    assert (told["rows"], told["with_position"], told["encoder"]["name"]) == (40, 40, "asmk")
    assert told["calibration"] == {"queries": 40, "current": True}
    text = call("gallery", "info", gallery).out
    assert "40 photos, 40 with a position, in 1 segment" in text
    assert "calibrated on 40 photos of its own" in text


def test_remove_and_compact(call: Any, copied: Path) -> None:
    done = call("gallery", "remove", copied, "gallery_00003.jpg", "none.jpg", "gallery_00003.jpg", "--json")
    assert done.status == 1
    assert list(done.document) == ["gallery", "removed", "photos", "skipped"]
    assert (done.document["removed"], done.document["photos"]) == (1, 39)
    (skip,) = done.document["skipped"]
    assert (skip["path"], skip["kind"]) == ("none.jpg", "not-there")
    assert "1 id skipped: not-there 1." in done.err
    assert call("gallery", "remove", copied, "none.jpg").status == 3
    assert "before it last changed" in call("gallery", "info", copied).out
    told = call("gallery", "compact", copied, "--json").document
    assert list(told) == ["gallery", "photos", "segments", "bytes_before", "bytes_after"]
    assert (told["photos"], told["segments"]) == (39, 1)
    assert told["bytes_after"] < told["bytes_before"]
    assert "39 photos in 1 segment." in call("gallery", "compact", copied).out


def test_export(call: Any, gallery: Path, tmp_path: Path) -> None:
    output = tmp_path / "town.geojson"
    told = call("gallery", "export", gallery, "-o", output, "--json").document
    assert list(told) == ["gallery", "output", "written", "without_position", "left_out"]
    assert (told["written"], told["left_out"]) == (40, 0)
    assert len(json.loads(output.read_text())["features"]) == 40
    assert call("gallery", "export", gallery, "-o", tmp_path / "town.txt", "--format", "csv").status == 0
    assert (tmp_path / "town.txt").read_text().count("\n") == 41
    done = call("gallery", "export", gallery, "-o", tmp_path / "town.shp")
    assert done.status == 2
    assert not (tmp_path / "town.shp").exists()


def test_check_finds_a_flipped_bit(call: Any, copied: Path) -> None:
    done = call("gallery", "check", copied, "--json")
    assert done.status == 0
    assert done.document == {"gallery": str(copied), "photos": 40, "sound": True, "damaged": []}
    blob = copied / "segments" / "000000" / "features.bin"
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    done = call("gallery", "check", copied, "--json")
    assert (done.status, done.document["sound"], done.document["damaged"]) == (1, False, [str(blob)])
    assert f"Damaged: {blob}" in done.err
    assert "damaged." in call("gallery", "check", copied).out


def _rewrite(gallery: Path, **changes: object) -> None:
    manifest = json.loads((gallery / "gallery.json").read_text())
    (gallery / "gallery.json").write_text(json.dumps({**manifest, **changes}))


def test_galleries_that_cannot_be_opened(call: Any, copied: Path, query: Path) -> None:
    whole = (copied / "gallery.json").read_bytes()
    for verb in (["gallery", "info", copied], ["locate", query, "-g", copied], ["gallery", "check", copied]):
        _rewrite(copied, format_version=99)
        newer = call(*verb, "--json")
        assert (newer.status, newer.out) == (3, "")
        assert "made by a newer Periplus" in newer.err
        (copied / "gallery.json").write_bytes(whole[: len(whole) // 2])
        corrupt = call(*verb, "--json")
        assert (corrupt.status, corrupt.out) == (3, "")
        assert "gallery.json" in corrupt.err
        (copied / "gallery.json").write_bytes(whole)


def test_another_encoder(call: Any, copied: Path, query: Path) -> None:
    _rewrite(copied, fingerprint="asmk-0123456789abcdef")
    done = call("locate", query, "-g", copied)
    assert (done.status, done.out) == (3, "")
    assert "asmk-0123456789abcdef" in done.err
    encoder = open_gallery(copied).encoder
    _rewrite(copied, encoder={**encoder, "name": "of-tomorrow"})
    done = call("locate", query, "-g", copied)
    assert done.status in (2, 3)
    assert "of-tomorrow" in done.err

"""What is read from disk is not believed."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from periplus.errors import GalleryError
from periplus.gallery import Gallery, GalleryWriter, create_gallery, damaged_files, open_gallery
from periplus.store import content_hash

FILES = [
    "gallery.json",
    "segments/000000/catalog.parquet",
    "segments/000000/vectors.npy",
    "segments/000001/sift.bin",
    "segments/000001/sift.offsets.npy",
    "tombstones/*.parquet",
    "resources/calibration-*.json",
    "resources/codebook-*.npy",
]
UNCHECKED_AT_OPENING = {"segments/000000/vectors.npy", "segments/000001/sift.bin"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "g"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        resources: dict[str, Any] = {"codebook": np.eye(4), "calibration": {"a": [0.25, 0.5]}}
        create_gallery(where, encoder={"name": "vlad", "k": 64}, fingerprint="f", dim=4, resources=resources)
        with GalleryWriter(where) as writer:
            for photos in ("abc", "bd"):
                segment = writer.begin_segment()
                for photo in photos:
                    row: dict[str, object] = {"id": photo, "content_hash": "c", "lat_deg": 1.0, "lon_deg": 2.0, "n": 5}
                    segment.add(row, np.full(4, 0.5), {"sift": photo.encode() * 9})
                writer.commit(segment)
    return where


def the(path: Path, pattern: str) -> Path:
    (found,) = path.glob(pattern)
    return found


def read_all(gallery: Gallery) -> None:
    assert gallery.vectors.shape == (len(gallery), gallery.dim)
    for i in range(len(gallery)):
        for arena in gallery.arena_names:
            assert gallery.blob(arena, i).dtype == np.uint8
    assert len(gallery.content_digest) == 16


@pytest.mark.parametrize("pattern", FILES)
def test_a_file_that_is_missing_or_of_another_length(path: Path, pattern: str) -> None:
    file = the(path, pattern)
    data = file.read_bytes()
    for wrong in (b"", data[:1], data[: len(data) // 2], data[:-1], data + b"\0", b"\0" * len(data), None):
        file.unlink()
        if wrong is not None:
            file.write_bytes(wrong)
        elif pattern == "gallery.json":
            continue
        if wrong == b"\0" * len(data) and pattern.endswith("sift.bin"):
            read_all(open_gallery(path))
            continue
        if pattern == "gallery.json" and wrong == data[:-1]:  # only the last line's end is gone
            read_all(open_gallery(path))
            continue
        with pytest.raises(GalleryError, match=re.escape(str(file)) + ".*Restore it from a copy, or index"):
            open_gallery(path)
        with pytest.raises(GalleryError, match="is damaged"):
            GalleryWriter(path)
    if pattern != "gallery.json":
        file.symlink_to("/dev/zero")
        with pytest.raises(GalleryError, match="not a plain file"):
            open_gallery(path)


def opens(path: Path) -> bool:
    try:
        open_gallery(path)
    except GalleryError:
        return False
    return True


@pytest.mark.parametrize("pattern", FILES)
def test_a_flipped_bit(path: Path, pattern: str) -> None:
    file = the(path, pattern)
    data = file.read_bytes()
    draw = random.Random(5)
    for _ in range(60):
        wrong = bytearray(data)
        wrong[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        file.write_bytes(wrong)
        if pattern in UNCHECKED_AT_OPENING and opens(path):
            read_all(open_gallery(path))
            assert damaged_files(open_gallery(path)) == [file]
        elif pattern == "gallery.json" and opens(path):
            read_all(open_gallery(path))
        else:
            with pytest.raises(GalleryError, match=r"damaged|newer Periplus"):
                open_gallery(path)


def edited(path: Path, edit: Callable[[Any], object]) -> None:
    document = json.loads((path / "gallery.json").read_bytes())
    edit(document)
    (path / "gallery.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda m: m.update(format_version=2), "has format 2, made by a newer Periplus.*Install a newer"),
        (lambda m: m.update(format_version=0), "format_version cannot be 0"),
        (lambda m: m.update(format_version=True), "format_version cannot be True"),
        (lambda m: m.update(format_version="1"), "format_version cannot be '1'"),
        (lambda m: m.update(colour="blue"), r"unknown keys \['colour'\]"),
        (lambda m: m.pop("dim"), r"lacks \['dim'\]"),
        (lambda m: m.update(dim=0), "dim cannot be 0"),
        (lambda m: m.update(dim=2**40), "dim cannot be"),
        (lambda m: m.update(dim=5), r"float16 \(3, 4\), not float16 \(3, 5\)"),
        (lambda m: m.update(encoder=[]), "encoder cannot be"),
        (lambda m: m.update(fingerprint=""), "fingerprint cannot be"),
        (lambda m: m.update(fingerprint=None), "fingerprint cannot be"),
        (lambda m: m.update(tombstones="../x.parquet"), "tombstones cannot be"),
        (lambda m: m.update(tombstones=f"000001-{'0' * 32}.parquet\n"), "tombstones cannot be"),
        (lambda m: m.update(tombstones=f"000001-{'0' * 32}.parquet"), "it is missing"),
        (lambda m: m.update(resources=[]), "resources no object"),
        (lambda m: m.update(segments={}), "segments are no list"),
        (lambda m: m.update(segments=[1]), "a segment is 1"),
        (lambda m: m["resources"].update(x="../../etc/passwd"), "resource 'x' cannot be"),
        (lambda m: m["resources"].update(x=7), "resource 'x' cannot be 7"),
        (lambda m: m["resources"].update(x=m["resources"]["codebook"]), "resource 'x' cannot be 'codebook-"),
        (lambda m: m["segments"].append(m["segments"][0]), "segments cannot be"),
        (lambda m: m["segments"][0].update(extra=1), r"a segment has the unknown keys \['extra'\]"),
        (lambda m: m["segments"][0].update(name="../000000"), "segment name cannot be"),
        (lambda m: m["segments"][0].update(name="/tmp"), "segment name cannot be"),
        (lambda m: m["segments"][0].update(name="٠٠٠٠٠٠"), "segment name cannot be"),
        (lambda m: m["segments"][0].update(name="000005"), "it is missing"),
        (lambda m: m["segments"][0].update(rows=0), "rows of segment 000000 cannot be 0"),
        (lambda m: m["segments"][0].update(rows=3.0), "rows of segment 000000 cannot be 3.0"),
        (lambda m: m["segments"][0].update(rows=4), r"float16 \(3, 4\), not float16 \(4, 4\)"),
        (lambda m: m["segments"][0].update(rows=10**9), r"not float16 \(1000000000, 4\)"),
        (lambda m: m["segments"][0].update(files=None), "has the files None"),
        (lambda m: m["segments"][0]["files"].pop("vectors.npy"), "has the files"),
        (lambda m: m["segments"][0]["files"].pop("sift.bin"), "files of segment 000000 cannot be"),
        (lambda m: m["segments"][0]["files"].update({"../x.bin": "0" * 32}), "files of segment 000000 cannot be"),
        (lambda m: m["segments"][0]["files"].update({"x": "0" * 32}), "files of segment 000000 cannot be"),
        (lambda m: m["segments"][0]["files"].update({"sift.bin": "no"}), "hash of 'sift.bin' cannot be 'no'"),
        (lambda m: m["segments"][0]["files"].update({"catalog.parquet": "0" * 32}), "not those that were written"),
        (lambda m: m["segments"].pop(0), "deletes row 1 of segment '000000', which does not exist"),
    ],
    ids=count(),
)
def test_a_hostile_manifest(path: Path, edit: Callable[[Any], object], words: str) -> None:
    edited(path, edit)
    with pytest.raises(GalleryError, match=words) as caught:
        open_gallery(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"a": 1', "\0", '{"format_version": 1}', '{"dim": NaN}', "[" * 99999]
)
def test_a_manifest_of_garbage(path: Path, text: str) -> None:
    (path / "gallery.json").write_text(text)
    for use in (open_gallery, GalleryWriter):
        with pytest.raises(GalleryError, match=r"gallery\.json is damaged"):
            use(path)


def test_a_manifest_that_is_a_folder_or_a_dead_link(path: Path) -> None:
    (path / "gallery.json").unlink()
    (path / "gallery.json").symlink_to("nowhere")
    with pytest.raises(GalleryError, match="it is missing"):
        open_gallery(path)
    (path / "gallery.json").unlink()
    (path / "gallery.json").mkdir()
    with pytest.raises(GalleryError, match="not a plain file"):
        open_gallery(path)


def columns(**changed: pa.Array | None) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        for name, array in changed.items():
            where = table.column_names.index(name)
            table = table.remove_column(where) if array is None else table.set_column(where, name, array)
        return table

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (columns(content_hash=None), "no column 'content_hash' of type string"),
        (columns(lat_deg=None), "no column 'lat_deg' of type double"),
        (columns(lat_deg=pa.array([1, 2, 3])), "no column 'lat_deg' of type double"),
        (columns(lat_deg=pa.array([1.0, 2.0, 91.0])), "its catalog breaks the rules .*impossible position"),
        (columns(id=pa.array(["a", "b", "a"])), "its catalog breaks the rules .*'a' stands again"),
        (columns(id=pa.array(["a", "b", "d"])), "its catalog breaks the rules .*'d' stands again"),
        (columns(id=pa.array([None, "b", "c"], pa.string())), "its catalog breaks the rules .*row 0 has none"),
        (lambda table: table.slice(0, 2), "it has 2 rows, not 3"),
        (lambda table: pa.concat_tables([table, table]), "it has 6 rows of"),
        (columns(path=pa.array(["x" * (1 << 21)] * 3)), "rows of .* bytes, where 3 were expected"),
        (lambda table: table.append_column("id", table.column("path")), "no column 'id' of type string"),
    ],
    ids=count(),
)
def test_a_hostile_catalog_whose_hash_fits(path: Path, change: Callable[[pa.Table], pa.Table], words: str) -> None:
    file = path / FILES[1]
    pq.write_table(change(pq.read_table(file)), file, use_dictionary=False)
    edited(path, lambda m: m["segments"][0]["files"].update({"catalog.parquet": content_hash(file)}))
    with pytest.raises(GalleryError, match=words):
        open_gallery(path)


@pytest.mark.parametrize(
    ("segment", "row"), [("000000", -1), ("000000", 3), ("000009", 0), (None, 0), ("000000", None), ("../..", 0)]
)
def test_hostile_tombstones(path: Path, segment: str | None, row: int | None) -> None:
    file = path / "tombstones" / "new"
    pq.write_table(pa.table({"segment": pa.array([segment], pa.string()), "row": pa.array([row], pa.int64())}), file)
    name = f"000001-{content_hash(file)}.parquet"
    file.rename(path / "tombstones" / name)
    edited(path, lambda m: m.update(tombstones=name))
    with pytest.raises(GalleryError, match=r"tombstones.*is damaged: it (deletes row|has the columns)"):
        open_gallery(path)


def test_a_damaged_gallery_is_not_locked_afterwards(path: Path) -> None:
    file = path / FILES[1]
    data = file.read_bytes()
    file.write_bytes(b"")
    with pytest.raises(GalleryError, match="damaged"):
        GalleryWriter(path)
    file.write_bytes(data)
    with GalleryWriter(path) as writer:
        assert len(writer) == 4

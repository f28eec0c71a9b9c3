"""Making, filling, reading and compacting a gallery."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from periplus.errors import CannotRunError, CatalogError, GalleryError, UsageError
from periplus.gallery import GalleryWriter, create_gallery, damaged_files, info, open_gallery
from periplus.gallery import snapshot as snapshot_module
from periplus.records import SCHEMA
from periplus.store import fingerprint

UNIT = np.full(4, 0.5, np.float32)


@pytest.fixture(autouse=True, scope="module")
def _without_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_gallery(tmp_path / "a.gallery", encoder={"name": "vlad"}, fingerprint="f1", dim=4)
    return tmp_path / "a.gallery"


def row(photo: str, content: str = "c", **more: object) -> dict[str, object]:
    return {"id": photo, "content_hash": content, "lat_deg": 1.0, "lon_deg": 2.0, **more}


def put(path: Path, *photos: str, content: str = "c", remove: tuple[str, ...] = ()) -> int:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        for number, photo in enumerate(photos):
            segment.add(row(photo, content), np.full(4, number), {"sift": photo.encode() * number})
        return writer.commit(segment, remove)


def test_an_empty_gallery(path: Path) -> None:
    gallery = open_gallery(str(path))
    assert len(gallery) == 0
    assert gallery.encoder == {"name": "vlad"}
    assert gallery.fingerprint == "f1"
    assert gallery.catalog.table.column_names == [*SCHEMA.names, "content_hash"]
    assert gallery.vectors.shape == (0, 4)
    assert gallery.vectors.dtype == np.float16
    assert list(gallery.vectors_blocks()) == []
    assert gallery.arena_names == ()
    assert info(gallery)["bytes_per_photo"] is None
    assert put(path) == 0
    assert open_gallery(path).manifest.segments == ()


def test_what_is_added_comes_back(path: Path) -> None:
    vectors = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    with GalleryWriter(path) as writer:
        for part in ([0, 1, 2], [3, 4]):
            segment = writer.begin_segment()
            for i in part:
                segment.add(row(f"p{i}", f"h{i}", path=f"{i}.jpg", n=i), vectors[i], {"sift": bytes([i]) * i})
            assert len(segment) == len(part)
            assert writer.commit(segment) == 0
        assert len(writer) == 5
        assert "p3" in writer
        assert "p5" not in writer
    gallery = open_gallery(path)
    assert gallery.catalog.ids == [f"p{i}" for i in range(5)]
    assert gallery.catalog.column("n") == list(range(5))
    np.testing.assert_array_equal(gallery.vectors, vectors.astype(np.float16))
    assert [(first, len(block)) for first, block in gallery.vectors_blocks()] == [(0, 3), (3, 2)]
    for i in range(5):
        np.testing.assert_array_equal(gallery.vector(i), vectors[i].astype(np.float16))
        assert gallery.blob("sift", i).tobytes() == bytes([i]) * i
    for wrong in (-1, 5):
        with pytest.raises(IndexError, match="gallery of 5"):
            gallery.blob("sift", wrong)
    with pytest.raises(GalleryError, match=r"has no 'words'; it has \['sift'\]"):
        gallery.blob("words", 0)


def test_newer_rows_replace_older_ones_and_removal_is_not_for_the_new(path: Path) -> None:
    put(path, "a", "b", "c", "d", content="old")
    assert put(path, "b", "e", content="new", remove=("b", "c", "nowhere")) == 2
    gallery = open_gallery(path)
    assert gallery.catalog.ids == ["a", "d", "b", "e"]
    assert gallery.catalog.column("content_hash") == ["old", "old", "new", "new"]
    assert gallery.vectors[:, 0].tolist() == [0, 3, 0, 1]
    assert [gallery.blob("sift", i).tobytes() for i in range(4)] == [b"", b"ddd", b"", b"e"]
    with GalleryWriter(path) as writer:
        assert writer.remove(["a", "a", "nowhere"]) == 1
        assert writer.remove(["a"]) == 0
        assert len(writer) == 3
    assert open_gallery(path).catalog.ids == ["d", "b", "e"]


def test_compaction_keeps_rows_order_and_blobs(path: Path) -> None:
    for k in range(6):
        put(path, *(f"{k}{c}" for c in "xyz"))
    with GalleryWriter(path) as writer:
        writer.remove(["0x", "3y", "5z", "1x", "1y", "1z"])
        before = open_gallery(path)
        writer.compact(rows_per_segment=5)
        after = open_gallery(path)
        assert [s.rows for s in after.manifest.segments] == [5, 5, 2]
        manifest = writer.manifest
        writer.compact(rows_per_segment=5)
        assert writer.manifest == manifest
        assert writer.remove(["4x"]) == 1
        assert writer.begin_segment().name == "000009"
    assert after.manifest.tombstones is None
    assert after.catalog.table.equals(before.catalog.table)
    assert after.content_digest == before.content_digest
    np.testing.assert_array_equal(after.vectors, before.vectors)
    # The older snapshot still reads what is deleted from the folder by now.
    assert sorted(e.name for e in (path / "segments").iterdir()) == ["000006", "000007", "000008"]
    assert [after.blob("sift", i).tobytes() for i in range(12)] == [before.blob("sift", i).tobytes() for i in range(12)]
    assert open_gallery(path).catalog.ids == [i for i in before.catalog.ids if i != "4x"]


def test_compacting_nothing_leaves_an_empty_gallery(path: Path) -> None:
    put(path, "a")
    with GalleryWriter(path) as writer:
        writer.remove(["a"])
        writer.compact()
    assert open_gallery(path).manifest.segments == ()
    assert list((path / "segments").iterdir()) == []
    assert list((path / "tombstones").iterdir()) == []
    put(path, "a")
    assert open_gallery(path).catalog.ids == ["a"]


def test_rows_without_a_blob_read_as_empty(path: Path) -> None:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.add(row("a"), UNIT)
        segment.add(row("b"), UNIT, {"words": b"w"})
        segment.add(row("c"), UNIT, {"sift": np.arange(3, dtype=np.uint8)})
        writer.commit(segment)
    put(path, "d", "e")
    for _ in range(2):
        gallery = open_gallery(path)
        assert gallery.arena_names == ("sift", "words")
        assert [gallery.blob("words", i).tobytes() for i in range(5)] == [b"", b"w", b"", b"", b""]
        assert [gallery.blob("sift", i).tobytes() for i in range(5)] == [b"", b"", b"\0\1\2", b"", b"e"]
        with GalleryWriter(path) as writer:
            writer.compact()


def test_resources_come_back_and_old_files_go(path: Path) -> None:
    codebook = np.arange(6, dtype=np.float32).reshape(2, 3)
    with GalleryWriter(path) as writer:
        writer.put_resource("codebook", codebook)
        writer.put_resource("calibration", {"a": [1, 2.5], "b": "ü"})
        writer.put_resource("codebook", codebook * 2)
        writer.put_resource("copy-1", codebook)
    gallery = open_gallery(path)
    np.testing.assert_array_equal(gallery.resource("codebook"), codebook * 2)
    np.testing.assert_array_equal(gallery.resource("copy-1"), codebook)
    assert gallery.resource("calibration") == {"a": [1, 2.5], "b": "ü"}
    assert gallery.has_resource("codebook")
    assert not gallery.has_resource("pca")
    assert len(list((path / "resources").iterdir())) == 3
    with pytest.raises(GalleryError, match=r"no resource 'pca'; it has \['calibration', 'codebook', 'copy-1'\]"):
        gallery.resource("pca")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("../up", {}),
        ("A", {}),
        ("", {}),
        ("a" * 42, {}),
        ("a", {"x": float("nan")}),
        ("a", {"x": Path()}),
        ("a", np.array([None])),
        ("a", np.array(["text"])),
        ("a", 5),
    ],
    ids=count(),
)
def test_resources_that_cannot_be_stored(path: Path, name: str, value: Any) -> None:
    with GalleryWriter(path) as writer, pytest.raises(UsageError, match=r"[Rr]esource"):
        writer.put_resource(name, value)
    assert list((path / "resources").iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "vector", "blobs", "words"),
    [
        ({"content_hash": "c"}, UNIT, {}, "needs the text 'id'"),
        (row(""), UNIT, {}, "needs the text 'id'"),
        ({"id": "x"}, UNIT, {}, "needs the text 'content_hash'"),
        (row("x") | {"lat_deg": 91.0}, UNIT, {}, "impossible position"),
        (row("x") | {"lon_deg": 180.0}, UNIT, {}, "impossible position"),
        (row("x") | {"lat_deg": None}, UNIT, {}, "impossible position"),
        (row("x", path="\udcff"), UNIT, {}, "a value that a table cannot"),
        (row("x", landmark=5), UNIT, {}, "a value that a table cannot"),
        (row("x", n=2**70), UNIT, {}, "a value that a table cannot"),
        (row("x", n=object()), UNIT, {}, "a value that a table cannot"),
        (row("a"), UNIT, {}, "'a' was added to this segment before"),
        (row("x"), UNIT[:3], {}, r"shape \(3,\); it must be \(4,\) and finite"),
        (row("x"), UNIT * np.nan, {}, "finite"),
        (row("x"), UNIT * 1e9, {}, "finite"),
        (row("x"), UNIT, {"../x": b""}, "An arena is named"),
        (row("x"), UNIT, {"vectors": b""}, "An arena is named"),
        (row("x"), UNIT, {"sift": UNIT}, "bytes or uint8"),
    ],
    ids=count(),
)
def test_a_bad_row_is_refused_alone(path: Path, bad: Any, vector: Any, blobs: Any, words: str) -> None:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.add(row("a"), UNIT, {"sift": b"1"})
        with pytest.raises(CatalogError, match=words):
            segment.add(bad, vector, blobs)
        segment.add(row("b"), UNIT, {"sift": b"2"})
        writer.commit(segment)
    gallery = open_gallery(path)
    assert gallery.catalog.ids == ["a", "b"]
    assert [gallery.blob("sift", i).tobytes() for i in range(2)] == [b"1", b"2"]


def test_uncommitted_segments_vanish(path: Path) -> None:
    with GalleryWriter(path) as writer:
        writer.begin_segment().add(row("a"), UNIT)
        kept, dropped = writer.begin_segment(), writer.begin_segment()
        kept.add(row("b"), UNIT)
        dropped.add(row("c"), UNIT)
        writer.commit(kept)
        with pytest.raises(GalleryError, match="committed before"):
            writer.commit(kept)
    assert open_gallery(path).catalog.ids == ["b"]
    assert [e.name for e in (path / "segments").iterdir()] == ["000001"]


def test_content_digest_is_of_the_set_and_the_encoder(path: Path, tmp_path: Path) -> None:
    put(path, "a", "b")
    expected = fingerprint({"encoder": "f1", "rows": [["a", "c"], ["b", "c"]]})
    assert open_gallery(path).content_digest == expected
    put(path, "a", "x", remove=("nowhere",))
    with GalleryWriter(path) as writer:
        writer.remove(["x"])
    assert open_gallery(path).catalog.ids == ["b", "a"]
    assert open_gallery(path).content_digest == expected
    put(path, "a", content="changed")
    assert open_gallery(path).content_digest != expected
    create_gallery(tmp_path / "other", encoder={}, fingerprint="f2", dim=4)
    put(tmp_path / "other", "a", "b")
    assert open_gallery(tmp_path / "other").content_digest != expected


def test_info_adds_up(path: Path) -> None:
    put(path, "a", "b", "c")
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.add({"id": "d", "content_hash": "c"}, UNIT)
        writer.commit(segment, ["a"])
        writer.put_resource("codebook", np.eye(3))
    gallery = open_gallery(path)
    facts: dict[str, Any] = json.loads(json.dumps(info(gallery)))
    assert (facts["rows"], facts["with_position"], facts["deleted_rows"], facts["segments"]) == (3, 2, 1, 2)
    on_disk = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    assert facts["disk_bytes"]["total"] == on_disk
    assert facts["bytes_per_photo"] == round(on_disk / 3, 1)
    assert facts["disk_bytes"]["vectors"] == 2 * 128 + 4 * 8
    assert damaged_files(gallery) == []


def test_vectors_of_one_whole_segment_are_not_copied(path: Path) -> None:
    put(path, "a", "b")
    gallery = open_gallery(path)
    assert np.shares_memory(gallery.vectors, next(gallery.vectors_blocks())[1])
    assert not gallery.vectors.flags.writeable
    assert gallery.vectors is gallery.vectors
    assert np.shares_memory(gallery.blob("sift", 1), gallery.blob("sift", 1))


def test_two_writers_at_once_and_readers_between(path: Path) -> None:
    code = "import sys; from periplus.gallery import GalleryWriter; GalleryWriter(sys.argv[1])"
    with GalleryWriter(path) as writer:
        with pytest.raises(GalleryError, match="being written by another process"):
            GalleryWriter(path)
        other = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
        assert "GalleryError" in other.stderr
        assert "is being written by another process" in other.stderr
        assert len(open_gallery(path)) == 0
        assert writer.remove([]) == 0
    GalleryWriter(path).close()


def test_opening_while_a_writer_replaces_the_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, "a", "b")
    put(path, "c")
    real = snapshot_module._open
    moments: list[int] = []

    def compact_first(root: Path, manifest: Any) -> Any:
        if not moments:
            moments.append(1)
            monkeypatch.setattr(snapshot_module, "_open", real)
            with GalleryWriter(path) as writer:
                writer.remove(["a"])
                writer.compact()
        return real(root, manifest)

    monkeypatch.setattr(snapshot_module, "_open", compact_first)
    assert open_gallery(path).catalog.ids == ["b", "c"]
    assert moments


def test_places_where_no_gallery_can_be(path: Path, tmp_path: Path) -> None:
    def create(where: Path, dim: int = 4) -> None:
        create_gallery(where, encoder={}, fingerprint="f", dim=dim)

    with pytest.raises(GalleryError, match="There is a gallery at"):
        create(path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(GalleryError, match=r"not a gallery but holds \['a.jpg'\]"):
        create(tmp_path / "photos")
    assert [e.name for e in (tmp_path / "photos").iterdir()] == ["a.jpg"]
    with pytest.raises(CannotRunError, match="a part of this path is a file"):
        create(tmp_path / "photos" / "a.jpg" / "g")
    with pytest.raises(CannotRunError, match="Cannot write"):
        create(tmp_path / "photos" / "a.jpg")
    with pytest.raises(UsageError, match="at least 1 number"):
        create(tmp_path / "new", dim=0)
    with pytest.raises(UsageError, match="is not JSON"):
        create_gallery(tmp_path / "new", encoder={"x": float("nan")}, fingerprint="f", dim=4)
    put(path, "a")
    (path / "gallery.json").unlink()
    with pytest.raises(GalleryError, match=r"not a gallery but holds \['segments'\]"):
        create(path)
    for missing in (path, tmp_path / "nowhere"):
        for use in (open_gallery, GalleryWriter):
            with pytest.raises(GalleryError, match=r"There is no gallery at .* Make one with: periplus index"):
                use(missing)
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    create(tmp_path / "deep" / "er")
    create(tmp_path / "deep" / "est" / "g")


def test_a_writer_deletes_orphans_but_nothing_of_others(path: Path, tmp_path: Path) -> None:
    put(path, "a")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "vectors.npy").touch()
    orphans = [
        "segments/000007/catalog.parquet",
        "segments/000007/sift.offsets.npy",
        f"tombstones/000000-{'0' * 32}.parquet",
    ]
    orphans += [f"resources/x-{'0' * 32}.npy", ".periplus-0123456789ab.tmp", "tombstones/.periplus-0123456789ab.tmp"]
    foreign = [
        "segments/notes.txt",
        "segments/000008/photo.jpg",
        "segments/old/vectors.npy",
        "resources/x.npy",
        "read.me",
    ]
    foreign += ["segments/000000/.periplus-x.tmp", "tombstones/a.parquet", "segments/000008/more/vectors.npy"]
    for name in (*orphans, *foreign):
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).touch()
    (path / "segments" / "000009").symlink_to(tmp_path / "mine")
    GalleryWriter(path).close()
    assert [name for name in orphans if (path / name).exists()] == []
    assert [name for name in foreign if not (path / name).exists()] == []
    assert not (path / "segments" / "000007").exists()
    assert (tmp_path / "mine" / "vectors.npy").exists()
    put(path, "b")
    assert open_gallery(path).catalog.ids == ["a", "b"]
    assert (path / "segments" / "000010").is_dir()


def test_an_open_gallery_needs_no_open_files(path: Path) -> None:
    with GalleryWriter(path) as writer:
        for i in range(40):
            segment = writer.begin_segment()
            segment.add(row(str(i)), UNIT, {"sift": b"1", "words": b"22"})
            writer.commit(segment)
    before = len(list(Path("/proc/self/fd").iterdir()))
    gallery = open_gallery(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert gallery.blob("words", 39).tobytes() == b"22"
    assert os.access(path / "lock", os.F_OK)

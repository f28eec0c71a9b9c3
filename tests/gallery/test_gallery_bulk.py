"""Many rows at once: the same rules as one by one, and the same safety."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import CannotRunError, CatalogError, GalleryError
from periplus.gallery import GalleryWriter, bare_hashes, create_gallery, damaged_files, open_gallery
from periplus.gallery.bulk import checked_halves
from periplus.records import SCHEMA, Catalog
from periplus.sources import open_source


@pytest.fixture(autouse=True, scope="module")
def _without_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_gallery(tmp_path / "g", encoder={"name": "x"}, fingerprint="f", dim=4)
    return tmp_path / "g"


def bare(n: int, first: int = 0, **more: list[Any]) -> pa.Table:
    rows = range(first, first + n)
    plain = {
        "id": [f"p{i}" for i in rows],
        "lat_deg": [i % 90 + 0.5 for i in rows],
        "lon_deg": [float(-i) for i in rows],
    }
    return pa.table({**plain, **more})


def numbers(n: int, first: int = 0) -> np.typing.NDArray[np.float32]:
    return np.arange(first * 4, (first + n) * 4, dtype=np.float32).reshape(n, 4)


def state(path: Path) -> tuple[list[dict[str, Any]], list[list[float]]]:
    gallery = open_gallery(path)
    assert damaged_files(gallery) == []
    return gallery.catalog.table.to_pylist(), gallery.vectors.tolist()


def test_at_once_is_one_by_one(path: Path, tmp_path: Path) -> None:
    table = bare(10, prompt=[f"a place {i}" for i in range(10)], prior_mass=[0.5] * 10)
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.extend(table, numbers(10))
        assert (len(segment), segment.ids) == (10, [f"p{i}" for i in range(10)])
        assert writer.commit(segment) == 0
        assert len(writer) == 10
    create_gallery(tmp_path / "h", encoder={"name": "x"}, fingerprint="f", dim=4)
    with GalleryWriter(tmp_path / "h") as writer:
        segment = writer.begin_segment()
        for row, digest, vector in zip(table.to_pylist(), bare_hashes(table).to_pylist(), numbers(10), strict=True):
            segment.add({**row, "content_hash": digest}, vector)
        writer.commit(segment)
    assert state(path) == state(tmp_path / "h")
    assert open_gallery(path).catalog.table.schema == open_gallery(tmp_path / "h").catalog.table.schema
    assert open_gallery(path).content_digest == open_gallery(tmp_path / "h").content_digest


def test_mixed_with_single_rows_and_blobs(path: Path) -> None:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.extend(bare(2), numbers(2))
        segment.add({"id": "one", "content_hash": "c", "note": "x"}, np.ones(4), {"sift": b"blob"})
        segment.extend(bare(2, 2, prior_mass=[1.0, 2.0]), numbers(2, 2))
        segment.add({"id": "two", "content_hash": "d"}, np.zeros(4))
        writer.commit(segment)
    gallery = open_gallery(path)
    assert gallery.catalog.ids == ["p0", "p1", "one", "p2", "p3", "two"]
    assert gallery.catalog.column("note") == [None, None, "x", None, None, None]
    assert gallery.catalog.column("prior_mass") == [None, None, None, 1.0, 2.0, None]
    assert [gallery.blob("sift", row).tobytes() for row in range(6)] == [b"", b"", b"blob", b"", b"", b""]
    assert gallery.vectors[3].tolist() == numbers(1, 2)[0].tolist()


def test_a_whole_gallery_in_segments_and_again(path: Path) -> None:
    with GalleryWriter(path) as writer:
        assert writer.extend(bare(10), numbers(10), rows_per_segment=4) == 0
        assert [info.rows for info in writer.manifest.segments] == [4, 4, 2]
        assert writer.extend(bare(5, 7), numbers(5, 7) + 1, rows_per_segment=4) == 3
        assert len(writer) == 12
        assert writer.remove(["p0", "p11", "gone"]) == 2
    gallery = open_gallery(path)
    assert gallery.catalog.ids == [f"p{i}" for i in range(1, 11)]
    assert gallery.vectors[:, 0].tolist() == [*range(4, 28, 4), 29, 33, 37, 41]
    assert sorted(gallery.dead_places()) == [("000000", 0), ("000001", 3), ("000002", 0), ("000002", 1), ("000004", 0)]
    with GalleryWriter(path) as writer:
        assert len(writer) == 10
        writer.compact(rows_per_segment=4)
        assert len(writer) == 10
    assert open_gallery(path).catalog.ids == gallery.catalog.ids
    assert list(open_gallery(path).dead_places()) == []


def test_nothing_to_add(path: Path) -> None:
    with GalleryWriter(path) as writer:
        assert writer.extend(bare(0), numbers(0)) == 0
        segment = writer.begin_segment()
        segment.extend(bare(0), numbers(0))
        assert writer.commit(segment) == 0
    assert open_gallery(path).manifest.segments == ()


BROKEN: dict[str, pa.Table] = {
    "an id twice": bare(2, id=["a", "a"]),
    "no id": bare(2, id=["a", None]),
    "an empty id": bare(2, id=["a", ""]),
    "ids of numbers": bare(2, id=[1, 2]),
    "no ids at all": bare(2).drop_columns(["id"]),
    "an empty content hash": bare(2, content_hash=["c", ""]),
    "no content hash": bare(2, content_hash=["c", None]),
    "a photo without its hash": bare(2, path=[None, "/a.jpg"]),
    "half a position": bare(2, lat_deg=[1.0, None]),
    "off the globe": bare(2, lat_deg=[1.0, 90.5]),
    "beyond the date line": bare(2, lon_deg=[1.0, 180.0]),
    "infinite": bare(2, lat_deg=[1.0, float("inf")]),
    "positions as text": bare(2, lat_deg=["1", "2"]),
    "a list": bare(2, more=[[1], [2]]),
    "a struct": bare(2, more=[{"a": 1}, {}]),
    "two columns of one name": pa.Table.from_arrays([pa.array(["a"])] * 2, names=["id", "id"]),
    "text that is none": bare(1).append_column(
        "note",
        pa.Array.from_buffers(
            pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
        ),
    ),
}


@pytest.mark.parametrize("why", BROKEN)
def test_a_table_that_cannot_be_stored_leaves_all_as_it_was(path: Path, why: str) -> None:
    table = BROKEN[why]
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.extend(bare(3, 90), numbers(3))
        for refused in (segment.extend, writer.extend):
            with pytest.raises(CatalogError):
                refused(table, numbers(len(table)))
        assert len(writer) == 0
        assert segment.ids == ["p90", "p91", "p92"]
        assert writer.commit(segment) == 0
    assert open_gallery(path).catalog.ids == ["p90", "p91", "p92"]


@pytest.mark.parametrize(
    ("vectors", "match"),
    [
        (numbers(3), "2 rows|shape"),
        (np.zeros((2, 3), np.float32), r"shape \(2, 3\)"),
        (np.array([[0, 0, 0, 0], [0, np.nan, 0, 0]], np.float32), "row 1 is not finite"),
        (np.array([[0, 0, -np.inf, 0], [0, 0, 0, 0]]), "row 0 is not finite"),
        (np.array([[0, 0, 0, 0], [0, 0, 0, 1e5]], np.float32), "row 1 is not finite"),
    ],
)
def test_vectors_that_cannot_be_stored(path: Path, vectors: np.typing.NDArray[np.floating], match: str) -> None:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        for refused in (segment.extend, writer.extend):
            with pytest.raises(CatalogError, match=match):
                refused(bare(2), vectors)
        assert len(segment) == 0
        assert len(list((path / "segments").iterdir())) >= 1
        assert writer.extend(bare(2), numbers(2)) == 0
    assert [entry.name for entry in (path / "segments").iterdir()] == [open_gallery(path).manifest.segments[0].name]


def test_an_id_of_the_same_segment(path: Path) -> None:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        segment.add({"id": "p1", "content_hash": "c"}, np.ones(4))
        with pytest.raises(CatalogError, match="'p1' was added"):
            segment.extend(bare(3), numbers(3))
        segment.extend(bare(1), numbers(1))
        with pytest.raises(CatalogError, match="'p0' was added"):
            segment.add({"id": "p0", "content_hash": "c"}, np.ones(4))


def test_a_disk_that_fails_on_the_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GalleryWriter(path) as writer:
        writer.extend(bare(3), numbers(3))
        before = state(path)
        calls = iter(range(100))

        def replace(source: object, target: object, real: Any = os.replace) -> None:
            # The second segment's catalog cannot be written.
            if next(calls) == 1:
                raise OSError(28, "no space")
            real(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            with pytest.raises(CannotRunError):
                writer.extend(bare(6, 1), numbers(6), rows_per_segment=2)
        assert state(path) == before
        assert len(writer) == 3
        assert writer.extend(bare(6, 1), numbers(6), rows_per_segment=2) == 2
    assert len(open_gallery(path)) == 7
    names = {info.name for info in open_gallery(path).manifest.segments}
    assert {entry.name for entry in (path / "segments").iterdir()} == names


def test_hashes_tell_position_and_prompt(path: Path) -> None:
    table = bare(2, lat_deg=[1.0, 1.0], lon_deg=[2.0, 2.0])
    same, other = bare_hashes(table).to_pylist()
    assert same == other
    assert len(same) == 32
    with_prompt = bare_hashes(table.append_column("prompt", pa.array(["a", "b"]))).to_pylist()
    assert len({same, *with_prompt}) == 3
    assert bare_hashes(bare(2, lat_deg=[1.0, np.nextafter(1.0, 2)], lon_deg=[2.0, 2.0])).to_pylist()[1] != same


def test_other_texts_become_text(path: Path) -> None:
    table = bare(2).append_column("kind", pa.array(["a", "b"]).dictionary_encode())
    table = table.append_column("note", pa.array(["x", None], pa.large_string())).append_column("none", pa.nulls(2))
    with GalleryWriter(path) as writer:
        writer.extend(table, numbers(2))
    gallery = open_gallery(path)
    assert gallery.catalog.column("kind") == ["a", "b"]
    assert gallery.catalog.column("note") == ["x", None]


@given(st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), min_size=4, max_size=40))
def test_finite_is_finite_as_half(values: list[float]) -> None:
    rows = np.array(values[: len(values) // 4 * 4], np.float32).reshape(-1, 4)
    with np.errstate(over="ignore"):
        finite = np.isfinite(rows.astype(np.float16)).all()
    if finite:
        assert (checked_halves(rows, len(rows), 4) == rows.astype(np.float16)).all()
    else:
        with pytest.raises(CatalogError):
            checked_halves(rows, len(rows), 4)


@pytest.mark.slow
def test_a_world_of_positions(path: Path, shared: Path) -> None:
    catalog = open_source(f"positions:{shared / 'tables/geoclip_gallery_100k.csv'}").catalog
    vectors = np.random.default_rng(0).normal(size=(len(catalog), 4)).astype(np.float32)
    with GalleryWriter(path) as writer:
        writer.extend(catalog.table, vectors)
        assert writer.remove(catalog.ids[:1]) == 1
    gallery = open_gallery(path)
    assert [info.rows for info in gallery.manifest.segments] == [65_536, 28_587]
    assert gallery.catalog.table.drop_columns(["content_hash"]).equals(catalog.table.slice(1).combine_chunks())
    assert (gallery.vectors == vectors[1:].astype(np.float16)).all()
    assert isinstance(gallery.catalog, Catalog)
    assert gallery.catalog.table.column_names[: len(SCHEMA)] == SCHEMA.names


@pytest.mark.parametrize("step", ["open", "mkdir", "replace", "unlink"])
def test_cut_short_anywhere_it_is_before_or_after(path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    with GalleryWriter(path) as writer:
        writer.extend(bare(3), numbers(3))
    before, whole = state(path)[0], [f"p{i}" for i in (0, *range(1, 7))]
    real, ends = getattr(os, step), set()
    for stop in range(40):
        calls = iter(range(10_000))

        def failing(*args: Any, calls: Iterator[int] = calls, stop: int = stop, **more: Any) -> Any:
            if next(calls) == stop:
                raise OSError(28, "no space")
            return real(*args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, step, failing)
            with contextlib.suppress(CannotRunError, GalleryError), GalleryWriter(path) as writer:
                writer.extend(bare(6, 1), numbers(6), rows_per_segment=2)
        rows = state(path)[0]
        ends.add(rows == before)
        assert rows == before or [row["id"] for row in rows] == whole
        if rows != before:
            break
    assert False in ends

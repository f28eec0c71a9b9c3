"""Arrays, arenas, hashes and bounded reading."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from periplus.errors import CannotRunError, GalleryError
from periplus.store import (
    Arena,
    ArenaWriter,
    RowsWriter,
    arena_files,
    bytes_hash,
    content_hash,
    fingerprint,
    map_array,
    map_bytes,
    read_json,
    write_array_atomic,
)


@pytest.fixture(autouse=True, scope="module")
def _without_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


dtypes: list[np.dtype[Any]] = [np.dtype(name) for name in ("?", "u1", "<i8", "<f2", "<f4", "<f8", ">i4")]
plain: st.SearchStrategy[Any] = hnp.arrays(
    dtype=st.sampled_from(dtypes),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
)


@settings(max_examples=50, deadline=None)
@given(array=plain)
def test_arrays_come_back(array: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("a") / "a.npy"
    for layout in (array, np.asfortranarray(array), array.T):
        write_array_atomic(path, layout)
        back = map_array(path)
        assert back.dtype == layout.dtype
        np.testing.assert_array_equal(back, layout)
        np.testing.assert_array_equal(np.load(path, allow_pickle=False), layout)
        assert not back.flags.writeable


def test_fortran_files_of_others_are_read(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(map_array(tmp_path / "a.npy"), array)


def test_arrays_of_objects_are_refused_both_ways(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="plain numbers"):
        write_array_atomic(tmp_path / "a.npy", np.array([{}], dtype=object))
    np.save(tmp_path / "b.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(GalleryError, match=r"b\.npy is damaged: it holds object"):
        map_array(tmp_path / "b.npy")
    (tmp_path / "c.npy").write_bytes(pickle.dumps(np.arange(3)))
    with pytest.raises(GalleryError, match="does not begin like"):
        map_array(tmp_path / "c.npy")


def header(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + bytes(100),
        header("(2,)"),
        header("(2,)") + bytes(15),
        header("(2,)") + bytes(17),
        header("(4294967296, 4294967296)"),
        header("(-1,)"),
        header("(True,)") + bytes(8),
        header("('a',)"),
        header("(1,)", "'|O'") + bytes(8),
        header("(1,)", "[('a', '<f8')]") + bytes(8),
        header("(1,)", "__import__('os')"),
        header("(1,", "'<f8'"),
        header("(" * 60),
        header("(1,)", "'V0'"),
    ],
    ids=count(),
)
def test_hostile_arrays_are_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(GalleryError, match=r"a\.npy is damaged.*index the photos again"):
        map_array(tmp_path / "a.npy")


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_garbage_arrays_are_named(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("a") / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + data)
    with pytest.raises(GalleryError):
        map_array(path)


def test_mappings_outlive_the_file_and_hold_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    write_array_atomic(path, np.arange(1000))
    before = len(list(Path("/proc/self/fd").iterdir()))
    maps = [map_array(path) for _ in range(50)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    path.unlink()
    assert all(int(m.sum()) == 499500 for m in maps)


def test_rows_stream_into_a_plain_npy_file(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((1234, 7)).astype(np.float16)
    writer = RowsWriter(tmp_path / "a.npy", np.float16, (7,))
    for row in rows:
        writer.append(row)
    assert len(writer) == 1234
    with pytest.raises(ValueError, match=r"shape \(7,\), not \(8,\)"):
        writer.append(np.zeros(8))
    writer.close()
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), rows)
    np.testing.assert_array_equal(map_array(tmp_path / "a.npy"), rows)
    RowsWriter(tmp_path / "b.npy", np.float32, (3,)).close()
    assert map_array(tmp_path / "b.npy").shape == (0, 3)


def make_arena(prefix: Path, blobs: list[bytes]) -> None:
    writer = ArenaWriter(prefix)
    for number, blob in enumerate(blobs):
        writer.append(np.frombuffer(blob, np.uint8) if number % 2 else blob)
    assert len(writer) == len(blobs)
    writer.close()


@settings(max_examples=50, deadline=None)
@given(blobs=st.lists(st.binary(max_size=50), max_size=20))
def test_arenas_come_back(blobs: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    prefix = tmp_path_factory.mktemp("a") / "sift"
    make_arena(prefix, blobs)
    arena = Arena(prefix)
    assert len(arena) == len(blobs)
    assert arena.nbytes == sum(map(len, blobs)) == arena_files(prefix)[0].stat().st_size
    assert [arena[i].tobytes() for i in range(len(arena))] == blobs
    for wrong in (-1, len(blobs)):
        with pytest.raises(IndexError):
            arena[wrong]


def test_blobs_are_views(tmp_path: Path) -> None:
    make_arena(tmp_path / "sift", [b"abc", b"de"])
    arena = Arena(tmp_path / "sift")
    assert np.shares_memory(arena[0], arena[0])
    assert not arena[0].flags.writeable
    writer = ArenaWriter(tmp_path / "x")
    wrong: Any = np.zeros(3, np.float32)
    with pytest.raises(TypeError, match="float32"):
        writer.append(wrong)
    writer.abandon()


@pytest.mark.parametrize(
    "offsets",
    [
        np.array([0, 3, 4]),
        np.array([0, 3, 6]),
        np.array([1, 3, 5]),
        np.array([0, 6, 5]),
        np.array([0, -1, 5]),
        np.array([0, np.iinfo(np.int64).max, np.iinfo(np.int64).min, 5]),
        np.array([], dtype=np.int64),
        np.array(5),
        np.array([0.0, 5.0]),
        np.array([[0], [5]]),
    ],
    ids=count(),
)
def test_offsets_that_lie_are_found(tmp_path: Path, offsets: Any) -> None:
    make_arena(tmp_path / "sift", [b"abc", b"de"])
    write_array_atomic(tmp_path / "sift.offsets.npy", offsets)
    with pytest.raises(GalleryError, match=r"sift.*is damaged"):
        Arena(tmp_path / "sift")


def test_a_full_disk_stops_streams_with_a_clear_message(tmp_path: Path) -> None:
    # /dev/full is the system's own full disk.
    (tmp_path / "sift.bin").symlink_to("/dev/full")
    (tmp_path / "a.npy").symlink_to("/dev/full")
    arena = ArenaWriter(tmp_path / "sift")
    with pytest.raises(CannotRunError, match=r"Cannot write .*sift\.bin: the disk is full"):
        arena.append(bytes(3 << 20))
    arena.abandon()
    rows = RowsWriter(tmp_path / "a.npy", np.float16, (8,))
    rows.append(np.zeros(8))
    with pytest.raises(CannotRunError, match=r"Cannot write .*a\.npy: the disk is full"):
        rows.close()
    rows.abandon()


def test_content_hash_is_blake2b(tmp_path: Path) -> None:
    data = bytes(range(256)) * 9000
    (tmp_path / "a").write_bytes(data)
    expected = hashlib.blake2b(data, digest_size=16).hexdigest()
    assert content_hash(tmp_path / "a") == expected == bytes_hash(data) == bytes_hash(map_bytes(tmp_path / "a"))
    assert bytes_hash(b"") == "cae66941d9efbd404e4d88758ea67670"


def test_fingerprints_name_content_not_layout() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    name = fingerprint({"a": 1, "b": [2, "x"]}, array)
    assert len(name) == 16
    assert name == fingerprint({"b": (2, "x"), "a": 1}, np.asfortranarray(array))
    assert name == fingerprint({"b": (2, "x"), "a": 1}, array.astype(">f4"))
    others = [
        fingerprint({"a": 1, "b": [2, "y"]}, array),
        fingerprint({"a": 1, "b": [2, "x"]}),
        fingerprint({"a": 1, "b": [2, "x"]}, array.T),
        fingerprint({"a": 1, "b": [2, "x"]}, array.reshape(3, 2)),
        fingerprint({"a": 1, "b": [2, "x"]}, array.astype(np.float64)),
        fingerprint({"a": 1, "b": [2, "x"]}, array[:1], array[1:]),
        fingerprint({"a": 1, "b": [2, "x"]}, array, np.empty(0)),
    ]
    assert len({name, *others}) == 8
    with pytest.raises(TypeError):
        fingerprint({"a": Path()})
    with pytest.raises(ValueError, match="JSON"):
        fingerprint(float("nan"))
    with pytest.raises(TypeError, match="Python objects"):
        fingerprint(None, np.array([None]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"[1]", "JSON list, not an object"),
        (b"{", "not JSON"),
        (b"\xff{}", "not JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (json.dumps({"a": "x" * 300_000}).encode(), "more than the 250000"),
    ],
    ids=count(),
)
def test_hostile_json_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(GalleryError, match=words) as caught:
        read_json(tmp_path / "a.json", 250_000)
    assert "a.json is damaged" in str(caught.value)


def test_what_is_no_plain_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in [("missing", "it is missing"), ("pipe", "not a plain file"), (".", "not a plain file")]:
        for read in (map_bytes, read_json):
            with pytest.raises(GalleryError, match=words):
                read(tmp_path / name)
    with pytest.raises(GalleryError, match="cannot be read"):
        map_bytes(tmp_path / "nul\0")

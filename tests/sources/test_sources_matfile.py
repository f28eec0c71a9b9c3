from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import loadmat, savemat

from periplus.errors import CatalogError
from periplus.sources.matfile import MAX_BYTES, read_mat

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(kind: int, sides: tuple[int, ...], content: bytes, name: bytes = b"x") -> bytes:
    head = (
        element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack(f"<{len(sides)}i", *sides)) + element(1, name)
    )
    return element(14, head + content)


def write(folder: Path, *elements: bytes, header: bytes = HEADER) -> Path:
    path = folder / "x.mat"
    path.write_bytes(header + b"".join(elements))
    return path


def refused(path: Path) -> str:
    with pytest.raises(CatalogError) as caught:
        read_mat(path)
    assert "x.mat" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("compressed", [False, True])
def test_all_that_a_ground_truth_needs(tmp_path: Path, compressed: bool) -> None:
    structs = np.zeros((1, 2), dtype=[("bbx", "O"), ("easy", "O")])
    structs[0, 0] = (np.array([[1.5, 2, 3, 4]]), np.zeros((0, 0)))
    structs[0, 1] = (np.array([[5, 6, 7, 8]]), np.array([[1, 3]]))
    values: dict[str, Any] = {
        "names": np.array([["a_1"], ["bé"]], dtype=object),
        "columns": np.arange(6).reshape(2, 3),
        "nothing": np.zeros((0, 0)),
        "text": "hello",
        "gnd": structs,
    }
    savemat(tmp_path / "x.mat", values, do_compression=compressed)
    assert read_mat(tmp_path / "x.mat") == {
        "names": ["a_1", "bé"],
        "columns": [0, 3, 1, 4, 2, 5],
        "nothing": [],
        "text": "hello",
        "gnd": [{"bbx": [1.5, 2, 3, 4], "easy": []}, {"bbx": [5, 6, 7, 8], "easy": [1, 3]}],
    }


NUMBERS = st.sampled_from(["<f8", "<f4", "<i1", "<u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"])


@given(
    array=NUMBERS.flatmap(
        lambda kind: hnp.arrays(
            kind, hnp.array_shapes(max_side=4), elements={"allow_nan": False} if "f" in kind else None
        )
    )
)
def test_numbers_as_scipy_reads_them(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray[Any, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "n.mat"
    savemat(path, {"n": array})
    assert read_mat(path)["n"] == loadmat(path)["n"].ravel(order="F").tolist()


def test_big_endian(tmp_path: Path) -> None:
    body = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 1, 2) + b"\x00\x01\x00\x01x\0\0\0"
    body += struct.pack(">IIdd", 9, 16, 1.5, -2)
    path = write(tmp_path, struct.pack(">II", 14, len(body)) + body, header=HEADER[:124] + b"\x01\x00MI")
    assert read_mat(path) == {"x": [1.5, -2.0]}


def test_letters_of_every_kind(tmp_path: Path) -> None:
    wide = [(16, "utf-8"), (17, "utf-16-le"), (18, "utf-32-le"), (4, "utf-16-le")]
    for kind, coded in wide:
        assert read_mat(write(tmp_path, matrix(4, (1, 2), element(kind, "né".encode(coded))))) == {"x": "né"}


@pytest.mark.parametrize("kind", range(20))
@pytest.mark.parametrize("sides", [(2**31 - 1, 2**31 - 1), (10**9, 1), (-5, 3), (-2, -2), (1000, 1000)])
def test_nothing_is_made_that_has_no_bytes(tmp_path: Path, kind: int, sides: tuple[int, ...]) -> None:
    # One field of one letter, for the structs among them; SciPy takes gigabytes for 10**9 cells.
    refused(write(tmp_path, matrix(kind, sides, element(5, struct.pack("<i", 1)) + element(1, b"a"))))


def test_bombs(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(MAX_BYTES + 1), 9)
    packed = struct.pack("<II", 15, len(bomb)) + bomb
    assert len(packed) < 1 << 15
    assert "inflates to more" in refused(write(tmp_path, packed))
    half = zlib.compress(element(14, b"") + bytes(MAX_BYTES // 2), 9)
    assert "inflates to more" in refused(write(tmp_path, *[struct.pack("<II", 15, len(half)) + half] * 3))
    nested = b""
    for _ in range(12):
        nested = matrix(1, (1, 1), nested or matrix(6, (0, 0), b""))
    assert "nested" in refused(write(tmp_path, nested))
    assert "more than" in refused(write(tmp_path, bytes(MAX_BYTES)))


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    with pytest.raises(CatalogError, match="cannot be read"):
        read_mat(path)
    for data in (b"", b"hello", b"\x89HDF\r\n\x1a\n".ljust(200), bytes(300)):
        path.write_bytes(data)
        assert "version 5" in refused(path)
    savemat(path, {"x": np.arange(3)}, format="4")
    assert "version 5" in refused(path)
    assert read_mat(write(tmp_path)) == {}


def test_damaged_ones_are_refused_and_nothing_else(tmp_path: Path) -> None:
    structs = np.zeros((1, 1), dtype=[("bbx", "O"), ("easy", "O")])
    structs[0, 0] = (np.array([[1.5, 2, 3, 4]]), np.array([[1, 3]]))
    savemat(
        tmp_path / "x.mat", {"names": np.array([["a"], ["bc"]], dtype=object), "gnd": structs}, do_compression=False
    )
    sound, rng, refusals = (tmp_path / "x.mat").read_bytes(), random.Random(0), 0
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(128, len(data))] = rng.randrange(256)
        (tmp_path / "x.mat").write_bytes(data)
        try:
            read_mat(tmp_path / "x.mat")
        except CatalogError:
            refusals += 1
    assert 100 < refusals < 400

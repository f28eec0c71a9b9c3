from __future__ import annotations

import pickle
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import CatalogError
from periplus.sources.restricted import MAX_BYTES, read_pickle

PLAIN: dict[str, Any] = {
    "imlist": ["a", "bé", "a"],
    "gnd": [{"bbx": [1.5, -2, 3.0, 70_000], "easy": np.array([0, 2]), "none": np.array([], dtype=np.int64)}],
    "numbers": [True, False, None, 255, -1, 2**40, 1e300, -(2**63)],
    "two": np.arange(6, dtype=">i4").reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "texts": np.array(["xy", "z"]),
    "raw": np.array([b"xy", b"z"]),
    "scalar": np.float32(2.5),
    "text": np.str_("né"),
    "bytes": b"\x00\xff",
    "nothing": b"",
    "pair": (1, ("x",), ()),
}


def plain(value: Any) -> Any:
    """What the reader makes of it: arrays and their numbers as Python's own."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(one) for one in value)
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def write(folder: Path, data: bytes) -> Path:
    path = folder / "x.pkl"
    path.write_bytes(data)
    return path


def refused(folder: Path, data: bytes) -> str:
    with pytest.raises(CatalogError) as caught:
        read_pickle(write(folder, data))
    assert "x.pkl" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    assert read_pickle(write(tmp_path, pickle.dumps(PLAIN, protocol=protocol))) == plain(PLAIN)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner, inner, inner),
    max_leaves=20,
)


@given(tree=TREES, protocol=st.integers(0, 5))
def test_what_pickle_says(tmp_path_factory: pytest.TempPathFactory, tree: object, protocol: int) -> None:
    data = pickle.dumps(tree, protocol=protocol)
    assert read_pickle(write(tmp_path_factory.getbasetemp(), data)) == pickle.loads(data)


def test_of_python_2(tmp_path: Path) -> None:
    # Its texts and bytes are one type, and its NumPy was elsewhere.
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01K\x02\x85"
        b"cnumpy\ndtype\nU\x02i8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"U\x10" + struct.pack("<2q", 5, 200) + b"tb"
    )
    data = b"\x80\x02}q\x00(U\x04easyq\x01" + array + b"U\x06imlistq\x02]q\x03(U\x01aS'b'\neu."
    assert read_pickle(write(tmp_path, data)) == {"easy": [5, 200], "imlist": ["a", "b"]}


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_run(tmp_path: Path, protocol: int) -> None:
    made = tmp_path / "made"
    data = pickle.dumps({"gnd": [Runs(made)]}, protocol=protocol)
    message = refused(tmp_path, data)
    assert not made.exists()
    assert "nothing of it was run" in message
    pickle.loads(data)
    assert made.exists()


def call(module: str, name: str, arguments: bytes = b"(U\x05touchtR") -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + arguments + b"."


HOSTILE: dict[str, tuple[bytes, str]] = {
    "os.system": (call("os", "system"), "'os.system'"),
    "builtins.eval": (call("builtins", "eval"), "'builtins.eval'"),
    "a dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x0bos.system.x\x93)R.", "'numpy.os.system.x'"),
    "numpy.load": (call("numpy", "load"), "'numpy.load'"),
    "numpy.memmap": (call("numpy.core.memmap", "memmap"), "memmap"),
    "getattr": (call("builtins", "getattr"), "'builtins.getattr'"),
    "INST": (b"(S'touch x'\nios\nsystem\n.", "uses INST"),
    "OBJ": (b"(cos\nsystem\nU\x01xo.", "uses OBJ"),
    "NEWOBJ": (b"\x80\x02cos\nsystem\n)\x81.", "uses NEWOBJ"),
    "NEWOBJ_EX": (b"\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92.", "uses NEWOBJ_EX"),
    "a persistent id": (b"Pid\n.", "uses PERSID"),
    "an extension": (b"\x80\x02\x82\x01.", "uses EXT1"),
    "a buffer from outside": (b"\x80\x05\x97.", "uses NEXT_BUFFER"),
    "a set": (b"\x80\x04\x8f(K\x01\x90.", "uses EMPTY_SET"),
    "state of a name": (b"\x80\x02cos\nsystem\n}b.", "does not belong"),
    "state of a list": (b"\x80\x02]}b.", "does not belong"),
    "items of an array": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btRK\x01a.",
        "no list",
    ),
    "keys that are no texts": (b"\x80\x02}K\x01K\x02s.", "no text"),
    "objects of a dtype": (call("numpy", "dtype", b"(U\x01OK\x00K\x01tR"), "'numpy.dtype'"),
    "a dtype with fields": (call("numpy", "dtype", b"(U\x07i4,(3)fK\x00K\x01tR"), "'numpy.dtype'"),
    "a huge number": (b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".", "64 bits"),
    "endless digits": (b"I" + b"9" * 5000 + b"\n.", "sound pickle"),
    "nothing": (b"", "sound pickle"),
    "no end": (b"\x80\x02]", "sound pickle"),
    "more than one value": (b"\x80\x02]].", "stops with 2 values"),
    "an empty stack": (b"\x80\x02.", "stops with 0 values"),
    "an open mark": (b"\x80\x02(].", "stops"),
    "a text": (b"hello", "sound pickle"),
    "a memo that is not there": (b"\x80\x02h\x07.", "sound pickle"),
    "too few for a tuple": (b"\x80\x02K\x01\x87.", "more than there is"),
    "bytes that are not there": (b"\x80\x04B\xff\xff\xff\x7fx.", "sound pickle"),
    "a bytearray of terabytes": (b"\x80\x05\x96" + struct.pack("<Q", 1 << 42) + b"x.", "sound pickle"),
    "a name that is a deep list": (b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b"\x8c\x01x\x93.", "sound pickle"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    data, said = HOSTILE[name]
    assert said in refused(tmp_path, data)


def test_a_memo_of_any_number_takes_no_room(tmp_path: Path) -> None:
    assert read_pickle(write(tmp_path, b"\x80\x02K\x05r\xff\xff\xff\x7fj\xff\xff\xff\x7f\x86.")) == (5, 5)


def array_of(shape: bytes, raw: bytes, kind: bytes = b"i8") -> bytes:
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01"
        + shape
        + b"cnumpy\ndtype\nU"
        + bytes([len(kind)])
        + kind
        + b"K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(raw)])
        + raw
        + b"tb."
    )


@pytest.mark.parametrize(
    ("shape", "raw"),
    [
        (b"J\xff\xff\xff\x7f\x85", bytes(8)),
        (b"J\xff\xff\xff\xff\x85", bytes(8)),
        (b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", bytes(8)),
        (b"K\x02\x85", bytes(8)),
        (b"K\x01\x85", bytes(7)),
        (b"U\x01x\x85", bytes(8)),
        (b")", bytes(8)),
        (b"J\xff\xff\xff\x7fK\x00\x86", b""),
    ],
)
def test_an_array_is_as_large_as_its_bytes(tmp_path: Path, shape: bytes, raw: bytes) -> None:
    assert read_pickle(write(tmp_path, array_of(b"K\x01\x85", struct.pack("<q", 9)))) == [9]
    assert "array of shape" in refused(tmp_path, array_of(shape, raw))


def test_letters_that_do_not_exist(tmp_path: Path) -> None:
    assert read_pickle(write(tmp_path, array_of(b"K\x01\x85", "é".encode("utf-32-le"), b"U1"))) == ["é"]
    assert "letters" in refused(tmp_path, array_of(b"K\x01\x85", b"\x00\x00\x11\x00", b"U1"))


def test_an_array_is_filled_once(tmp_path: Path) -> None:
    good = array_of(b"K\x01\x85", struct.pack("<q", 9))
    again = good[:-1] + good[good.index(b"(K\x01") : -1] + b"."
    assert "does not belong" in refused(tmp_path, again)


def test_a_few_bytes_cannot_ask_for_much(tmp_path: Path) -> None:
    text = b"X" + struct.pack("<I", 1 << 20) + b"x" * (1 << 20)
    again = b"c_codecs\nencode\n(h\x00U\x06latin1tR"
    assert "bytes of arrays" in refused(tmp_path, b"\x80\x02(" + text + b"q\x00" + again * 100 + b"l.")


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"more than {MAX_BYTES} bytes" in refused(tmp_path, bytes(MAX_BYTES + 1))
    monkeypatch.setattr("periplus.sources.restricted._MAX_STEPS", 100)
    assert "more than 100 steps" in refused(tmp_path, b"\x80\x02(" + b"K\x01" * 200 + b"l.")
    with pytest.raises(CatalogError, match="cannot be read"):
        read_pickle(tmp_path / "gone.pkl")
    with pytest.raises(CatalogError, match="cannot be read"):
        read_pickle(tmp_path)


def test_damaged_ones_are_refused_and_nothing_else(tmp_path: Path) -> None:
    rng, refusals = random.Random(0), 0
    for protocol in (0, 2, 4, 5):
        sound = pickle.dumps(PLAIN, protocol=protocol)
        for turn in range(150):
            data = bytearray(sound)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            try:
                read_pickle(write(tmp_path, bytes(data[: rng.randint(1, len(data)) if turn % 3 else len(data)])))
            except CatalogError:
                refusals += 1
    assert 300 < refusals < 600

"""Pickles read as data: nothing is called, nothing is imported, so nothing can be run.

The ground truth of several benchmarks is a pickle of dictionaries, lists, texts, numbers and NumPy arrays. A small
stack machine over :func:`pickletools.genops` follows the opcodes that such a pickle is made of and refuses every other
one. The names of functions that a pickle calls are compared with a short list, and never looked up.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from periplus.errors import CatalogError

MAX_BYTES = 1 << 24
"""Of a pickle; the largest ground truth that is known has less than a tenth."""

_MAX_STEPS = 4_000_000
_MAX_ELEMENTS = 4_000_000
_NUMPY = ("numpy.core.", "numpy._core.")
_DTYPE = re.compile(r"[biuf][1248]|[US][0-9]{1,4}")
_ORDERS = ("<", ">", "|", "=")

_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_BYTES = ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8")
_PUSHED = frozenset((*_NUMBERS, *_TEXTS, *_BYTES))
_FIXED: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_FROM_MARK: dict[str, Callable[[list[object]], object]] = {
    "LIST": list,
    "TUPLE": tuple,
    "DICT": lambda items: _set({}, items),
}


class _Name(str):
    """The name of something that a pickle wants to call: a word on the list, no more."""

    __slots__ = ()


class _Dtype:
    """Kind and size of an array's elements, and their byte order once it is known."""

    def __init__(self, kind: str) -> None:
        self.kind, self.order = kind, "|" if kind[0] == "S" else "<"


class _Array(list[object]):
    """An array that is still to be filled."""


class _RefusedError(Exception):
    """What is wrong, as the end of a sentence."""


def read_pickle(path: Path) -> object:
    """The content of a pickle of plain data.

    Args:
        path: of at most :data:`MAX_BYTES`; any protocol, of Python 2 or 3.

    Returns:
        Dictionaries with texts as keys, lists, tuples, texts, bytes, numbers, None. An array is a list, nested as its
        shape; a NumPy number is a Python one.

    Raises:
        CatalogError: missing, too large, damaged, or made of anything else; the message names it and its byte.
    """
    data = bounded_bytes(path, MAX_BYTES)
    machine = _Machine()
    position = 0
    try:
        for step, (opcode, argument, at) in enumerate(pickletools.genops(io.BytesIO(data))):
            position = at or 0
            if step >= _MAX_STEPS:
                raise _RefusedError(f"it has more than {_MAX_STEPS} steps")
            machine.step(opcode.name, argument)
        return machine.result()
    except _RefusedError as error:
        raise CatalogError(
            f"{path}, byte {position}: {error}. Only plain data is read; nothing of it was run."
        ) from None
    # The parser of opcodes trusts its input and raises what comes.
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
        raise CatalogError(f"{path}, byte {position}: this is no sound pickle ({str(error)[:120]}).") from error


def bounded_bytes(path: Path, max_bytes: int) -> bytes:
    """A whole file of at most ``max_bytes``.

    Raises:
        CatalogError: missing, unreadable or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise CatalogError(f"{path} cannot be read ({error.strerror}).") from error
    if len(data) > max_bytes:
        raise CatalogError(f"{path} has more than {max_bytes} bytes, the limit of such a file.")
    return data


class _Machine:
    """The stack that a pickle works on."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._below: list[list[object]] = []
        self._memo: dict[int, object] = {}
        self._elements = 0

    def step(self, name: str, argument: object) -> None:
        """Follow one opcode."""
        if name in _PUSHED:
            if isinstance(argument, int) and argument.bit_length() > 64:
                raise _RefusedError("it holds a number of more than 64 bits")
            self._stack.append(argument)
        elif name in _FIXED:
            self._stack.append(_FIXED[name]())
        elif name in _TUPLES:
            self._stack.append(tuple(self._take(_TUPLES[name])))
        elif name == "MARK":
            self._below.append(self._stack)
            self._stack = []
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            place = argument if isinstance(argument, int) else len(self._memo)
            self._memo[place] = self._stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET") and isinstance(argument, int):
            self._stack.append(self._memo[argument])
        elif name not in ("PROTO", "FRAME", "STOP"):
            self._combine(name, argument)

    def result(self) -> object:
        """What is left when the pickle stops."""
        if len(self._stack) != 1 or self._below:
            raise _RefusedError(f"it stops with {len(self._stack)} values")
        return self._stack[0]

    def _combine(self, name: str, argument: object) -> None:
        if name in ("APPEND", "APPENDS"):
            items = self._take(1) if name == "APPEND" else self._marked()
            if not isinstance(self._stack[-1], list) or isinstance(self._stack[-1], _Array):
                raise _RefusedError("it appends to something that is no list")
            self._stack[-1].extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self._take(2) if name == "SETITEM" else self._marked()
            _set(self._stack[-1], items)
        elif name in _FROM_MARK:
            items = self._marked()
            self._stack.append(_FROM_MARK[name](items))
        elif name == "GLOBAL":
            self._stack.append(_Name(str(argument).replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            self._stack.append(_Name(".".join(map(str, self._take(2)))))
        elif name == "REDUCE":
            called, arguments = self._take(2)
            self._stack.append(self._call(called, arguments))
        elif name == "BUILD":
            (state,) = self._take(1)
            self._fill(self._stack[-1], state)
        else:
            raise _RefusedError(f"it uses {name}, which plain data does not need")

    def _take(self, count: int) -> list[object]:
        if len(self._stack) < count:
            raise _RefusedError("it takes more than there is")
        taken = self._stack[-count:]
        del self._stack[-count:]
        return taken

    def _marked(self) -> list[object]:
        taken, self._stack = self._stack, self._below.pop()
        return taken

    def _call(self, called: object, arguments: object) -> object:
        """What a call on the list would give, without calling it."""
        name = str(called) if isinstance(called, _Name) else type(called).__name__
        for prefix in _NUMPY:
            name = name.replace(prefix, "numpy.", 1) if name.startswith(prefix) else name
        match name, arguments:
            case "_codecs.encode", (str(text), "latin1" | "latin-1"):
                self._spend(len(text))
                return text.encode("latin-1")
            case "builtins.bytes" | "__builtin__.bytes", ():
                return b""
            case "numpy.dtype", (str(kind), *_) if _DTYPE.fullmatch(kind):
                return _Dtype(kind)
            case "numpy.multiarray._reconstruct", (_Name(), (0,), _):
                return _Array()
            case "numpy.multiarray.scalar", (_Dtype() as dtype, bytes() | str() as raw):
                return self._elements_of(dtype, (1,), raw, fortran=False)[0]
            case "numpy.numeric._frombuffer", (
                bytes() | bytearray() as raw,
                _Dtype() as dtype,
                tuple() as shape,
                order,
            ):
                return self._elements_of(dtype, shape, raw, fortran=order == "F")
        raise _RefusedError(f"it wants to call {name[:80]!r}")

    def _fill(self, made: object, state: object) -> None:
        match made, state:
            case _Dtype(), (_, str(order), *_) if order in _ORDERS:
                made.order = order
            case _Array(), (_, tuple() as shape, _Dtype() as dtype, fortran, bytes() | str() as raw) if not made:
                made.extend(self._elements_of(dtype, shape, raw, fortran=bool(fortran)))
            case _:
                raise _RefusedError(f"it fills a {type(made).__name__.strip('_')} with what does not belong there")

    def _elements_of(
        self, dtype: _Dtype, shape: tuple[object, ...], raw: bytes | bytearray | str, *, fortran: bool
    ) -> list[object]:
        """Elements of an array, nested as its shape; never more than the pickle has bytes for."""
        data = raw.encode("latin-1") if isinstance(raw, str) else bytes(raw)  # Python 2 had no bytes of their own
        sides = [side for side in shape if isinstance(side, int) and 0 <= side <= _MAX_ELEMENTS]
        kind = np.dtype(dtype.order + dtype.kind)
        if len(sides) != len(shape) or not 1 <= len(shape) <= 4 or math.prod(sides) * kind.itemsize != len(data):
            raise _RefusedError(f"an array of shape {str(shape)[:60]} of {dtype.kind} has {len(data)} bytes")
        # NumPy would make texts of letters that do not exist.
        if dtype.kind[0] == "U" and (np.frombuffer(data, f"{dtype.order}u4") > sys.maxunicode).any():
            raise _RefusedError("an array of texts has letters that do not exist")
        self._spend(len(data))
        return list(np.frombuffer(data, kind).reshape(sides, order="F" if fortran else "C").tolist())

    def _spend(self, count: int) -> None:
        # A few bytes may ask again and again for what is large already.
        self._elements += count
        if self._elements > _MAX_ELEMENTS * 8:
            raise _RefusedError(f"it makes more than {_MAX_ELEMENTS * 8} bytes of arrays")


def _set(target: object, items: list[object]) -> object:
    if not isinstance(target, dict) or len(items) % 2:
        raise _RefusedError("it sets items of something that is no dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):
            raise _RefusedError(f"a dictionary has the key {str(key)[:60]!r}, which is no text")
        target[key] = value
    return target

"""MATLAB files (version 5 to 7.2) read as plain data: numbers, texts, cells and structs.

The format is MathWorks' "MAT-File Format", level 5. SciPy's reader makes arrays as large as a file claims before it
looks for their content, so that a file of some bytes can take all memory; here nothing is made that has no bytes.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from periplus.errors import CatalogError
from periplus.sources.restricted import bounded_bytes

MAX_BYTES = 1 << 24
"""Of a file, and of what it holds when inflated."""

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR, _NUMERIC = 1, 2, 4, range(6, 16)
_MAX_DEPTH = 8
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_LETTERS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}


def read_mat(path: Path) -> dict[str, object]:
    """The variables of a ``.mat`` file.

    Returns:
        By name: numbers as a flat list (columns first), a cell as a flat list of its contents, a struct array as a list
        of dictionaries, letters as one text.

    Raises:
        CatalogError: missing, too large, damaged, or of another version; the message names the file.
    """
    data = bounded_bytes(path, MAX_BYTES)
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(data[124:_HEADER_BYTES])
    if order is None:
        raise CatalogError(f"{path} is no MATLAB file of version 5 to 7.2. Save it with -v7, or use the .pkl.")
    found: dict[str, object] = {}
    try:
        file, room = _Part(memoryview(data)[_HEADER_BYTES:], order), MAX_BYTES
        while file.data:
            kind, body = file.element()
            if kind == _COMPRESSED:
                inflated = zlib.decompressobj().decompress(body, room + 1)
                room -= len(inflated)
                if room < 0:
                    raise ValueError(f"it inflates to more than {MAX_BYTES} bytes")
                kind, body = _Part(memoryview(inflated), order).element()
            name, value = _Part(body, order).matrix(0) if kind == _MATRIX else ("", None)
            found[name] = value
    except (ValueError, LookupError, struct.error, zlib.error, OverflowError) as error:
        raise CatalogError(f"{path} is damaged, or holds more than plain data: {str(error)[:200]}.") from error
    return found


@dataclass
class _Part:
    """A stretch of a file that is read from its beginning to its end."""

    data: memoryview
    order: str

    def element(self) -> tuple[int, memoryview]:
        """The next element: its kind and its content."""
        kind, count = struct.unpack_from(f"{self.order}II", self.data)
        start, end = 8, 8 + count + (-count % 8 if kind != _COMPRESSED else 0)
        if kind >> 16:  # the short form: kind, length and content in eight bytes
            kind, count, start, end = kind & 0xFFFF, kind >> 16, 4, 8
        if start + count > len(self.data) or start + count > end:
            raise ValueError(f"an element of {count} bytes where {len(self.data) - start} are left")
        body, self.data = self.data[start : start + count], self.data[end:]
        return kind, body

    def numbers(self) -> list[float]:
        """The next element, which holds numbers."""
        kind, body = self.element()
        return list(np.frombuffer(body, self.order + _STORED[kind]).tolist())

    def text(self) -> str:
        """The next element, which holds letters."""
        kind, body = self.element()
        wide = {"<": "-le", ">": "-be"}[self.order] if _LETTERS[kind] in ("utf-16", "utf-32") else ""
        return str(body, _LETTERS[kind] + wide)

    def matrix(self, depth: int) -> tuple[str, object]:
        """What the content of a matrix element says: its name and its value."""
        if not self.data:
            return "", []
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} deep")
        flags, sides = int(self.numbers()[0]), [int(side) for side in self.numbers()]
        name, kind, count = self.text(), flags & 0xFF, math.prod(sides)
        least = 8 * count if kind in (_CELL, _STRUCT) else count  # whatever is inside has a tag at least
        if min(sides, default=0) < 0 or least > len(self.data):
            raise ValueError(f"{name!r} has the size {str(sides)[:60]} and {len(self.data)} bytes")
        if kind == _CELL:
            return name, [self._inner(depth) for _ in range(count)]
        if kind == _STRUCT:
            return name, self._structs(count, depth)
        if kind == _CHAR:
            return name, self.text() if count else ""
        if kind not in _NUMERIC or flags & 0x800:
            raise ValueError(f"{name!r} is of class {kind}, flags {flags >> 8}, which plain data does not need")
        values = self.numbers() if count else []
        if len(values) != count:
            raise ValueError(f"{name!r} has {len(values)} numbers, not {count}")
        return name, values

    def _inner(self, depth: int) -> object:
        kind, body = self.element()
        if kind != _MATRIX:
            raise ValueError(f"an element of kind {kind} where a matrix should be")
        return _Part(body, self.order).matrix(depth + 1)[1]

    def _structs(self, count: int, depth: int) -> list[dict[str, object]]:
        width, letters = int(self.numbers()[0]), self.text()
        if not 1 <= width <= 64:
            raise ValueError(f"its fields have names of {width} letters")
        fields = [letters[i : i + width].split("\0")[0] for i in range(0, len(letters), width)]
        return [{field: self._inner(depth) for field in fields} for _ in range(count)]

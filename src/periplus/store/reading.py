"""Reading what may be damaged: every surprise becomes one error that names the file."""

from __future__ import annotations

import io
import json
import math
import stat
import struct
import tokenize
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.errors import GalleryError

_HEADER_BYTES = 1 << 14


def damaged(path: Path, reason: str) -> GalleryError:
    """The error for a file that is not what it should be.

    Args:
        path: the file.
        reason: what is wrong, as the end of a sentence without its full stop.
    """
    return GalleryError(f"{path} is damaged: {reason}. Restore it from a copy, or index the photos again.")


def map_bytes(path: Path) -> NDArray[np.uint8]:
    """A file's bytes, uint8 (n,), read-only, mapped into memory and not read until they are touched.

    The mapping needs no open file (Arrow closes it), so that thousands fit under the limit on open files, and it
    outlives the file's deletion.

    Raises:
        GalleryError: the file is missing, unreadable or not a plain file.
    """
    size = plain_size(path)
    if size == 0:
        return np.empty(0, np.uint8)
    try:
        with pa.memory_map(str(path)) as file:
            return np.frombuffer(file.read_buffer(), dtype=np.uint8)
    except (OSError, UnicodeEncodeError) as error:
        raise damaged(path, f"it cannot be read ({error})") from error


def map_array(path: Path) -> NDArray[Any]:
    """An array from a ``.npy`` file, read-only, mapped into memory; never unpickles.

    Raises:
        GalleryError: the file is missing, cut short, too long, or holds something else than plain numbers.
    """
    data = map_bytes(path)
    head = io.BytesIO(data[:_HEADER_BYTES].tobytes())
    try:
        version = np.lib.format.read_magic(head)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, fortran, dtype = read_header[version](head)
    except (ValueError, KeyError, TypeError, SyntaxError, EOFError, struct.error, tokenize.TokenError) as error:
        raise damaged(path, "it does not begin like a .npy file") from error
    if dtype.kind not in "biuf" or any(type(length) is not int or length < 0 for length in shape):
        raise damaged(path, f"it holds {dtype} of shape {shape}, not plain numbers")
    # Python integers: a made-up shape cannot overflow.
    expected = head.tell() + math.prod(shape) * dtype.itemsize
    if expected != len(data):
        raise damaged(path, f"it has {len(data)} bytes but its header promises {expected}")
    flat = data[head.tell() :].view(dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """A whole file that must not be larger than ``max_bytes``.

    Raises:
        GalleryError: the file is missing, unreadable, not a plain file or too large.
    """
    size = plain_size(path)
    if size > max_bytes:
        raise damaged(path, f"it has {size} bytes, more than the {max_bytes} that it may have")
    try:
        with path.open("rb") as file:
            # One more than was told: read(max_bytes) would allocate all that it may have.
            return file.read(min(max_bytes, size + 1))
    except OSError as error:
        raise damaged(path, f"it cannot be read ({error.strerror})") from error


def read_json(path: Path, max_bytes: int = 1 << 26) -> dict[str, object]:
    """A JSON object from a file of at most ``max_bytes``.

    Raises:
        GalleryError: the file is missing, too large, not JSON, or JSON but not an object.
    """
    try:
        value = json.loads(read_bytes(path, max_bytes), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(value, dict):
        raise damaged(path, f"it holds a JSON {type(value).__name__}, not an object")
    return value


def plain_size(path: Path) -> int:
    """Bytes of a plain file.

    Raises:
        GalleryError: it is missing, out of reach, or a folder, pipe or device.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        raise damaged(path, "it is missing" if missing else f"it cannot be read ({error})") from error
    if not stat.S_ISREG(status.st_mode):
        raise damaged(path, "it is not a plain file")
    return status.st_size


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")

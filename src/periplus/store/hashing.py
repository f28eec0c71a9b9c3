"""Names for contents."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK_BYTES = 1 << 20


def content_hash(path: Path) -> str:
    """BLAKE2b-128 of a file's bytes as 32 hexadecimal digits, read in blocks of 1 MiB.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def bytes_hash(data: bytes | NDArray[np.uint8]) -> str:
    """The same hash as :func:`content_hash`, of bytes in memory."""
    return hashlib.blake2b(data if isinstance(data, bytes) else data.data, digest_size=16).hexdigest()


def fingerprint(value: object, *arrays: NDArray[Any]) -> str:
    """A short name, 16 hexadecimal digits, for a description and its arrays.

    Equal for equal JSON whatever the order of keys, and for equal arrays whatever their memory layout and byte
    order; dtype and shape count.

    Args:
        value: anything JSON.
        arrays: plain numeric arrays, such as weights.

    Raises:
        TypeError: a part of ``value`` is not JSON, or an array holds Python objects.
        ValueError: ``value`` holds NaN or infinity.
    """
    digest = hashlib.blake2b(digest_size=8)
    digest.update(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())
    for array in arrays:
        if array.dtype.hasobject:
            raise TypeError(f"Cannot fingerprint an array of Python objects of shape {array.shape}.")
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        digest.update(f"\0{plain.dtype.str}{plain.shape}\0".encode())
        digest.update(plain.tobytes())
    return digest.hexdigest()

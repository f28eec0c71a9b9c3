"""Byte strings of any length, one after another in one file."""

from __future__ import annotations

import contextlib
import os
from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.store.arrays import write_array_atomic
from periplus.store.atomic import writing
from periplus.store.reading import damaged, map_array, map_bytes

_BUFFER_BYTES = 1 << 20


def arena_files(prefix: Path) -> tuple[Path, Path]:
    """The two files of an arena: ``<prefix>.bin`` with the bytes, ``<prefix>.offsets.npy`` with int64 (n + 1,)."""
    return prefix.with_name(prefix.name + ".bin"), prefix.with_name(prefix.name + ".offsets.npy")


class ArenaWriter:
    """Blobs, streamed to disk as they come; readable once it is closed.

    Args:
        prefix: path of the arena without the endings of its files, which are replaced if they exist.

    Raises:
        CannotRunError: the system refused to write (here and in every method).
    """

    def __init__(self, prefix: Path) -> None:
        self._data, self._index = arena_files(prefix)
        self._offsets = array("q", [0])
        with writing(self._data):
            self._file = self._data.open("wb", buffering=_BUFFER_BYTES)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def append(self, blob: bytes | NDArray[np.uint8]) -> None:
        """Add one blob, which may be empty.

        Raises:
            TypeError: an array is not uint8 (n,).
        """
        if isinstance(blob, np.ndarray) and (blob.dtype != np.uint8 or blob.ndim != 1):
            raise TypeError(f"A blob is bytes or uint8 (n,), not {blob.dtype} {blob.shape}.")
        data = np.ascontiguousarray(blob).data if isinstance(blob, np.ndarray) else blob
        with writing(self._data):
            self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))

    def close(self) -> None:
        """Write the offsets and wait until all is on the disk."""
        with writing(self._data), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        write_array_atomic(self._index, np.array(self._offsets, dtype=np.int64))

    def abandon(self) -> None:
        """Let go of the file, which stays incomplete."""
        with contextlib.suppress(OSError):
            self._file.close()


class Arena:
    """Blobs on disk, mapped into memory: nothing is read until a blob is touched.

    Args:
        prefix: path of the arena without the endings of its files.

    Raises:
        GalleryError: a file is missing, or the offsets do not describe the bytes.
    """

    def __init__(self, prefix: Path) -> None:
        data, index = arena_files(prefix)
        self._bytes = map_bytes(data)
        offsets = map_array(index)
        if offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets):
            raise damaged(index, f"it holds {offsets.dtype} {offsets.shape}, not int64 (n + 1,)")
        # Compared, not subtracted: made-up offsets may overflow.
        if offsets[0] != 0 or (offsets[1:] < offsets[:-1]).any():
            raise damaged(index, "its offsets do not start at 0 and rise")
        if offsets[-1] != len(self._bytes):
            raise damaged(data, f"it has {len(self._bytes)} bytes but its offsets promise {offsets[-1]}")
        self._offsets = np.array(offsets)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """One blob, uint8 (m,), read-only, a view into the mapped file."""
        if not 0 <= row < len(self):
            raise IndexError(f"Blob {row} of an arena of {len(self)}.")
        return self._bytes[self._offsets[row] : self._offsets[row + 1]]

    @property
    def nbytes(self) -> int:
        """Bytes of all blobs together."""
        return len(self._bytes)

"""Arrays written to ``.npy`` files, whole or row by row."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from periplus.store.atomic import atomic_path, writing

_BUFFER_BYTES = 1 << 20


def write_array_atomic(path: Path, array: NDArray[Any]) -> None:
    """Write an array of plain numbers to a ``.npy`` file, whole or not at all.

    Raises:
        CannotRunError: the system refused to write.
        TypeError: the array holds something else than plain numbers.
    """
    if array.dtype.kind not in "biuf":
        raise TypeError(f"Arrays on disk hold plain numbers, not {array.dtype}.")
    plain = np.asarray(array, order="C")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        _write_header(file, plain.dtype, plain.shape)
        file.write(plain.tobytes() if plain.ndim == 0 else plain.data)


class RowsWriter:
    """Rows of one shape, streamed into a ``.npy`` file whose header is completed when it is closed.

    Args:
        path: the file; replaced if it exists.
        dtype: of every row.
        row_shape: of every row.

    Raises:
        CannotRunError: the system refused to write (here and in every method).
    """

    def __init__(self, path: Path, dtype: DTypeLike, row_shape: tuple[int, ...]) -> None:
        self._path = path
        self._dtype = np.dtype(dtype)
        self._row_shape = row_shape
        self._count = 0
        with writing(path):
            self._file = path.open("wb", buffering=_BUFFER_BYTES)
            _write_header(self._file, self._dtype, (0, *row_shape))
            self._header_bytes = self._file.tell()

    def __len__(self) -> int:
        return self._count

    def append(self, row: NDArray[Any]) -> None:
        """Add one row.

        Raises:
            ValueError: the row has another shape.
        """
        if row.shape != self._row_shape:
            raise ValueError(f"A row of {self._path} has shape {self._row_shape}, not {row.shape}.")
        with writing(self._path):
            self._file.write(np.ascontiguousarray(row, dtype=self._dtype).data)
        self._count += 1

    def close(self) -> None:
        """Complete the header and wait until all is on the disk."""
        with writing(self._path), self._file:
            # NumPy pads headers so that the first axis may grow in place.
            self._file.seek(0)
            _write_header(self._file, self._dtype, (self._count, *self._row_shape))
            if self._file.tell() != self._header_bytes:
                raise OSError(f"the header of {self._path} does not hold {self._count} rows")
            self._file.flush()
            os.fsync(self._file.fileno())

    def abandon(self) -> None:
        """Let go of the file, which stays incomplete."""
        with contextlib.suppress(OSError):
            self._file.close()


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    description = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": description, "fortran_order": False, "shape": shape})

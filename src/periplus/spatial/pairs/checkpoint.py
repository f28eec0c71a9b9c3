"""A pass over all pairs that was broken off goes on where it was."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.blocks import Values
from periplus.store import atomic_path, bytes_hash

EVERY_S: Final = 20.0
_SAMPLED_ROWS: Final = 1024
_DONE, _KEY = "pairs_of_blocks_done", "key"

State = dict[str, NDArray[Any]]


@dataclass
class Checkpoint:
    """The sums of finished pairs of blocks, in a ``.npz`` file that is whole or not there.

    Attributes:
        path: of the file; None keeps nothing.
        key: of the pass (:func:`pass_key`): another pass's file is refused.
    """

    path: Path | None
    key: str
    _saved: float = field(default_factory=time.monotonic)

    def load(self, state: State) -> int:
        """Fill ``state`` with what was saved; how many pairs of blocks are done, 0 where there is no file.

        Raises:
            UsageError: the file is of another pass, or damaged.
        """
        if self.path is None or not self.path.exists():
            return 0
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                found = {name: np.asarray(arrays[name]) for name in arrays.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise UsageError(f"{self.path} is no checkpoint ({error}); delete it, or choose another file.") from error
        shapes = {name: (array.shape, array.dtype) for name, array in state.items()}
        if found.pop(_KEY, np.empty(0)).tobytes() != self.key.encode() or _DONE not in found:
            raise UsageError(
                f"{self.path} is the checkpoint of another pass: other places, values, lags, estimator, sectors, "
                "blocks or backend. Delete it to begin anew, or choose another file."
            )
        done = int(found.pop(_DONE))
        if {name: (array.shape, array.dtype) for name, array in found.items()} != shapes:
            raise UsageError(f"{self.path} is damaged: its sums have other shapes. Delete it to begin anew.")
        for name, array in found.items():
            state[name][...] = array
        return done

    def save(self, done: int, state: Mapping[str, NDArray[Any]], *, now: bool = False) -> None:
        """Write the state after ``done`` pairs of blocks, if 20 s have passed since the last time or ``now``.

        Raises:
            CannotRunError: the system refused to write.
        """
        if self.path is None or not (now or time.monotonic() - self._saved >= EVERY_S):
            return
        whole: dict[str, Any] = {_KEY: np.frombuffer(self.key.encode(), np.uint8), _DONE: np.int64(done), **state}
        with atomic_path(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **whole)
        self._saved = time.monotonic()

    def remove(self) -> None:
        """The pass is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def pass_key(observations: Observations, edges_km: Values, *what: object) -> str:
    """A name for a pass: what it is done on (of values the shape and up to 1,024 rows), and how.

    Args:
        observations: positions and values.
        edges_km: of the lags.
        what: all else that shapes the sums; anything whose ``repr`` tells it.
    """
    n = len(observations)
    some = np.linspace(0, n - 1, min(n, _SAMPLED_ROWS)).astype(np.int64)
    parts = [observations.lat_deg, observations.lon_deg, edges_km, observations.values[some]]
    parts += [] if observations.other is None else [observations.other[some]]
    told = [repr((what, observations.values.shape, [str(part.dtype) for part in parts]))]
    told += [bytes_hash(np.ascontiguousarray(part).tobytes()) for part in parts]
    return bytes_hash("\n".join(told).encode())

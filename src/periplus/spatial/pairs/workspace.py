"""What one worker of a pass writes into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Workspace:
    """Buffers of one worker, by name."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[np.generic]] = {}
        self.runs: dict[tuple[int, int, int], NDArray[np.float32]] = {}

    def buffer(self, name: str, shape: tuple[int, ...], dtype: type = np.float64) -> NDArray[np.generic]:
        """An uninitialised contiguous array that the next tile of this worker overwrites."""
        size = int(np.prod(shape))
        held = self._buffers.get(name)
        if held is None or held.size < size or held.dtype != dtype:
            held = self._buffers[name] = np.empty(size, dtype)
        return held[:size].reshape(shape)

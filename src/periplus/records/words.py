"""Binarised visual words of one photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError


@dataclass(frozen=True)
class Words:
    """The words of one photo, each once, in ascending order.

    Attributes:
        words: uint32 (m,), rows of the codebook.
        codes: uint64 (m, b), the signs of the aggregated residuals, 64 to a column.
    """

    words: NDArray[np.uint32]
    codes: NDArray[np.uint64]

    def __post_init__(self) -> None:
        """Check shapes and order."""
        if self.codes.ndim != 2 or len(self.codes) != len(self.words):
            raise RecordError(f"{len(self.words)} words have codes of shape {self.codes.shape}.")
        if (self.words[1:] <= self.words[:-1]).any():
            raise RecordError("Words must ascend, each once.")

    def __len__(self) -> int:
        return len(self.words)

"""The answer of a search: gallery rows, best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError


@dataclass(frozen=True)
class Ranking:
    """For each of q queries, k gallery rows, best first.

    Attributes:
        rows: int64 (q, k) gallery rows; -1 fills the end where fewer were found.
        scores: float32 (q, k), larger is better, non-increasing; -inf beside -1.

    Raises:
        RecordError: shapes disagree, scores rise, or a row stands twice.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check order and uniqueness."""
        if self.rows.ndim != 2 or self.rows.shape != self.scores.shape:
            raise RecordError(f"Rows {self.rows.shape} and scores {self.scores.shape} must both be (q, k).")
        if np.isnan(self.scores).any():
            raise RecordError("A score is NaN.")
        # Compared, not subtracted: the fill at the end is -inf.
        if (self.scores[:, 1:] > self.scores[:, :-1]).any():
            raise RecordError("Scores must not rise: larger is better, best first.")
        if ((self.rows < 0) != np.isneginf(self.scores)).any():
            raise RecordError("Row -1 and score -inf mark the same empty places.")
        ordered = np.sort(self.rows, axis=1)
        if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
            raise RecordError("A gallery row stands twice in one ranking.")

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, query: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and scores found for one query, without the fill: (m,), (m,)."""
        found = self.rows[query] >= 0
        return self.rows[query][found], self.scores[query][found]

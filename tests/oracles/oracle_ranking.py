"""The k best of all, by sorting everything."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def best(scores: Sequence[float], k: int, exclude: Collection[int] = ()) -> list[int]:
    """Rows by falling score, equal ones by rising row, without the excluded."""
    rows = [row for row in range(len(scores)) if row not in exclude]
    return sorted(rows, key=lambda row: (-scores[row], row))[:k]

"""Near duplicates the slow and obvious way: one pair after the other, the mirror image as a picture of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.curate import signature


def slow_near_duplicates(pictures: list[NDArray[np.uint8]], threshold: float) -> dict[tuple[int, int], float]:
    """Similarity of every pair of pictures that reaches the threshold."""
    plain = [signature(picture) for picture in pictures]
    mirrored = [signature(np.ascontiguousarray(picture[:, ::-1])) for picture in pictures]
    found = {}
    for i in range(len(pictures)):
        for j in range(i + 1, len(pictures)):
            similarity = max(float(plain[i] @ plain[j]), float(plain[i] @ mirrored[j]))
            if similarity >= threshold:
                found[i, j] = similarity
    return found


def slow_groups(n: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Groups by relabelling until nothing changes."""
    group = list(range(n))
    changed = True
    while changed:
        changed = False
        for i, j in pairs:
            low = min(group[i], group[j])
            changed |= group[i] != low or group[j] != low
            group[i] = group[j] = low
    number = {label: rank for rank, label in enumerate(dict.fromkeys(group))}
    return [number[label] for label in group]

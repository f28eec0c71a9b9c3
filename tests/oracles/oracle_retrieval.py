"""The published measures of a ranking, written as they are told, one query and one rank at a time.

A ranking is a list of gallery rows, best first; positives and junk are sets of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


def ap_gldv2(ranking: Sequence[int], positives: Collection[int], k: int = 100) -> float:
    """Google Landmarks v2: a repeated prediction keeps its place but counts once."""
    correct, total, seen = 0, 0.0, set()
    for i, row in enumerate(ranking[:k], start=1):
        if row in positives and row not in seen:
            seen.add(row)
            correct += 1
            total += correct / i
    return total / min(len(positives), k)


def ap_revisited(ranking: Sequence[int], positives: Collection[int], junk: Collection[int]) -> float:
    """Revisited Oxford and Paris: positions of positives, less the junk before each, joined by trapezoids."""
    total = 0.0
    places = np.array([place for place, row in enumerate(ranking) if row in positives])
    spoilt = np.array([place for place, row in enumerate(ranking) if row in junk])
    for j, place in enumerate(places):
        rank = place - (spoilt < place).sum()
        before = 1.0 if rank == 0 else j / rank
        total += (before + (j + 1) / (rank + 1)) / 2 / len(positives)
    return total


def ap_oxford(ranking: Sequence[int], positives: Collection[int], junk: Collection[int]) -> float:
    """Oxford buildings as first published: walk the ranking, add the area under each step of recall."""
    recall, precision, area, found, walked = 0.0, 1.0, 0.0, 0, 0
    for row in ranking:
        if row in junk:
            continue
        found += row in positives
        walked += 1
        now_recall, now_precision = found / len(positives), found / walked
        area += (now_recall - recall) * (precision + now_precision) / 2
        recall, precision = now_recall, now_precision
    return area


def precision_revisited(ranking: Sequence[int], positives: Collection[int], junk: Collection[int], k: int) -> float:
    """Revisited Oxford and Paris: 1-based positions up to k, or up to the last positive if that is nearer."""
    clean = [row for row in ranking if row not in junk]
    places = np.array([place for place, row in enumerate(clean, start=1) if row in positives])
    depth = min(places.max(), k)
    return float((places <= depth).sum() / depth)


def ap_at_r(ranking: Sequence[int], positives: Collection[int]) -> float:
    """MAP@R of metric learning, one query."""
    r = len(positives)
    return sum(sum(x in positives for x in ranking[: i + 1]) / (i + 1) for i in range(r) if ranking[i] in positives) / r


def precisions(ranking: Sequence[int], positives: Collection[int], k: int = 100) -> list[float]:
    """The precision at each positive in the first k."""
    hits = [row in positives for row in ranking[:k]]
    return [sum(hits[: i + 1]) / (i + 1) for i, hit in enumerate(hits) if hit]


def gap(predictions: Sequence[tuple[str, str | None, float, Collection[str]]]) -> float:
    """Global average precision of (id, label, score, truth), label None for no prediction."""
    known = sum(len(truth) > 0 for *_, truth in predictions)
    listed = sorted((p for p in predictions if p[1] is not None), key=lambda p: (-p[2], p[0]))
    right, total = 0, 0.0
    for i, (_, label, _, truth) in enumerate(listed, start=1):
        if label in truth:
            right += 1
            total += right / i
    return total / known

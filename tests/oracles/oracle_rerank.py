"""Re-ranking by the definitions: one query, one candidate, one neighbour at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.records import Ranking

Vector = NDArray[np.float64]


def ranking_of(scores: Sequence[float], rows: Sequence[int], fill: int = 0) -> Ranking:
    """A ranking of one query by the scores of some rows, with empty places at its end."""
    order = by_rank([float(np.float32(score)) for score in scores], rows)
    return Ranking(
        np.array([[rows[at] for at in order] + [-1] * fill], np.int64),
        np.array([[scores[at] for at in order] + [-np.inf] * fill], np.float32),
    )


def by_rank(scores: Sequence[float], rows: Sequence[int]) -> list[int]:
    """Places by falling score, equal ones by rising row."""
    return sorted(range(len(scores)), key=lambda at: (-scores[at], rows[at]))


def nearest(x: Vector, vectors: Sequence[Vector], k: int, own: int | None = None) -> list[int]:
    """The k with the largest dot product with x, without ``own``; equal ones by rising row."""
    order = sorted((-float(np.float32(x @ v)), j) for j, v in enumerate(vectors) if j != own)
    return [j for _, j in order[:k]]


def expand(x: Vector, neighbours: Sequence[Vector], alpha: float) -> Vector:
    """x joined by its neighbours, unit length; zero stays zero."""
    joined = x.copy()
    for v in neighbours:
        if x @ v > 0:
            joined = joined + float(x @ v) ** alpha * v
    norm = math.sqrt(joined @ joined)
    return joined / norm if norm > 0 else joined


def superglobal(query: Vector, near: Sequence[Vector], k: int, beta: float) -> list[float]:
    """The scores of a query's candidates, in order of their rows."""
    refined = []
    for i, x in enumerate(near):
        total, weights = x.copy(), 1.0
        for j in nearest(x, near, k, own=i):
            weight = beta * max(0.0, float(x @ near[j]))
            total, weights = total + weight * near[j], weights + weight
        refined.append(total / weights)
    first = nearest(query, refined, k + 1)
    widest = np.array([max(refined[i][c] for i in first) for c in range(len(query))])
    return [float(query @ x + widest @ x) / 2 for x in refined]


def k_reciprocal(query: Vector, near: Sequence[Vector], k1: int, k2: int, share: float) -> list[float]:
    """The scores of a query's candidates, in order of their rows."""
    everyone = [query, *near]
    m = len(everyone)
    apart = [[float(np.float32((x - z) @ (x - z))) if i != j else 0.0 for j, z in enumerate(everyone)]
             for i, x in enumerate(everyone)]  # fmt: skip
    apart = [[d / (max(line) or 1.0) for d in line] for line in apart]
    order = [[i, *(j for _, j in sorted((apart[i][j], j) for j in range(m) if j != i))] for i in range(m)]

    def mutual(i: int, k: int) -> set[int]:
        return {j for j in order[i][: k + 1] if i in order[j][: k + 1]}

    encoded = []
    for i in range(m):
        base = mutual(i, k1)
        wide = set(base)
        for j in base:
            half = mutual(j, round(k1 / 2))
            if 3 * len(half & base) > 2 * len(half):
                wide |= half
        total = sum(math.exp(-apart[i][j]) for j in wide)
        encoded.append([math.exp(-apart[i][j]) / total if j in wide else 0.0 for j in range(m)])
    means = [[sum(encoded[j][c] for j in line[:k2]) / len(line[:k2]) for c in range(m)] for line in order]
    scores = []
    for i in range(1, m):
        low = sum(min(a, b) for a, b in zip(means[0], means[i], strict=True))
        high = sum(max(a, b) for a, b in zip(means[0], means[i], strict=True))
        scores.append(1 - (1 - share) * (1 - low / high) - share * apart[0][i])
    return scores


def diffusion(query: Vector, near: Sequence[Vector], k: int, kq: int, power: tuple[float, float]) -> list[float]:
    """The scores of a query's candidates, in order of their rows; ``power`` is (gamma, alpha). Solved densely."""
    gamma, alpha = power
    m = len(near)
    chosen = [nearest(x, near, k, own=i) for i, x in enumerate(near)]
    affinity = np.zeros((m, m))
    for i in range(m):
        for j in chosen[i]:
            if i in chosen[j]:
                affinity[i, j] = max(0.0, float(near[i] @ near[j])) ** gamma
    degree = affinity.sum(axis=1)
    flow = np.zeros((m, m))
    for i in range(m):
        for j in range(m):
            if affinity[i, j] > 0:
                flow[i, j] = affinity[i, j] / math.sqrt(degree[i] * degree[j])
    start = np.zeros(m)
    for i in nearest(query, near, kq):
        start[i] = max(0.0, float(query @ near[i])) ** gamma
    solved = np.linalg.solve(np.eye(m) - alpha * flow, start)
    if start.max(initial=0) <= 0:
        return [float(query @ x) - 2 for x in near]
    reach = reached(affinity > 0, [i for i in range(m) if start[i] > 0])
    return [float(solved[i] / solved.max()) if i in reach else float(query @ near[i]) - 2 for i in range(m)]


def reached(edges: NDArray[np.bool_], begin: Sequence[int]) -> set[int]:
    """Everything that a path leads to."""
    seen, todo = set(begin), list(begin)
    while todo:
        i = todo.pop()
        for j in np.flatnonzero(edges[i]).tolist():
            if j not in seen:
                seen.add(j)
                todo.append(j)
    return seen


def one_sided(x: Sequence[Vector], y: Sequence[Vector]) -> float:
    """The mean over x of the largest cosine with any of y; 0 where either is empty."""
    return sum(max(float(a @ b) for b in y) for a in x) / len(x) if len(x) and len(y) else 0.0


def mutual(x: Sequence[Vector], y: Sequence[Vector], power: float, grid: tuple[int, float] | None = None) -> float:
    """The weight of pairs that are each other's nearest; ``grid`` is (cells in a row, cells apart)."""
    pairs = []
    for i, a in enumerate(x):
        j = max(range(len(y)), key=lambda j, a=a: float(a @ y[j]), default=-1)  # type: ignore[misc]
        if j >= 0 and i == max(range(len(x)), key=lambda i, b=y[j]: float(x[i] @ b)):  # type: ignore[misc]
            pairs.append((i, j, max(0.0, float(a @ y[j])) ** power))
    total = sum(weight for *_, weight in pairs)
    if grid is not None:
        width, apart = grid
        shifts = [(j // width - i // width, j % width - i % width) for i, j, _ in pairs]
        total = max((sum(w for (r, c), (*_, w) in zip(shifts, pairs, strict=True)
                         if max(abs(r - a), abs(c - b)) <= apart) for a, b in shifts), default=0.0)  # fmt: skip
    return total / math.sqrt(len(x) * len(y)) if len(x) and len(y) else 0.0


def seed_sift(query: Sequence[Vector], candidate: Sequence[Vector], ratio: float) -> float:
    """The share of the query's points that pass the ratio test."""
    good = 0
    for x in query:
        apart = sorted(math.sqrt(float((x - y) @ (x - y))) for y in candidate)
        good += len(apart) > 1 and apart[0] < ratio * apart[1]
    return good / len(query) if len(query) else 0.0


def seed_vlad(descriptors: Sequence[Vector], centroids: Sequence[Vector]) -> list[float]:
    """Plain sums of residuals, signed square root, unit length."""
    sums = [np.zeros(len(centroids[0])) for _ in centroids]
    for x in descriptors:
        j = min(range(len(centroids)), key=lambda j, x=x: float((x - centroids[j]) @ (x - centroids[j])))  # type: ignore[misc]
        sums[j] = sums[j] + x - centroids[j]
    flat = [math.copysign(math.sqrt(abs(v)), v) for part in sums for v in part.tolist()]
    norm = math.sqrt(sum(v * v for v in flat))
    return [v / norm if norm > 0 else 0.0 for v in flat]

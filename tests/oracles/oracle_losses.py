"""Slow, obvious twins of the losses: loops over pairs and triplets, formulas as the papers print them."""

from __future__ import annotations

import math
from collections.abc import Sequence

Vectors = Sequence[Sequence[float]]


def unit(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector]


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(unit(a), unit(b), strict=True))


def distance(a: Sequence[float], b: Sequence[float]) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(unit(a), unit(b), strict=True)))


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def contrastive(formula: str, vectors: Vectors, labels: Sequence[int], margin: float) -> tuple[float, int, int]:
    """The loss and the numbers of positive and negative unordered pairs."""
    positive, negative = [], []
    for i in range(len(labels)):
        for j in range(i + 1, len(labels)):
            d, c = distance(vectors[i], vectors[j]), cosine(vectors[i], vectors[j])
            if formula == "radenovic":
                costs = 0.5 * d**2, 0.5 * max(0.0, margin - d) ** 2
            else:
                costs = 0.5 * (1 - c), 0.5 * max(0.0, margin - (1 - c))
            if labels[i] == labels[j]:
                positive.append(costs[0])
            else:
                negative.append(costs[1])
    return mean(positive) + mean(negative), len(positive), len(negative)


def triplet(vectors: Vectors, labels: Sequence[int], margin: float) -> tuple[float, int]:
    """Mean over triplets that cost something, and the number of all triplets."""
    costs, count, n = [], 0, len(labels)
    for a in range(n):
        for p in range(n):
            for m in range(n):
                if a != p and labels[a] == labels[p] and labels[a] != labels[m]:
                    count += 1
                    cost = distance(vectors[a], vectors[p]) ** 2 - distance(vectors[a], vectors[m]) ** 2 + margin
                    if cost > 0:
                        costs.append(cost)
    return mean(costs), count


def ntxent(vectors: Vectors, labels: Sequence[int], temperature: float) -> float:
    n, costs = len(labels), []
    for a in range(n):
        negatives = sum(
            math.exp(cosine(vectors[a], vectors[m]) / temperature) for m in range(n) if labels[m] != labels[a]
        )
        for p in range(n):
            if p != a and labels[p] == labels[a]:
                s = math.exp(cosine(vectors[a], vectors[p]) / temperature)
                costs.append(-math.log(s / (s + negatives)))
    return mean(costs)


def supcon(vectors: Vectors, labels: Sequence[int], temperature: float) -> float:
    n, anchors = len(labels), []
    for a in range(n):
        positives = [p for p in range(n) if p != a and labels[p] == labels[a]]
        if not positives:
            continue
        whole = sum(math.exp(cosine(vectors[a], vectors[i]) / temperature) for i in range(n) if i != a)
        anchors.append(
            mean([-math.log(math.exp(cosine(vectors[a], vectors[p]) / temperature) / whole) for p in positives])
        )
    return mean(anchors)


def cross_entropy(logits: Vectors, labels: Sequence[int], smoothing: float = 0.0) -> float:
    costs = []
    for row, label in zip(logits, labels, strict=True):
        total = math.log(sum(math.exp(x) for x in row))
        for c, x in enumerate(row):
            target = smoothing / len(row) + (1 - smoothing if c == label else 0.0)
            costs.append(-target * (x - total))
    return sum(costs) / len(labels)


def angular(kind: str, vectors: Vectors, labels: Sequence[int], weights: Vectors, shape: tuple[float, float]) -> float:
    """ArcFace or CosFace; ``shape`` is margin and scale."""
    margin, scale = shape
    logits = []
    for vector, label in zip(vectors, labels, strict=True):
        row = [cosine(vector, weight) for weight in weights]
        if kind == "cosface":
            row[label] -= margin
        elif math.acos(row[label]) <= math.pi - margin:
            row[label] = math.cos(math.acos(row[label]) + margin)
        else:
            row[label] -= margin * math.sin(margin)
        logits.append([scale * x for x in row])
    return cross_entropy(logits, labels)


def retrieval_values(vectors: Vectors, labels: Sequence[int], k: int) -> tuple[float, float]:
    """recall@1 and mAP@k, every photo asked among the others; queries without positives left out."""
    firsts, precisions = [], []
    for q in range(len(labels)):
        others = sorted((i for i in range(len(labels)) if i != q), key=lambda i: (-cosine(vectors[q], vectors[i]), i))
        relevant = sum(labels[i] == labels[q] for i in others)
        if not relevant:
            continue
        found, total = 0, 0.0
        for rank, i in enumerate(others[:k], 1):
            if labels[i] == labels[q]:
                found += 1
                total += found / rank
        precisions.append(total / min(relevant, k))
        firsts.append(float(labels[others[0]] == labels[q]))
    return mean(firsts), mean(precisions)

"""Evaluating retrieval: exact search and mAP@100 against the usual way, over made vectors.

The usual way is that of published landmark notebooks: scikit-learn's cosine similarity of 500 queries with 500 gallery
rows at a time (which normalises both again each time), the scores joined by a growing ``concatenate``, then a full
``argsort`` down the columns; average precision from label comparisons, ``apply_along_axis`` and ``list.count`` over
the gallery's labels for every label of every query, padded to the longest list. Beside it stand the leanest form of
that search (one similarity matrix, one ``argsort`` along the rows), faiss, and the floor: the bare matrix product.
Vectors are class centres with noise, queries have one to four labels.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity
from threadpoolctl import threadpool_limits

from benchmarks.harness import report
from periplus.evaluate import RETRIEVAL_PROTOCOLS, Relevance, evaluate_ranking
from periplus.evaluate.measures import ap_capped_50
from periplus.evaluate.ranks import positive_ranks
from periplus.records import Ranking
from periplus.search import search_flat

_K, _BATCH, _CLASSES, _LABELS, _SIGNAL = 100, 500, 4000, 4, 0.35

_T = TypeVar("_T")
Line = dict[str, object]
Vectors = NDArray[np.float32]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=1280)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3, help="each time is the median of so many")
    chosen = parser.parse_args()
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((_CLASSES, chosen.dim), np.float32) * np.float32(_SIGNAL)
    labels = rng.integers(1, _CLASSES, chosen.rows)
    asked = [(1 + rng.choice(_CLASSES - 1, 1 + q % _LABELS, replace=False)).tolist() for q in range(chosen.queries)]
    gallery = made(centres[labels], rng)
    queries = made(centres[[each[0] for each in asked]], rng)
    with threadpool_limits(chosen.threads):
        faiss.omp_set_num_threads(chosen.threads)
        searched, ranking = search(queries, gallery, chosen.rounds)
        measured = measure(ranking, asked, labels.tolist(), chosen.rounds)
    size = {"queries": len(queries), "rows": len(gallery), "dim": chosen.dim, "threads": chosen.threads}
    report("retrieval", [{**size, **line} for line in searched + measured])


def made(centres: Vectors, rng: np.random.Generator) -> Vectors:
    """Unit vectors around the centres."""
    vectors = centres + rng.standard_normal(centres.shape, np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def search(queries: Vectors, gallery: Vectors, rounds: int) -> tuple[list[Line], Ranking]:
    """One line a way of finding the first 100, and the exact ranking over float32."""
    half = gallery.astype(np.float16)
    flat = faiss.IndexFlatIP(gallery.shape[1])
    flat.add(gallery)
    ways: dict[str, Callable[[], NDArray[np.int64]]] = {
        "search_flat, float32": lambda: search_flat(queries, [(0, gallery)], _K).rows,
        "search_flat, float16": lambda: search_flat(queries, [(0, half)], _K).rows,
        "faiss IndexFlatIP": lambda: flat.search(queries, _K)[1],
        "one cosine_similarity, argsort": lambda: lean(queries, gallery),
        "cosine_similarity by 500, concatenate, argsort": lambda: usual(queries, gallery),
    }
    floor, _ = median_s(lambda: bare(queries, gallery), rounds)
    found = {name: median_s(way, rounds) for name, way in ways.items()}
    ours, exact = found["search_flat, float32"]
    lines: list[Line] = [{"way": "floor: matrix product", "seconds": floor, "times_ours": floor / ours}]
    for name, (spent, rows) in found.items():
        common = np.mean([len(np.intersect1d(a, b)) / len(a) for a, b in zip(rows, exact, strict=True)])
        line = {"way": name, "seconds": spent, "times_ours": spent / ours}
        lines.append({**line, "same_rows": float((rows == exact).mean()), "same_set": float(common)})
    return lines, search_flat(queries, [(0, gallery)], _K)


def measure(ranking: Ranking, asked: list[list[int]], labels: list[int], rounds: int) -> list[Line]:
    """One line a way of scoring the ranking; all but the last by the cap of 50 that the usual code has."""
    protocol, ids = RETRIEVAL_PROTOCOLS["materarbeit-capped50"], [str(place) for place in range(len(asked))]

    def ours() -> float:
        relevance = Relevance.from_labels(asked, labels)
        ranks = positive_ranks(ranking.rows, relevance)
        return float(ap_capped_50(ranks).mean())

    def whole(name: str) -> float:
        relevance = Relevance.from_labels(asked, labels)
        given = evaluate_ranking(ranking, relevance, RETRIEVAL_PROTOCOLS[name], query_ids=ids)
        return given.values["mAP/100"].value

    ways: dict[str, Callable[[], float]] = {
        "mAP@100: from_labels, positive_ranks, ap": ours,
        "mAP@100: the same with interval and table": lambda: whole(protocol.name),
        "mAP@100: list.count, apply_along_axis": lambda: usual_map(ranking.rows, asked, labels),
        "mAP@100: gldv2-retrieval, interval and table": lambda: whole("gldv2-retrieval"),
    }
    found = {name: median_s(way, rounds) for name, way in ways.items()}
    first = next(iter(found.values()))[0]
    return [
        {"way": name, "seconds": spent, "times_ours": spent / first, "map_100": f"{value:.15f}"}
        for name, (spent, value) in found.items()
    ]


def bare(queries: Vectors, gallery: Vectors) -> None:
    """The product that every exact search must make, by parts that stay in the cache."""
    for start in range(0, len(gallery), 16 * _BATCH):
        queries @ gallery[start : start + 16 * _BATCH].T


def lean(queries: Vectors, gallery: Vectors) -> NDArray[np.int64]:
    """The shortest way to write it with scikit-learn."""
    return np.argsort(-cosine_similarity(queries, gallery), axis=1)[:, :_K]


def usual(queries: Vectors, gallery: Vectors) -> NDArray[np.int64]:
    """By 500 queries and 500 rows, in the steps that the module's text tells."""
    found = []
    for first in range(0, len(queries), _BATCH):
        batch = queries[first : first + _BATCH]
        scores = np.empty((0, len(batch)))
        for start in range(0, len(gallery), _BATCH):
            scores = np.concatenate([scores, cosine_similarity(gallery[start : start + _BATCH], batch)])
        found.append(np.argsort(-scores, axis=0)[:_K].T)
    return np.concatenate(found)


def usual_map(rows: NDArray[np.int64], asked: list[list[int]], labels: list[int]) -> float:
    """Mean AP with the denominator cut to 50 and AP to 1, in the steps that the module's text tells."""
    padded = np.array([each + [0] * (_LABELS - len(each)) for each in asked])
    positives = np.array([sum(labels.count(label) for label in each) for each in padded])
    named = np.array(labels)[rows]
    right = np.logical_or.reduce([padded[:, place, None] == named for place in range(_LABELS)])
    summed = np.apply_along_axis(np.cumsum, 1, right)
    precision = (summed / np.arange(1, rows.shape[1] + 1) * right).sum(axis=1)
    return float(np.minimum(precision / np.minimum(positives, 50), 1).mean())


def median_s(work: Callable[[], _T], rounds: int) -> tuple[float, _T]:
    """The median time of some rounds, and the result."""
    spent = []
    for _ in range(rounds):
        begun = time.perf_counter()
        result = work()
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent)), result


if __name__ == "__main__":
    main()

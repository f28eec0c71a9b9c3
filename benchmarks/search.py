"""Searching: the inverted file and the exact dense search against their rivals and their floors, on one core.

The inverted file (``InvertedFile.scores``) touches the postings of the query's words; its floor is their bytes. The
dense search (``search_flat``) reads every vector once as float16; its rivals are one NumPy product over float32 and
faiss' IndexFlatIP, which hold twice the bytes in memory. 702 rows are the photos; 100,000 are made: vectors at random,
words those of the photos in turn, their codes at random.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import build, report, san_francisco
from periplus.pipeline import OpenedGallery, open_for_search
from periplus.pipeline.opened import CODE_COLUMNS
from periplus.pipeline.query import read_query
from periplus.records import Words
from periplus.search import InvertedFile, build_inverted_file, search_flat

_K, _ROUNDS = 100, 7
_ONE_CORE_GB_S_TRIES = 5

Line = dict[str, object]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gallery", type=Path, help="of all san-francisco photos; built where it is not given")
    parser.add_argument("--queries", type=int, default=10)
    parser.add_argument("--made-rows", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=2, help="processes that build the gallery; measured is one core")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.gallery or Path(folder) / "sf.gallery"
        if chosen.gallery is None:
            build(san_francisco(), path, chosen.jobs, calibration_photos=0)
        with threadpool_limits(1):
            faiss.omp_set_num_threads(1)
            report("search", measure(open_for_search(path), chosen.queries, chosen.made_rows))


def measure(opened: OpenedGallery, queries: int, made_rows: int) -> list[Line]:
    """One line a way of searching and a size."""
    paths = opened.gallery.catalog.column("path")
    asked = [read_query(str(paths[row]), opened) for row in np.linspace(0, len(opened) - 1, queries).astype(int)]
    words = [query.encoded.words for query in asked if query.encoded.words is not None]
    vectors = np.stack([query.vector for query in asked])
    rng = np.random.default_rng(0)
    made = rng.standard_normal((made_rows, opened.gallery.dim), np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    speed = bytes_per_s()
    files = (opened.words, made_words(opened, made_rows, rng))
    lines = [sparse(index, words, speed) for index in files if index is not None]
    for gallery in (np.asarray(opened.gallery.vectors), made.astype(np.float16)):
        lines += dense(gallery, vectors, speed)
    return lines


def sparse(index: InvertedFile, words: list[Words], speed: float) -> Line:
    """The inverted file: time a query, and the bytes of the postings that it must touch."""
    touched = np.mean([(index.starts[w.words + 1] - index.starts[w.words]).sum() for w in words])
    posting = index.rows.itemsize + index.codes.shape[1] * index.codes.itemsize
    spent = best_ms(lambda: [index.scores(one) for one in words]) / len(words)
    return _line("InvertedFile.scores", len(index), spent, float(touched) * posting, speed)


def dense(gallery: NDArray[np.float16], queries: NDArray[np.float32], speed: float) -> list[Line]:
    """The exact search and its rivals, one query at a time."""
    wide = gallery.astype(np.float32)
    flat = faiss.IndexFlatIP(wide.shape[1])
    flat.add(wide)
    k = min(_K, len(gallery))

    def product(query: NDArray[np.float32]) -> NDArray[np.int64]:
        scores = wide @ query
        best = np.argpartition(-scores, k - 1)[:k]
        return best[np.argsort(-scores[best])]

    ways: list[tuple[str, int, Callable[[NDArray[np.float32]], object]]] = [
        ("search_flat", gallery.nbytes, lambda q: search_flat(q[None], [(0, gallery)], k)),
        ("NumPy product, float32", wide.nbytes, product),
        ("faiss IndexFlatIP, float32", wide.nbytes, lambda q: flat.search(q[None], k)),
    ]
    return [
        _line(name, len(gallery), best_ms(lambda way=way: [way(q) for q in queries]) / len(queries), size, speed)  # type: ignore[misc]
        for name, size, way in ways
    ]


def made_words(opened: OpenedGallery, rows: int, rng: np.random.Generator) -> InvertedFile:
    """An inverted file of made photos: the words of the real ones in turn, with codes at random."""
    real = [opened.words_of(row).words for row in range(len(opened))]

    def photo(i: int) -> Words:
        words = real[i % len(real)]
        return Words(words, rng.integers(0, 2**64, (len(words), CODE_COLUMNS), np.uint64))

    return build_inverted_file(map(photo, range(rows)), len(opened.encoder.codebook), CODE_COLUMNS)


def best_ms(work: Callable[[], object]) -> float:
    """The median of some rounds, ms."""
    spent = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent) * 1000)


def bytes_per_s() -> float:
    """How fast one core reads memory here: the best of some sums over 256 MiB."""
    block = np.ones(1 << 26, np.float32)
    spent = []
    for _ in range(_ONE_CORE_GB_S_TRIES):
        begun = time.perf_counter()
        block.max()
        spent.append(time.perf_counter() - begun)
    return block.nbytes / min(spent)


def _line(way: str, rows: int, spent_ms: float, floor_bytes: float, speed: float) -> Line:
    floor_ms = floor_bytes / speed * 1000
    return {
        "way": way,
        "rows": rows,
        "ms_per_query": spent_ms,
        "floor_mb_read": floor_bytes / 1e6,
        "floor_ms": floor_ms,
        "times_floor": spent_ms / floor_ms,
        "memory_gb_per_s": speed / 1e9,
    }


if __name__ == "__main__":
    main()

"""Re-ranking of 100 candidates by SIFT, VLAD and CNN patches: stored features against the published notebooks' way.

That way reads each candidate's picture again for every query and extracts its SIFT points (ratio test by brute force,
no geometry), or runs the network on it for its patches (one product a pair); and it aggregates each candidate's VLAD
again, a centroid at a time, from descriptors at hand. Both ways see the same candidates, pictures of 640 px and as
many SIFT points, or of 224 px and the same network (EfficientNet-B0 with random weights: the time does not depend on
them), on one core; what is known of the query is at hand in both. Periplus verifies SIFT matches by geometry and
compares patches in both directions besides.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import report, san_francisco
from benchmarks.verification import Points, sift_of
from periplus.encode import EncoderConfig
from periplus.encode.models import build_embedder
from periplus.features import SiftConfig
from periplus.photos import read_rgb
from periplus.pipeline import IndexConfig, OpenedGallery, SearchConfig, index, open_for_search
from periplus.pipeline.query import rank_query, read_query
from periplus.rerank import (
    SEED_VLAD_WORDS,
    match_candidates,
    mutual_scores,
    pack_patches,
    stack_patches,
    unpack_patches,
    vlad_scores,
)
from periplus.store import Arena, ArenaWriter, content_hash

_SIFT = SiftConfig(long_side_px=640, max_points=1000)
_EVERY_POINT = SiftConfig(long_side_px=640, max_points=20_000)
_NET_PX, _RATIO = 224, 0.7
_MEAN, _DEVIATION = (np.array(of_rgb, np.float32) for of_rgb in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))

Rows = NDArray[np.int64]
Array = NDArray[np.float32]
T = TypeVar("T")


@dataclass
class Way:
    """One way of re-ranking: seconds of each query."""

    method: str
    name: str
    reading: list[float] = field(default_factory=list)
    matching: list[float] = field(default_factory=list)

    def ask(self, rows: Iterable[int], read: Callable[[int], T], score: Callable[[list[T]], object]) -> list[T]:
        """Read some candidates, then score them; what was read."""
        begun = time.perf_counter()
        candidates = [read(row) for row in rows]
        there = time.perf_counter()
        score(candidates)
        self.reading.append(there - begun)
        self.matching.append(time.perf_counter() - there)
        return candidates

    @property
    def total_s(self) -> float:
        """A query's mean."""
        return float(np.mean(self.reading) + np.mean(self.matching))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=3, help="photos asked (default 3: the other way is slow)")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--gallery", type=Path, help="of the photos at 1000 points; built where it is not given")
    parser.add_argument("--every-point", action="store_true", help="also with all SIFT points, as the notebooks have")
    parser.add_argument("--jobs", type=int, default=2, help="processes that build the gallery; measured is one core")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.gallery or Path(folder) / "sf.gallery"
        if chosen.gallery is None:
            how = IndexConfig(encoder=EncoderConfig(sift=_SIFT), jobs=chosen.jobs, calibration_photos=0)
            index(san_francisco(), path, how)
        torch.set_num_threads(1)
        with threadpool_limits(1):
            cv2.setNumThreads(1)
            opened = open_for_search(path)
            spread = np.linspace(0, len(opened) - 1, chosen.queries + 2).astype(int)[1:-1]
            asked = [(row, candidates_of(row, opened, chosen.candidates)) for row in spread.tolist()]
            ways = [
                *by_sift(opened, asked, every_point=chosen.every_point),
                *by_vlad(opened, asked),
                *by_patches(opened, asked, Path(folder) / "patches"),
            ]
    report("reranking", [line(way, ways, chosen.candidates) for way in ways])


def path_of(row: int, opened: OpenedGallery) -> str:
    """The file of a gallery row."""
    return str(opened.gallery.catalog.row(row)["path"])


def candidates_of(row: int, opened: OpenedGallery, count: int) -> Rows:
    """The best candidates of a gallery photo, without itself."""
    photo = path_of(row, opened)
    return rank_query(
        read_query(photo, opened), opened, count, opened.rows_with_content(content_hash(Path(photo))).tolist()
    ).of(0)[0]


def by_sift(opened: OpenedGallery, asked: Sequence[tuple[int, Rows]], *, every_point: bool) -> list[Way]:
    """E5: geometry on what the gallery keeps, against points extracted again."""
    ours = Way("sift", "Periplus, stored features")
    again = [(Way("sift", "read and extract again, 1000 points"), _SIFT)]
    if every_point:
        again.append((Way("sift", "read and extract again, every point"), _EVERY_POINT))
    for row, rows in asked:
        verify(ours, opened, row, rows)
        for way, config in again:
            extract(way, opened, row, rows, config)
    return [ours, *(way for way, _ in again)]


def verify(way: Way, opened: OpenedGallery, row: int, rows: Rows) -> None:
    """Periplus' way of one query."""
    query = read_query(path_of(row, opened), opened).features
    how = SearchConfig().rerank
    way.ask(rows.tolist(), opened.features, lambda found: match_candidates(query, rows.tolist(), found, how))


def extract(way: Way, opened: OpenedGallery, row: int, rows: Rows, config: SiftConfig) -> None:
    """The other way of one query."""
    query = sift_of(path_of(row, opened), config)
    way.ask(
        rows.tolist(),
        lambda candidate: sift_of(path_of(candidate, opened), config),
        lambda found: [ratio_share(query, one) for one in found],
    )


def ratio_share(query: Points, candidate: Points) -> float:
    """The share of a query's points that pass the ratio test, by brute force."""
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(query[1], candidate[1], k=2)
    return sum(len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance for pair in pairs) / max(len(pairs), 1)


def by_vlad(opened: OpenedGallery, asked: Sequence[tuple[int, Rows]]) -> list[Way]:
    """E6: stored vectors, against aggregation for every query."""
    ours = Way("vlad", "Periplus, stored vectors")
    again = Way("vlad", "aggregate again, a centroid at a time")
    sample = np.concatenate([opened.features(row).descriptors for row in range(0, len(opened), 7)])
    centroids = sample[np.random.default_rng(0).choice(len(sample), SEED_VLAD_WORDS, replace=False)]
    for row, rows in asked:
        query, own = opened.gallery.vector(row), looped_vlad(opened.features(row).descriptors, centroids)
        kept = {candidate: opened.features(candidate).descriptors for candidate in rows.tolist()}
        ours.ask(rows.tolist(), opened.gallery.vector, partial(stacked_scores, query))
        again.ask(rows.tolist(), kept.__getitem__, partial(looped_scores, own, centroids))
    return [ours, again]


def stacked_scores(query: NDArray[np.float16], candidates: list[NDArray[np.float16]]) -> Array:
    """Dot products of stored vectors."""
    return vlad_scores(query, np.stack(candidates))


def looped_scores(query: Array, centroids: Array, candidates: list[Array]) -> list[float]:
    """Dot products with each candidate's VLAD, made again."""
    return [float(looped_vlad(descriptors, centroids) @ query) for descriptors in candidates]


def looped_vlad(descriptors: Array, centroids: Array) -> Array:
    """VLAD, a centroid at a time."""
    squares = (centroids**2).sum(axis=1) - 2 * descriptors @ centroids.T
    nearest = squares.argmin(axis=1)
    made = np.zeros_like(centroids)
    for j, centroid in enumerate(centroids):
        if (nearest == j).any():
            made[j] = (descriptors[nearest == j] - centroid).sum(axis=0)
    flat = np.sign(made.ravel()) * np.sqrt(np.abs(made.ravel()))
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-12), np.float32)


def by_patches(opened: OpenedGallery, asked: Sequence[tuple[int, Rows]], prefix: Path) -> list[Way]:
    """E7: packed patches, against the network on every candidate."""
    ours = Way("patches", "Periplus, packed patches")
    again = Way("patches", "read and run the network again")
    patches = network()
    for row, rows in asked:
        query = patches(path_of(row, opened))
        paths = [path_of(candidate, opened) for candidate in rows.tolist()]
        found = again.ask(range(len(rows)), partial(described, patches, paths), partial(one_sided, query))
        writer = ArenaWriter(prefix)
        for one in found:
            writer.append(pack_patches(one))
        writer.close()
        ours.ask(range(len(rows)), partial(unpacked, Arena(prefix)), partial(two_sided, query))
    return [ours, again]


def one_sided(query: Array, candidates: list[Array]) -> list[float]:
    """The best cosine of each query patch, averaged, a pair of pictures at a time."""
    return [float((query @ one.T).max(axis=1).mean()) for one in candidates]


def two_sided(query: Array, candidates: list[Array]) -> Array:
    """Mutual nearest patches, all candidates at a time."""
    return mutual_scores(query, stack_patches(candidates))


def described(patches: Callable[[str], Array], paths: list[str], at: int) -> Array:
    """One candidate's patches, made again."""
    return patches(paths[at])


def unpacked(arena: Arena, at: int) -> Array:
    """One candidate's patches."""
    return unpack_patches(arena[at])


def network() -> Callable[[str], Array]:
    """From a file to the unit patches (49, 1280) of EfficientNet-B0 at 224 px."""
    embedder = build_embedder("efficientnet_b0", weights="random", pooling="mean").eval()

    def patches(path: str) -> Array:
        picture = cv2.resize(read_rgb(path, 2 * _NET_PX).pixels, (_NET_PX, _NET_PX), interpolation=cv2.INTER_AREA)
        pixels = ((picture / np.float32(255) - _MEAN) / _DEVIATION).transpose(2, 0, 1)
        with torch.inference_mode():
            cells = embedder.feature_map(torch.from_numpy(np.ascontiguousarray(pixels))[None])[0].flatten(1).T.numpy()
        return np.asarray(cells / np.maximum(np.linalg.norm(cells, axis=1, keepdims=True), 1e-12), np.float32)

    return patches


def line(way: Way, ways: Sequence[Way], candidates: int) -> dict[str, object]:
    """A way beside Periplus'."""
    ours = next(other for other in ways if other.method == way.method)
    return {
        "method": way.method,
        "way": way.name,
        "queries": len(way.reading),
        "candidates": candidates,
        "s_per_query": way.total_s,
        "of_it_reading_s": float(np.mean(way.reading)),
        "of_it_matching_s": float(np.mean(way.matching)),
        "times_slower": way.total_s / ours.total_s,
    }


if __name__ == "__main__":
    main()

"""Geometric verification of 100 candidates: stored features against reading every candidate again.

The usual re-ranking of a landmark retrieval pipeline reads each candidate's picture, extracts SIFT, matches by brute
force with the ratio test, and fits a homography by RANSAC. Both ways see the same candidates, the same number of SIFT
points, and one core. The query's own features are at hand in both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import build, report, san_francisco
from periplus.features import SiftConfig
from periplus.geo import distance_km
from periplus.photos import read_gray
from periplus.pipeline import OpenedGallery, SearchConfig, open_for_search
from periplus.pipeline.query import Query, rank_query, read_query
from periplus.rerank import match_candidates
from periplus.store import content_hash

Points = tuple[list[cv2.KeyPoint], NDArray[np.float32]]
_RATIO, _RANSAC_PX = 0.8, 5.0


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=3, help="photos asked (default 3: the usual way is slow)")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--gallery", type=Path, help="of all san-francisco photos; built where it is not given")
    parser.add_argument("--jobs", type=int, default=2, help="processes that build the gallery; measured is one core")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.gallery or Path(folder) / "sf.gallery"
        if chosen.gallery is None:
            build(san_francisco(), path, chosen.jobs, calibration_photos=0)
        with threadpool_limits(1):
            cv2.setNumThreads(1)
            report("verification", measure(open_for_search(path), chosen.queries, chosen.candidates))


def measure(opened: OpenedGallery, queries: int, candidates: int) -> list[dict[str, object]]:
    """One row a way: seconds a query by step, and how often the best candidate stands within 100 m."""
    paths = opened.gallery.catalog.column("path")
    asked = np.linspace(0, len(opened) - 1, queries + 2).astype(int)[1:-1].tolist()
    ours, theirs = [], []
    for row in asked:
        photo = str(paths[row])
        query = read_query(photo, opened)
        rows, _ = rank_query(
            query, opened, candidates, opened.rows_with_content(content_hash(Path(photo))).tolist()
        ).of(0)
        ours.append(stored(query, rows, opened))
        theirs.append(extracted_again(photo, [str(paths[r]) for r in rows.tolist()], opened.encoder.config.sift))
        for found in (ours[-1], theirs[-1]):
            found["right"] = right(row, int(rows[int(found.pop("best"))]), opened)
    per_query = [{key: float(np.mean([one[key] for one in way])) for key in way[0]} for way in (theirs, ours)]
    totals = [way["read_s"] + way["match_s"] for way in per_query]
    return [
        {
            "way": name,
            "queries": queries,
            "candidates": candidates,
            "s_per_query": total,
            "of_it_reading_s": way["read_s"],
            "of_it_matching_s": way["match_s"],
            "times_slower": total / totals[1],
            "best_within_100_m": way["right"],
        }
        for name, way, total in zip(
            ("read and extract again", "Periplus, stored features"), per_query, totals, strict=True
        )
    ]


def stored(query: Query, rows: NDArray[np.int64], opened: OpenedGallery) -> dict[str, float]:
    """Periplus: unpack what the gallery keeps, match, verify."""
    begun = time.perf_counter()
    features = [opened.features(row) for row in rows.tolist()]
    read = time.perf_counter()
    matches = match_candidates(query.features, rows.tolist(), features, SearchConfig().rerank)
    done = time.perf_counter()
    return {"read_s": read - begun, "match_s": done - read, "best": float(np.argmax([m.score for m in matches]))}


def extracted_again(photo: str, candidates: list[str], config: SiftConfig) -> dict[str, float]:
    """The usual way: every candidate's picture is read and described again for this query."""
    query = sift_of(photo, config)
    reading = matching = 0.0
    inliers = []
    for candidate in candidates:
        begun = time.perf_counter()
        found = sift_of(candidate, config)
        read = time.perf_counter()
        inliers.append(ransac_inliers(query, found))
        reading, matching = reading + read - begun, matching + time.perf_counter() - read
    return {"read_s": reading, "match_s": matching, "best": float(np.argmax(inliers))}


def sift_of(path: str, config: SiftConfig) -> Points:
    """SIFT points of a picture, as many and as large as Periplus keeps."""
    sift = cv2.SIFT_create(nfeatures=config.max_points, contrastThreshold=config.contrast_threshold)  # type: ignore[attr-defined]
    keypoints, descriptors = sift.detectAndCompute(read_gray(path, config.long_side_px).pixels, None)
    return list(keypoints), descriptors if descriptors is not None else np.zeros((0, 128), np.float32)


def ransac_inliers(query: Points, candidate: Points) -> int:
    """Inliers of a homography through the matches that pass the ratio test."""
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(query[1], candidate[1], k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance]
    if len(good) < 4:
        return 0
    p = np.array([query[0][m.queryIdx].pt for m in good], np.float32)
    q = np.array([candidate[0][m.trainIdx].pt for m in good], np.float32)
    _, mask = cv2.findHomography(p, q, cv2.RANSAC, _RANSAC_PX)
    return 0 if mask is None else int(mask.sum())


def right(query: int, found: int, opened: OpenedGallery) -> float:
    """1 where two rows stand within 100 m of each other."""
    lat, lon = opened.gallery.catalog.positions
    return float(distance_km(lat[query], lon[query], lat[found], lon[found]) <= 0.1)


if __name__ == "__main__":
    main()

"""Indexing: photos a second against SIFT extraction alone, peak memory, bytes a photo.

SIFT alone reads the same files by the same reader and finds the same points with the same processes, in the same run;
it is the floor of any index that verifies by SIFT. Larger sizes than the data set are made of it by seeded crops,
brightness and re-encoding, at the originals' positions. Each size is indexed by a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from benchmarks.harness import peak_mb, report, san_francisco
from periplus.features import SiftConfig
from periplus.gallery import Gallery, open_gallery
from periplus.photos import read_gray
from periplus.pipeline import IndexConfig, index
from periplus.pipeline.workers import workers
from periplus.sources import Scan, read_table


@dataclass(frozen=True)
class Variant:
    """One photo to be made of another."""

    source: str
    target: Path
    seed: int


@dataclass
class Memory:
    """High-water marks of resident memory, MB: of this process by stage, of any of its children."""

    stages: dict[str, float] = field(default_factory=dict)
    worker: float = 0.0

    def told(self, stage: str, *_: int) -> None:
        """Progress: the mark so far; the last call of a stage stays."""
        self.stages[stage] = peak_mb()

    @contextmanager
    def watching_children(self) -> Iterator[None]:
        """Look at the children's own marks five times a second; a mark outlives what caused it."""
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.2):
                self.worker = max([self.worker, *map(_mark_of, _children())])

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[702, 7000], help="photos; 702 is the data set itself")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    report("indexing", [measure(size, chosen.jobs) for size in chosen.sizes])


def measure(size: int, jobs: int) -> dict[str, object]:
    """One size in a process of its own, its photos and its gallery deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        scan = san_francisco()
        if size != len(scan.catalog):
            scan = make_photos(scan, size, Path(folder) / "photos", jobs)
        with workers(SiftConfig(), sift_alone, jobs) as spread:
            begun = time.perf_counter()
            points = sum(spread([str(path) for path in scan.catalog.column("path")]))
            alone_s = time.perf_counter() - begun
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            row = fresh.submit(measure_index, scan, Path(folder) / "g.gallery", jobs).result()
    total_s = sum(float(str(row[f"{stage}_s"])) for stage in ("learn", "describe", "calibrate"))
    return {
        "photos": size,
        "jobs": jobs,
        "points_per_photo": points / size,
        "sift_alone_photos_per_s": size / alone_s,
        "index_photos_per_s": size / total_s,
        "without_calibration_photos_per_s": size / (total_s - float(str(row["calibrate_s"]))),
        "share_of_sift_alone": alone_s / total_s,
        "sift_alone_s": alone_s,
        "index_s": total_s,
        **row,
    }


def measure_index(scan: Scan, path: Path, jobs: int) -> dict[str, object]:
    """Seconds, memory and bytes of indexing a scan."""
    memory = Memory()
    before = peak_mb()
    with memory.watching_children():
        result = index(scan, path, IndexConfig(jobs=jobs), memory.told)
    return {
        **{f"{stage}_s": seconds for stage, seconds in result.seconds.items()},
        "parent_mb_before": before,
        **{f"parent_mb_{stage}": mark for stage, mark in memory.stages.items()},
        "parent_mb": peak_mb(),
        "worker_mb": memory.worker,
        **bytes_per_photo(open_gallery(path)),
    }


def bytes_per_photo(gallery: Gallery) -> dict[str, float]:
    """Bytes a photo of each part of a gallery."""
    kinds = ("features", "words", "vectors", "catalog")
    parts = {f"{kind}_bytes_per_photo": gallery.disk_bytes[kind] / len(gallery) for kind in kinds}
    return {**parts, "all_bytes_per_photo": sum(gallery.disk_bytes.values()) / len(gallery)}


def sift_alone(config: SiftConfig, path: str) -> int:
    """How many points OpenCV finds in a photo; nothing is kept."""
    cv2.setNumThreads(1)
    sift = cv2.SIFT_create(nfeatures=config.max_points, contrastThreshold=config.contrast_threshold)  # type: ignore[attr-defined]
    return len(sift.detectAndCompute(read_gray(path, config.long_side_px).pixels, None)[0])


def make_photos(scan: Scan, size: int, folder: Path, jobs: int) -> Scan:
    """So many photos in a folder, each a seeded variant of one of the scan's, with its position."""
    folder.mkdir()
    paths = [str(path) for path in scan.catalog.column("path")]
    lat, lon = (degrees.tolist() for degrees in scan.catalog.positions)
    variants = [Variant(paths[i % len(paths)], folder / f"{i:06d}.jpg", i) for i in range(size)]
    with workers(None, make_variant, jobs) as spread:
        made = list(spread(variants))
    with (folder / "photos.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "lat", "lon"])
        writer.writerows([name, lat[i % len(paths)], lon[i % len(paths)]] for i, name in enumerate(made))
    return read_table(folder / "photos.csv")


def make_variant(_: None, variant: Variant) -> str:
    """Cut 3 to 15 % off, change the brightness by up to a fifth, and encode anew at the old size."""
    rng = np.random.default_rng(variant.seed)
    with Image.open(variant.source) as source:
        width, height = source.size
        keep = rng.uniform(0.85, 0.97)
        left, top = rng.uniform(0, 1 - keep, 2) * (width, height)
        picture = source.convert("RGB").crop((int(left), int(top), int(left + keep * width), int(top + keep * height)))
    picture = ImageEnhance.Brightness(picture.resize((width, height))).enhance(float(rng.uniform(0.8, 1.2)))
    picture.save(variant.target, quality=int(rng.integers(75, 95)))
    return variant.target.name


def _children() -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(OSError):  # a thread that ended in between
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def _mark_of(pid: int) -> float:
    try:
        return peak_mb(pid)
    except (OSError, StopIteration):  # it ended in between
        return 0.0


if __name__ == "__main__":
    main()

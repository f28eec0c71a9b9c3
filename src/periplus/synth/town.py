"""A made town: photographs of it whose positions are known, and some of another town."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from periplus.errors import UsageError
from periplus.store import write_bytes_atomic
from periplus.synth.config import TownConfig
from periplus.synth.shots import Photographer, Shot, make_shots, truth_table

CONFIG_FILE, TRUTH_FILE = "town.json", "truth.csv"


@dataclass(frozen=True)
class Town:
    """A town on disk.

    Attributes:
        root: its directory.
        gallery, queries, strangers: folders of JPEG files; only the gallery's say where they were taken.
        truth: CSV with file, lat, lon, bearing_deg and kind (``query`` or ``stranger``) of the photos without position.
        n_gallery, n_queries, n_strangers: how many photos each has.
    """

    root: Path
    gallery: Path
    queries: Path
    strangers: Path
    truth: Path
    n_gallery: int
    n_queries: int
    n_strangers: int


def make_town(out: Path, config: TownConfig | None = None, progress: Callable[[int], None] | None = None) -> Town:
    """Make a town under ``out``; go on with one that was left half made, leave a finished one as it is.

    ``truth.csv`` is written last: where it is, all is. Each photo appears whole or not at all.

    Args:
        out: the directory; made if missing.
        config: what to make; the default town if None.
        progress: called after each photo with how many are done.

    Raises:
        UsageError: ``out`` holds something else than this very town.
    """
    config = config or TownConfig()
    town = Town(
        out, out / "gallery", out / "queries", out / "strangers", out / TRUTH_FILE,
        config.gallery, config.queries, config.strangers,
    )  # fmt: skip
    _claim(out, config)
    shots = make_shots(config)
    missing = [shot for shot in shots if not (out / shot.file).exists()]
    if town.truth.exists() and not missing:
        return town
    for folder in (town.gallery, town.queries, town.strangers):
        folder.mkdir(exist_ok=True)
    done = len(shots) - len(missing)
    for _ in _take_all(out, config, missing):
        done += 1
        if progress is not None:
            progress(done)
    write_bytes_atomic(town.truth, truth_table(shots).encode())
    return town


def _claim(out: Path, config: TownConfig) -> None:
    """Refuse a directory that holds something else; else leave the configuration in it."""
    wanted = {"format": 1, **{k: v for k, v in asdict(config).items() if k != "jobs"}}
    text = json.dumps(wanted, indent=2) + "\n"
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; a town needs a directory. Choose another --output.")
    marker = out / CONFIG_FILE
    if marker.is_file():
        if marker.read_text(encoding="utf-8") != text:
            raise UsageError(f"{out} holds a town of another configuration ({marker}). Choose an empty directory.")
        return
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty and holds no town. Choose an empty directory.")
    out.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(marker, text.encode())


def _take_all(out: Path, config: TownConfig, shots: list[Shot]) -> Iterator[int]:
    """Take photos in the order of the streets, so that textures serve several; one item for each done."""
    if config.jobs == 1 or len(shots) < 2:
        photographer = Photographer(out, config)
        for shot in shots:
            photographer.take(shot)
            yield 1
        return
    size = max(1, min(16, len(shots) // (2 * config.jobs)))
    batches = [shots[k : k + size] for k in range(0, len(shots), size)]
    # Threads of this process may hold locks: a forked child could wait for them forever.
    with ProcessPoolExecutor(config.jobs, multiprocessing.get_context("spawn"), _start_worker, (out, config)) as pool:
        try:
            for count in pool.map(_take_batch, batches):
                yield from range(count)
        finally:
            pool.shutdown(cancel_futures=True)


class _Worker:
    """What one process keeps between batches."""

    photographer: Photographer


def _start_worker(out: Path, config: TownConfig) -> None:
    cv2.setNumThreads(1)
    _Worker.photographer = Photographer(out, config)


def _take_batch(shots: list[Shot]) -> int:
    for shot in shots:
        _Worker.photographer.take(shot)
    return len(shots)

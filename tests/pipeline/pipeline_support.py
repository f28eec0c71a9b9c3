"""A small town and small galleries of it, for the tests of whole jobs."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from periplus.encode import EncoderConfig
from periplus.features import SiftConfig
from periplus.gallery import Gallery
from periplus.pipeline import IndexConfig, IndexResult, index
from periplus.sources import Scan, read_folder
from periplus.synth import Town, TownConfig, make_town

TINY_ENCODER = EncoderConfig(
    sift=SiftConfig(long_side_px=320, max_points=400),
    codebook_size=512,
    vlad_centroids=16,
    vlad_dim=32,
    sample_descriptors=8000,
)
"""Learnt in a second; enough to know a street by."""

TINY = IndexConfig(encoder=TINY_ENCODER, jobs=1, calibration_photos=10)


@lru_cache(maxsize=1)
def small_town(session: Path) -> Town:
    """40 photos with positions, 6 queries, 3 strangers; read only."""
    config = TownConfig(gallery=40, queries=6, strangers=3, size_px=(480, 360), blocks=(2, 1), jobs=1)
    return make_town(session / "town", config)


@lru_cache(maxsize=1)
def town_gallery(session: Path) -> Path:
    """The town's gallery, calibrated on all of its photos; read only."""
    path = session / "town.gallery"
    index(read_folder(small_town(session).gallery), path, replace(TINY, calibration_photos=200))
    return path


def truth(town: Town) -> dict[Path, tuple[float, float]]:
    """Where each query of a town was taken, degrees."""
    with town.truth.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "query"]
    return {town.root / row["file"]: (float(row["lat"]), float(row["lon"])) for row in rows}


def some(scan: Scan, photos: int) -> Scan:
    """The first photos of a scan."""
    return replace(scan, catalog=scan.catalog.select(np.arange(photos)))


def counts(result: IndexResult) -> tuple[int, int, int, int, int]:
    """Photos added, changed, unchanged, removed, gone."""
    return result.added, result.changed, result.unchanged, result.removed, result.gone


def contents(gallery: Gallery) -> dict[str, object]:
    """All that a gallery knows, by photo, whatever its segments: bytes, not roundings."""
    rows = {
        str(row["id"]): (
            row,
            gallery.vector(i).tobytes(),
            {name: gallery.blob(name, i).tobytes() for name in gallery.arena_names},
        )
        for i, row in enumerate(gallery.catalog.row(i) for i in range(len(gallery)))
    }
    return {
        "fingerprint": gallery.fingerprint,
        "digest": gallery.content_digest,
        "rows": rows,
        "order": gallery.catalog.ids,
        "calibration": gallery.resource("calibration"),
    }

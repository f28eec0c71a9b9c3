"""Small galleries of the made landmarks, for the tests of what ranks, judges and experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from forger_landmarks import made_landmarks
from oracle_models import save_tiny

from periplus.encode import EncoderConfig
from periplus.features import SiftConfig
from periplus.pipeline import IndexConfig, OpenedGallery, deep_encoder, index, open_for_search
from periplus.records import Catalog
from periplus.sources import Scan, open_source

TINY_ENCODER = EncoderConfig(
    sift=SiftConfig(long_side_px=160, max_points=200),
    codebook_size=256,
    vlad_centroids=16,
    vlad_dim=32,
    sample_descriptors=8000,
)
EACH = 10
"""Photos a landmark; the last two are no gallery photos but queries."""


def photos(session: Path) -> Scan:
    """All 60 photos, the queries' ``split`` being ``query``, the others' in turn ``train`` and ``index``."""
    scan = open_source(str(made_landmarks(session)))
    splits = ["query" if i % EACH >= EACH - 2 else ("train", "index")[i % 2] for i in range(len(scan.catalog))]
    return replace(scan, catalog=with_column(scan.catalog, "split", splits))


def gallery_photos(session: Path) -> Scan:
    return photos(session).of_splits(("train", "index"))


def query_photos(session: Path) -> Scan:
    return photos(session).of_splits(("query",))


def with_column(catalog: Catalog, name: str, values: Sequence[object]) -> Catalog:
    """The catalog with other values in a column, or one column more."""
    table, column = catalog.table, pa.array(values)
    if name not in table.column_names:
        return Catalog(table.append_column(name, column))
    place = table.column_names.index(name)
    return Catalog(table.set_column(place, table.schema.field(name), column.cast(table.schema.field(name).type)))


def first(scan: Scan, n: int) -> Scan:
    return replace(scan, catalog=scan.catalog.select(np.arange(n)))


@lru_cache(maxsize=1)
def tiny_network(session: Path) -> Path:
    """A residual network of a few channels with random weights, in the hub's layout."""
    return save_tiny("resnet", session / "tiny-resnet")


@lru_cache(maxsize=1)
def deep_config(session: Path) -> EncoderConfig:
    deep = deep_encoder(str(tiny_network(session)), patches=True)
    return replace(TINY_ENCODER, name="deep", model=deep.model, patches=True)


@lru_cache(maxsize=1)
def deep_gallery(session: Path) -> OpenedGallery:
    """48 photos by the tiny network, with patches, calibrated on 10; read only."""
    return _indexed(session, "deep", deep_config(session), 10)


@lru_cache(maxsize=1)
def words_gallery(session: Path) -> OpenedGallery:
    """48 photos by words; read only."""
    return _indexed(session, "asmk", TINY_ENCODER, 0)


@lru_cache(maxsize=1)
def vlad_gallery(session: Path) -> OpenedGallery:
    """48 photos by VLAD alone; read only."""
    return _indexed(session, "vlad", replace(TINY_ENCODER, name="vlad"), 0)


def _indexed(session: Path, name: str, encoder: EncoderConfig, calibration: int) -> OpenedGallery:
    path = session / f"landmarks-{name}.gallery"
    index(gallery_photos(session), path, IndexConfig(encoder=encoder, jobs=1, calibration_photos=calibration))
    return open_for_search(path)

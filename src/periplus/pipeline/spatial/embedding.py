"""What an encoder sees in the photos of a source: a gallery that is kept in a cache, or lives for this once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from periplus.encode import ENCODERS, EncoderConfig
from periplus.errors import EmptyInputError, UsageError
from periplus.gallery import open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.pipeline.indexing import IndexConfig, index
from periplus.pipeline.spatial.reading import Reading, Tell
from periplus.pipeline.world import WorldIndexConfig, choose_spec, index_world
from periplus.records import Catalog, Skip
from periplus.sources import Scan
from periplus.store import fingerprint, writing


@dataclass(frozen=True, eq=False)
class Seen:
    """What an encoder saw.

    Attributes:
        catalog: the rows of the source that it could look at, in the source's order.
        vectors: float16 (n, d), unit rows, or 0 where a photo has no features.
    """

    catalog: Catalog
    vectors: NDArray[np.float16]


def embedded(scan: Scan, source: str, encoder: str, reading: Reading, tell: Tell) -> tuple[Seen, tuple[Skip, ...]]:
    """Encode the rows of a source; those that the cache holds unchanged are not looked at again.

    Args:
        scan: photos with positions, or bare positions for a geo model.
        source: what was scanned; another source has another gallery in the cache.
        encoder: weight-free by name, a vision model, or a geo model.
        reading: the cache, options of the model, worker processes.
        tell: told of every photo.

    Raises:
        EmptyInputError: nothing could be encoded.
        UsageError: the encoder does not go with the source.
        CannotRunError: the model is not on this machine.
    """
    if reading.cache is None:
        with TemporaryDirectory(prefix="periplus-") as folder:
            seen, skipped = _indexed(scan, Path(folder) / "once.gallery", encoder, reading, tell)
            # The folder goes, and what is mapped from it.
            return Seen(seen.catalog, np.array(seen.vectors)), skipped
    with writing(reading.cache):
        reading.cache.mkdir(parents=True, exist_ok=True)
    return _indexed(scan, reading.cache / cache_name(scan, source, encoder, reading), encoder, reading, tell)


def cache_name(scan: Scan, source: str, encoder: str, reading: Reading) -> str:
    """Of the gallery that keeps what an encoder saw: readable, and another one for another source or other options.

    Two sources may call different photos by one id, so they cannot share a gallery.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(encoder).name)[:60].strip("-.") or "encoder"
    model = str(Path(encoder).resolve()) if Path(encoder).is_dir() else encoder
    whose = str(Path(source).resolve()) if Path(source).exists() else f"{source} {scan.root}"
    return f"{plain}-{fingerprint([model, dict(reading.options), whose])[:8]}.gallery"


def _indexed(scan: Scan, target: Path, encoder: str, reading: Reading, tell: Tell) -> tuple[Seen, tuple[Skip, ...]]:
    if encoder in ENCODERS:
        if reading.options:
            raise UsageError(f"--model is for vision models, not for {encoder}.")
        if not (target / MANIFEST).exists() and not scan.catalog.table.column("path").drop_null():
            raise EmptyInputError(f"The source has no photo that {encoder} could look at.")
        config = IndexConfig(EncoderConfig(name=encoder), jobs=reading.jobs, calibration_photos=0)
        skipped = index(scan, target, config, tell).skipped
    else:
        spec = choose_spec(scan, encoder, reading.options)
        skipped = index_world(scan, target, spec, WorldIndexConfig(jobs=reading.jobs), tell).skipped
    return _seen(scan.catalog, target, {skip.path for skip in skipped}), skipped


def _seen(catalog: Catalog, target: Path, skipped: set[str]) -> Seen:
    """The rows with their vectors: the gallery may hold others, and what a photo was before it could not be read."""
    gallery = open_gallery(target)
    held = gallery.catalog
    place = {photo: row for row, photo in enumerate(zip(held.ids, held.column("path"), strict=True))}
    wanted = list(zip(catalog.ids, catalog.column("path"), strict=True))
    rows = [row for row, photo in enumerate(wanted) if photo in place and not skipped.intersection(map(str, photo))]
    at = np.array([place[wanted[row]] for row in rows], np.int64)
    whole = len(at) == len(gallery.vectors) and bool((at == np.arange(len(at))).all())
    return Seen(catalog.select(np.array(rows, np.int64)), gallery.vectors if whole else gallery.vectors[at])

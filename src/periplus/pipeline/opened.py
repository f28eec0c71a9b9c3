"""A gallery ready to be asked: its encoder, its inverted file, its calibration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from periplus.encode import RESOURCES, Encoder, encoder_from, unpack_words
from periplus.errors import GalleryError, UsageError
from periplus.features import DESCRIPTOR_DIM, unpack
from periplus.gallery import Gallery, open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.pipeline.excluding import AskedGallery
from periplus.position import Calibration, calibration_from
from periplus.records import LocalFeatures, Words
from periplus.search import InvertedFile, build_inverted_file
from periplus.store import content_hash

FEATURES, WORDS, VLAD, PATCHES = "features", "words", "vlad", "patches"
CALIBRATION = "calibration"
CODE_COLUMNS = DESCRIPTOR_DIM // 64


@dataclass(frozen=True)
class OpenedGallery(AskedGallery):
    """A snapshot of a gallery with what searching needs in memory.

    Attributes:
        gallery: the snapshot on disk.
        encoder: which made it, and makes queries.
        words: the inverted file; None where the encoder has no words.
        calibration: of beliefs, confidence and radii.
        placed: bool (n,), which rows have a position.
    """

    gallery: Gallery
    encoder: Encoder
    words: InvertedFile | None
    calibration: Calibration
    placed: NDArray[np.bool_]

    def features(self, row: int) -> LocalFeatures:
        """The stored local features of one row."""
        return unpack(self.gallery.blob(FEATURES, row))

    def words_of(self, row: int) -> Words:
        """The stored words of one row."""
        return unpack_words(self.gallery.blob(WORDS, row), CODE_COLUMNS)


def open_for_search(path: str | Path) -> OpenedGallery:
    """Open a gallery for searching and locating.

    Raises:
        GalleryError: it is missing, damaged, or was made by an encoder that this version does not know.
    """
    gallery = open_gallery(path)
    encoder = encoder_of(gallery)
    words = None
    if encoder.has_words:
        stored = (unpack_words(gallery.blob(WORDS, row), CODE_COLUMNS) for row in range(len(gallery)))
        words = build_inverted_file(stored, len(encoder.codebook), CODE_COLUMNS)
    return OpenedGallery(gallery, encoder, words, calibration_of(gallery), gallery.catalog.has_position)


_kept: dict[tuple[str, str], OpenedGallery] = {}


def kept_for_search(path: str) -> OpenedGallery:
    """The gallery opened once a process and again only when it has changed; for workers."""
    stamp = (path, content_hash(Path(path) / MANIFEST))
    if stamp not in _kept:
        _kept.clear()
        _kept[stamp] = open_for_search(path)
    return _kept[stamp]


def encoder_of(gallery: Gallery) -> Encoder:
    """Rebuild the encoder that a gallery keeps.

    Raises:
        GalleryError: it is of another version, or its arrays do not carry its fingerprint.
        UsageError: it is a world-wide one.
    """
    if "rows" in gallery.encoder:
        raise UsageError(
            f"{gallery.path} is a world-wide gallery and keeps no local features, which this needs. "
            "Locate and search by it, or evaluate it with periplus evaluate fix."
        )
    missing = [name for name in RESOURCES if not gallery.has_resource(name)]
    if missing:
        raise GalleryError(f"{gallery.path} lacks {', '.join(missing)} of its encoder. Index the photos again.")
    arrays = {name: np.asarray(cast("NDArray[np.float32]", gallery.resource(name))) for name in RESOURCES}
    encoder = encoder_from(gallery.encoder, arrays)
    if encoder.fingerprint != gallery.fingerprint:
        raise GalleryError(
            f"{gallery.path} says that {gallery.fingerprint!r} made it, but its encoder is {encoder.fingerprint!r}. "
            "Index the photos again with this version."
        )
    return encoder


def calibration_of(gallery: Gallery) -> Calibration:
    """What a gallery is calibrated to; the defaults where it never was.

    Raises:
        GalleryError: it cannot be read.
    """
    if not gallery.has_resource(CALIBRATION):
        return Calibration()
    return calibration_from(cast("dict[str, object]", gallery.resource(CALIBRATION))["calibration"])

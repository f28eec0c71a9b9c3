"""What a worker does with one photo: hash, features, words, bytes to store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.encode import Encoder, pack_words
from periplus.errors import PeriplusError, PhotoError
from periplus.features import SiftConfig, extract_sift
from periplus.photos import Limits, read_gray
from periplus.pipeline.opened import FEATURES, PATCHES, VLAD, WORDS
from periplus.pipeline.pictures import picture_encoder, read_views
from periplus.records import LocalFeatures, Skip
from periplus.rerank import pack_patches
from periplus.store import content_hash

Row = dict[str, object]


@dataclass(frozen=True)
class Described:
    """One photo, ready to be written.

    Attributes:
        row: its line of the catalog, with ``content_hash``.
        vector: float32 (d,).
        blobs: packed features and words by arena name.
    """

    row: Row
    vector: NDArray[np.float32]
    blobs: dict[str, NDArray[np.uint8]]


@dataclass(frozen=True)
class Unchanged:
    """A photo that the gallery holds as it is."""

    id: str


@dataclass(frozen=True)
class Todo:
    """One photo to describe.

    Attributes:
        row: its line of the catalog.
        known_hash: the content that the gallery holds under the same metadata; None where it holds none.
        features: the photo's features, where they are at hand already.
    """

    row: Row
    known_hash: str | None = None
    features: LocalFeatures | None = None


def find_features(state: tuple[SiftConfig, Limits], path: str) -> LocalFeatures | Skip:
    """The RootSIFT features of one photo, or why there are none."""
    sift, limits = state
    try:
        return extract_sift(read_gray(Path(path), sift.long_side_px, limits).pixels, sift)
    except PhotoError as error:
        return Skip(path, error.kind, error.reason)


def describe_photo(state: tuple[Encoder, Limits], todo: Todo) -> Described | Unchanged | Skip:
    """Describe one photo, or say that it is unchanged, or why it is skipped; never raises for one photo."""
    encoder, limits = state
    path = str(todo.row["path"])
    if not Path(path).is_file():  # a pipe in its place would be waited for without end
        return Skip(path, "missing", "the file is gone, or is no plain file any more")
    try:
        digest = content_hash(Path(path))
    except PeriplusError as error:
        return Skip(path, "unreadable", str(error))
    except OSError as error:
        return Skip(path, "unreadable", error.strerror or str(error))
    if digest == todo.known_hash:
        return Unchanged(str(todo.row["id"]))
    try:
        return _describe(encoder, limits, {**todo.row, "content_hash": digest}, todo.features)
    except PhotoError as error:
        return Skip(path, error.kind, error.reason)


def _describe(encoder: Encoder, limits: Limits, row: Row, features: LocalFeatures | None) -> Described:
    """What is stored of a photo."""
    sift, model = encoder.config.sift, encoder.model
    views = None
    if features is None or model is not None:
        views = read_views(str(row["path"]), sift.long_side_px, limits, colour=model is not None)
        features = extract_sift(views.gray, sift) if features is None else features
    encoded = encoder.encode(features)
    blobs = {FEATURES: encoder.packing.pack(features)}
    if encoded.words is not None:
        blobs[WORDS] = pack_words(encoded.words)
    if model is None or views is None or views.colour is None:
        return Described(row, encoded.vector, blobs)
    blobs[VLAD] = encoded.vector.astype(np.float16).view(np.uint8)
    vector, patches = picture_encoder(model).look(views.colour)
    if encoder.config.patches:
        blobs[PATCHES] = pack_patches(patches)
    return Described(row, vector, blobs)

"""A world-wide gallery ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.encode import LocationEncoder
from periplus.errors import EmptyInputError, GalleryError
from periplus.gallery import Gallery, open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.geo import places_of
from periplus.pipeline.excluding import AskedGallery
from periplus.pipeline.world.areas import areas_of
from periplus.pipeline.world.spec import WorldSpec, geo_model_of, spec_of
from periplus.position import (
    AreaTable,
    WorldCalibration,
    WorldRows,
    area_table,
    two_step,
    world_calibration_from,
)
from periplus.search import widened
from periplus.store import content_hash

CALIBRATION, CALIBRATION_OF = "world-calibration", "world-calibration-of"
MASS = "prior_mass"
"""The column of a gallery's catalog with how much each row counts before anything is seen; 1 where there is none."""

_LEAST = np.float32(1e-30)


@dataclass(frozen=True, eq=False)
class OpenedWorld(AskedGallery):
    """A snapshot of a world-wide gallery with what answering needs in memory.

    Attributes:
        gallery: the snapshot on disk.
        spec: what its rows are, and which models made them.
        calibration: of temperature, regions, radii and confidence.
    """

    gallery: Gallery
    spec: WorldSpec
    calibration: WorldCalibration

    @cached_property
    def rows(self) -> WorldRows:
        """Positions, prior probabilities and areas."""
        lat, lon = self.gallery.catalog.positions
        table = self.gallery.catalog.table
        mass = np.ones(len(self))
        if MASS in table.column_names:
            kind = table.schema.field(MASS).type
            numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
            mass = np.asarray(table.column(MASS).to_numpy(), np.float64) if numbers else np.zeros(len(self))
            if not (np.isfinite(mass) & (mass > 0)).all() or not mass.min() / mass.sum() > 0:
                raise GalleryError(
                    f"{self.gallery.path} has rows whose {MASS} is no positive number. Index them again."
                )
        return WorldRows(lat, lon, mass / mass.sum(), areas_of(self.gallery))

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """All vectors, float32 (n, d): twice the bytes on disk, and several times as fast to multiply."""
        vectors = np.empty((len(self), self.gallery.dim), np.float32)
        for first, block in self.gallery.vectors_blocks():
            widened(block, vectors[first : first + len(block)])
        return vectors

    @cached_property
    def areas(self) -> AreaTable:
        """Country, region and city of each row."""
        return area_table(places_of(*self.gallery.catalog.positions))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Of the rows."""
        return tuple(self.gallery.catalog.ids)

    @property
    def scale(self) -> float:
        """What scores are multiplied by before the softmax; those of texts are log probabilities already."""
        return 1.0 if self.spec.rows == "texts" else self.spec.scale

    @cached_property
    def location(self) -> LocationEncoder | None:
        """The encoder of positions, to look between the rows; None where rows are no positions."""
        return geo_model_of(self.spec).location if self.spec.rows == "positions" else None

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (q, n) of all rows for queries' vectors (q, d); each gallery vector is read once.

        Cosines; of texts the log probabilities of country and city in turn.
        """
        cosines = vectors @ self.vectors.T
        if self.spec.rows != "texts":
            return cosines
        return np.log(np.maximum(two_step(cosines, self.spec.scale, *self._countries), _LEAST))

    @cached_property
    def _countries(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Which country each text belongs to, and whether it stands for all of it; one country where nobody says."""
        table = self.gallery.catalog.table
        if not {"country_code", "place_kind"} <= {*table.column_names}:
            return np.zeros(len(self), np.int64), np.zeros(len(self), np.bool_)
        names = [str(code) for code in table.column("country_code").to_pylist()]
        whole = np.array([kind == "country" for kind in table.column("place_kind").to_pylist()], np.bool_)
        return np.unique(names, return_inverse=True)[1].astype(np.int64), whole


def open_world(path: str | Path) -> OpenedWorld:
    """Open a world-wide gallery.

    Raises:
        GalleryError: it is missing, damaged, or of another kind.
        EmptyInputError: it has no row.
    """
    gallery = open_gallery(path)
    spec = spec_of(gallery)
    if not len(gallery):
        raise EmptyInputError(f"{path} has no row that could answer. Add some: periplus gallery add {path} SOURCE")
    calibration = WorldCalibration()
    if gallery.has_resource(CALIBRATION):
        calibration = world_calibration_from(cast("dict[str, object]", gallery.resource(CALIBRATION)))
    return OpenedWorld(gallery, spec, calibration)


def is_calibration_current(gallery: Gallery) -> bool:
    """Whether a world-wide gallery still has the rows that it was calibrated with."""
    of = gallery.resource(CALIBRATION_OF) if gallery.has_resource(CALIBRATION_OF) else None
    return isinstance(of, dict) and of.get("content") == gallery.content_digest


_kept: dict[tuple[str, str], OpenedWorld] = {}


def kept_world(path: str) -> OpenedWorld:
    """The gallery opened once a process and again only when it has changed; for workers."""
    stamp = (path, content_hash(Path(path) / MANIFEST))
    if stamp not in _kept:
        _kept.clear()
        _kept[stamp] = open_world(path)
    return _kept[stamp]

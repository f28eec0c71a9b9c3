"""Galleries whose every vector is known: positions as unit vectors, so that a cosine is that of the angle between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.gallery import GalleryWriter, create_gallery
from periplus.geo import to_unit
from periplus.pipeline.world import OpenedWorld, WorldSpec, open_world

Position = tuple[float, float]
SCALE = 500.0


class SphereEncoder:
    """A location encoder that knows the truth: a position is its unit vector."""

    dim = 3
    fingerprint = "sphere"

    def encode(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.float32]:
        return to_unit(np.asarray(lat_deg, np.float64), np.asarray(lon_deg, np.float64)).astype(np.float32)


def sphere_gallery(
    path: Path,
    positions: Sequence[Position],
    columns: Mapping[str, Sequence[object]] | None = None,
    *,
    rows: str = "positions",
    scale: float = SCALE,
) -> Path:
    """A gallery of the positions with more columns; photos have no files."""
    model, query = ("sphere", None) if rows == "positions" else (None, {"model": {"name": "sphere"}})
    spec = WorldSpec(rows, model, query, scale, f"world-{rows}-sphere", 3)  # type: ignore[arg-type]
    create_gallery(path, encoder=spec.to_encoder(), fingerprint=spec.fingerprint, dim=3, resources={})
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        for number, (lat, lon) in enumerate(positions):
            row = {"id": f"r{number}", "lat_deg": lat, "lon_deg": lon, "content_hash": f"h{number}"}
            if rows == "photos":
                row["path"] = f"/none/{number}.jpg"
            segment.add(row | {name: values[number] for name, values in (columns or {}).items()}, to_unit(lat, lon))
        writer.commit(segment)
    return path


def open_sphere(path: Path) -> OpenedWorld:
    """Open it with its location encoder, which lies in no file, and vectors that are not rounded."""
    opened = open_world(path)
    lat, lon = opened.gallery.catalog.positions
    opened.__dict__["location"] = SphereEncoder() if opened.spec.rows == "positions" else None
    opened.__dict__["vectors"] = to_unit(lat, lon).astype(np.float32)
    return opened


def vector_at(position: Position) -> NDArray[np.float32]:
    """The vector of a photo that was taken there."""
    return np.asarray(to_unit(*position), np.float32)

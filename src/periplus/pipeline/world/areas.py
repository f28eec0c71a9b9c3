"""How much of the Earth each row of a world-wide gallery stands for: the part that is nearer to it than to others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.gallery import Gallery, GalleryWriter, open_gallery
from periplus.geo import cell_areas_km2, same_positions
from periplus.store import fingerprint

AREAS, AREAS_OF = "world-areas", "world-areas-of"


def keep_areas(path: Path) -> None:
    """Measure the rows' areas and keep them with the gallery, unless it holds those of these very positions."""
    gallery = open_gallery(path)
    if len(gallery) and _kept(gallery) is None:
        areas = measure_areas(*gallery.catalog.positions)
        with GalleryWriter(path) as writer:
            writer.put_resource(AREAS, areas)
            writer.put_resource(AREAS_OF, {"positions": _positions_print(gallery)})


def areas_of(gallery: Gallery) -> NDArray[np.float64]:
    """The rows' areas in km2, (n,): as they are kept, or measured where rows came or went since."""
    kept = _kept(gallery)
    return measure_areas(*gallery.catalog.positions) if kept is None else kept


def measure_areas(lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas in km2, (n,); rows at one position share its part alike."""
    first, place = same_positions(lat_deg, lon_deg)
    return np.asarray((cell_areas_km2(lat_deg[first], lon_deg[first]) / np.bincount(place))[place], np.float64)


def _kept(gallery: Gallery) -> NDArray[np.float64] | None:
    if not (gallery.has_resource(AREAS) and gallery.has_resource(AREAS_OF)):
        return None
    areas, of = gallery.resource(AREAS), gallery.resource(AREAS_OF)
    # Whatever is no longer, or never was, what it should be is measured anew.
    right = isinstance(areas, np.ndarray) and areas.shape == (len(gallery),) and areas.dtype == np.float64
    right = right and isinstance(of, dict) and of.get("positions") == _positions_print(gallery)
    return areas if right and (np.isfinite(areas) & (areas > 0)).all() else None


def _positions_print(gallery: Gallery) -> str:
    return fingerprint("positions", *gallery.catalog.positions)

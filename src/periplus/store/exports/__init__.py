"""Catalogs and answers in the formats of other programs, one file a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from periplus.errors import UsageError
from periplus.records import Catalog
from periplus.store.atomic import atomic_path
from periplus.store.exports import csv, geojson, geoparquet, gpx, kml
from periplus.store.exports.fixes import Located, fixes_to_geojson

__all__ = ["FORMATS", "Exported", "Format", "Located", "fixes_to_geojson", "write_catalog"]


@dataclass(frozen=True)
class Format:
    """One export format.

    Attributes:
        suffix: of its files.
        write: writes a catalog to a file.
        needs_position: whether rows without position cannot be written.
    """

    suffix: str
    write: Callable[[Catalog, Path], None]
    needs_position: bool


FORMATS: Final[dict[str, Format]] = {
    "csv": Format(".csv", csv.write, needs_position=False),
    "geojson": Format(".geojson", geojson.write, needs_position=True),
    "geoparquet": Format(".parquet", geoparquet.write, needs_position=True),
    "gpx": Format(".gpx", gpx.write, needs_position=True),
    "kml": Format(".kml", kml.write, needs_position=True),
}
"""The family of formats."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        path: the file.
        written: how many rows it has.
        without_position: how many rows of the catalog have no position; only CSV holds them.
    """

    path: Path
    written: int
    without_position: int


def write_catalog(catalog: Catalog, path: Path | str, format: str | None = None) -> Exported:  # noqa: A002
    """Write a catalog for other programs; the file appears whole or not at all.

    Args:
        catalog: the photos. Rows without position are left out of geographic formats.
        path: the file to write; an old one is replaced.
        format: a name of :data:`FORMATS`; None takes it from the suffix of ``path``.

    Raises:
        UsageError: the format or the suffix is unknown.
    """
    target = Path(path)
    chosen = _format(target, format)
    known = catalog.has_position
    rows = catalog.select(np.asarray(known)) if chosen.needs_position else catalog
    with atomic_path(target) as temporary:
        chosen.write(rows, temporary)
    return Exported(target, len(rows), int((~known).sum()))


def _format(path: Path, name: str | None) -> Format:
    if name is not None:
        if name not in FORMATS:
            raise UsageError(f"There is no export format {name!r}; choose one of {', '.join(FORMATS)}.")
        return FORMATS[name]
    for format_ in FORMATS.values():
        if path.suffix.lower() == format_.suffix:
            return format_
    suffixes = ", ".join(format_.suffix for format_ in FORMATS.values())
    raise UsageError(f"{path}: the suffix {path.suffix!r} names no export format; use one of {suffixes}, or a format.")

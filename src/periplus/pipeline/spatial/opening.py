"""Places and what was observed there: from a gallery, from pictures and an encoder, or from a table's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from periplus.errors import CatalogError, EmptyInputError, GalleryError, UsageError
from periplus.gallery import Gallery, open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.pipeline.spatial.embedding import embedded
from periplus.pipeline.spatial.reading import Reading, Tell
from periplus.records import Catalog, Skip
from periplus.sources import Scan, open_source
from periplus.store import map_array

Vectors = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Placed:
    """Rows whose position is known.

    Attributes:
        catalog: of these rows.
        vectors: float16 or float32 (n, d), unit rows of an encoder or as a file has them; None where only the
            catalog's own numbers are looked at.
        label: what made the vectors, for people.
        skipped: what could not be read.
        unplaced: how many rows have no position and were left out.
        left_out: how many rows the lot left out.
    """

    catalog: Catalog
    vectors: Vectors | None
    label: str
    skipped: tuple[Skip, ...] = ()
    unplaced: int = 0
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.catalog)

    def rows(self, rows: NDArray[np.int64]) -> Placed:
        """Some rows, in the order of ``rows``."""
        return replace(
            self, catalog=self.catalog.select(rows), vectors=None if self.vectors is None else self.vectors[rows]
        )


def open_placed(source: str, encoder: str | None, reading: Reading, tell: Tell) -> Placed:
    """Read a source for spatial statistics.

    Args:
        source: a gallery, or any source of :func:`periplus.sources.open_source`.
        encoder: for pictures (or for bare positions and a geo model): what makes their vectors.
        reading: how.
        tell: told of the progress.

    Raises:
        UsageError: an encoder for a gallery, which has its own; vectors of a file and of an encoder.
        CatalogError: the file of vectors does not fit the source.
        EmptyInputError: fewer than two rows have a position.
        CannotRunError: a model is not on this machine.
    """
    if is_gallery(source):
        if encoder is not None or reading.vectors is not None:
            raise UsageError(f"{source} is a gallery and has its vectors: leave --encoder and --vectors out.")
        if reading.columns:
            raise UsageError(f"{source} is a gallery: its columns are known, --column cannot change them.")
        gallery = open_gallery(source)
        scan = Scan(gallery.catalog, (), Path(source)).of_splits(reading.splits)
        return _placed(scan, _rows_of(gallery, scan), gallery_label(gallery), reading)
    scan = open_source(source, progress=lambda done: tell("read", done, None), columns=reading.columns)
    if reading.vectors is not None:
        if encoder is not None:
            raise UsageError("Give --encoder or --vectors: either makes the vectors.")
        vectors = _file_vectors(reading.vectors, scan)
        chosen = scan.of_splits(reading.splits)
        rows = row_numbers(scan.catalog.ids, chosen.catalog.ids)
        return _placed(chosen, vectors if len(rows) == len(vectors) else vectors[rows], reading.vectors.name, reading)
    scan = scan.of_splits(reading.splits)
    if encoder is None:
        return _placed(scan, None, Path(source).name or source, reading)
    # Pictures cost most: the lot is drawn before they are looked at.
    kept, unplaced, left_out = _choose(scan, reading)
    _require_two(len(kept), unplaced, scan.skipped)
    seen, skipped = embedded(replace(scan, catalog=scan.catalog.select(kept)), source, encoder, reading, tell)
    label = Path(encoder).name if Path(encoder).is_dir() else encoder
    _require_two(len(seen.catalog), unplaced, skipped)
    return Placed(seen.catalog, seen.vectors, label, skipped, unplaced, left_out)


def is_gallery(source: str) -> bool:
    """Whether a source is a gallery."""
    return (Path(source) / MANIFEST).is_file()


def gallery_label(gallery: Gallery) -> str:
    """What made a gallery's vectors, for people."""
    told = gallery.encoder
    for key in ("geo_model", "name"):
        name = told.get(key)
        if isinstance(name, str) and name not in ("world", "deep"):
            return Path(name).name
    for key in ("query", "model"):
        spec: Any = told.get(key)
        while isinstance(spec, Mapping):
            if isinstance(spec.get("name"), str) and "model" not in spec:
                return Path(str(spec["name"])).name
            spec = spec.get("model")
    return gallery.path.stem


def _placed(scan: Scan, vectors: Vectors | None, label: str, reading: Reading) -> Placed:
    """The rows with a position, or the lot's part of them."""
    kept, unplaced, left_out = _choose(scan, reading)
    _require_two(len(kept), unplaced, scan.skipped)
    whole = len(kept) == len(scan.catalog)
    chosen = vectors if vectors is None or whole else vectors[kept]
    catalog = scan.catalog if whole else scan.catalog.select(kept)
    return Placed(catalog, chosen, label, scan.skipped, unplaced, left_out)


def _choose(scan: Scan, reading: Reading) -> tuple[NDArray[np.int64], int, int]:
    """Rows that are looked at, how many have no position, and how many the lot left out."""
    rows = np.flatnonzero(scan.catalog.has_position).astype(np.int64)
    unplaced = len(scan.catalog) - len(rows)
    if not 0 < reading.photos < len(rows):
        return rows, unplaced, 0
    lot = np.random.default_rng(reading.seed).choice(len(rows), reading.photos, replace=False)
    return rows[np.sort(lot)], unplaced, len(rows) - reading.photos


def _require_two(photos: int, unplaced: int, skipped: Sequence[Skip]) -> None:
    if photos < 2:
        without = f", and {unplaced} without" if unplaced else ""
        lost = f" {len(skipped):,} were skipped, the first because {skipped[0].reason.rstrip('.')}." if skipped else ""
        if skipped and skipped[0].kind == "missing":
            lost += " Leave --encoder out and say --column path= to take a table's numbers without its files."
        raise EmptyInputError(
            f"Spatial statistics need at least two photos whose position is known; there is {photos}{without}.{lost}"
        )


def _rows_of(gallery: Gallery, scan: Scan) -> Vectors:
    vectors = gallery.vectors
    return vectors if len(scan.catalog) == len(vectors) else vectors[row_numbers(gallery.catalog.ids, scan.catalog.ids)]


def row_numbers(ids: list[str], wanted: list[str]) -> NDArray[np.int64]:
    """Where the wanted ones stand among the ids."""
    row = {one: number for number, one in enumerate(ids)}
    return np.array([row[one] for one in wanted], np.int64)


def _file_vectors(path: Path, scan: Scan) -> Vectors:
    """Vectors of a file, mapped, one a row of the source.

    Raises:
        CatalogError: they are no vectors, or not as many as rows.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}.")
    try:
        vectors = map_array(path)
    except GalleryError as error:
        raise CatalogError(f"{path} is no whole .npy file of plain numbers; write one with numpy.save.") from error
    if vectors.ndim != 2 or vectors.dtype not in (np.float16, np.float32, np.float64) or not vectors.shape[1]:
        raise CatalogError(f"{path} holds {vectors.dtype} {vectors.shape}; vectors are float16, 32 or 64 (n, d).")
    if scan.skipped:
        raise CatalogError(
            f"{len(scan.skipped)} rows of the table were skipped ({scan.skipped[0].reason}), so nobody knows which row "
            f"of {path.name} is whose. Take the table without its files: --column path="
        )
    if len(vectors) != len(scan.catalog):
        raise CatalogError(f"{path} has {len(vectors)} rows, but the source has {len(scan.catalog)}; give one each.")
    if vectors.dtype == np.float64:
        # What float32 does not reach becomes infinite, and is told as such.
        with np.errstate(over="ignore"):
            return np.asarray(vectors, np.float32)
    return vectors

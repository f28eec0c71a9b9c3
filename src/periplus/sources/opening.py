"""A source by what a person calls it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc

from periplus.errors import UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.records import Catalog
from periplus.sources.classes import read_classes
from periplus.sources.folder import read_folder
from periplus.sources.gldv2 import read_gldv2
from periplus.sources.oxford import read_oxford
from periplus.sources.places import read_places
from periplus.sources.points import read_grid, read_points
from periplus.sources.revisited import DISTRACTORS, read_distractors, read_revisited
from periplus.sources.scan import Scan
from periplus.sources.table import read_table
from periplus.sources.tablefile import TABLE_SUFFIXES

Progress = Callable[[int], None] | None

Columns = Mapping[str, str] | None


def _folder(path: Path, limits: Limits, progress: Progress, columns: Columns) -> Scan:
    if columns:
        raise UsageError(f"{path} is a folder of photos: it has no columns to map ({', '.join(columns)}).")
    return read_folder(path, limits, progress)


def _table(path: Path, limits: Limits, progress: Progress, columns: Columns) -> Scan:
    return read_table(path, columns, limits=limits, progress=progress)


Open = Callable[[Path, Limits, Progress, Columns], Scan]


def _named(name: str, read: Callable[[Path, Limits, Progress], Scan]) -> Open:
    """A data set whose columns are known: there is nothing to map."""

    def opened(path: Path, limits: Limits, progress: Progress, columns: Columns) -> Scan:
        if columns:
            raise UsageError(f"The columns of {name} are known: --column {next(iter(columns))} cannot change them.")
        return read(path, limits, progress)

    return opened


def _gldv2(*splits: str) -> Callable[[Path, Limits, Progress], Scan]:
    return lambda path, limits, progress: read_gldv2(path, splits or None, limits, progress)


def _clean(path: Path, limits: Limits, progress: Progress) -> Scan:
    """GLDv2 without the train pictures that ``train_clean.csv`` leaves out."""
    scan = read_gldv2(path, None, limits, progress)
    table = scan.catalog.table
    kept = pc.or_(pc.not_equal(table.column("split"), "train"), pc.fill_null(table.column("clean"), False))
    return replace(scan, catalog=Catalog(table.filter(kept)))


def _revisited(name: str, distractors: bool) -> Callable[[Path, Limits, Progress], Scan]:
    return lambda path, _, progress: read_revisited(path, name, progress, distractors=distractors)


def _oxford(name: str) -> Callable[[Path, Limits, Progress], Scan]:
    return lambda path, _, progress: read_oxford(path, name, progress)


_DATA_SETS: dict[str, Callable[[Path, Limits, Progress], Scan]] = {
    "classes": read_classes,
    "gldv2": _gldv2(),
    "gldv2-clean": _clean,
    "gldv2-train": _gldv2("train"),
    "gldv2-index": _gldv2("index"),
    "gldv2-test": _gldv2("test"),
    "roxford5k": _revisited("roxford5k", False),
    "rparis6k": _revisited("rparis6k", False),
    "roxford5k+1m": _revisited("roxford5k", True),
    "rparis6k+1m": _revisited("rparis6k", True),
    DISTRACTORS: lambda path, _, progress: read_distractors(path, progress),
    "oxford5k": _oxford("oxford5k"),
    "paris6k": _oxford("paris6k"),
    "grid": lambda path, limits, _: read_grid(str(path), limits),
    "places": lambda path, _, __: read_places(str(path)),
}

SOURCES: dict[str, Open] = {
    "folder": _folder,
    "table": _table,
    "positions": lambda path, limits, _, columns: read_points(path, columns, limits),
    **{name: _named(name, read) for name, read in _DATA_SETS.items()},
}
"""The kinds of source by name, as in ``table:places.csv``, ``gldv2:/data/gldv2`` or ``grid:100``."""


def open_source(spec: str, limits: Limits = DEFAULT_LIMITS, progress: Progress = None, columns: Columns = None) -> Scan:
    """Read a source.

    Args:
        spec: a folder, a ``.csv`` or ``.parquet`` file, or ``name:path`` with a name of :data:`SOURCES`. What exists
            under exactly this name comes before ``name:path``. Of ``grid`` and ``places`` the path is no file but says
            which: ``grid:100,sea``, ``places:cities,500000``.
        limits: of photos and tables.
        progress: called with the number of photos done so far.
        columns: which column of a table is which, as in ``{"lat_deg": "mean_lat"}``; found by name where not said.

    Raises:
        UsageError: this names no source; the message lists the known ones.
        CatalogError: a table breaks its rules.
    """
    path = Path(spec)
    if path.is_dir():
        return SOURCES["folder"](path, limits, progress, columns)
    name, colon, rest = spec.partition(":")
    if colon and rest and name in SOURCES and not path.exists():
        return SOURCES[name](Path(rest).expanduser(), limits, progress, columns)
    if path.suffix.lower() in TABLE_SUFFIXES and (path.exists() or not colon):
        return SOURCES["table"](path, limits, progress, columns)
    raise UsageError(_unknown(spec, name if colon else "", path))


def _unknown(spec: str, name: str, path: Path) -> str:
    close = difflib.get_close_matches(name, SOURCES, n=1) if name else []
    hint = f" Did you mean {close[0] + spec[len(name) :]!r}?" if close else ""
    what = "is a file, but no table" if path.is_file() else "is neither a folder nor a table that exists"
    return (
        f"{spec!r} {what}.{hint} A source is a folder of photos, a table ending in {' or '.join(TABLE_SUFFIXES)}, "
        f"or name:path with a name of: {', '.join(SOURCES)}."
    )

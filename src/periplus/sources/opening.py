"""A source by what a person calls it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path

from periplus.errors import UsageError
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.sources.folder import read_folder
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


SOURCES: dict[str, Callable[[Path, Limits, Progress, Columns], Scan]] = {"folder": _folder, "table": _table}
"""The kinds of source by name, as in ``table:places.csv``."""


def open_source(spec: str, limits: Limits = DEFAULT_LIMITS, progress: Progress = None, columns: Columns = None) -> Scan:
    """Read a source.

    Args:
        spec: a folder, a ``.csv`` or ``.parquet`` file, or ``name:path`` with a name of :data:`SOURCES`. What exists
            under exactly this name comes before ``name:path``.
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

"""The findings of an audit as a table, one row a photo, and as a filter."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from periplus.errors import CatalogError, UsageError
from periplus.records import Catalog
from periplus.store import atomic_path

FLAGS: Final[dict[str, str]] = {
    "unreadable": "cannot be opened or decoded",
    "small": "has too short a side",
    "grey": "has no colour",
    "sepia": "is one warm tint over grey, as old prints are",
    "blurred": "is nowhere sharp",
    "blank": "shows almost nothing",
    "graphic": "lies half under one bright colour: a drawing, a document, a cut-out, a burnt-out sky",
    "outlier": "is unlike the others in colour, light and edges (a hint, no verdict)",
    "exact_duplicate": "has the very bytes of another file",
    "near_duplicate": "looks like another photo, which is larger, in colour or first",
    "label_conflict": "looks like a photo with another landmark",
    "across_splits": "looks like a photo in another split",
}
"""What can be found of a photo, and what it means."""

FINDINGS_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("landmark", pa.string()),
        pa.field("split", pa.string()),
        *(pa.field(flag, pa.bool_(), nullable=False) for flag in FLAGS),
        pa.field("group", pa.int64(), nullable=False),
        pa.field("width_px", pa.int64()),
        pa.field("height_px", pa.int64()),
        pa.field("chroma", pa.float64()),
        pa.field("tint_error", pa.float64()),
        pa.field("sharpness", pa.float64()),
        pa.field("entropy_bits", pa.float64()),
        pa.field("plain_share", pa.float64()),
        pa.field("strangeness", pa.float64()),
        pa.field("similarity", pa.float64()),
        pa.field("taken_at", pa.string()),
        pa.field("camera", pa.string()),
    ]
)
"""Columns of the findings. ``group`` is one number for photos that look alike, ``similarity`` that to the likest other
photo (null below the threshold); measures are null where a photo was not measured."""

TABLE_SUFFIXES: Final = (".csv", ".parquet")


@dataclass(frozen=True)
class Kept:
    """What a filter leaves of a catalog.

    Attributes:
        rows: bool (n,), which photos stay.
        dropped: photos by the finding that they go for; one with several counts for each.
        unaudited: photos that the findings do not know; they stay.
    """

    rows: NDArray[np.bool_]
    dropped: dict[str, int]
    unaudited: int


def keep_rows(catalog: Catalog, findings: pa.Table, drop: Iterable[str]) -> Kept:
    """Which photos of a catalog have none of some findings.

    Args:
        catalog: n photos; found in the findings by their ids.
        findings: with :data:`FINDINGS_SCHEMA`, of the same source.
        drop: names of :data:`FLAGS`.

    Raises:
        UsageError: there is no such finding, or the findings are of other photos altogether.
    """
    wanted = list(dict.fromkeys(drop))
    for name in wanted:
        if name not in FLAGS:
            raise UsageError(f"There is no finding {name!r}{_nearest(name)}")
    place = {photo: row for row, photo in enumerate(findings.column("id").to_pylist())}
    at = np.asarray([place.get(photo, -1) for photo in catalog.ids], np.int64)
    if len(at) and (at < 0).all():
        raise UsageError("The findings know none of these photos: they are of another source. Audit this one first.")
    rows = np.ones(len(at), np.bool_)
    dropped = {}
    for name in wanted:
        # One more at the end: what row -1 finds.
        flagged = np.append(findings.column(name).to_numpy(zero_copy_only=False).astype(np.bool_), False)[at]
        dropped[name] = int(flagged.sum())
        rows &= ~flagged
    return Kept(rows, dropped, int((at < 0).sum()))


def write_findings(findings: pa.Table, path: Path) -> None:
    """Write findings as ``.csv`` or ``.parquet``, whole or not at all.

    Raises:
        UsageError: the name ends otherwise.
        CannotRunError: the file cannot be written.
    """
    require_table_name(path)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(findings, temporary)
        else:
            pyarrow.parquet.write_table(findings, temporary)


def read_findings(path: Path) -> pa.Table:
    """Read findings; only ids and flags are needed, measures may have been left out.

    Raises:
        UsageError: the name is not that of a table, or there is no such file.
        CatalogError: it is no table of findings.
    """
    require_table_name(path)
    if not path.is_file():
        raise UsageError(f"There is no table of findings at {path}. Make one: periplus audit SOURCE --findings {path}.")
    try:
        if path.suffix.lower() == ".csv":
            kinds = pyarrow.csv.ConvertOptions(column_types={field.name: field.type for field in FINDINGS_SCHEMA})
            table = pyarrow.csv.read_csv(path, convert_options=kinds)
        else:
            table = pyarrow.parquet.read_table(path)
    except (pa.ArrowException, ValueError) as error:
        raise CatalogError(f"{path} is no table of findings: {str(error).splitlines()[0][:200]}.") from error
    for name in ("id", *FLAGS):
        if name not in table.column_names:
            raise CatalogError(f"{path} is no table of findings: it has no column {name!r}.")
        kind = FINDINGS_SCHEMA.field(name).type
        if table.schema.field(name).type != kind or table.column(name).null_count:
            raise CatalogError(f"{path}: the column {name!r} must be {kind} without gaps. Audit again.")
    return table


def require_table_name(path: Path) -> None:
    """Refuse a name that does not say which kind of table it is.

    Raises:
        UsageError: so it is.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise UsageError(f"{path}: a table of findings ends in {' or '.join(TABLE_SUFFIXES)}.")


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, FLAGS, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(FLAGS)}."

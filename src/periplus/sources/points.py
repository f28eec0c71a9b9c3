"""Positions to choose among: those of any table, and an even grid over the Earth."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from periplus.errors import CatalogError, UsageError
from periplus.geo import EARTH_RADIUS_KM, grid_positions, merge_duplicates
from periplus.photos import DEFAULT_LIMITS, Limits
from periplus.records import SCHEMA, Skip
from periplus.sources.bare import PRIOR_MASS, Numbers, bare_catalog
from periplus.sources.columns import find_columns
from periplus.sources.listing import SHOWN
from periplus.sources.positions import Where, read_positions
from periplus.sources.scan import Scan
from periplus.sources.tablefile import read_arrow, row_place

_MEANS = {
    "lat_deg": ("meanlat", "latmean", "meanlatitude", "latitudemean", "centerlat", "centrelat"),
    "lon_deg": ("meanlon", "lonmean", "meanlongitude", "longitudemean", "centerlon", "centrelon"),
}
"""What tables of cells call their middles; case, spaces, ``_`` and ``-`` aside."""


def read_points(
    path: str | os.PathLike[str], columns: Mapping[str, str] | None = None, limits: Limits = DEFAULT_LIMITS
) -> Scan:
    """Read the positions of a table as bare rows; equal ones become one row.

    Works for GeoCLIP's gallery (``LAT,LON``), for the cells of OSV-5M (``mean_lat,mean_lon``) and of GeoEstimation
    (``latitude_mean,longitude_mean``), and for any table of photos, whose pictures are not looked for.

    Args:
        path: a ``.csv`` or ``.parquet`` file.
        columns: ``lat_deg`` and ``lon_deg`` to table column, where the names do not say it.
        limits: of the table.

    Returns:
        One row a position, in the table's order. Its id is the position as text. ``prior_mass`` is the number of the
        table's rows there, or the sum of the table's own ``prior_mass``. All other columns are those of the first of
        equal rows; one with the name of a catalog's gets ``table_`` before it. Skips are ``without-position``.

    Raises:
        UsageError: there is no such table.
        CatalogError: the table breaks its rules; the message names the line.
    """
    file = Path(path)
    table = read_arrow(file, limits)
    where = partial(row_place, file)
    names = _position_columns(table.column_names, columns, file.name)
    lat, lon = read_positions(table.column(names[0]), table.column(names[1]), names, where)
    known = np.flatnonzero(np.isfinite(lat))
    mass = _mass(table, where)[known] if PRIOR_MASS in table.column_names else None
    first, mass = merge_duplicates(lat[known], lon[known], mass)
    rows = known[first]
    rest = table.drop_columns([*names, *({PRIOR_MASS} & {*table.column_names})]).take(pa.array(rows))
    named = {f"table_{n}" if n in SCHEMA.names else n: rest.column(n) for n in rest.column_names}
    skipped = _without_position(np.flatnonzero(~np.isfinite(lat)) + 1)
    return Scan(bare_catalog(lat[rows], lon[rows], {PRIOR_MASS: mass, **named}), skipped, file.parent.resolve())


def read_grid(spec: str, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """The centres of equal-area cells (:func:`periplus.geo.grid_positions`) as bare rows.

    Args:
        spec: the side of a cell in km, as in ``"100"``; ``"100,sea"`` for the cells of the seas, too.
        limits: a grid has no more rows than a table may have.

    Returns:
        One row a cell, from south to north; its id is the position as text, ``prior_mass`` its area in km².

    Raises:
        UsageError: this is no such side, or makes too many cells.
    """
    text, comma, seas = spec.partition(",")
    try:
        side_km = float(text)
    except ValueError:
        side_km = math.nan
    if not 0 < side_km < math.inf or (comma and seas.strip() != "sea"):
        raise UsageError(
            f"A grid is grid:KM, the side of its cells in km, or grid:KM,sea with the seas; not 'grid:{spec}'."
        )
    least = math.sqrt(4 * math.pi / limits.max_table_rows) * EARTH_RADIUS_KM
    if side_km < least:
        raise UsageError(
            f"A grid of {side_km:g} km has more cells than the {limits.max_table_rows} rows of a table; take at least "
            f"{math.ceil(least * 100) / 100:g} km."
        )
    lat, lon, area = grid_positions(side_km, land_only=not comma)
    return Scan(bare_catalog(lat, lon, {PRIOR_MASS: area}), (), Path())


def _position_columns(names: list[str], columns: Mapping[str, str] | None, where: str) -> tuple[str, str]:
    """Only the two columns of the position are looked for; what else the names may mean does not matter."""
    plain = {"".join(c for c in name.casefold() if c not in " _-"): name for name in reversed(names)}
    means = {field: next((plain[s] for s in spelled if s in plain), None) for field, spelled in _MEANS.items()}
    try:
        found = find_columns(names, columns, where)
    except CatalogError:
        if columns or None in means.values():
            raise
        found = {}
    if "lat_deg" not in found:
        found = {field: name for field, name in means.items() if name is not None}
    if len(found) < 2 or not {"lat_deg", "lon_deg"} <= found.keys():
        raise CatalogError(
            f"{where} has no positions; its columns are {', '.join(map(repr, names))}. "
            "Say which they are: --column lat_deg=NAME --column lon_deg=NAME."
        )
    return found["lat_deg"], found["lon_deg"]


def _mass(table: pa.Table, where: Where) -> Numbers:
    column = table.column(PRIOR_MASS)
    try:
        mass = np.asarray(pc.cast(column, pa.float64()).to_numpy(), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CatalogError(f"{where(0)}: {PRIOR_MASS} is not a column of numbers ({str(error)[:100]}).") from error
    wrong = ~(np.isfinite(mass) & (mass > 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise CatalogError(f"{where(row)}: {PRIOR_MASS} is {column[row].as_py()!r}; it must be a number above 0.")
    return mass


def _without_position(rows: np.typing.NDArray[np.int64]) -> tuple[Skip, ...]:
    skips = [Skip(f"row {row}", "without-position", "the table has no position here.") for row in rows[:SHOWN].tolist()]
    if len(rows) > SHOWN:
        skips.append(Skip("more rows", "without-position", f"{len(rows) - SHOWN:,} more have no position."))
    return tuple(skips)

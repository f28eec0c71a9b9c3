"""Coordinates of a table: read strictly, and told to the row when they cannot be right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from periplus.errors import CatalogError

Where = Callable[[int], str]
"""Says where a person finds a row of the table, such as ``"photos.csv line 7"``."""


def read_positions(
    lat: pa.ChunkedArray, lon: pa.ChunkedArray, names: tuple[str, str], where: Where
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes in degrees, float64 (n,) each, NaN where both are empty; longitude 180 becomes -180.

    Args:
        lat: text or numbers.
        lon: the same.
        names: of the two columns, for messages.
        where: says where a row is.

    Raises:
        CatalogError: no number, half a position, off the globe, or latitude and longitude exchanged.
    """
    lat_deg, lon_deg = _degrees(lat, names[0], where), _degrees(lon, names[1], where)
    half = np.isnan(lat_deg) != np.isnan(lon_deg)
    wrong = half | (np.abs(lat_deg) > 90) | (np.abs(lon_deg) > 180)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        here = f"{where(row)}: {names[0]} {lat_deg[row]:.10g}, {names[1]} {lon_deg[row]:.10g}"
        raise CatalogError(f"{here} {_what_is_wrong(float(lat_deg[row]), float(lon_deg[row]), names)}")
    lon_deg[lon_deg == 180] = -180
    return lat_deg, lon_deg


def _what_is_wrong(lat_deg: float, lon_deg: float, names: tuple[str, str]) -> str:
    if np.isnan(lat_deg) or np.isnan(lon_deg):
        return "is half a position (nan stands for the empty one). Fill in both or neither."
    if abs(lat_deg) > 90 and abs(lon_deg) <= 90:
        swapped = f"--column lat_deg={names[1]} --column lon_deg={names[0]}"
        return f"cannot be: the columns look swapped. Map them: {swapped}."
    if abs(lat_deg) <= 90 and 180 < lon_deg <= 360:
        return "cannot be: longitudes seem to count from 0 to 360. Subtract 360 from those above 180."
    return "is not on the globe: latitudes lie in [-90, 90], longitudes in [-180, 180]. Correct it or leave it empty."


def _degrees(values: pa.ChunkedArray, name: str, where: Where) -> NDArray[np.float64]:
    text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if text:
        trimmed = pc.utf8_trim_whitespace(values)
        values = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
    try:
        numbers = pc.cast(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row = next((i for i, value in enumerate(values) if not _is_number(value)), 0)
        raise CatalogError(_no_number(name, values[row].as_py(), where(row))) from error
    degrees = np.array(numbers.to_numpy(), dtype=np.float64)
    # A NaN that is written out is no number; only what is empty is unknown. (In Parquet, NaN is how many say unknown.)
    unfit = np.isinf(degrees) | (np.isnan(degrees) & ~pc.is_null(values).to_numpy() & text)
    if unfit.any():
        row = int(np.flatnonzero(unfit)[0])
        raise CatalogError(_no_number(name, values[row].as_py(), where(row)))
    return degrees


def _is_number(value: pa.Scalar) -> bool:
    try:
        pc.cast(value, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _no_number(name: str, value: object, where: str) -> str:
    return f"{where}: {name} is {str(value)[:60]!r}, not a number of degrees. Leave it empty where it is unknown."

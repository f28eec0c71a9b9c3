"""Rows without a picture: positions alone, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.records import SCHEMA, Catalog

PRIOR_MASS = "prior_mass"
"""The column of what a row weighs before any picture is seen, float64: only its share of the sum means anything."""

Numbers = NDArray[np.float64]


def bare_catalog(
    lat_deg: Numbers, lon_deg: Numbers, columns: Mapping[str, object], ids: list[str] | None = None
) -> Catalog:
    """A catalog of positions (n,) in degrees, with more columns (Arrow or NumPy arrays, or lists of text).

    Args:
        lat_deg: degrees.
        lon_deg: degrees in [-180, 180).
        columns: by name; none has the name of a catalog's own.
        ids: one a row; where there are none, the position as text (:func:`position_ids`).
    """
    known = {
        "id": pa.array(position_ids(lat_deg, lon_deg) if ids is None else ids, pa.string()),
        "lat_deg": pa.array(lat_deg, pa.float64()),
        "lon_deg": pa.array(lon_deg, pa.float64()),
    }
    own = [known.get(field.name, pa.nulls(len(lat_deg), field.type)) for field in SCHEMA]
    more = {name: _array(values) for name, values in columns.items()}
    fields = [*SCHEMA, *(pa.field(name, values.type) for name, values in more.items())]
    return Catalog(pa.Table.from_arrays([*own, *more.values()], schema=pa.schema(fields)))


def position_ids(lat_deg: Numbers, lon_deg: Numbers) -> list[str]:
    """Names that say where: ``"48.8566,2.3522"``; equal for equal positions only, and the same in every table."""
    # Adding 0 makes -0 and 0 one; repr is the shortest text that gives the number back.
    pairs = zip((lat_deg + 0.0).tolist(), (lon_deg + 0.0).tolist(), strict=True)
    return [f"{lat!r},{lon!r}" for lat, lon in pairs]


def _array(values: object) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, list):
        return pa.array(values, pa.string())
    return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)

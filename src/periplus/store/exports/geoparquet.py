"""GeoParquet 1.1.0: the whole table with a WKB point in the column ``geometry``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from periplus.errors import CatalogError
from periplus.records import Catalog

VERSION: Final = "1.1.0"
_WKB_POINT: Final = np.dtype([("order", "u1"), ("type", "<u4"), ("lon", "<f8"), ("lat", "<f8")])


def write(catalog: Catalog, path: Path) -> None:
    """Write the table and the ``geo`` metadata; no crs means longitude and latitude (OGC:CRS84), as the format has it.

    Raises:
        CatalogError: the catalog has a column ``geometry`` already.
    """
    table = catalog.table
    if "geometry" in table.column_names:
        raise CatalogError("The catalog has a column 'geometry', which GeoParquet needs; rename it or choose CSV.")
    lat, lon = catalog.positions
    column: dict[str, object] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if len(catalog):
        column["bbox"] = [float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())]
    geo = {"version": VERSION, "primary_column": "geometry", "columns": {"geometry": column}}
    table = table.append_column("geometry", _points(lat, lon))
    metadata = {**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def _points(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> pa.Array:
    points = np.empty(len(lat), _WKB_POINT)
    points["order"], points["type"], points["lon"], points["lat"] = 1, 1, lon, lat
    offsets = np.arange(len(lat) + 1, dtype=np.int32) * _WKB_POINT.itemsize
    return pa.Array.from_buffers(
        pa.binary(), len(lat), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(points.tobytes())]
    )

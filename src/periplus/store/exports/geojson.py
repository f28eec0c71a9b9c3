"""GeoJSON (RFC 7946): one Point feature a photo."""

from __future__ import annotations

import json
from pathlib import Path

from periplus.records import Catalog
from periplus.store.exports.values import plain


def write(catalog: Catalog, path: Path) -> None:
    """Write a feature collection, one feature a line; columns that are null are left out of the properties."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        comma = "\n"
        for batch in catalog.table.to_batches():
            for row in batch.to_pylist():
                file.write(comma + json.dumps(_feature(row), ensure_ascii=False, allow_nan=False))
                comma = ",\n"
        file.write("\n]}\n")


def _feature(row: dict[str, object]) -> dict[str, object]:
    place = {"type": "Point", "coordinates": [row.pop("lon_deg"), row.pop("lat_deg")]}
    name = row.pop("id")
    properties = {key: plain(value) for key, value in row.items() if value is not None}
    return {"type": "Feature", "id": name, "geometry": place, "properties": properties}

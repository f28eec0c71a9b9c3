"""GPX 1.1: one waypoint a photo, for navigation devices."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from periplus.records import Catalog
from periplus.store.exports.values import xml_text

NAMESPACE: Final = "http://www.topografix.com/GPX/1/1"


def write(catalog: Catalog, path: Path) -> None:
    """Write waypoints: id as name, path as comment, landmark as description, time where its UTC offset is known."""
    root = ET.Element("gpx", xmlns=NAMESPACE, version="1.1", creator="Periplus")
    for batch in catalog.table.select(["id", "path", "lat_deg", "lon_deg", "landmark", "taken_at"]).to_batches():
        for row in batch.to_pylist():
            root.append(_waypoint(row))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _waypoint(row: dict[str, object]) -> ET.Element:
    point = ET.Element("wpt", lat=_degrees(row["lat_deg"]), lon=_degrees(row["lon_deg"]))
    # The schema prescribes this order.
    parts = (("time", _utc(row["taken_at"])), ("name", row["id"]), ("cmt", row["path"]), ("desc", row["landmark"]))
    for tag, value in parts:
        if value is not None:
            ET.SubElement(point, tag).text = xml_text(value)
    return point


def _degrees(value: object) -> str:
    """A decimal without exponent, which the schema forbids; 10 digits are 0.01 mm."""
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _utc(taken_at: object) -> str | None:
    """The time in UTC, which GPX demands; None where its offset is not known."""
    try:
        time = dt.datetime.fromisoformat(str(taken_at))
    except ValueError:
        return None
    return f"{time.astimezone(dt.UTC).replace(tzinfo=None).isoformat()}Z" if time.tzinfo else None

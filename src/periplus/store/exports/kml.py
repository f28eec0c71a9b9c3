"""KML 2.2: one placemark a photo, for Google Earth and its kin."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from periplus.records import Catalog
from periplus.store.exports.values import plain, xml_text

NAMESPACE: Final = "http://www.opengis.net/kml/2.2"


def write(catalog: Catalog, path: Path) -> None:
    """Write placemarks named by id; the other columns become extended data."""
    root = ET.Element("kml", xmlns=NAMESPACE)
    document = ET.SubElement(root, "Document")
    for batch in catalog.table.to_batches():
        for row in batch.to_pylist():
            document.append(_placemark(row))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _placemark(row: dict[str, object]) -> ET.Element:
    lat, lon = row.pop("lat_deg"), row.pop("lon_deg")
    mark = ET.Element("Placemark")
    ET.SubElement(mark, "name").text = xml_text(row.pop("id"))
    if (when := _when(row.get("taken_at"))) is not None:
        ET.SubElement(ET.SubElement(mark, "TimeStamp"), "when").text = when
    extended = ET.SubElement(mark, "ExtendedData")
    for key, value in row.items():
        if value is not None:
            data = ET.SubElement(extended, "Data", name=xml_text(key))
            simple = plain(value)
            text = simple if isinstance(simple, str) else json.dumps(simple, ensure_ascii=False)
            ET.SubElement(data, "value").text = xml_text(text)
    ET.SubElement(ET.SubElement(mark, "Point"), "coordinates").text = f"{lon!r},{lat!r}"
    return mark


def _when(taken_at: object) -> str | None:
    """The time as XML Schema has it; None where the column says something else."""
    try:
        return dt.datetime.fromisoformat(str(taken_at)).isoformat() if taken_at else None
    except ValueError:
        return None

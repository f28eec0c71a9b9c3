from __future__ import annotations

import csv
import json
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow.parquet as pq
import pytest

from periplus.errors import CannotRunError, CatalogError, UsageError
from periplus.records import Catalog
from periplus.store.exports import FORMATS, write_catalog

HOSTILE = "a&b <c> \"d\" 'e'\x00\x1f ]]> 🏛️ \u05d0\u05d1 \ufffe"


@pytest.fixture
def catalog() -> Catalog:
    return Catalog.from_rows(
        [
            {"id": "sf", "path": "p/sf.jpg", "lat_deg": 37.7921, "lon_deg": -122.40012, "landmark": "Ferry Building"},
            {"id": "nowhere", "path": "p/nowhere.jpg"},
            {"id": HOSTILE, "lat_deg": -90.0, "lon_deg": -180.0, "landmark": HOSTILE, "author": "=1+1,\n2"},
            {
                "id": "tiny",
                "lat_deg": 1e-7,
                "lon_deg": -1.5e-8,
                "taken_at": "2021-07-01T12:00:00+02:00",
                "heading": 3.5,
            },
            {"id": "local", "lat_deg": 1.0, "lon_deg": 2.0, "taken_at": "2021-07-01T12:00:00", "heading": np.nan},
        ]
    )


@pytest.mark.parametrize("suffix", [f.suffix for f in FORMATS.values()])
def test_counts(catalog: Catalog, tmp_path: Path, suffix: str) -> None:
    told = write_catalog(catalog, tmp_path / f"out{suffix.upper()}")
    assert told.path.is_file()
    assert (told.written, told.without_position) == (5 if suffix == ".csv" else 4, 1)
    assert [p.name for p in tmp_path.iterdir()] == [told.path.name]


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_catalog_gives_a_readable_file(tmp_path: Path, name: str) -> None:
    told = write_catalog(Catalog.empty(), tmp_path / "empty", name)
    assert (told.written, told.without_position) == (0, 0)
    readers = {"csv": _rows, "geojson": _json, "geoparquet": pq.read_table, "gpx": ET.parse, "kml": ET.parse}
    readers[name](told.path)


def test_geojson(catalog: Catalog, tmp_path: Path) -> None:
    told = _json(write_catalog(catalog, tmp_path / "c.geojson").path)
    assert told["type"] == "FeatureCollection"
    sf, hostile, tiny, local = told["features"]
    assert sf == {
        "type": "Feature",
        "id": "sf",
        "geometry": {"type": "Point", "coordinates": [-122.40012, 37.7921]},
        "properties": {"path": "p/sf.jpg", "landmark": "Ferry Building"},
    }
    assert hostile["id"] == hostile["properties"]["landmark"] == HOSTILE
    assert tiny["geometry"]["coordinates"] == [-1.5e-8, 1e-7]
    assert local["properties"]["heading"] is None


def test_csv_keeps_every_row_and_value(catalog: Catalog, tmp_path: Path) -> None:
    rows = _rows(write_catalog(catalog, tmp_path / "c.csv").path)
    assert [row["id"] for row in rows] == catalog.ids
    assert rows[1]["lat_deg"] == ""
    assert rows[2]["author"] == "=1+1,\n2"
    assert [float(row["lat_deg"]) for row in rows if row["lat_deg"]] == [37.7921, -90, 1e-7, 1]


def test_kml(catalog: Catalog, tmp_path: Path) -> None:
    marks = ET.parse(write_catalog(catalog, tmp_path / "c.kml").path).findall(".//{*}Placemark")
    assert [m.findtext("{*}Point/{*}coordinates") for m in marks[:2]] == ["-122.40012,37.7921", "-180.0,-90.0"]
    cleaned = HOSTILE.replace("\x00", "\ufffd").replace("\x1f", "\ufffd").replace("\ufffe", "\ufffd")
    assert marks[1].findtext("{*}name") == cleaned
    data = {d.get("name"): d.findtext("{*}value") for d in marks[0].iterfind(".//{*}Data")}
    assert data == {"path": "p/sf.jpg", "landmark": "Ferry Building"}
    assert marks[2].findtext("{*}TimeStamp/{*}when") == "2021-07-01T12:00:00+02:00"


def test_gpx(catalog: Catalog, tmp_path: Path) -> None:
    points = ET.parse(write_catalog(catalog, tmp_path / "c.gpx").path).findall("{*}wpt")
    assert [(p.get("lat"), p.get("lon")) for p in points[:3]] == [
        ("37.7921", "-122.40012"),
        ("-90", "-180"),
        ("0.0000001", "-0.000000015"),
    ]
    assert [p.findtext("{*}time") for p in points] == [None, None, "2021-07-01T10:00:00Z", None]
    assert [child.tag.split("}")[1] for child in points[0]] == ["name", "cmt", "desc"]


def test_geoparquet(catalog: Catalog, tmp_path: Path) -> None:
    table = pq.read_table(write_catalog(catalog, tmp_path / "c.parquet").path)
    geo = json.loads(table.schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert geo["columns"]["geometry"] == {
        "encoding": "WKB",
        "geometry_types": ["Point"],
        "bbox": [-180.0, -90.0, 2.0, 37.7921],
    }
    points = [struct.unpack("<BIdd", wkb) for wkb in table.column("geometry").to_pylist()]
    assert points[0] == (1, 1, -122.40012, 37.7921)
    assert table.drop_columns("geometry").column_names == catalog.table.column_names
    assert table.column("heading").to_pylist()[2] == 3.5


def test_geoparquet_refuses_a_second_geometry(tmp_path: Path) -> None:
    catalog = Catalog.from_rows([{"id": "a", "lat_deg": 1.0, "lon_deg": 2.0, "geometry": "mine"}])
    with pytest.raises(CatalogError, match="rename it"):
        write_catalog(catalog, tmp_path / "c.parquet")
    assert list(tmp_path.iterdir()) == []


def test_unknown_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suffix '\.shp' names no export format; use one of \.csv, \.geojson"):
        write_catalog(Catalog.empty(), tmp_path / "c.shp")
    with pytest.raises(UsageError, match="no export format 'shape'; choose one of csv"):
        write_catalog(Catalog.empty(), tmp_path / "c.csv", "shape")


def test_an_old_file_survives_a_failure(catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "c.gpx"
    target.write_text("old")
    monkeypatch.setattr("periplus.store.exports.gpx._waypoint", lambda row: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_catalog(catalog, target)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["c.gpx"]


def test_a_missing_folder_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="folder does not exist"):
        write_catalog(Catalog.empty(), tmp_path / "no" / "c.csv")


def _json(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

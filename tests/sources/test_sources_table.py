from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import CatalogError, UsageError
from periplus.photos import Limits
from periplus.records import SCHEMA
from periplus.sources import Scan, read_table


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def refused(folder: Path, text: str, columns: Mapping[str, str] | None = None) -> str:
    with pytest.raises(CatalogError) as caught:
        read_table(write(folder, text), columns)
    return str(caught.value)


# name: (rows, skipped, first id or "" for any, its position)
REAL: dict[str, tuple[int, int, str, tuple[float, float]]] = {
    "street-photos/photos.csv": (57, 0, "photos/berlin_01.jpg", (52.5189167, 13.4002944)),
    "san-francisco/photos.csv": (702, 0, "", (0, 0)),
    "landmarks-44/photos.csv": (8750, 0, "", (0, 0)),
    "matching-pairs/photos.csv": (41, 0, "", (0, 0)),
    "world-yfcc/photos.csv": (889, 0, "", (0, 0)),
    "tables/geoclip_gallery_100k.csv": (100_000, 0, "0", (-50.943392, -72.935664)),
    "tables/yfcc25600_places365.csv": (0, 25_600, "", (0, 0)),
    "tables/streetscapes_6152.csv": (0, 6152, "", (0, 0)),
}


@pytest.mark.parametrize("name", REAL)
def test_real_tables(shared: Path, name: str) -> None:
    rows, skipped, first, position = REAL[name]
    scan = read_table(shared / name)
    assert (len(scan.catalog), len(scan.skipped)) == (rows, skipped)
    assert scan.root == (shared / name).parent
    assert {skip.kind for skip in scan.skipped} <= {"missing"}
    if first:
        row = scan.catalog.row(0)
        assert row["id"] == first
        assert (row["lat_deg"], row["lon_deg"]) == position


def test_positions_are_what_the_file_says(shared: Path) -> None:
    path = shared / "tables/geoclip_gallery_100k.csv"
    with path.open(encoding="utf-8", newline="") as file:
        slow = np.array([(float(row["LAT"]), float(row["LON"])) for row in csv.DictReader(file)])
    lat_deg, lon_deg = read_table(path).catalog.positions
    assert (lat_deg == slow[:, 0]).all()
    assert (lon_deg == slow[:, 1]).all()


def test_a_table_whose_files_are_elsewhere_can_be_read_as_positions(shared: Path) -> None:
    scan = read_table(shared / "tables/yfcc25600_places365.csv", {"path": "", "id": "IMG_ID"})
    assert len(scan.catalog) == 25_600
    assert scan.catalog.row(0)["id"] == "45/77/3228511372.jpg"
    assert scan.catalog.row(0)["author"] == "43008843@N00"
    cells = read_table(shared / "tables/osv5m_quadtree_10_1000.csv", {"lat": "mean_lat", "lon": "mean_lon"})
    assert len(cells.catalog) == 11_399
    assert "min_lat" in cells.catalog.table.column_names


def test_namibia_is_a_country(tmp_path: Path) -> None:
    scan = read_table(write(tmp_path, "lat,lon,country,author,landmark\n-22.5,17,NA,null,\n1,2,,NaN,N/A\n"))
    assert scan.catalog.column("country") == ["NA", None]
    assert scan.catalog.column("author") == ["null", "NaN"]
    assert scan.catalog.column("landmark") == [None, "N/A"]


def test_the_rest_stays_text_under_its_own_name(tmp_path: Path) -> None:
    scan = read_table(write(tmp_path, "lat,lon,zip code,when,true\n1,2,00501,2020-01-01,False\n"))
    assert scan.catalog.row(0) | {"zip code": "00501", "when": "2020-01-01", "true": "False"} == scan.catalog.row(0)
    assert scan.catalog.table.schema.field("zip code").type == pa.string()
    assert scan.catalog.table.column_names == [*SCHEMA.names, "zip code", "when", "true"]


@pytest.mark.parametrize("header", ["lat,lon", "LAT,LON", "Latitude,Longitude", "lat_deg,lng", "GPS Latitude,long"])
def test_usual_spellings_of_positions(tmp_path: Path, header: str) -> None:
    assert read_table(write(tmp_path, f"{header}\n10.5,-20.25\n")).catalog.row(0)["lon_deg"] == -20.25


@pytest.mark.parametrize("header", ["file", "path", "image", "IMG_ID", "filename", "File Name", "img_path"])
def test_usual_spellings_of_files(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.jpg").touch()
    scan = read_table(write(tmp_path, f"{header},Sequence_ID,captured_at,user\na.jpg,s1,2020-01-01,me\n"))
    row = scan.catalog.row(0)
    assert (row["id"], row["path"]) == ("a.jpg", str(tmp_path.resolve() / "a.jpg"))
    assert (row["sequence"], row["taken_at"], row["author"], row["lat_deg"]) == ("s1", "2020-01-01", "me", None)


def test_files_stay_inside_and_exist(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for path in (root / "a.jpg", root / "sub/b c.jpg", tmp_path / "secret.jpg"):
        path.touch()
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "inner.jpg").symlink_to("a.jpg")
    (root / "out").symlink_to(tmp_path)
    files = [
        "a.jpg",
        "sub/b c.jpg",
        "sub/../inner.jpg",
        str(root / "sub/../a.jpg"),
        "../secret.jpg",
        str(tmp_path / "secret.jpg"),
        "link.jpg",
        "out/secret.jpg",
        "..",
        "gone.jpg",
        "a.jpg/below",
        "sub",
        "n\0ul.jpg",
        "x" * 5000,
    ]
    text = "id,file\n" + "".join(f'{i},"{file}"\n' for i, file in enumerate(files))
    scan = read_table(write(root, text))
    assert scan.catalog.ids == ["0", "1", "2", "3"]
    assert [skip.kind for skip in scan.skipped] == ["outside"] * 5 + ["missing"] * 2 + ["not-a-file"] + ["missing"] * 2
    assert scan.skipped[0].path == "../secret.jpg"
    wider = read_table(write(root, "file\nroot/a.jpg\nsecret.jpg\n"), root=tmp_path)
    assert wider.catalog.ids == ["root/a.jpg", "secret.jpg"]


def test_a_row_without_file_among_files_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    scan = read_table(write(tmp_path, "file,lat,lon\na.jpg,1,2\n,3,4\n"))
    assert scan.catalog.ids == ["a.jpg"]
    assert [(skip.path, skip.kind) for skip in scan.skipped] == [("row 2", "missing")]


def test_a_catalog_of_bare_positions_comes_back_as_it_was(tmp_path: Path) -> None:
    scan = read_table(write(tmp_path, "lat,lon,note\n1,2,x\n,,y\n"))
    pq.write_table(scan.catalog.table, tmp_path / "c.parquet")
    assert read_table(tmp_path / "c.parquet").catalog.table.equals(scan.catalog.table)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,2\n3,4\n-120.5,37.5\n", "t.csv line 4: lat -120.5, lon 37.5 cannot be: the columns look swapped"),
        ("1,2\n\n3,190\n", "t.csv line 4: lat 3, lon 190 cannot be: longitudes seem to count from 0 to 360"),
        ("95,100\n", "t.csv line 2: lat 95, lon 100 is not on the globe"),
        ("5,400\n", "not on the globe"),
        ("5,-180.001\n", "not on the globe"),
        ("1,2\n1,\n", "t.csv line 3: lat 1, lon nan is half a position"),
        ("1,2\nNA,NA\n", "t.csv line 3: lat is 'NA', not a number of degrees"),
        ("1,nan\n", "t.csv line 2: lon is 'nan', not a number of degrees"),
        ("inf,2\n", "t.csv line 2: lat is 'inf', not a number of degrees"),
        ('"48,85",2\n', "t.csv line 2: lat is '48,85', not a number"),
        ("1,2,3\n", "t.csv"),
        ("1\n", "t.csv"),
    ],
)
def test_impossible_positions_name_their_line(tmp_path: Path, rows: str, message: str) -> None:
    assert message in refused(tmp_path, f"lat,lon\n{rows}")


def test_swapped_columns_say_how_to_map_them_and_the_mapping_works(tmp_path: Path) -> None:
    text = "y,x\n-120.5,37.5\n"
    message = refused(tmp_path, text, {"lat": "y", "lon": "x"})
    assert "--column lat_deg=x --column lon_deg=y" in message
    row = read_table(write(tmp_path, text), {"lat_deg": "x", "lon_deg": "y"}).catalog.row(0)
    assert (row["lat_deg"], row["lon_deg"]) == (37.5, -120.5)


def test_lines_are_counted_as_a_person_does(tmp_path: Path) -> None:
    text = 'note,lat,lon\n"two\nlines",1,2\n\n"three\n\nlines",3,4\nx,99,5\n'
    assert text.splitlines()[7] == "x,99,5"
    assert "t.csv line 8:" in refused(tmp_path, text)
    (tmp_path / "crlf").mkdir()
    (tmp_path / "crlf/t.csv").write_bytes(b"\xef\xbb\xbflat,lon\r\n1,2\r\n99,2\r\n")
    with pytest.raises(CatalogError, match="line 3"):
        read_table(tmp_path / "crlf/t.csv")


def test_empty_positions_are_unknown_and_180_wraps(tmp_path: Path) -> None:
    lat_deg, lon_deg = read_table(write(tmp_path, "lat,lon\n,\n , \n90,180\n-90,-180\n+1e1, 5 \n")).catalog.positions
    assert lat_deg.tolist()[2:] == [90, -90, 10]
    assert lon_deg.tolist()[2:] == [-180, -180, 5]
    assert np.isnan(lat_deg[:2]).all()


@given(
    positions=st.lists(
        st.one_of(st.none(), st.tuples(st.floats(-90, 90), st.floats(-180, 180, exclude_max=True))), max_size=20
    )
)
def test_positions_round_trip(
    tmp_path_factory: pytest.TempPathFactory, positions: list[tuple[float, float] | None]
) -> None:
    text = "lat,lon\n" + "".join(f"{p[0]!r},{p[1]!r}\n" if p else ",\n" for p in positions)
    lat_deg, lon_deg = read_table(write(tmp_path_factory.mktemp("t"), text)).catalog.positions
    for i, position in enumerate(positions):
        assert (lat_deg[i], lon_deg[i]) == position if position else np.isnan(lat_deg[i])


def test_repeated_and_missing_ids_name_their_lines(tmp_path: Path) -> None:
    message = refused(tmp_path, "id,lat,lon\na,1,2\nb,1,2\na,3,4\n")
    assert "'a' stands at t.csv line 2 and again at t.csv line 4" in message
    assert "t.csv line 3 has no id" in refused(tmp_path, "id,lat,lon\na,1,2\n,1,2\n")
    assert "'x.jpg' stands at t.csv line 2" in refused(tmp_path, "file\nx.jpg\nx.jpg\n")


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("a,b\n1,2\n", {}, "neither files nor positions; its columns are 'a', 'b'"),
        ("lat,b\n1,2\n", {}, "'lat' for lat_deg but no column for lon_deg"),
        ("lat,latitude,lon\n1,2,3\n", {}, "several columns for lat_deg: 'lat', 'latitude'"),
        ("Lat,lat,lon\n1,2,3\n", {}, "several columns for lat_deg"),
        ("lat,lat,lon\n1,2,3\n", {}, "two columns named 'lat'"),
        ("lat,longitude\n1,2\n", {"lon": "longitute"}, "no column 'longitute' for lon_deg; did you mean 'longitude'?"),
        ("lat,lon\n1,2\n", {"lattitude": "lat"}, "no column 'lattitude'"),
        ("lat,lon\n1,2\n", {"landmrk": "lat"}, "did you mean 'landmark'?"),
        ("lat,lon\n1,2\n", {"lon": "lat"}, "'lat' cannot be both"),
        ("lat;lon\n1;2\n", {}, "not separated by commas"),
        ("", {}, "is empty"),
        ("\n\n", {}, "is empty"),
    ],
)
def test_columns_that_cannot_be_found(tmp_path: Path, text: str, columns: dict[str, str], message: str) -> None:
    assert message in refused(tmp_path, text, columns)


def test_the_catalogs_own_name_comes_first_and_a_clash_is_renamed(tmp_path: Path) -> None:
    text = "lat_deg,lat,lon_deg,split,path\n1,9,2,train,elsewhere\n"
    row = read_table(write(tmp_path, text), {"path": "", "split": ""}).catalog.row(0)
    assert (row["lat_deg"], row["lat"], row["split"], row["path"]) == (1.0, "9", None, None)
    assert (row["table_split"], row["table_path"]) == ("train", "elsewhere")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "lat": pa.array([1.5, None], pa.float32()),
            "lon": pa.array([2, None], pa.int64()),
            "id": pa.array([7, 8]),
            "n": [1, 2],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    scan = read_table(tmp_path / "t.parquet")
    assert scan.catalog.ids == ["7", "8"]
    assert scan.catalog.column("lat_deg") == [1.5, None]
    assert scan.catalog.table.schema.field("n").type == pa.int64()


def test_parquet_rows_are_named_and_nan_is_unknown(tmp_path: Path) -> None:
    pq.write_table(pa.table({"lat": [1.0, np.nan], "lon": [2.0, np.nan]}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").catalog.has_position.tolist() == [True, False]
    pq.write_table(pa.table({"lat": [1.0, 99.0], "lon": [2.0, 100.0]}), tmp_path / "t.parquet")
    with pytest.raises(CatalogError, match=r"t\.parquet row 2: lat 99"):
        read_table(tmp_path / "t.parquet")
    pq.write_table(pa.table({"lat": [[1.0]], "lon": [[2.0]]}), tmp_path / "t.parquet")
    with pytest.raises(CatalogError, match="not a number"):
        read_table(tmp_path / "t.parquet")


def test_what_is_no_table(tmp_path: Path) -> None:
    for name, data in (
        ("t.csv", b"lat,lon\n\xff\xfe,2\n"),
        ("t.parquet", b"PAR1 nonsense PAR1"),
        ("t.csv", b"\xff\xfea"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CatalogError, match="cannot be read"):
            read_table(tmp_path / name)
    for name in ("gone.csv", "t.txt", "t.parquet.d"):
        with pytest.raises(UsageError, match="table"):
            read_table(tmp_path / name)


def test_limits(tmp_path: Path) -> None:
    path = write(tmp_path, "lat,lon\n1,2\n3,4\n")
    with pytest.raises(CatalogError, match="limit"):
        read_table(path, limits=Limits(max_table_bytes=10))
    with pytest.raises(CatalogError, match="2 rows"):
        read_table(path, limits=Limits(max_table_rows=1))
    pq.write_table(read_table(path).catalog.table, tmp_path / "t.parquet")
    with pytest.raises(CatalogError, match="2 rows"):
        read_table(tmp_path / "t.parquet", limits=Limits(max_table_rows=1))


def test_a_table_without_rows(tmp_path: Path) -> None:
    scan: Scan = read_table(write(tmp_path, "file,lat,lon\n"))
    assert (len(scan.catalog), scan.skipped) == (0, ())


def test_progress(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    seen: list[int] = []
    read_table(write(tmp_path, "file\na.jpg\nb.jpg\n"), progress=seen.append)
    assert seen == [1, 2]

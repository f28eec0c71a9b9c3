from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from periplus.errors import CatalogError, UsageError
from periplus.geo import EARTH_RADIUS_KM, on_land, places_of
from periplus.photos import Limits
from periplus.records import SCHEMA, Catalog
from periplus.sources import PROMPTS, open_source, read_grid, read_places, read_points


def table(tmp_path: Path, text: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def mass(catalog: Catalog) -> list[float]:
    values: list[float] = catalog.table.column("prior_mass").to_pylist()
    return values


def assert_bare(catalog: Catalog) -> None:
    assert catalog.table.column_names[: len(SCHEMA)] == SCHEMA.names
    assert catalog.column("path") == [None] * len(catalog)
    assert catalog.has_position.all()
    assert catalog.table.schema.field("prior_mass").type == pa.float64()
    assert all(isinstance(one, float) and one > 0 for one in mass(catalog))


def test_geoclips_gallery(shared: Path) -> None:
    file = shared / "tables/geoclip_gallery_100k.csv"
    scan = open_source(f"positions:{file}")
    assert_bare(scan.catalog)
    assert len(scan.catalog) == 94_123
    assert np.sum(mass(scan.catalog)) == 100_000
    assert scan.catalog.ids[:2] == ["-50.943392,-72.935664", "34.201047,-118.599931"]
    lines = [line.split(",") for line in file.read_text().split()[1:]]
    assert scan.catalog.ids == list(dict.fromkeys(f"{float(lat)!r},{float(lon)!r}" for lat, lon in lines))
    assert scan.root == file.parent.resolve()


def test_the_cells_of_osv5m(shared: Path) -> None:
    catalog = open_source(f"positions:{shared / 'tables/osv5m_quadtree_10_1000.csv'}").catalog
    assert_bare(catalog)
    assert len(catalog) == 11_399
    assert catalog.row(0)["lat_deg"] == -43.532155669434445
    assert catalog.row(0)["min_lat"] == "-54.887208333333"
    assert "mean_lat" not in catalog.table.column_names


def test_a_table_of_photos_gives_their_positions(shared: Path) -> None:
    catalog = open_source(f"positions:{shared / 'tables/yfcc25600_places365.csv'}").catalog
    assert_bare(catalog)
    assert np.sum(mass(catalog)) == 25_600
    assert catalog.row(0)["IMG_ID"] == "45/77/3228511372.jpg"


def test_equal_positions_become_one_row(tmp_path: Path) -> None:
    file = table(tmp_path, "id,LAT,LON,name\na,1,2,x\nb,1.0,2.00,y\nc,-0.0,180,z\nd,0,-180,w\ne,3,4,v\n")
    catalog = read_points(file).catalog
    assert catalog.ids == ["1.0,2.0", "0.0,-180.0", "3.0,4.0"]
    assert mass(catalog) == [2.0, 2.0, 1.0]
    assert catalog.column("name") == ["x", "z", "v"]
    assert catalog.column("table_id") == ["a", "c", "e"]


def test_masses_of_the_table_are_summed(tmp_path: Path) -> None:
    file = table(tmp_path, "lat,lon,prior_mass\n1,2,0.5\n1,2,0.25\n3,4,8\n")
    assert mass(read_points(file).catalog) == [0.75, 8.0]
    again = tmp_path / "again.parquet"
    pq.write_table(read_points(file).catalog.table, again)
    assert read_points(again).catalog.ids == ["1.0,2.0", "3.0,4.0"]
    assert mass(read_points(again).catalog) == [0.75, 8.0]


@pytest.mark.parametrize(("value", "why"), [("0", "above 0"), ("-1", "above 0"), ("nan", "above 0"), ("x", "numbers")])
def test_masses_that_cannot_be(tmp_path: Path, value: str, why: str) -> None:
    with pytest.raises(CatalogError, match=f"prior_mass.*{why}"):
        read_points(table(tmp_path, f"lat,lon,prior_mass\n1,2,1\n1,2,{value}\n"))


def test_rows_without_a_position_are_skipped(tmp_path: Path) -> None:
    scan = read_points(table(tmp_path, "lat,lon,prior_mass\n1,2,1\n,,1\n3,4,1\n"))
    assert scan.catalog.ids == ["1.0,2.0", "3.0,4.0"]
    assert [(skip.path, skip.kind) for skip in scan.skipped] == [("row 2", "without-position")]
    many = read_points(table(tmp_path, "lat,lon\n" + ",\n" * 1500))
    assert len(many.catalog) == 0
    assert len(many.skipped) == 1001
    assert "500 more" in many.skipped[-1].reason


@pytest.mark.parametrize(
    "header", ["mean_lat,mean_lon", "latitude_mean,longitude_mean", "Latitude,LNG", "lat_deg,lon_deg", "LAT,LON"]
)
def test_spellings(tmp_path: Path, header: str) -> None:
    assert read_points(table(tmp_path, f"{header},min_lat\n1,2,0\n")).catalog.ids == ["1.0,2.0"]


def test_columns_that_are_said(tmp_path: Path) -> None:
    file = table(tmp_path, "y,x,lat,lon\n1,2,3,4\n")
    assert open_source(f"positions:{file}", columns={"lat": "y", "lon": "x"}).catalog.ids == ["1.0,2.0"]
    assert read_points(file).catalog.ids == ["3.0,4.0"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("name,path\na,b\n", "has no positions"),
        ("name,other\na,b\n", "neither files nor positions"),
        ("lat,name\n1,b\n", "no column for lon_deg"),
        ("lat,lon\n95,2\n", "line 2.*looks? swapped"),
        ("lat,lon\n1,2\nx,3\n", "line 3"),
        ("lat,latitude,lon\n1,2,3\n", "several columns"),
    ],
)
def test_tables_that_break_the_rules(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(CatalogError, match=match):
        read_points(table(tmp_path, text))


def test_no_such_table() -> None:
    with pytest.raises(UsageError, match="no table"):
        open_source("positions:gone.csv")


def test_a_plain_table_of_positions_stays_as_it_was(tmp_path: Path) -> None:
    catalog = open_source(str(table(tmp_path, "lat,lon\n1,2\n1,2\n"))).catalog
    assert catalog.ids == ["0", "1"]
    assert "prior_mass" not in catalog.table.column_names


def test_a_grid_of_land_and_of_all() -> None:
    land, earth = open_source("grid:300").catalog, open_source("grid:300,sea").catalog
    assert_bare(land)
    assert_bare(earth)
    assert on_land(*land.positions).all()
    assert set(land.ids) < set(earth.ids)
    assert np.sum(mass(earth)) == pytest.approx(4 * np.pi * EARTH_RADIUS_KM**2)
    assert open_source("grid: 300.0 ").catalog.ids == land.ids


@pytest.mark.parametrize("spec", ["x", "0", "-5", "inf", "nan", "100,land", "100,", ",sea", "100,sea,sea"])
def test_what_is_no_grid(spec: str) -> None:
    with pytest.raises(UsageError, match="A grid is grid:KM"):
        open_source(f"grid:{spec}")


def test_a_grid_is_bounded() -> None:
    with pytest.raises(UsageError, match=r"more cells than the 50000000 rows of a table; take at least 3\.2 km"):
        open_source("grid:1e-300")
    with pytest.raises(UsageError, match="1000 rows"):
        read_grid("100", Limits(max_table_rows=1000))
    assert len(read_grid("800,sea", Limits(max_table_rows=1000)).catalog) <= 1000


def test_columns_of_a_grid_are_known() -> None:
    for spec in ("grid:500", "places:countries"):
        with pytest.raises(UsageError, match="are known"):
            open_source(spec, columns={"lat": "x"})


def test_countries() -> None:
    catalog = open_source("places:countries").catalog
    assert_bare(catalog)
    rows = {str(row["id"]): row for row in catalog.table.to_pylist()}
    assert len(rows) == 245
    assert list(rows) == sorted(rows)
    france = rows["country:FR"]
    assert france["place_kind"] == "country"
    assert (france["country"], france["country_code"], france["city"]) == ("France", "FR", None)
    assert france["prompt"] == "a street view photo in France"
    assert france["population"] > 40_000_000
    assert rows["country:KR"]["prompt"] == "a street view photo in South Korea"
    assert rows["country:NA"]["country"] == "Namibia"
    # The centre of a compact country lies in it.
    for code in ("FR", "DE", "MN", "BR", "KE", "PL", "AU"):
        row = rows[f"country:{code}"]
        assert places_of([row["lat_deg"]], [row["lon_deg"]])[0].country_code == code


def test_cities() -> None:
    catalog = open_source("places:cities,1000000").catalog
    assert_bare(catalog)
    assert len(catalog) == 523
    assert min(catalog.table.column("population").to_pylist()) >= 1_000_000
    prompts = catalog.column("prompt")
    assert "a street view photo in Shanghai, China" in prompts
    row = catalog.row(prompts.index("a street view photo in Shanghai, China"))
    assert row["id"] == f"city:{row['lat_deg']},{row['lon_deg']}"
    assert (row["place_kind"], row["region"], row["country_code"]) == ("city", "Shanghai", "CN")
    assert len(open_source("places:cities").catalog) == 5535


def test_every_town_once() -> None:
    catalog = read_places("cities,0").catalog
    assert len(catalog) == 155_173


def test_other_prompts() -> None:
    prompts = {**PROMPTS, "country": "{country} from the road", "city": "{city} ({region})"}
    assert "France from the road" in read_places("countries", prompts).catalog.column("prompt")
    assert "Shanghai (Shanghai)" in read_places("cities,20000000", prompts).catalog.column("prompt")


@pytest.mark.parametrize(
    "template",
    ["{city}", "{country.__class__}", "{country!r}", "{country:>99999999}", "{", "{}", "{0}", "{country[0]}"],
)
def test_prompts_that_ask_for_more_than_is_known(template: str) -> None:
    with pytest.raises(UsageError, match="template"):
        read_places("countries", {"country": template})
    with pytest.raises(UsageError, match="no template for a city"):
        read_places("cities", {"country": template})


@pytest.mark.parametrize("spec", ["towns", "citys", "cities,x", "cities,", "countries,5", "cities,-1", "cities,1e5"])
def test_what_names_no_places(spec: str) -> None:
    with pytest.raises(UsageError, match="names no places"):
        open_source(f"places:{spec}")


def test_the_nearest_kind_of_place_is_proposed() -> None:
    with pytest.raises(UsageError, match="Did you mean 'places:countries'"):
        open_source("places:country")

"""Right places: truths of a source in usual spellings, those that nobody knows, those by the gazetteer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from periplus.evaluate import PROTOCOLS, PlaceTruth, score_positions
from periplus.evaluate.places import place_column, right_places
from periplus.geo.regions import PLACE_KINDS, PlaceCodes, place_codes

# Paris, Lyon, San Francisco, Windhoek (Namibia), Singapore.
LAT = [48.8566, 45.76, 37.7793, -22.5594, 1.2897]
LON = [2.3522, 4.8357, -122.4193, 17.0832, 103.8501]


def _right(kind: str, **columns: list[str | None]) -> tuple[list[float], PlaceTruth]:
    here = place_codes(LAT, LON)
    found = right_places(PLACE_KINDS, here, here, pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()}))
    return found[kind].right.tolist(), found[kind].truth


def _same(found: list[float], expected: list[float]) -> None:
    np.testing.assert_array_equal(found, expected)


def test_codes_and_names_of_countries() -> None:
    right, truth = _right("country", unique_country=["FR", "US", "us", "NA", "SG"])
    _same(right, [1, 0, 1, 1, 1])
    assert truth == PlaceTruth("column unique_country", 5, 0, 0)
    right, truth = _right("country", country=["France", "FRANCE", "United States of America", "nan", "Atlantis"])
    _same(right, [1, 1, 1, np.nan, np.nan])
    assert truth == PlaceTruth("column country", 3, 1, 1)


def test_north_america_is_no_namibia() -> None:
    right, truth = _right("continent", continent=["Europe", "EU", "NA", "Africa", None])
    _same(right, [1, 1, 1, 1, np.nan])
    assert truth == PlaceTruth("column continent", 4, 1, 0)
    right, _ = _right("continent", Continent=["Asia", "Europe", "South America", "oceania", "Asia"])
    _same(right, [0, 1, 0, 0, 1])


def test_regions_within_their_country() -> None:
    regions: list[str | None] = ["Ile-de-France", "AUVERGNE RHONE ALPES", "California_US", "Khomas Region", None]
    right, truth = _right("region", region=regions)
    _same(right, [1, 1, 1, 1, np.nan])
    assert truth == PlaceTruth("column region", 4, 1, 0)
    right, truth = _right("region", region=regions, country=["FR", "FR", "FR", None, "SG"])
    _same(right, [1, 1, np.nan, 1, np.nan])
    assert truth == PlaceTruth("column region", 3, 1, 1), "France has no California"
    right, _ = _right("region", unique_region=["Normandy_FR", "Normandie", "Nevada", "Erongo Region", "nan"])
    _same(right[2:], [0, 0, np.nan])


def test_cities_within_their_region() -> None:
    cities: list[str | None] = [
        "Paris",
        "Lyon 05",
        "San Francisco_San Francisco County_California_US",
        "Windhoek",
        "nan",
    ]
    by_name, truth = _right("city", unique_city=cities)
    _same(by_name, [1, 1, 1, 1, np.nan])
    assert truth == PlaceTruth("column unique_city", 4, 1, 0)
    elsewhere, _ = _right("city", city=cities, country=["FR", "FR", "AR", "NA", "SG"])
    _same(elsewhere, [1, 1, 0, 1, np.nan])  # there is a San Francisco in Argentina, too
    other, _ = _right("city", city=cities, state=["Ile-de-France", "Brittany", "California", "Khomas Region", None])
    _same(other, [1, 0, 1, 1, np.nan])


def test_nan_is_a_town_when_it_is_written_as_one() -> None:
    here = place_codes([18.78], [100.77])
    assert here.names("city") == ["Nan"]
    for text, right in (("Nan", 1.0), ("nan", np.nan)):
        found = right_places(("city",), here, here, pa.table({"city": [text, "Paris"]}).slice(0, 1))
        if text == "Nan":
            _same(found["city"].right.tolist(), [right])
        else:
            assert found["city"].truth.source == "gazetteer", "a column without any name tells nothing"


def test_without_a_column_the_gazetteer_tells() -> None:
    here = place_codes(LAT, LON)
    away = PlaceCodes(np.array([-1, *here.town[1:]], np.int32))
    for columns in (None, pa.table({"country": pa.nulls(5, pa.string())})):
        found = right_places(PLACE_KINDS, away, here, columns)
        for kind in ("continent", "country", "city"):
            _same(found[kind].right.tolist(), [0, 1, 1, 1, 1])
            assert found[kind].truth == PlaceTruth("gazetteer", 5, 0, 0)
        _same(found["region"].right.tolist(), [0, 1, 1, 1, np.nan])
        assert found["region"].truth == PlaceTruth("gazetteer", 4, 1, 0), "Singapore has no regions"
        assert found["region"].names()[1:] == ["Auvergne-Rhône-Alpes", "California", "Khomas Region", None]


@pytest.mark.parametrize(
    ("kind", "columns", "chosen"),
    [
        ("country", ["country", "unique_country"], "unique_country"),
        ("country", ["ISO2", "lat"], "ISO2"),
        ("region", ["region", "state"], "state"),
        ("region", ["unique_region", "region"], "unique_region"),
        ("city", ["city_ascii", "City"], "City"),
        ("continent", ["lat"], None),
    ],
)
def test_which_column(kind: str, columns: list[str], chosen: str | None) -> None:
    assert place_column(kind, columns) == chosen


def test_own_names_of_the_gazetteer_are_always_right() -> None:
    rng = np.random.default_rng(5)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, 3000))), rng.uniform(-180, 180, 3000)
    here = place_codes(lat, lon)
    columns = pa.table({kind: pa.array(here.names(kind), pa.string()) for kind in PLACE_KINDS})
    told = score_positions((lat, lon), (lat, lon), PROTOCOLS["world"], columns)
    assert [told.values[f"place_accuracy/{kind}"] for kind in PLACE_KINDS] == [1, 1, 1, 1]
    assert all(told.places[kind].truth.unrecognised == 0 for kind in PLACE_KINDS)
    assert told.places["country"].truth.n == 3000

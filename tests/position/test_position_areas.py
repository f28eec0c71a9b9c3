"""Countries, regions and cities by probability."""

from __future__ import annotations

import numpy as np
import pytest

from periplus.errors import RecordError
from periplus.geo import PlaceName, places_of
from periplus.position import AreaTable, area_table, top_areas

PLACES = [
    PlaceName("Lyon", "Auvergne-Rhône-Alpes", "France", "FR", 1.0),
    PlaceName("Paris", "Île-de-France", "France", "FR", 49.0),
    PlaceName("Paris", "Texas", "United States", "US", 3.0),
    PlaceName("Monaco", "", "Monaco", "MC", 0.0),
    PlaceName("Lyon", "Auvergne-Rhône-Alpes", "France", "FR", 60.0),
    PlaceName("Singapore", "Singapore", "Singapore", "SG", 5.0),
]
P = np.array([0.1, 0.2, 0.3, 0.15, 0.05, 0.2], np.float32)


def told(most: int = 5) -> list[tuple[str, str, str, float]]:
    return [(a.kind, a.name, a.country_code, round(a.probability, 6)) for a in top_areas(P, area_table(PLACES), most)]


def test_sums_by_hand() -> None:
    assert told() == [
        ("country", "France", "FR", 0.35),
        ("country", "United States", "US", 0.3),
        ("country", "Singapore", "SG", 0.2),
        ("country", "Monaco", "MC", 0.15),
        ("region", "Texas, United States", "US", 0.3),
        ("region", "Île-de-France, France", "FR", 0.2),
        ("region", "Singapore", "SG", 0.2),
        ("region", "Auvergne-Rhône-Alpes, France", "FR", 0.15),
        ("city", "Paris, Texas, United States", "US", 0.3),
        ("city", "Paris, Île-de-France, France", "FR", 0.2),
        ("city", "Singapore", "SG", 0.2),
        ("city", "Monaco", "MC", 0.15),
        ("city", "Lyon, Auvergne-Rhône-Alpes, France", "FR", 0.1),
    ]
    assert [t[:2] for t in told(1)] == [
        ("country", "France"), ("region", "Texas, United States"), ("city", "Paris, Texas, United States")
    ]  # fmt: skip


def test_areas_without_belief_are_not_told() -> None:
    p = np.zeros(6)
    p[3] = 1
    assert [(a.kind, a.name) for a in top_areas(p, area_table(PLACES))] == [("country", "Monaco"), ("city", "Monaco")]


def test_finer_rows_lie_where_their_parents_do() -> None:
    table = area_table(PLACES).at(np.array([2, 2, 0]))
    found = top_areas(np.array([0.25, 0.5, 0.25]), table)
    assert [(a.name, a.probability) for a in found if a.kind == "country"] == [
        ("United States", 0.75),
        ("France", 0.25),
    ]


def test_the_real_gazetteer() -> None:
    table = area_table(places_of([48.857, 45.764, -33.9], [2.352, 4.836, 151.2]))
    found = top_areas(np.array([0.5, 0.3, 0.2]), table)
    assert (found[0].kind, found[0].country_code) == ("country", "FR")
    assert found[0].probability == pytest.approx(0.8)
    assert found[1].name == "Australia"


def test_no_rows_and_codes_without_names() -> None:
    assert top_areas(np.zeros(0), area_table([])) == ()
    table = area_table(PLACES)
    with pytest.raises(RecordError, match="do not fit"):
        AreaTable(table.codes, (("France",), *table.names[1:]), (("FR",), *table.country_codes[1:]))
    with pytest.raises(RecordError, match="do not fit"):
        AreaTable(table.codes[:2], table.names, table.country_codes)
    with pytest.raises(RecordError, match="do not fit"):
        AreaTable(table.codes - 2, table.names, table.country_codes)

"""Continents and names of countries: complete, and as a table made by others has them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from periplus.geo.continents import CONTINENT_OF, CONTINENTS
from periplus.geo.country_names import country_code, plain_name
from periplus.geo.regions import gazetteer


def test_every_country_of_the_gazetteer_has_a_continent() -> None:
    assert set(gazetteer().country_codes) <= set(CONTINENT_OF)
    assert set(CONTINENT_OF.values()) == set(CONTINENTS)
    assert len(CONTINENTS) == 7
    assert len(CONTINENT_OF) == 250, "no code stands in two continents"


def test_countries_between_continents() -> None:
    told = {
        code: CONTINENT_OF[code] for code in ("RU", "TR", "EG", "KZ", "GE", "CY", "PA", "TT", "GL", "GF", "RE", "ID")
    }
    assert told == {
        "RU": "Europe", "TR": "Asia", "EG": "Africa", "KZ": "Asia", "GE": "Asia", "CY": "Asia", "PA": "North America",
        "TT": "North America", "GL": "North America", "GF": "South America", "RE": "Africa", "ID": "Asia",
    }  # fmt: skip


def test_as_others_have_them(shared: Path) -> None:
    with (shared / "tables" / "streetscapes_6152.csv").open(encoding="utf-8") as file:
        pairs = {(row["country"], row["continent"]) for row in csv.DictReader(file)}
    different = {country for country, continent in pairs if CONTINENT_OF[country_code(country) or ""] != continent}
    # M49 puts Réunion where it lies and counts the Caribbean to North America.
    assert len(pairs) > 100
    assert different == {"Reunion", "Aruba"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NA", "NA"), ("fr", "FR"), (" DE ", "DE"), ("Namibia", "NA"), ("Côte d’Ivoire", "CI"), ("USA", "US"),
        ("Korea, Republic of", "KR"), ("South Korea", "KR"), ("Congo (Kinshasa)", "CD"), ("Congo", "CG"),
        ("Falkland Islands (Islas Malvinas)", "FK"), ("The Gambia", "GM"), ("ISLE OF MAN", "IM"), ("Türkiye", "TR"),
        ("Atlantis", None), ("", None), ("nan", None), ("XX", None),
    ],
)  # fmt: skip
def test_names_and_codes(text: str, code: str | None) -> None:
    assert country_code(text) == code


def test_every_name_of_the_gazetteer_is_understood() -> None:
    known = gazetteer()
    for code, name in zip(known.country_codes, known.names("country"), strict=True):
        assert country_code(name) == code
        assert country_code(code) == code


def test_plain_names() -> None:
    assert plain_name("Auvergne-Rhône-Alpes") == plain_name("AUVERGNE RHONE ALPES") == "auvergnerhonealpes"
    assert plain_name("東京") == "東京"
    assert plain_name("-- ") == ""

"""Places as numbers: against brute force and the k-nearest search, at poles and across the date line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import Neighbours, distance_km, places_of
from periplus.geo.continents import CONTINENT_OF, CONTINENTS
from periplus.geo.nearest import NearestPoint
from periplus.geo.regions import PLACE_KINDS, gazetteer, place_codes


def _everywhere(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions all over, half of them near towns, with the poles and the date line."""
    rng = np.random.default_rng(seed)
    known = gazetteer()
    towns = rng.integers(0, len(known.towns), n // 2)
    lat = np.concatenate(
        [known.lat_deg[towns] + rng.normal(0, 0.1, n // 2), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))]
    )
    lon = np.concatenate([known.lon_deg[towns] + rng.normal(0, 0.1, n // 2), rng.uniform(-180, 180, n)])
    lat, lon = np.append(lat, [90, -90, 66.4, -16.8, 0]), np.append(lon, [12, -170, 179.99, -180, 179.999])
    return np.clip(lat, -90, 90), (lon + 180) % 360 - 180


def test_the_nearest_town_is_the_nearest_of_all() -> None:
    lat, lon = _everywhere(40)
    known, found = gazetteer(), place_codes(lat, lon).town
    for q in range(len(lat)):
        km = distance_km(lat[q], lon[q], known.lat_deg, known.lon_deg)
        assert km[found[q]] == km.min()
        assert known.population[found[q]] == known.population[km == km.min()].max()


def test_many_at_once_are_as_one_by_one() -> None:
    lat, lon = _everywhere(4000)
    lat, lon = np.tile(lat, 2), np.tile(lon, 2)  # asked twice, so that equal places are merged
    known, found = gazetteer(), place_codes(lat, lon).town
    rows, km = Neighbours(known.lat_deg, known.lon_deg).nearest(lat, lon)
    np.testing.assert_array_equal(distance_km(lat, lon, known.lat_deg[found], known.lon_deg[found]), km[:, 0])
    assert (rows[:, 0] != found).mean() < 1e-3, "only of towns at one place"
    np.testing.assert_array_equal(np.concatenate([place_codes(*part).town for part in zip(
        np.array_split(lat, 11), np.array_split(lon, 11), strict=True)]), found)  # fmt: skip


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 179)), min_size=1, max_size=20), st.randoms())
def test_equal_points_give_the_first(points: list[tuple[float, float]], shuffler: object) -> None:
    lat, lon = np.array(points + points).T
    rows = NearestPoint(lat, lon).rows(lat, lon)
    assert (rows < len(points)).all()
    assert distance_km(lat, lon, lat[rows], lon[rows]).max() < 1e-6


def test_codes_and_names_are_those_of_the_places() -> None:
    lat, lon = _everywhere(200)
    codes = place_codes(lat, lon)
    names = {kind: codes.names(kind) for kind in PLACE_KINDS}
    for row, place in enumerate(places_of(lat, lon)):
        assert names["city"][row] == place.city
        assert names["region"][row] == place.region
        assert names["country"][row] == place.country
        assert names["continent"][row] == CONTINENT_OF[place.country_code]
        assert gazetteer().country_codes[codes.of("country")[row]] == place.country_code


def test_a_place_lies_in_one_larger_place() -> None:
    known = gazetteer()
    for small, large in (("city", "region"), ("region", "country"), ("country", "continent")):
        pairs = np.unique(np.stack([known.codes(small), known.codes(large)])[:, :-1], axis=1)
        assert pairs.shape[1] == len(known.names(small)), (small, large)
    assert known.names("continent") == CONTINENTS
    assert len(known.names("country")) == len(known.country_codes) == len(set(known.country_codes))


def test_unknown_positions() -> None:
    codes = place_codes([np.nan, 48.86, 48.86], [2.35, np.nan, 2.35])
    assert codes.town[:2].tolist() == [-1, -1]
    assert codes.of("city")[:2].tolist() == [-1, -1]
    assert codes.names("country") == [None, None, "France"]
    assert place_codes([], []).of("region").shape == (0,)
    with pytest.raises(UsageError, match="Place 1 has no position"):
        gazetteer().nearest([0, np.nan], [0, 0])
    with pytest.raises(EmptyInputError):
        NearestPoint([], [])

"""Strata: against loops over all towns and all gallery rows."""

from __future__ import annotations

import numpy as np

from periplus.evaluate.strata import DENSITIES, SETTLEMENTS, STRATA, Ground
from periplus.geo import distance_km
from periplus.geo.continents import CONTINENT_OF
from periplus.geo.regions import gazetteer, place_codes


def _ground(n: int, gallery: int | None) -> Ground:
    rng = np.random.default_rng(3)
    known = gazetteer()
    near = rng.integers(0, len(known.towns), n)
    lat = np.clip(known.lat_deg[near] + rng.normal(0, 0.1, n), -90, 90)
    lon = (known.lon_deg[near] + rng.normal(0, 0.1, n) + 180) % 360 - 180
    rows = None
    if gallery is not None:
        pick = (n // 2 * rng.uniform(size=gallery) ** 4).astype(int)  # half of the truths have rows near, some many
        rows = lat[pick] + rng.normal(0, 0.05, gallery), lon[pick] + rng.normal(0, 0.05, gallery)
        rows[0][:3] = rows[1][:3] = np.nan
    return Ground((lat, lon), place_codes(lat, lon), rows)


def test_settlements() -> None:
    ground, known = _ground(60, None), gazetteer()
    found = STRATA["settlement"](ground)
    for q, (lat, lon) in enumerate(zip(*ground.truth, strict=True)):
        km = distance_km(lat, lon, known.lat_deg, known.lon_deg)
        city, town = km[known.population >= 50_000].min(), km[known.population >= 5_000].min()
        expected = "city" if city <= 10 else "town" if town <= 5 else "rural"
        assert SETTLEMENTS[found.codes[q]] == expected
        assert found.columns["nearest_city_km"][q] == city
        assert found.columns["nearest_town_km"][q] == town
    assert set(found.codes.tolist()) == {0, 1, 2}


def test_density_of_the_gallery() -> None:
    ground = _ground(80, 4000)
    assert ground.gallery is not None
    found = STRATA["gallery_within_25_km"](ground)
    lows = {"0": 0, "1-9": 1, "10-99": 10, "100-999": 100, "1000+": 1000}
    assert tuple(lows) == DENSITIES
    for q, (lat, lon) in enumerate(zip(*ground.truth, strict=True)):
        km = distance_km(lat, lon, *ground.gallery)
        near = int((km <= 25).sum())
        assert found.columns["gallery_within_25_km"][q] == near
        assert found.columns["gallery_nearest_km"][q] == np.nanmin(km)
        assert found.names[found.codes[q]] == max((name for name in lows if lows[name] <= near), key=lows.__getitem__)
    assert len(set(found.codes.tolist())) >= 4


def test_a_gallery_that_is_not_known_or_has_no_positions() -> None:
    ground = _ground(10, None)
    assert (STRATA["gallery_within_25_km"](ground).codes == -1).all()
    nowhere = Ground(ground.truth, ground.places, (np.full(4, np.nan), np.full(4, np.nan)))
    assert (STRATA["gallery_within_25_km"](nowhere).codes == 0).all()


def test_continents() -> None:
    ground, known = _ground(50, None), gazetteer()
    found = STRATA["continent"](ground)
    expected = [CONTINENT_OF[known.towns[row][3]] for row in ground.places.town.tolist()]
    assert [found.names[code] for code in found.codes.tolist()] == expected

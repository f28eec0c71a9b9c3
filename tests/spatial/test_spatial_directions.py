"""Directions of axes: on meridians and parallels, the same from either end."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_variogram import axis_deg

from periplus.errors import UsageError
from periplus.geo import to_unit
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.classes import ArcClasses
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, given_lags, linear_lags
from periplus.spatial.pairs.tiles import Tile
from periplus.spatial.pairs.workspace import Workspace
from periplus.spatial.variograms.directions import Directions, sector_ends_deg
from periplus.spatial.variograms.exact import exact_variograms


def _axes(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    xyz = to_unit(lat, lon)
    n = len(xyz)
    chord = np.linalg.norm(xyz[:, None] - xyz, axis=2)
    arc = 2 * np.arcsin(np.minimum(chord / 2, 1))
    everything = slice(0, n)
    tile = Tile(everything, everything, arc, ArcClasses(np.array([0.0, np.inf])), Workspace(), close=True)
    return np.degrees(Directions(xyz, 4, 2).azimuth(tile)) % 180


def test_against_going_to_the_middle() -> None:
    rng = np.random.default_rng(0)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, 60))), rng.uniform(-180, 180, 60)
    lat[:30], lon[:30] = 45 + rng.normal(0, 0.001, 30), 179.9999 + rng.normal(0, 0.001, 30)
    off = _axes(lat, lon) - axis_deg(lat, lon)
    apart = np.abs((off + 90) % 180 - 90)
    np.fill_diagonal(apart, 0)
    assert apart.max() < 1e-5


def test_the_same_from_either_end() -> None:
    rng = np.random.default_rng(1)
    axes = _axes(rng.uniform(-80, 80, 40), rng.uniform(-180, 180, 40))
    off = np.abs((axes - axes.T + 90) % 180 - 90)
    assert off.max() < 1e-9


@pytest.mark.parametrize(
    ("ends", "sector"),
    [(((0, 0), (10, 0)), 0), (((0, 0), (10, 10)), 1), (((40, 5), (40, 25)), 2), (((10, 0), (0, 10)), 3)],
)
def test_sectors_of_four(ends: tuple[tuple[float, float], tuple[float, float]], sector: int) -> None:
    for order in (ends, ends[::-1]):
        lat, lon = (np.array(part, np.float64) for part in zip(*order, strict=True))
        found = exact_variograms(Observations(lat, lon, np.array([0.0, 1.0])), given_lags([0, 9000]), sectors=4)
        assert [int(one.count[0]) for one in found] == [int(k == sector) for k in range(4)]


def test_places_that_coincide_count_as_north_to_south() -> None:
    lat, lon = np.full(9, 33.3), np.full(9, 44.4)
    found = exact_variograms(Observations(lat, lon, np.arange(9.0)), given_lags([0, 1]), sectors=3)
    assert [int(one.count[0]) for one in found] == [36, 0, 0]


def test_sectors_share_all_pairs() -> None:
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(-89, 89, 200), rng.uniform(-180, 180, 200)
    observed, lags = Observations(lat, lon, rng.normal(size=200)), linear_lags(HALF_GIRTH_KM, 5)
    whole, parts = exact_variograms(observed, lags)[0], exact_variograms(observed, lags, sectors=7)
    np.testing.assert_array_equal(sum(one.count for one in parts), whole.count)
    assert [one.sector_deg for one in parts] == sector_ends_deg(7)


def test_anisotropy_is_seen() -> None:
    rng = np.random.default_rng(3)
    lat, lon = rng.uniform(-5, 5, 600), rng.uniform(-5, 5, 600)
    north, _, east, _ = exact_variograms(Observations(lat, lon, np.sin(lat)), given_lags([100, 300]), sectors=4)
    assert north.gamma[0] > 5 * east.gamma[0]


def test_ends() -> None:
    assert sector_ends_deg(1) == [(-90, 90)]
    assert sector_ends_deg(4)[0] == (-22.5, 22.5)
    for sectors in (0, 181):
        with pytest.raises(UsageError, match="sectors"):
            sector_ends_deg(sectors)

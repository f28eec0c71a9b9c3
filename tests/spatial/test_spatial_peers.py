"""Scalar semivariograms against GSTools, here and now, and against what scikit-gstat and GSTools' Rust core found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gstools
import numpy as np
import pytest
from numpy.typing import NDArray

from periplus.geo import EARTH_RADIUS_KM
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, given_lags
from periplus.spatial.pairs.tiles import PassSettings
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.variogram import Estimator, Variogram

Values = NDArray[np.float64]
GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "skgstat.json").read_text(encoding="utf-8"))
CLOSE = 1e-6
EDGES_KM = np.array([0.0, 20, 60, 200, 700, 2000, 5000, 9000, 14000, 20000])


def curve(observations: Observations, edges_km: Values, estimator: Estimator) -> Variogram:
    """All pairs, one direction."""
    (found,) = exact_variograms(observations, given_lags(edges_km), estimator, how=PassSettings(blocks=5))
    return found


def golden_places() -> tuple[Values, Values]:
    """Positions of the golden file."""
    return np.array(GOLDEN["lat_deg"]), np.array(GOLDEN["lon_deg"])


def same(found: Variogram, gamma: Values, count: Values) -> None:
    """Equal counts, semivariances equal to 1e-6 of their own size; without pairs GSTools says 0, we NaN."""
    np.testing.assert_array_equal(found.count, count)
    np.testing.assert_allclose(found.gamma, np.where(count > 0, gamma, np.nan), rtol=CLOSE)


@pytest.mark.parametrize("name", sorted(name for name in GOLDEN["found"] if "cross" not in name))
def test_a_scalar_field_is_as_the_peers_find_it(name: str) -> None:
    estimator: Estimator = name.split()[-1]  # type: ignore[assignment]
    found = curve(Observations(*golden_places(), np.array(GOLDEN["values"])), np.array(GOLDEN["edges_km"]), estimator)
    same(found, np.array(GOLDEN["found"][name]["gamma"]), np.array(GOLDEN["found"][name]["count"]))


def test_the_cross_semivariogram_is_scikit_gstats() -> None:
    both = Observations(*golden_places(), np.array(GOLDEN["values"]), np.array(GOLDEN["other"]))
    expected = GOLDEN["found"]["scikit-gstat great-circle cross"]
    found = curve(both, np.array(GOLDEN["edges_km"]), "matheron")
    same(found, np.array(expected["gamma"]), np.array(expected["count"]))


def towns(seed: int) -> tuple[Values, Values]:
    """400 places in 25 towns all over the Earth; one of them round a pole, one across the date line."""
    rng = np.random.default_rng(seed)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, 25)))
    lon = rng.uniform(-180, 180, 25)
    lat[:2], lon[:2] = (89.95, 12.0), (0.0, 179.99)
    spread = rng.normal(0, 0.2, (2, 25, 16))
    lat_deg = np.clip(lat[:, None] + spread[0], -90, 90)
    lon_deg = (lon[:, None] + spread[1] + 180) % 360 - 180
    return lat_deg.ravel(), lon_deg.ravel()


@pytest.mark.parametrize("estimator", ["matheron", "cressie"])
@pytest.mark.parametrize("seed", [0, 1])
def test_great_circles_are_gstools(estimator: Estimator, seed: int) -> None:
    lat, lon = towns(seed)
    rng = np.random.default_rng(seed)
    values = np.sin(np.radians(lat) * 3) + np.cos(np.radians(lon)) + rng.standard_t(3, len(lat))
    _, gamma, count = gstools.vario_estimate(
        (lat, lon),
        values,
        EDGES_KM.copy(),  # it divides them in place
        latlon=True,
        geo_scale=EARTH_RADIUS_KM,
        estimator=estimator,
        return_counts=True,
    )
    same(curve(Observations(lat, lon, values), EDGES_KM, estimator), gamma, count)


def test_chords_are_gstools_in_space_and_the_last_lag_holds_the_antipodes() -> None:
    lat, lon = towns(2)
    lat, lon = np.append(lat, -lat[0]), np.append(lon, (lon[0] + 360) % 360 - 180)
    values = np.random.default_rng(2).standard_normal(len(lat))
    edges = np.append(EDGES_KM, HALF_GIRTH_KM)
    phi, theta = np.radians(lat), np.radians(lon)
    xyz = np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)])
    chords = 2 * np.sin(edges / (2 * EARTH_RADIUS_KM))
    chords[-1] = 2.1  # theirs leaves out what lies at the last edge
    _, gamma, count = gstools.vario_estimate(xyz, values, chords, return_counts=True)
    assert count[-1] > 0
    same(curve(Observations(lat, lon, values), edges, "matheron"), gamma, count)

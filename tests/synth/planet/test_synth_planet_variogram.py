"""What was put in can be found again: a fit to the empirical semivariogram of 20,000 places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial import cKDTree

from periplus.geo import EARTH_RADIUS_KM, from_unit, km_from_chord
from periplus.synth.planet import FieldModel, RandomField
from periplus.synth.planet.fields import Family


def sphere(seed: int, n: int) -> NDArray[np.float64]:
    xyz = np.random.default_rng(seed).standard_normal((n, 3))
    return np.asarray(xyz / np.linalg.norm(xyz, axis=1, keepdims=True))


def fitted(field: RandomField, xyz: NDArray[np.float64]) -> tuple[float, float, float]:
    """Length scale, sill and nugget by least squares with weights N/γ², as shares of the truth."""
    truth, rng = field.model, np.random.default_rng(1)
    z, reach = field.at(*from_unit(xyz)), truth.length_scale_km
    edges = np.concatenate([[0], np.geomspace(0.03, 3, 18)]) * reach
    near = cKDTree(xyz).query_pairs(0.3 * reach / EARTH_RADIUS_KM, output_type="ndarray")
    pairs = np.concatenate([near, rng.integers(0, len(z), (3_000_000, 2))])
    km = km_from_chord(np.linalg.norm(xyz[pairs[:, 0]] - xyz[pairs[:, 1]], axis=1))
    kept = (km > 0) & (km < edges[-1])
    kind = np.digitize(km[kept], edges) - 1
    count = np.maximum(np.bincount(kind, minlength=18), 1)
    squares = 0.5 * (z[pairs[kept, 0]] - z[pairs[kept, 1]]) ** 2
    gamma, lag = (np.bincount(kind, w, 18) / count for w in (squares, km[kept]))

    def misses(log: NDArray[np.float64]) -> NDArray[np.float64]:
        length, sill, nugget = np.exp(log)
        model = replace(truth, length_scale_km=length * reach, sill=sill * truth.sill, nugget=nugget * truth.nugget)
        known = truth.variogram(np.maximum(lag, 1e-3))
        return np.asarray((model.variogram(lag) - gamma) * np.sqrt(count) / known)

    found = np.exp(least_squares(misses, [0.2, 0.2, 0.2]).x)
    return float(found[0]), float(found[1]), float(found[2])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["exponential", "gaussian", "matern"])
def test_a_fit_finds_range_sill_and_nugget_within_a_tenth(family: Family) -> None:
    places, typical_at = sphere(5, 20_000), sphere(6, 1000)
    for seed in range(3):
        field = FieldModel("x", family, 300.0, sill=1.0, nugget=0.25).draw_typical((seed,), typical_at)
        assert fitted(field, places) == pytest.approx((1, 1, 1), abs=0.1), seed

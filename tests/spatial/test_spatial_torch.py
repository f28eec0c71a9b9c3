"""The torch backend: equal to NumPy's but for rounding."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from periplus.errors import CannotRunError, MissingExtraError, UsageError
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, log_lags
from periplus.spatial.pairs.tiles import Sums, Tile, make_plan
from periplus.spatial.variograms import torch_tiles
from periplus.spatial.variograms.exact import PassSettings, exact_variograms
from periplus.spatial.variograms.variogram import Estimator

LAGS = log_lags(1, HALF_GIRTH_KM, 9)
TORCH = PassSettings(blocks=12, backend="torch")


def _observed(kind: str) -> Observations:
    rng = np.random.default_rng(0)
    n = 300
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    lat[:60], lon[:60] = 40 + rng.normal(0, 0.3, 60), rng.normal(0, 0.3, 60)
    lat[:4], lon[:4] = lat[0], lon[0]
    vectors = rng.normal(size=(n, 16)).astype(np.float32)
    more = (vectors + rng.normal(size=(n, 16))).astype(np.float32)
    values, other = {
        "scalar": (vectors[:, 0], None),
        "vector": (vectors, None),
        "scalars": (vectors[:, 0], more[:, 0]),
        "vectors": (vectors, more),
    }[kind]
    return Observations(lat, lon, values, other)


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        *((kind, name) for kind in ("scalar", "vector") for name in ("matheron", "cressie", "dowd")),
        ("scalars", "matheron"),
        ("vectors", "matheron"),
    ],
)
@pytest.mark.parametrize("sectors", [1, 3])
def test_as_numpy(kind: str, estimator: Estimator, sectors: int) -> None:
    observed = _observed(kind)
    found = exact_variograms(observed, LAGS, estimator, sectors, TORCH)
    wanted = exact_variograms(observed, LAGS, estimator, sectors, PassSettings(blocks=12))
    for one, two in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.count, two.count)
        np.testing.assert_allclose(one.gamma, two.gamma, rtol=1e-6)
        np.testing.assert_allclose(one.distance_km, two.distance_km, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(one.standard_error, two.standard_error, rtol=1e-4, atol=1e-12)


def test_small_tiles_and_vectors_that_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = exact_variograms(_observed("vector"), LAGS, how=TORCH)[0]
    monkeypatch.setattr("periplus.spatial.variograms.values.RESIDENT_BYTES", 0)
    monkeypatch.setitem(torch_tiles._CELLS, "cpu", 100)
    found = exact_variograms(_observed("vector"), LAGS, how=TORCH)[0]
    np.testing.assert_array_equal(found.count, wanted.count)
    np.testing.assert_allclose(found.gamma, wanted.gamma, rtol=1e-6)


def test_it_resumes(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    wanted = exact_variograms(_observed("vector"), LAGS, how=TORCH)[0]
    file = tmp_path / "pass.npz"
    how = PassSettings(blocks=12, backend="torch", checkpoint=file)
    with pytest.raises(KeyboardInterrupt):
        exact_variograms(_observed("vector"), LAGS, how=replace(how, progress=stop))
    assert file.exists()
    found = exact_variograms(_observed("vector"), LAGS, how=how)[0]
    assert found.gamma.tobytes() == wanted.gamma.tobytes()


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="learn"):
        exact_variograms(_observed("scalar"), LAGS, how=TORCH)


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(CannotRunError, match="nowhere"):
        exact_variograms(_observed("scalar"), LAGS, how=PassSettings(backend="torch", device="nowhere"))


def test_a_consumer_without_torch_form() -> None:
    class Nothing:
        def empty(self) -> Sums:
            return {}

        def take(self, tile: Tile, sums: Sums) -> None:
            del tile, sums

    observed = _observed("scalar")
    plan = make_plan(observed.lat_deg, observed.lon_deg, LAGS, 4)
    with pytest.raises(UsageError, match="numpy"):
        next(torch_tiles.torch_walk(plan, Nothing(), TORCH))

"""Against the released GeoCLIP: its own package, weights and list of positions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forger_clip import forge_clip
from numpy.typing import NDArray
from oracle_geoclip import run_geoclip
from PIL import Image

from periplus.encode.geo_model import GeoModel, convert_geoclip
from periplus.encode.models import LocationNetwork
from periplus.encode.picture_encoder import open_picture_encoder

FEW = 800
Answers = Mapping[str, NDArray[Any]]


def positions(n: int) -> NDArray[np.float64]:
    """Uniform on the sphere, with poles and both sides of the date line; as float32 holds them."""
    rng = np.random.default_rng(0)
    rows = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)], axis=1)
    rows[:50, 0], rows[50:100, 0], rows[100:150, 1], rows[150:200, 1] = 90, -90, -180, 180
    rows[200:203] = [[0, 0], [90, 180], [-90, -180]]
    return rows.astype(np.float32).astype(np.float64)


def pictures(folder: Path, n: int) -> list[Path]:
    rng = np.random.default_rng(1)
    shots = [Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).resize((80, 60)) for _ in range(n)]
    for i, shot in enumerate(shots):
        shot.save(folder / f"{i}.png")
    return [folder / f"{i}.png" for i in range(n)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return forge_clip(tmp_path_factory.mktemp("clip"), projection_dim=768)


@pytest.fixture(scope="module")
def model(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> GeoModel:
    return convert_geoclip(None, tmp_path_factory.mktemp("geo") / "geoclip", picture=str(clip))


@pytest.fixture(scope="module")
def gallery(shared: Path) -> NDArray[np.float32]:
    rows = np.loadtxt(shared / "tables" / "geoclip_gallery_100k.csv", delimiter=",", skiprows=1)
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def theirs(clip: Path, gallery: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Theirs, on a list with every tenth row twice and some three times."""
    folder = tmp_path_factory.mktemp("theirs")
    listed = np.concatenate([gallery[:FEW], gallery[:FEW:10], gallery[:FEW:100]])
    shots = pictures(folder, 3)
    return run_geoclip(folder, positions=positions(FEW), pictures=shots, clip=clip, gallery=listed, double=True)


def twin(model: GeoModel) -> LocationNetwork:
    location: Any = model.location
    network = LocationNetwork(location.config).eval()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in location.arrays().items()})
    return network


def unit(rows: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def check_location(model: GeoModel, theirs: Answers, where: NDArray[np.float64]) -> None:
    """The torch twin is theirs to the last bit; what is used is within 1e-5, as the vectors are compared."""
    network = twin(model)
    with torch.inference_mode():
        np.testing.assert_allclose(network(torch.from_numpy(where)).numpy(), theirs["location"], atol=1e-7)
    expected = unit(theirs["location"])
    np.testing.assert_allclose(model.location.encode(where[:, 0], where[:, 1]), expected, atol=1e-5, rtol=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("periplus.encode.location.has_package", lambda _: False)
        difference = np.abs(model.location.encode(where[:, 0], where[:, 1]) - expected).max(axis=1)
    assert np.median(difference) < 1e-6
    assert (difference < 1e-5).mean() > 0.9
    assert difference.max() < 2e-4


def merged(rows: NDArray[np.float32], values: NDArray[Any]) -> dict[tuple[float, float], float]:
    """The sum of the values of equal rows."""
    total: dict[tuple[float, float], float] = {}
    for lat, lon, value in zip(*rows.T.tolist(), values.tolist(), strict=True):
        total[lat, lon] = total.get((lat, lon), 0.0) + value
    return total


def check_predict(model: GeoModel, theirs: Answers, listed: NDArray[np.float32], shots: list[Path]) -> None:
    distinct, times = np.unique(listed, axis=0, return_counts=True)
    assert times.max() > 1
    rows = model.location.encode(distinct[:, 0], distinct[:, 1]).astype(np.float64)
    seen = [np.asarray(Image.open(path).convert("RGB")) for path in shots]
    for i, vector in enumerate(open_picture_encoder(model.picture).encode(seen).astype(np.float64)):
        weights = times * np.exp(model.logit_scale * (rows @ vector))
        ours = merged(distinct, weights / weights.sum())
        expected = merged(theirs[f"positions_{i}"], theirs[f"probabilities_{i}"].astype(np.float64))
        assert ours.keys() == expected.keys()
        p, q = (np.array([side[key] for key in sorted(expected)]) for side in (ours, expected))
        np.testing.assert_allclose(p, q, rtol=6e-3)  # One step of their projection moves a row by so much.
        assert np.median(np.abs(p / q - 1)) < 1e-4
        best, their_best = np.argsort(-p, kind="stable"), np.argsort(-q, kind="stable")
        np.testing.assert_array_equal(best[:10], their_best[:10])
        # Where the order differs, the probabilities are as good as equal.
        np.testing.assert_allclose(q[best[:500]], q[their_best[:500]], rtol=6e-3)


def test_the_location_encoder_is_theirs(model: GeoModel, theirs: Answers) -> None:
    check_location(model, theirs, positions(FEW))
    # In double precision theirs moves twice as much: what is left is rounding.
    single, double = unit(theirs["location"]), unit(theirs["double"])
    ours = model.location.encode(*positions(FEW).T)
    assert np.square(double - single).mean() > 4 * np.square(ours - single).mean()


def test_predict_is_theirs_with_duplicates_merged(
    model: GeoModel, theirs: Answers, gallery: NDArray[np.float32], tmp_path: Path
) -> None:
    listed = np.concatenate([gallery[:FEW], gallery[:FEW:10], gallery[:FEW:100]])
    check_predict(model, theirs, listed, pictures(tmp_path, 3))


@pytest.mark.slow
def test_the_whole_list_and_ten_thousand_positions(
    model: GeoModel, clip: Path, gallery: NDArray[np.float32], tmp_path: Path
) -> None:
    shots = pictures(tmp_path, 1)
    theirs = run_geoclip(tmp_path / "io", positions=positions(10_000), pictures=shots, clip=clip)
    np.testing.assert_array_equal(theirs["gallery"], gallery)
    check_location(model, theirs, positions(10_000))
    check_predict(model, theirs, gallery, shots)

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import sph_harm_y

from periplus.encode.harmonics import real_harmonics
from periplus.encode.location import NumpyLocationEncoder, load_location_encoder, map_position
from periplus.encode.location_config import LocationConfig
from periplus.encode.models import LocationNetwork, build_location_network
from periplus.encode.models.geo_checkpoint import location_arrays
from periplus.encode.weights import save_arrays
from periplus.errors import CannotRunError, UsageError
from periplus.geo import equal_earth

RFF = LocationConfig(sigmas=(1.0, 4.0), features=24, width=32, layers=2, dim=20)
HARMONICS = LocationConfig("harmonics", width=32, layers=3, dim=20, legendre_degree=7)
CONFIGS = [RFF, HARMONICS]


def positions(n: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Uniform on the sphere; among them poles, the date line from both sides, and (0, 0)."""
    rng = np.random.default_rng(seed)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    lat[:8] = [90, 90, -90, -90, 0, 12, -45, 0]
    lon[:8] = [0, -180, 180, 77, 180, -180, 179.9999, 0]
    return lat, lon


def twins(config: LocationConfig, seed: int = 0) -> tuple[LocationNetwork, NumpyLocationEncoder]:
    network = build_location_network(config, seed).eval()
    return network, NumpyLocationEncoder(config, location_arrays(network))


def by_torch(network: LocationNetwork, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float32]:
    with torch.inference_mode():
        vectors = network(torch.from_numpy(np.stack([lat, lon], axis=1)))
    return np.asarray(torch.nn.functional.normalize(vectors).numpy())


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.kind)
def test_numpy_and_torch_are_twins(config: LocationConfig) -> None:
    network, encoder = twins(config)
    lat, lon = positions(5000)
    rows = encoder.encode(lat, lon)
    assert rows.dtype == np.float32
    assert rows.shape == (5000, 20)
    np.testing.assert_allclose(rows, by_torch(network, lat, lon), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_fine_frequencies_see_the_projection_of_torch_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    network, encoder = twins(LocationConfig(width=64, dim=32))
    lat, lon = positions(3000)
    theirs = by_torch(network, lat, lon)
    np.testing.assert_allclose(encoder.encode(lat, lon), theirs, atol=2e-6)
    monkeypatch.setattr("periplus.encode.location.has_package", lambda _: False)
    worst = np.abs(encoder.encode(lat, lon) - theirs).max(axis=1)
    assert np.median(worst) < 1e-6
    assert (worst < 1e-5).mean() > 0.8
    assert 1e-6 < worst.max() < 1e-3


def test_the_map_is_equal_earth() -> None:
    lat, lon = positions(5000)
    on_map = map_position(lat, lon)
    np.testing.assert_allclose(on_map, np.stack(equal_earth(lat, lon), axis=1) * (66.50336 / 180), atol=3e-7)
    with torch.inference_mode():
        theirs = LocationNetwork.on_map(torch.from_numpy(np.stack([lat, lon], axis=1))).numpy()
    np.testing.assert_allclose(on_map, theirs, atol=2.4e-7)  # Two steps of float32 below 1.
    told = map_position(np.array([0.0, 90, -90, 40.7128]), np.array([180.0, 0, -180, -74.006]))
    expected = [[1.0, 0.0], [0.0, 0.4867], [-0.5925, -0.4867], [-0.3628, 0.2908]]
    np.testing.assert_allclose(told, expected, atol=5e-5)


def test_harmonics_are_scipy_s() -> None:
    lat, lon = positions(500)
    ours = real_harmonics(lat, lon, 20)
    polar, around = np.radians(90 - lat), np.radians(lon)
    for degree in range(21):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), polar, around) * ((-1) ** order * np.sqrt(2) if order else 1)
            expected = value.imag if order < 0 else value.real
            np.testing.assert_allclose(ours[:, degree * degree + degree + order], expected, atol=1e-12)


def test_harmonics_at_a_pole_and_their_closed_forms() -> None:
    for z, pole in ((1.0, 90.0), (-1.0, -90.0)):
        values = real_harmonics([pole] * 2, [0.0, 123.0], 60)
        zonal = [degree * degree + degree for degree in range(61)]
        expected = np.sqrt((2 * np.arange(61) + 1) / (4 * np.pi)) * z ** np.arange(61)
        np.testing.assert_allclose(values[:, zonal], np.tile(expected, (2, 1)), rtol=1e-12)
        np.testing.assert_allclose(np.delete(values, zonal, axis=1), 0, atol=1e-14)
    lat, lon = positions(50)
    x, y = np.cos(np.radians(lat)) * np.cos(np.radians(lon)), np.cos(np.radians(lat)) * np.sin(np.radians(lon))
    z1 = np.sin(np.radians(lat))
    np.testing.assert_allclose(
        real_harmonics(lat, lon, 1), np.sqrt(0.75 / np.pi) * np.stack([0 * x + 3**-0.5, y, z1, x], axis=1), atol=1e-14
    )


@settings(max_examples=30)
@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_addition_theorem(lat: float, lon: float) -> None:
    """The squares of one degree's harmonics add up to (2l + 1) / 4π everywhere."""
    squares = real_harmonics([lat], [lon], 60)[0] ** 2
    sums = np.add.reduceat(squares, np.arange(61) ** 2)
    np.testing.assert_allclose(sums, (2 * np.arange(61) + 1) / (4 * np.pi), rtol=1e-11)


def test_the_date_line_is_a_seam_of_the_map_and_none_of_harmonics() -> None:
    lat = np.array([10.0, 10.0])
    lon = np.array([180.0, -180.0])
    seam, smooth = (twins(config)[1].encode(lat, lon) for config in CONFIGS)
    assert np.abs(seam[0] - seam[1]).max() > 0.01
    np.testing.assert_allclose(smooth[0], smooth[1], atol=1e-6)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.kind)
def test_blocks_do_not_show(config: LocationConfig) -> None:
    encoder = twins(config)[1]
    lat, lon = positions(4500)
    whole = encoder.encode(lat, lon)
    for start in (0, 2040, 2047, 4090, 4499):
        np.testing.assert_allclose(
            encoder.encode(lat[start : start + 9], lon[start : start + 9])[0], whole[start], atol=1e-6
        )
    assert encoder.encode([], []).shape == (0, 20)
    np.testing.assert_array_equal(encoder.encode(list(lat[:3]), list(lon[:3])), encoder.encode(lat[:3], lon[:3]))


@pytest.mark.parametrize(
    ("lat", "lon"),
    [([90.1], [0.0]), ([0.0], [180.1]), ([np.nan], [0.0]), ([0.0], [np.inf]), ([0.0, 1.0], [0.0]), ([[0.0]], [[0.0]])],
)
def test_what_is_no_position_is_refused(lat: list[float], lon: list[float]) -> None:
    with pytest.raises(UsageError, match=r"is none|two columns"):
        twins(RFF)[1].encode(lat, lon)


def test_the_fingerprint_is_of_shape_and_every_array() -> None:
    network, encoder = twins(RFF)
    arrays = location_arrays(network)
    prints = {encoder.fingerprint, twins(HARMONICS)[1].fingerprint, twins(RFF, seed=1)[1].fingerprint}
    for name, array in arrays.items():
        prints.add(NumpyLocationEncoder(RFF, {**arrays, name: array + np.float32(0.5)}).fingerprint)
    assert len(prints) == 3 + len(arrays)
    assert twins(RFF)[1].fingerprint == encoder.fingerprint
    assert encoder.fingerprint.startswith("location-")


def test_arrays_are_exactly_those_of_the_shape() -> None:
    arrays = location_arrays(twins(RFF)[0])
    first = next(iter(RFF.shapes()))
    assert {name: array.shape for name, array in arrays.items()} == RFF.shapes()
    wrong: list[tuple[dict[str, NDArray[np.floating]], str]] = [
        ({name: array for name, array in arrays.items() if name != first}, f"1 are missing, the first is '{first}'"),
        ({**arrays, "more": arrays[first]}, "1 are unknown, the first is 'more'"),
        ({**arrays, first: arrays[first][:-1]}, r"needs float32 or float16 \(24, 2\)"),
        ({**arrays, first: arrays[first].astype(np.float64)}, "is float64"),
        ({**arrays, first: arrays[first] * np.float32(np.nan)}, "not finite"),
    ]
    for broken, message in wrong:
        with pytest.raises(CannotRunError, match=message):
            NumpyLocationEncoder(RFF, broken)


def test_files(tmp_path: Path) -> None:
    arrays = location_arrays(twins(RFF)[0], half=True)
    assert {str(array.dtype) for name, array in arrays.items() if name.endswith("frequencies")} == {"float32"}
    path = tmp_path / "location.safetensors"
    save_arrays(arrays, path)
    halved, full = load_location_encoder(path, RFF), twins(RFF)[1]
    lat, lon = positions(100)
    cosine = (halved.encode(lat, lon) * full.encode(lat, lon)).sum(axis=1)
    assert 0.9999 < cosine.min() < 1
    with pytest.raises(CannotRunError, match=r"location\.safetensors: These are other arrays"):
        load_location_encoder(path, HARMONICS)
    whole = path.read_bytes()
    for content in (b"", whole[:-7], b"\xff" * 64, (1 << 62).to_bytes(8, "little") + whole[8:], b"\0" * 8):
        path.write_bytes(content)
        with pytest.raises(CannotRunError, match=r"cannot be read|other arrays"):
            load_location_encoder(path, RFF)
    with pytest.raises(CannotRunError, match="cannot be read"):
        load_location_encoder(tmp_path / "none.safetensors", RFF)


def test_configurations() -> None:
    for config in CONFIGS:
        assert LocationConfig.from_spec(json.loads(json.dumps(config.spec()))) == config
    assert sum(int(np.prod(shape)) for shape in LocationConfig().shapes().values()) == 9_449_472
    assert LocationConfig("harmonics", legendre_degree=9).inputs == 100
    with pytest.raises(UsageError, match="did you mean 'sigmas'"):
        LocationConfig.from_spec({"sigma": [1]})
    wrong: list[dict[str, object]] = [
        {"kind": "grid"},
        {"sigmas": []},
        {"sigmas": [0]},
        {"sigmas": [float("nan")]},
        {"sigmas": 3},
        {"width": 0},
        {"width": 1 << 20},
        {"layers": 2.0},
        {"legendre_degree": 61},
        {"legendre_degree": True},
        {"dim": "7"},
    ]
    for values in wrong:
        with pytest.raises(UsageError):
            LocationConfig.from_spec(values)


def test_networks_are_drawn_from_their_seed_and_learn_all_but_frequencies() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (build_location_network(RFF, seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    pairs = list(zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.state_dict()["capsules.0.frequencies"], other.state_dict()["capsules.0.frequencies"])
    spread = build_location_network(LocationConfig(sigmas=(256.0,), features=4096, width=1, dim=1), 0)
    assert float(spread.state_dict()["capsules.0.frequencies"].std()) == pytest.approx(256, rel=0.03)
    for config in CONFIGS:
        network = build_location_network(config, 0)
        network(torch.tensor([[10.0, 20.0], [90.0, 0.0]])).square().sum().backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
        assert {name for name, _ in network.named_parameters()} == {n for n in config.shapes() if "freq" not in n}


def test_positions_are_encoded_without_torch(tmp_path: Path) -> None:
    save_arrays(location_arrays(twins(RFF)[0]), tmp_path / "l.safetensors")
    lat, lon = positions(20)
    np.save(tmp_path / "p.npy", np.stack([lat, lon]))
    script = f"""
import sys
sys.modules.update(dict.fromkeys(("torch", "transformers", "onnxruntime", "huggingface_hub")))
from pathlib import Path
import numpy as np
import periplus.encode
from periplus.encode.location import LocationConfig, load_location_encoder
config = LocationConfig.from_spec({RFF.spec()!r})
encoder = load_location_encoder(Path({str(tmp_path / "l.safetensors")!r}), config)
np.save({str(tmp_path / "out.npy")!r}, encoder.encode(*np.load({str(tmp_path / "p.npy")!r})))
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), twins(RFF)[1].encode(lat, lon), atol=1e-5)

from __future__ import annotations

import importlib.resources
import importlib.util
import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from numpy.typing import NDArray
from oracle_models import save_tiny
from safetensors.torch import save_file

from periplus.encode import geoclip
from periplus.encode.geo_model import GEO_FILE, GEO_MODELS, GeoModel, convert_geoclip, open_geo_model
from periplus.encode.known import KNOWN
from periplus.encode.location_config import LocationConfig
from periplus.encode.models import LocationNetwork, build_embedder, build_location_network, save_geo_model
from periplus.encode.picture_encoder import ModelSpec, open_picture_encoder
from periplus.encode.preprocess import Preprocess
from periplus.errors import CannotRunError, UsageError

CONFIG = LocationConfig(sigmas=(1.0, 16.0), features=8, width=16, layers=1, dim=6)
PICTURES = [np.random.default_rng(i).integers(0, 256, (40, 50, 3), np.uint8) for i in range(3)]
LAT, LON = np.array([10.0, -80, 90]), np.array([20.0, -180, 0])


def forge(folder: Path, tmp_path: Path, seed: int = 0, scale: float = 20.0, *, half: bool = False) -> LocationNetwork:
    """A geo model of our own, tiny; gives its location network."""
    tiny = tmp_path / "architecture"
    if not tiny.exists():
        save_tiny("resnet", tiny)
    embedder = build_embedder(str(tiny), weights="random", pooling="mean", projection_dim=6, seed=seed).eval()
    network = build_location_network(CONFIG, seed)
    save_geo_model(folder, embedder, Preprocess((32, 32)), network, scale, {"data": "planet"}, half=half)
    return network


def forge_weights(folder: Path, capsules: int = 2, log_scale: float = 3.0) -> Path:
    """GeoCLIP's weights in the package's layout, random, with one MAC where there are a thousand."""
    folder.mkdir(parents=True)
    rng, location = torch.Generator().manual_seed(0), {}
    for i in range(capsules):
        location[f"LocEnc{i}.capsule.0.b"] = torch.randn(256, 2, generator=rng) * 16**i
        sizes = (("capsule.1", 1024, 512), ("capsule.3", 1024, 1024), ("capsule.5", 1024, 1024), ("head.0", 512, 1024))
        for name, out, into in sizes:
            location[f"LocEnc{i}.{name}.weight"] = torch.randn(out, into, generator=rng) / into**0.5
            location[f"LocEnc{i}.{name}.bias"] = torch.zeros(out)
    head = {"0.weight": torch.randn(768, 768), "0.bias": torch.zeros(768)}
    head |= {"2.weight": torch.randn(512, 768), "2.bias": torch.zeros(512)}
    torch.save(location, folder / "location_encoder_weights.pth")
    torch.save(head, folder / "image_encoder_mlp_weights.pth")
    torch.save(torch.tensor(log_scale), folder / "logit_scale_weights.pth")
    return folder


def torch_unit(network: LocationNetwork) -> NDArray[np.float32]:
    with torch.inference_mode():
        rows = network.eval()(torch.from_numpy(np.stack([LAT, LON], axis=1)))
    return np.asarray(torch.nn.functional.normalize(rows).numpy())


def test_what_is_saved_is_opened(tmp_path: Path) -> None:
    network = forge(tmp_path / "geo", tmp_path)
    model = open_geo_model(str(tmp_path / "geo"))
    assert isinstance(model, GeoModel)
    assert model.name == str(tmp_path / "geo")
    assert (model.logit_scale, dict(model.card)) == (20.0, {"data": "planet"})
    np.testing.assert_allclose(model.location.encode(LAT, LON), torch_unit(network), atol=1e-4)
    pictures = open_picture_encoder(model.picture)
    assert pictures.encode(PICTURES).shape == (3, 6)
    assert pictures.dim == model.location.dim
    assert pictures.preprocess == Preprocess((32, 32))


def test_a_folder_may_move_and_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge(tmp_path / "geo", tmp_path)
    before = open_geo_model(str(tmp_path / "geo"))
    (tmp_path / "geo").rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    moved = open_geo_model("moved")
    assert moved.fingerprint == before.fingerprint
    assert moved.name == str(tmp_path / "moved")
    open_picture_encoder(moved.picture)
    forge(tmp_path / "moved", tmp_path, seed=1)
    assert open_geo_model("moved").fingerprint != before.fingerprint
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x", encoding="utf-8")
    with pytest.raises(CannotRunError, match="something else"):
        forge(tmp_path / "mine", tmp_path)
    assert (tmp_path / "mine" / "thesis.txt").exists()
    assert not list(tmp_path.glob(".periplus-*"))


def test_everything_that_moves_vectors_is_in_the_fingerprint(tmp_path: Path) -> None:
    forge(tmp_path / "a", tmp_path)
    prints = {open_geo_model(str(tmp_path / "a")).fingerprint}
    forge(tmp_path / "b", tmp_path, scale=21.0)
    prints.add(open_geo_model(str(tmp_path / "b")).fingerprint)
    for name in ("location.safetensors", "picture/model.safetensors", "picture/preprocessor_config.json"):
        forge(tmp_path / "b", tmp_path, seed=1)
        other = (tmp_path / "b" / name).read_bytes().replace(b'"height": 32', b'"height": 33')
        forge(tmp_path / "b", tmp_path)
        (tmp_path / "b" / name).write_bytes(other)
        prints.add(open_geo_model(str(tmp_path / "b")).fingerprint)
    assert len(prints) == 5
    forge(tmp_path / "b", tmp_path)
    assert open_geo_model(str(tmp_path / "b")).fingerprint in prints


def test_half_of_the_bytes(tmp_path: Path) -> None:
    forge(tmp_path / "full", tmp_path)
    forge(tmp_path / "half", tmp_path, half=True)
    full, half = (open_geo_model(str(tmp_path / name)) for name in ("full", "half"))
    sizes = [sum(path.stat().st_size for path in (tmp_path / name).rglob("*.safetensors")) for name in ("full", "half")]
    assert sizes[1] < 0.65 * sizes[0]
    assert (full.location.encode(LAT, LON) * half.location.encode(LAT, LON)).sum(axis=1).min() > 0.9999
    vectors = [open_picture_encoder(model.picture).encode(PICTURES) for model in (full, half)]
    assert (vectors[0] * vectors[1]).sum(axis=1).min() > 0.999


def test_towers_that_cannot_meet(tmp_path: Path) -> None:
    embedder = build_embedder(str(save_tiny("resnet", tmp_path / "a")), weights="random", pooling="mean")
    with pytest.raises(UsageError, match="Pictures have 24 numbers and positions 6"):
        save_geo_model(tmp_path / "g", embedder, Preprocess((32, 32)), build_location_network(CONFIG), 20.0, {})
    assert not (tmp_path / "g").exists()


def test_damaged_folders(tmp_path: Path) -> None:
    folder = tmp_path / "geo"
    forge(folder, tmp_path)
    told = json.loads((folder / GEO_FILE).read_text(encoding="utf-8"))
    wrong: list[tuple[dict[str, object], str]] = [
        ({**told, "format": 2}, "another version"),
        ({**told, "more": 1}, "another version"),
        ({**told, "location": {"kind": "rff", "sigma": [1]}}, "did you mean 'sigmas'"),
        ({**told, "location": []}, "is damaged"),
        ({**told, "location": {"kind": "harmonics"}}, "other arrays"),
        ({**told, "logit_scale": 0}, "above 0"),
        ({**told, "logit_scale": True}, "is damaged"),
        ({**told, "logit_scale": "39"}, "is damaged"),
        ({**told, "picture": {"nme": "picture"}}, "did you mean 'name'"),
        ({**told, "picture": {}}, "cannot be described"),
        ({**told, "picture": {"name": "picture", "head": "head.safetensors"}}, "cannot be read"),
    ]
    for value, message in wrong:
        (folder / GEO_FILE).write_text(json.dumps(value), encoding="utf-8")
        with pytest.raises(CannotRunError, match=message):
            open_geo_model(str(folder))
    (folder / GEO_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(CannotRunError, match=r"geo\.json cannot be read"):
        open_geo_model(str(folder))
    (folder / GEO_FILE).write_text(json.dumps(told), encoding="utf-8")
    (folder / "location.safetensors").unlink()
    with pytest.raises(CannotRunError, match=r"location\.safetensors cannot be read"):
        open_geo_model(str(folder))


def test_a_large_scale_is_taken_for_a_hundred_and_said_so(tmp_path: Path) -> None:
    forge(tmp_path / "geo", tmp_path, scale=250.0)
    model = open_geo_model(str(tmp_path / "geo"))
    assert model.logit_scale == 100
    assert "250" in str(model.card["note"])
    assert model.card["data"] == "planet"


def test_names() -> None:
    assert set(GEO_MODELS) == {"geoclip", "planet"}
    assert not set(GEO_MODELS) & set(KNOWN)
    with pytest.raises(UsageError, match="did you mean 'geoclip'"):
        open_geo_model("geoclipp")
    with pytest.raises(UsageError, match="there are geoclip, planet"):
        open_geo_model("/nowhere/at/all")


def test_the_planet_model_is_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.resources, "files", lambda _: tmp_path)
    with pytest.raises(CannotRunError, match="no planet model"):
        open_geo_model("planet")
    forge(tmp_path / "planet", tmp_path)
    model = open_geo_model("planet")
    assert model.name == "planet"
    assert model.fingerprint == open_geo_model(str(tmp_path / "planet")).fingerprint


def test_geoclip_s_weights_in_the_package_s_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge_weights(tmp_path / "geoclip" / "model" / "weights")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / "geoclip")])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    model = open_geo_model("geoclip")
    assert model.name == "geoclip"
    assert model.logit_scale == pytest.approx(math.exp(3))
    assert model.location.encode(LAT, LON).shape == (3, 512)
    assert model.picture.name == "clip-vit-l-14"
    assert model.card["licence"] == "MIT"
    for place in ("geoclip", "geoclip/model", "geoclip/model/weights", "."):
        found = open_geo_model(str(tmp_path / place))
        assert found.fingerprint == model.fingerprint
        assert found.name == str((tmp_path / place).resolve())
    # Positions are encoded without the pictures' model, which is asked for only when it is opened.
    monkeypatch.undo()
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(CannotRunError, match="openai/clip-vit-large-patch14 is not on this machine"):
        open_picture_encoder(model.picture)


def offline(*_: object, **__: object) -> str:
    raise LocalEntryNotFoundError("no network")


def test_without_weights_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CannotRunError, match="pip install --no-deps geoclip"):
        geoclip.find_geoclip()
    monkeypatch.setattr(geoclip, "has_package", lambda _: True)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(CannotRunError, match=r"cannot be fetched \(no network\)"):
        geoclip.find_geoclip()


def test_a_converted_folder_needs_no_pth(tmp_path: Path) -> None:
    source = forge_weights(tmp_path / "w")
    model = convert_geoclip(source, tmp_path / "geo")
    direct = open_geo_model(str(source))
    assert model.fingerprint == direct.fingerprint
    np.testing.assert_array_equal(model.location.encode(LAT, LON), direct.location.encode(LAT, LON))
    shutil.rmtree(source)
    assert open_geo_model(str(tmp_path / "geo")).fingerprint == model.fingerprint
    assert {path.name for path in (tmp_path / "geo").iterdir()} == {
        GEO_FILE,
        "location.safetensors",
        "head.safetensors",
    }
    assert model.picture == ModelSpec("clip-vit-l-14", head=str(tmp_path / "geo" / "head.safetensors"))


def test_the_hub_s_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = forge_weights(tmp_path / "w", capsules=1)
    parts = {"location_encoder.": "location_encoder_weights", "image_encoder.mlp.": "image_encoder_mlp_weights"}
    whole = {"logit_scale": torch.tensor(3.0)}
    for prefix, name in parts.items():
        whole |= {prefix + key: tensor for key, tensor in torch.load(source / f"{name}.pth", weights_only=True).items()}
    release = tmp_path / "r"
    release.mkdir()
    save_file(whole, release / "model.safetensors")
    (release / "config.json").write_text(json.dumps({"model_type": "geoclip-geolocation"}), encoding="utf-8")
    assert open_geo_model(str(release)).fingerprint == open_geo_model(str(source)).fingerprint
    with monkeypatch.context() as bare:
        bare.setattr(importlib.util, "find_spec", lambda _: None)
        bare.setattr(geoclip, "has_package", lambda _: True)
        bare.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(release))
        assert geoclip.find_geoclip() == release
    del whole["logit_scale"]
    save_file(whole, release / "model.safetensors")
    with pytest.raises(CannotRunError, match="no single number"):
        geoclip.read_geoclip(release)


def test_weights_are_exactly_geoclip_s(tmp_path: Path) -> None:
    folder = forge_weights(tmp_path / "w", capsules=1)
    path = folder / "location_encoder_weights.pth"
    good = torch.load(path, weights_only=True)
    bias = "LocEnc0.capsule.3.bias"
    wrong = [
        ({name: tensor for name, tensor in good.items() if name != bias}, f"missing, the first is '{bias}'"),
        ({**good, "LocEnc0.capsule.7.bias": good[bias]}, r"unknown, the first is 'LocEnc0\.capsule\.7\.bias'"),
        ({**good, "LocEnc2.capsule.0.b": good["LocEnc0.capsule.0.b"]}, "are missing"),
        ({**good, bias: good[bias][:-1]}, "needs float32"),
        ({**good, "LocEnc0.capsule.0.b": good[bias] * torch.nan}, "needs float32"),
        ({**good, bias: good[bias] * torch.nan}, "not finite"),
        ({}, "are missing"),
    ]
    for value, message in wrong:
        torch.save(value, path)
        with pytest.raises(CannotRunError, match=message):
            open_geo_model(str(folder))
    torch.save(good, path)
    for scale in (torch.zeros(2), torch.tensor(torch.inf), {"a": torch.zeros(1)}):
        torch.save(scale, folder / "logit_scale_weights.pth")
        with pytest.raises(CannotRunError, match="no single number"):
            open_geo_model(str(folder))
    (folder / "logit_scale_weights.pth").unlink()
    with pytest.raises(CannotRunError, match=r"logit_scale_weights\.pth cannot be read"):
        open_geo_model(str(folder))

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from oracle_models import TINY, by_hand, save_tiny
from safetensors.torch import load_file, save_file

from periplus.encode.models import build_embedder, save_embedder
from periplus.encode.picture_encoder import (
    ModelSpec,
    PictureEncoder,
    load_picture_encoder,
    model_spec_from,
    open_picture_encoder,
)
from periplus.encode.preprocess import Preprocess
from periplus.encode.transformers import TransformersEncoder
from periplus.encode.whitening import learn_pca_whitening, save_whitening, unit_rows
from periplus.errors import CannotRunError, FingerprintError, UsageError

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((41, 57), (57, 41), (200, 90), (32, 32))]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {kind: save_tiny(kind, root / kind) for kind in TINY}


def encoder(folder: Path, **options: object) -> TransformersEncoder:
    opened = open_picture_encoder(model_spec_from({"name": str(folder), **options}))
    assert isinstance(opened, TransformersEncoder)
    return opened


@pytest.mark.parametrize("kind", TINY)
def test_every_family_is_the_model_called_by_hand(kind: str, models: dict[str, Path]) -> None:
    ours: PictureEncoder = encoder(models[kind])
    vectors = ours.encode(PICTURES)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(PICTURES), ours.dim)
    np.testing.assert_allclose(vectors, by_hand(kind, models[kind], PICTURES), atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", TINY)
def test_a_picture_s_vector_does_not_depend_on_its_neighbours(kind: str, models: dict[str, Path]) -> None:
    ours = encoder(models[kind])
    together = ours.encode(PICTURES * 6)
    assert together.shape[0] == 24
    for i, picture in enumerate(PICTURES):
        np.testing.assert_allclose(ours.encode([picture])[0], together[i + 20], atol=1e-6)
    np.testing.assert_array_equal(ours.encode(PICTURES), ours.encode(PICTURES))
    assert ours.encode([]).shape == (0, ours.dim)


def test_patches_are_the_cells_and_the_tokens(models: dict[str, Path]) -> None:
    pixels = encoder(models["resnet"], image_size_px=96).preprocess.apply(PICTURES[0])
    cnn = encoder(models["resnet"], image_size_px=96)
    with torch.inference_mode():
        feature_map = cnn.embedder.backbone(torch.from_numpy(pixels)[None]).last_hidden_state[0]
    assert feature_map.shape[1:] == (3, 3)
    cells = [feature_map[:, y, x].numpy() for y in range(3) for x in range(3)]
    np.testing.assert_allclose(cnn.look(PICTURES[0])[1], unit_rows(np.stack(cells)), atol=1e-5)
    # A class token and four registers come first.
    dino = encoder(models["dinov3"])
    with torch.inference_mode():
        tokens = dino.embedder.backbone(torch.from_numpy(dino.preprocess.apply(PICTURES[0]))[None]).last_hidden_state
    assert tokens.shape[1] == 21
    np.testing.assert_allclose(dino.look(PICTURES[0])[1], unit_rows(tokens[0, 5:].numpy()), atol=1e-5)


@pytest.mark.parametrize(("kind", "patches"), [("clip", 16), ("siglip", 16), ("vit", 16), ("swin", 16)])
def test_patches_leave_special_tokens_out(kind: str, patches: int, models: dict[str, Path]) -> None:
    assert encoder(models[kind]).look(PICTURES[0])[1].shape == (patches, 16)


@pytest.mark.parametrize("p", [1.0, 3.0, 4.6])
def test_gem_is_its_formula(p: float, models: dict[str, Path]) -> None:
    ours = encoder(models["efficientnet"], pooling="gem", gem_p=p, image_size_px=96)
    with torch.inference_mode():
        cells = ours.embedder.feature_map(torch.from_numpy(ours.preprocess.apply(PICTURES[0]))[None])[0]
    flat = np.maximum(cells.numpy().reshape(128, -1).astype(np.float64), 1e-6)
    assert flat.shape[1] == 9
    assert (cells < 0).any()
    pooled = (flat**p).mean(axis=1) ** (1 / p)
    np.testing.assert_allclose(ours.encode(PICTURES[:1])[0], pooled / np.linalg.norm(pooled), atol=1e-5)


def test_scales_are_averaged_by_the_power_mean_for_gem_only(models: dict[str, Path]) -> None:
    scales = (0.5, 1.0, 1.41)
    for pooling, power in (("gem", 3.0), ("mean", 1.0)):
        ours = encoder(models["resnet"], pooling=pooling, scales=list(scales), image_size_px=64)
        pixels = torch.from_numpy(ours.preprocess.apply(PICTURES[0]))[None]
        total = np.zeros(ours.dim)
        for side in (32, 64, 90):
            with torch.inference_mode():
                seen = torch.nn.functional.interpolate(pixels, size=(side, side), mode="bilinear", align_corners=False)
                vector = ours.embedder(seen)[0].numpy().astype(np.float64)
            total += (vector / np.linalg.norm(vector)) ** power / 3
        expected = total ** (1 / power)
        np.testing.assert_allclose(ours.encode(PICTURES[:1])[0], expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("kind", ["clip", "siglip", "vit", "dinov2", "dinov3"])
def test_transformers_see_other_sizes_in_whole_patches(kind: str, models: dict[str, Path]) -> None:
    larger = encoder(models[kind], image_size_px=48)
    assert larger.look(PICTURES[0])[1].shape == (36, 16)
    several = encoder(models[kind], scales=[0.7071, 1.0, 1.4142])
    assert np.isfinite(several.encode(PICTURES)).all()
    with pytest.raises(UsageError, match="multiple of 8"):
        encoder(models[kind], image_size_px=50)


def test_whitening_follows_the_model(models: dict[str, Path], tmp_path: Path) -> None:
    plain = encoder(models["dinov2"])
    vectors = plain.encode([RNG.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(20)])
    whitening = learn_pca_whitening(vectors, 5)
    save_whitening(whitening, tmp_path / "w.npy")
    ours = encoder(models["dinov2"], whitening=str(tmp_path / "w.npy"))
    assert ours.dim == 5
    np.testing.assert_allclose(ours.encode(PICTURES), whitening.apply(plain.encode(PICTURES)), atol=1e-6)
    assert ours.fingerprint != plain.fingerprint
    with pytest.raises(UsageError, match="vectors of 16 numbers"):
        encoder(models["clip"], whitening=str(tmp_path / "w.npy"))


def test_bfloat16_is_close_and_another_encoder(models: dict[str, Path]) -> None:
    full, half = (encoder(models["resnet"], precision=precision) for precision in ("float32", "bfloat16"))
    cosine = (full.encode(PICTURES) * half.encode(PICTURES)).sum(axis=1)
    assert 0.99 < cosine.min() < 1
    assert half.encode(PICTURES).dtype == np.float32
    assert half.look(PICTURES[0])[1].dtype == np.float32
    assert full.fingerprint != half.fingerprint


def test_a_trained_checkpoint_is_a_folder_like_any_other(tmp_path: Path) -> None:
    embedder = build_embedder(
        str(save_tiny("resnet", tmp_path / "architecture")), weights="random", pooling="gem", projection_dim=7, seed=2
    ).eval()
    preprocess = Preprocess((40, 40))
    save_embedder(embedder, preprocess, tmp_path / "best", {"epoch": 3})
    ours = encoder(tmp_path / "best")
    with torch.inference_mode():
        vector = embedder(torch.from_numpy(preprocess.apply(PICTURES[0]))[None])[0].numpy()
    np.testing.assert_allclose(ours.encode(PICTURES[:1])[0], vector / np.linalg.norm(vector), atol=1e-6)
    assert ours.preprocess == preprocess
    with pytest.raises(UsageError, match="trained with pooling gem"):
        encoder(tmp_path / "best", pooling="mean")
    with pytest.raises(UsageError, match="power 3"):
        encoder(tmp_path / "best", gem_p=4.0)


def test_a_spec_brings_the_same_encoder_back(models: dict[str, Path]) -> None:
    ours = encoder(models["clip"], image_size_px=40, scales=[1.0, 0.5])
    spec = json.loads(json.dumps(ours.spec()))
    again = load_picture_encoder(spec)
    assert again.fingerprint == ours.fingerprint
    np.testing.assert_array_equal(again.encode(PICTURES), ours.encode(PICTURES))
    assert "device" not in spec["model"]
    with pytest.raises(UsageError, match="no picture encoder"):
        load_picture_encoder({**spec, "more": 1})
    with pytest.raises(UsageError, match="no picture encoder"):
        load_picture_encoder({**spec, "kind": "sound"})


def test_a_model_may_move(models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny("vit", tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    spec = encoder(Path("here")).spec()
    monkeypatch.chdir("/")
    assert load_picture_encoder(spec).fingerprint == spec["fingerprint"]
    (tmp_path / "here").rename(tmp_path / "there")
    with pytest.raises(CannotRunError, match="no model's folder"):
        load_picture_encoder(spec)
    assert load_picture_encoder(spec, folder=tmp_path / "there").fingerprint == spec["fingerprint"]
    with pytest.raises(FingerprintError):
        load_picture_encoder(spec, folder=models["resnet"])


def test_everything_that_moves_vectors_is_in_the_fingerprint(models: dict[str, Path]) -> None:
    folder = models["efficientnet"]
    variants: list[dict[str, object]] = [
        {},
        {"pooling": "gem"},
        {"pooling": "gem", "gem_p": 4.0},
        {"scales": [1.0, 0.5]},
        {"image_size_px": 64},
        {"precision": "bfloat16"},
    ]
    assert len({encoder(folder, **options).fingerprint for options in variants}) == len(variants)
    assert encoder(folder).fingerprint == encoder(folder, pooling="mean").fingerprint
    assert encoder(folder).fingerprint == encoder(folder, gem_p=4.0).fingerprint
    assert encoder(folder).fingerprint.startswith("efficientnet-")


def test_other_weights_or_preprocessing_are_another_encoder(tmp_path: Path) -> None:
    spec = encoder(save_tiny("resnet", tmp_path / "m", seed=0)).spec()
    save_tiny("resnet", tmp_path / "m", seed=1)
    with pytest.raises(FingerprintError, match="is not the encoder that was used"):
        load_picture_encoder(spec)
    save_tiny("resnet", tmp_path / "m", seed=0)
    assert load_picture_encoder(spec).fingerprint == spec["fingerprint"]
    for name, key, value in (("preprocessor_config.json", "resample", 2), ("config.json", "hidden_act", "gelu")):
        path = tmp_path / "m" / name
        before = path.read_text(encoding="utf-8")
        path.write_text(json.dumps({**json.loads(before), key: value}), encoding="utf-8")
        with pytest.raises(FingerprintError):
            load_picture_encoder(spec)
        path.write_text(before, encoding="utf-8")


def test_the_library_s_version_is_not_part_of_the_fingerprint(tmp_path: Path) -> None:
    before = encoder(save_tiny("resnet", tmp_path / "m")).fingerprint
    config = tmp_path / "m" / "config.json"
    config.write_text(
        json.dumps({**json.loads(config.read_text(encoding="utf-8")), "transformers_version": "5.99"}), "utf-8"
    )
    assert encoder(tmp_path / "m").fingerprint == before


def test_missing_tensors_are_never_filled_with_random_numbers(tmp_path: Path) -> None:
    folder = save_tiny("dinov2", tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    removed = next(name for name in weights if "attention" in name)
    save_file(
        {name: w for name, w in weights.items() if name != removed}, folder / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(CannotRunError, match="1 tensors are missing"):
        encoder(folder)


def test_tensors_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "hidden_sizes": [8, 8, 16, 32]}), encoding="utf-8")
    with pytest.raises(CannotRunError, match="cannot be loaded"):
        encoder(folder)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CannotRunError, match=r"pytorch_model\.bin, a pickle"):
        encoder(folder)


def test_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    foreign = {**config, "model_type": "mine", "auto_map": {"AutoConfig": "evil.C", "AutoModel": "evil.M"}}
    (folder / "config.json").write_text(json.dumps(foreign), encoding="utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", encoding="utf-8")
    with pytest.raises(CannotRunError, match=r"config\.json describes no model"):
        encoder(folder)
    assert not (tmp_path / "ran").exists()


def test_damaged_folders(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"no model\.safetensors"):
        encoder(tmp_path)
    folder = save_tiny("resnet", tmp_path / "m")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(CannotRunError, match="cannot be loaded"):
        encoder(folder)
    (save_tiny("resnet", folder) / "preprocessor_config.json").unlink()
    with pytest.raises(CannotRunError, match=r"preprocessor_config\.json cannot be read"):
        encoder(folder)
    (save_tiny("resnet", folder) / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(CannotRunError, match="describes no model"):
        encoder(folder)


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("convolution.weight"))
    weights[name][:] = torch.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CannotRunError, match="not finite"):
        encoder(folder).encode(PICTURES)


@pytest.mark.parametrize(
    ("kind", "pooling", "message"),
    [("resnet", "cls", "no class token"), ("resnet", "head", "no head"), ("dinov2", "head", "no head")],
)
def test_poolings_that_a_family_does_not_have(kind: str, pooling: str, message: str, models: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=message):
        encoder(models[kind], pooling=pooling)


@pytest.mark.parametrize(
    "values",
    [
        {"engine": "jax"},
        {"precision": "int4"},
        {"scales": ()},
        {"scales": (0.0,)},
        {"scales": (float("nan"),)},
        {"gem_p": 0.0},
        {"gem_p": float("nan")},
    ],
)
def test_impossible_specs(values: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ModelSpec("m", **values)  # type: ignore[arg-type]


def test_unknown_options_and_devices(models: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="did you mean 'pooling'"):
        model_spec_from({"name": "m", "poolling": "gem"})
    with pytest.raises(UsageError, match="cannot be described"):
        model_spec_from({"pooling": "gem"})
    for device in ("nonsense", "cuda:63"):
        with pytest.raises(CannotRunError, match="device"):
            encoder(models["resnet"], device=device)


def test_opening_says_nothing_and_leaves_chance_alone(
    models: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    before = torch.random.get_rng_state()
    encoder(models["clip"]).encode(PICTURES)
    assert capfd.readouterr() == ("", "")
    assert torch.equal(before, torch.random.get_rng_state())


def test_without_torch_the_room_opens_and_says_what_is_missing() -> None:
    script = """
import sys
sys.modules.update(dict.fromkeys(("torch", "transformers", "safetensors", "onnxruntime", "huggingface_hub")))
from pathlib import Path
from periplus.encode import known, onnx, picture_encoder, preprocess, whitening
from periplus.errors import MissingExtraError
for action in (
    lambda: picture_encoder.open_picture_encoder(picture_encoder.ModelSpec("resnet18")),
    lambda: __import__("periplus.encode.models"),
    lambda: onnx.open_session(Path("m.onnx")),
    lambda: whitening.load_whitening(Path("w.safetensors")),
    lambda: known.find_model("resnet18"),
):
    try:
        action()
    except MissingExtraError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line.rpartition("periplus[")[2] for line in lines] == ["learn]'", "learn]'", "onnx]'", "learn]'", "learn]'"]


def picture_of(value: int) -> NDArray[np.uint8]:
    return np.full((32, 32, 3), value, np.uint8)


def test_pictures_of_many_sizes_keep_their_order(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    config = {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32}, "do_center_crop": False}
    (folder / "preprocessor_config.json").write_text(json.dumps(config), encoding="utf-8")
    ours = encoder(folder)
    shots = [np.repeat(picture_of(i * 10), 1 + i % 3, axis=i % 2) for i in range(20)]
    together = ours.encode(shots)
    for shot, vector in zip(shots, together, strict=True):
        np.testing.assert_allclose(ours.encode([shot])[0], vector, atol=1e-6)

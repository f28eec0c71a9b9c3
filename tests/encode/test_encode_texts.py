from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from forger_clip import forge_clip
from numpy.typing import NDArray
from oracle_models import save_tiny
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, CLIPModel, SiglipConfig, SiglipModel

from periplus.encode.head import Head
from periplus.encode.models import quiet
from periplus.encode.picture_encoder import ModelSpec, open_picture_encoder
from periplus.encode.texts import TextEncoder, open_text_encoder
from periplus.encode.weights import save_arrays
from periplus.errors import CannotRunError, UsageError

TEXTS = ["a street view photo in France", "A STREET view photo  in france", "Perú, 北京", "photo", "", "x" * 300]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return forge_clip(tmp_path_factory.mktemp("clip"))


def by_hand(folder: Path, texts: list[str], model_class: type = CLIPModel, **how: object) -> NDArray[np.float32]:
    """One text after the other, by transformers' own classes."""
    with quiet(), torch.inference_mode():
        model = model_class.from_pretrained(folder).eval()  # type: ignore[attr-defined]
        tokenizer = AutoTokenizer.from_pretrained(folder)
        rows = []
        for text in texts:
            tokens = tokenizer([text], return_tensors="pt", truncation=True, max_length=16, **how)
            tokens.pop("token_type_ids", None)
            rows.append(model.get_text_features(**tokens).pooler_output)
        return np.asarray(torch.nn.functional.normalize(torch.cat(rows)).numpy())


def test_texts_are_the_model_called_by_hand(clip: Path) -> None:
    encoder: TextEncoder = open_text_encoder(ModelSpec(str(clip)))
    rows = encoder.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (6, encoder.dim) == (6, 12)
    np.testing.assert_allclose(rows, by_hand(clip, TEXTS), atol=1e-6)
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)  # CLIP reads no capitals and no double spaces.
    assert np.abs(rows[0] - rows[3]).max() > 0.01
    assert encoder.dim == open_picture_encoder(ModelSpec(str(clip))).dim


def test_batches_do_not_show(clip: Path) -> None:
    encoder = open_text_encoder(ModelSpec(str(clip)))
    many = [f"{i} {'place ' * (i % 4)}" for i in range(150)]
    together = encoder.encode(many)
    for i in (0, 63, 64, 127, 149):
        np.testing.assert_allclose(encoder.encode([many[i]])[0], together[i], atol=1e-6)
    assert encoder.encode([]).shape == (0, 12)


def test_the_scale_is_the_whole_model_s(tmp_path: Path) -> None:
    folder = forge_clip(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    assert open_text_encoder(ModelSpec(str(folder))).logit_scale == pytest.approx(math.exp(2.6592), rel=1e-5)
    for log, expected in ((math.log(30), 30.0), (math.log(250), 100.0)):
        save_file({**weights, "logit_scale": torch.tensor(log)}, folder / "model.safetensors", {"format": "pt"})
        assert open_text_encoder(ModelSpec(str(folder))).logit_scale == pytest.approx(expected, rel=1e-6)
    del weights["logit_scale"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CannotRunError, match="no logit scale"):
        open_text_encoder(ModelSpec(str(folder)))


def test_a_head_follows_the_texts_too(clip: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=shape).astype(np.float32), rng.normal(size=shape[0]).astype(np.float32)) for shape in
              ((9, 12), (5, 9))]  # fmt: skip
    save_arrays(Head(tuple(layers)).arrays(), tmp_path / "head.safetensors")
    encoder = open_text_encoder(ModelSpec(str(clip), head=str(tmp_path / "head.safetensors")))
    with quiet(), torch.inference_mode():
        tokens = AutoTokenizer.from_pretrained(clip)(TEXTS[:1], return_tensors="pt", truncation=True, max_length=16)
        vector = CLIPModel.from_pretrained(clip).get_text_features(**tokens).pooler_output[0].numpy()
    (w1, b1), (w2, b2) = layers
    expected = w2 @ np.maximum(w1 @ vector + b1, 0) + b2
    np.testing.assert_allclose(encoder.encode(TEXTS[:1])[0], expected / np.linalg.norm(expected), atol=1e-5)
    assert encoder.fingerprint != open_text_encoder(ModelSpec(str(clip))).fingerprint
    save_arrays(Head(tuple(layers[1:])).arrays(), tmp_path / "head.safetensors")
    with pytest.raises(UsageError, match="vectors of 9 numbers, but texts have 12"):
        open_text_encoder(ModelSpec(str(clip), head=str(tmp_path / "head.safetensors")))


def test_siglip_reads_its_padding(clip: Path, tmp_path: Path) -> None:
    words = len(json.loads((clip / "vocab.json").read_text(encoding="utf-8")))
    layers = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    text = {**layers, "vocab_size": words, "max_position_embeddings": 16, "projection_size": 16}
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        vision = {**layers, "image_size": 32, "patch_size": 8}
        SiglipModel(SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(tmp_path)
    # Any tokenizer will do here; SigLIP's own needs a package that is not asked for.
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((clip / name).read_bytes())
    encoder = open_text_encoder(ModelSpec(str(tmp_path)))
    expected = by_hand(tmp_path, TEXTS, SiglipModel, padding="max_length")
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)
    assert encoder.logit_scale <= 100


def test_fingerprints(clip: Path, tmp_path: Path) -> None:
    one, again = (open_text_encoder(ModelSpec(str(clip))).fingerprint for _ in range(2))
    assert one == again
    assert one.startswith("clip-texts-")
    other = forge_clip(tmp_path / "m", seed=1)
    assert open_text_encoder(ModelSpec(str(other))).fingerprint != one
    same = forge_clip(tmp_path / "n")
    assert open_text_encoder(ModelSpec(str(same))).fingerprint == one
    (same / "merges.txt").write_text("#version: 0.2\np h\n", encoding="utf-8")
    assert open_text_encoder(ModelSpec(str(same))).fingerprint != one


def test_what_reads_no_texts(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reads no texts"):
        open_text_encoder(ModelSpec(str(save_tiny("resnet", tmp_path / "r"))))
    with pytest.raises(UsageError, match="reads no texts"):
        open_text_encoder(ModelSpec(str(save_tiny("clip_vision", tmp_path / "v"))))
    with pytest.raises(CannotRunError, match="no tokenizer that fits"):
        open_text_encoder(ModelSpec(str(save_tiny("clip", tmp_path / "c"))))
    foreign = save_tiny("clip", tmp_path / "f")
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (foreign / name).write_bytes((clip / name).read_bytes())
    with pytest.raises(CannotRunError, match="no tokenizer that fits"):
        open_text_encoder(ModelSpec(str(foreign)))
    (foreign / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(CannotRunError, match="cannot be read"):
        open_text_encoder(ModelSpec(str(foreign)))
    half = forge_clip(tmp_path / "h")
    weights = load_file(half / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("text_projection")}
    save_file(kept, half / "model.safetensors", {"format": "pt"})
    with pytest.raises(CannotRunError, match="1 tensors are missing"):
        open_text_encoder(ModelSpec(str(half)))


def test_opening_says_nothing(clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_text_encoder(ModelSpec(str(clip))).encode(TEXTS)
    assert capfd.readouterr() == ("", "")

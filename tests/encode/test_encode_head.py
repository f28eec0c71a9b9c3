"""An MLP after a picture encoder, and linear layers of int8."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from oracle_models import by_hand, save_tiny

from periplus.encode.head import Head, head_from, load_head
from periplus.encode.models import Int8Linear, load_embedder, quantise_linear, weight_files
from periplus.encode.picture_encoder import ModelSpec, load_picture_encoder, open_picture_encoder
from periplus.encode.transformers import TransformersEncoder
from periplus.encode.weights import load_arrays, save_arrays
from periplus.encode.whitening import learn_pca_whitening, save_whitening
from periplus.errors import CannotRunError, UsageError
from periplus.store import content_hash, fingerprint, read_json

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((41, 57), (57, 41), (200, 90), (32, 32))]


def head(*widths: int, seed: int = 0) -> Head:
    rng = np.random.default_rng(seed)
    pairs = pairwise(widths)
    return Head(tuple((rng.normal(size=(b, a)).astype("f4"), rng.normal(size=b).astype("f4")) for a, b in pairs))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny("clip", tmp_path_factory.mktemp("clip") / "m")


def encoder(folder: Path, **options: object) -> TransformersEncoder:
    opened = open_picture_encoder(ModelSpec(str(folder), **options))  # type: ignore[arg-type]
    assert isinstance(opened, TransformersEncoder)
    return opened


def kept(made: Head, path: Path) -> str:
    save_arrays(made.arrays(), path)
    return str(path)


def test_the_head_sees_the_vector_before_it_is_normalised(clip: Path, tmp_path: Path) -> None:
    made = head(12, 9, 5)
    ours = encoder(clip, head=kept(made, tmp_path / "head.safetensors"))
    bare = encoder(clip)
    with torch.inference_mode():
        raw = bare.embedder(torch.from_numpy(np.stack([bare.preprocess.apply(p) for p in PICTURES]))).numpy()
    np.testing.assert_allclose(raw / np.linalg.norm(raw, axis=1)[:, None], by_hand("clip", clip, PICTURES), atol=2e-6)
    (w1, b1), (w2, b2) = made.layers
    expected = np.maximum(raw @ w1.T + b1, 0) @ w2.T + b2
    expected /= np.linalg.norm(expected, axis=1)[:, None]
    rows = ours.encode(PICTURES)
    assert rows.shape == (4, ours.dim) == (4, 5)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    np.testing.assert_allclose(ours.look(PICTURES[0])[0], rows[0], atol=1e-6)
    np.testing.assert_allclose(ours.look(PICTURES[0])[1], bare.look(PICTURES[0])[1], atol=1e-6)
    one = encoder(clip, head=kept(head(12, 7), tmp_path / "one.safetensors"))
    assert one.encode(PICTURES).shape == (4, 7)


def test_whitening_and_flips_follow_the_head(clip: Path, tmp_path: Path) -> None:
    file = kept(head(12, 6), tmp_path / "head.safetensors")
    flipped = encoder(clip, head=file, flip=True)
    alone = encoder(clip, head=file)
    expected = alone.encode(PICTURES) + alone.encode([picture[:, ::-1] for picture in PICTURES])
    # Only a picture that is cut symmetrically is the mirror of its mirror image.
    np.testing.assert_allclose(flipped.encode(PICTURES)[3], expected[3] / np.linalg.norm(expected[3]), atol=1e-5)
    vectors = alone.encode([RNG.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(20)])
    whitening = learn_pca_whitening(vectors, 3)
    save_whitening(whitening, tmp_path / "w.npy")
    whitened = encoder(clip, head=file, whitening=str(tmp_path / "w.npy"))
    np.testing.assert_allclose(whitened.encode(PICTURES), whitening.apply(alone.encode(PICTURES)), atol=1e-5)


def test_without_a_head_nothing_is_as_it_was_not(clip: Path) -> None:
    """The fingerprint and the spec of an encoder that galleries were made by, written out as they were then."""
    ours = encoder(clip)
    config = read_json(clip / "config.json")
    without = ("transformers_version", "_name_or_path", "architectures", "torch_dtype", "dtype")
    value = {
        "weights": [content_hash(path) for path in weight_files(clip)],
        "config": {key: told for key, told in config.items() if key not in without},
        "pooling": "head",
        "gem_p": None,
        "scales": [1.0],
        "flip": False,
        "preprocess": ours.preprocess.spec(),
        "whitening": None,
        "precision": "float32",
    }
    assert ours.fingerprint == f"clip_vision_model-{fingerprint(value)}"
    assert set(ours.spec()["model"]) == {  # type: ignore[call-overload]
        "name", "revision", "pooling", "gem_p", "scales", "flip", "whitening", "image_size_px", "precision", "engine",
    }  # fmt: skip


def test_a_head_is_in_the_fingerprint_and_in_the_spec(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = kept(head(12, 5), Path("a.safetensors")), kept(head(12, 5, seed=1), Path("b.safetensors"))
    prints = {encoder(clip, head=file).fingerprint for file in (None, first, second)}
    assert len(prints) == 3
    spec = json.loads(json.dumps(encoder(clip, head=first).spec()))
    monkeypatch.chdir("/")
    again = load_picture_encoder(spec)
    assert again.dim == 5
    assert again.fingerprint in prints


def test_heads_that_do_not_fit(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="vectors of 13 numbers, but the model gives 12"):
        encoder(clip, head=kept(head(13, 5), tmp_path / "h.safetensors"))
    with pytest.raises(CannotRunError, match="cannot be read"):
        encoder(clip, head=str(tmp_path / "none.safetensors"))
    arrays = head(12, 9, 5).arrays()
    assert {name: a.shape for name, a in head_from(arrays).arrays().items()} == {n: a.shape for n, a in arrays.items()}
    wrong: list[dict[str, NDArray[np.floating]]] = [
        {},
        {name.replace("2.", "1."): a for name, a in arrays.items()},
        {name: a for name, a in arrays.items() if name != "2.bias"},
        {**arrays, "2.weight": arrays["2.weight"].T},
        {**arrays, "2.bias": arrays["2.bias"][:-1]},
        {**arrays, "0.bias": arrays["0.bias"] * np.float32(np.inf)},
        {**arrays, "0.weight": np.array(3, "f4")},
    ]
    for broken in wrong:
        save_arrays(broken, tmp_path / "h.safetensors")
        with pytest.raises(CannotRunError, match="holds no head"):
            load_head(tmp_path / "h.safetensors")


def test_a_pth_is_read_but_never_run(tmp_path: Path) -> None:
    made = head(12, 9, 5)
    tensors = {name: torch.from_numpy(a) for name, a in made.arrays().items()}
    torch.save(tensors, tmp_path / "h.pth")
    assert load_head(tmp_path / "h.pth").fingerprint == made.fingerprint
    torch.save(torch.tensor(3.5), tmp_path / "bare.pth")
    assert {name: float(a) for name, a in load_arrays(tmp_path / "bare.pth").items()} == {"": 3.5}

    torch.save({"0.weight": Evil(str(tmp_path / "ran"))}, tmp_path / "evil.pth")
    whole = (tmp_path / "h.pth").read_bytes()
    (tmp_path / "short.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.pth").write_bytes(b"")
    for name in ("evil.pth", "short.pth", "empty.pth", "none.pth"):
        with pytest.raises(CannotRunError, match="cannot be read"):
            load_arrays(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    for value in ([torch.zeros(1)], {"a": 1}, {1: torch.zeros(1)}, "text"):
        torch.save(value, tmp_path / "other.pth")
        with pytest.raises(CannotRunError, match="something else than tensors"):
            load_arrays(tmp_path / "other.pth")


class Evil:
    """Unpickled, it would write a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (self.path, "w"))


def test_int8_is_close_and_another_encoder(clip: Path, tmp_path: Path) -> None:
    full, small = encoder(clip), encoder(clip, precision="int8")
    assert any(isinstance(module, Int8Linear) for module in small.embedder.modules())
    cosine = (full.encode(PICTURES) * small.encode(PICTURES)).sum(axis=1)
    assert 0.995 < cosine.min() < 1
    assert small.encode(PICTURES).dtype == np.float32
    assert small.fingerprint != full.fingerprint
    np.testing.assert_array_equal(small.encode(PICTURES), small.encode(PICTURES))
    np.testing.assert_allclose(small.encode(PICTURES[1:2])[0], small.encode(PICTURES)[1], atol=1e-5)
    with_head = encoder(clip, precision="int8", head=kept(head(12, 5), tmp_path / "h.safetensors"))
    assert with_head.encode(PICTURES).shape == (4, 5)


@pytest.mark.parametrize("kind", ["siglip", "dinov2", "dinov3", "vit", "swin", "convnext"])
def test_int8_runs_every_transformer(kind: str, tmp_path: Path) -> None:
    folder = save_tiny(kind, tmp_path / "m")
    cosine = (encoder(folder).encode(PICTURES) * encoder(folder, precision="int8").encode(PICTURES)).sum(axis=1)
    assert cosine.min() > 0.98


def test_int8_where_it_makes_no_sense(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has none"):
        encoder(save_tiny("resnet", tmp_path / "r"), precision="int8")
    with pytest.raises(UsageError, match="for the CPU"):
        encoder(clip, precision="int8", device="meta")


def test_an_int8_layer_is_its_formula() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        linear, inputs = torch.nn.Linear(37, 11), torch.randn(2, 5, 37) * torch.logspace(-3, 3, 10).reshape(2, 5, 1)
    inputs[0, 0] = 0
    weight, rows = linear.weight.detach().numpy().astype(np.float64), inputs.reshape(10, 37).numpy().astype(np.float64)
    s, a = np.abs(weight).max(axis=1) / 127, np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12) / 127
    expected = (np.rint(rows / a) @ np.rint(weight / s[:, None]).T) * a * s + linear.bias.detach().numpy()
    got = Int8Linear(linear)(inputs).detach().numpy().reshape(10, 11)
    np.testing.assert_allclose(got, expected, rtol=0.02, atol=2e-2 * np.abs(expected).max(axis=1).min())
    scale = np.abs(rows).max(axis=1, keepdims=True)
    assert np.abs(got - (rows @ weight.T + linear.bias.detach().numpy()))[1:].max() < (0.02 * scale[1:]).max()
    bare = torch.nn.Linear(37, 11, bias=False)
    assert torch.isfinite(Int8Linear(bare)(inputs[0])).all()


def test_layers_that_others_reach_into_stay(tmp_path: Path) -> None:
    embedder = load_embedder(save_tiny("siglip", tmp_path / "m"))[0]
    count = quantise_linear(embedder.backbone)
    left = [type(m).__name__ for m in embedder.backbone.modules() if isinstance(m, torch.nn.Linear)]
    assert count > 0
    assert set(left) == {"NonDynamicallyQuantizableLinear"}

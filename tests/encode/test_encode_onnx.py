from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from oracle_models import save_tiny

from periplus.encode import onnx
from periplus.encode.onnx import OnnxEncoder, export_onnx, open_session
from periplus.encode.picture_encoder import ModelSpec, load_picture_encoder, model_spec_from, open_picture_encoder
from periplus.encode.transformers import TransformersEncoder
from periplus.encode.whitening import learn_pca_whitening, save_whitening
from periplus.errors import CannotRunError, UsageError

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((41, 57), (57, 41), (200, 90))] * 7


def torch_encoder(folder: Path, **options: object) -> TransformersEncoder:
    return TransformersEncoder(model_spec_from({"name": str(folder), **options}))


def onnx_encoder(folder: Path) -> OnnxEncoder:
    opened = open_picture_encoder(ModelSpec(str(folder), engine="onnx"))
    assert isinstance(opened, OnnxEncoder)
    return opened


def same(ours: OnnxEncoder, theirs: TransformersEncoder) -> None:
    vectors, expected = ours.encode(PICTURES), theirs.encode(PICTURES)
    np.testing.assert_allclose(vectors, expected, atol=1e-3)
    assert (vectors * expected).sum(axis=1).min() > 0.9999
    np.testing.assert_allclose(ours.look(PICTURES[0])[1], theirs.look(PICTURES[0])[1], atol=1e-3)
    assert (ours.dim, ours.fingerprint, ours.preprocess) == (theirs.dim, theirs.fingerprint, theirs.preprocess)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet, pooled by GeM, at two scales, whitened."""
    root = tmp_path_factory.mktemp("onnx")
    plain = torch_encoder(save_tiny("resnet", root / "m"), pooling="gem")
    shots = [RNG.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(20)]
    save_whitening(learn_pca_whitening(plain.encode(shots), 6), root / "w.safetensors")
    encoder = torch_encoder(root / "m", pooling="gem", scales=[1.0, 2.0], whitening=str(root / "w.safetensors"))
    return export_onnx(encoder, root / "exported")


def copied(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_gives_torch_s_vectors(exported: Path) -> None:
    source = json.loads((exported / "periplus.json").read_text(encoding="utf-8"))["source"]
    theirs = load_picture_encoder(source)
    assert isinstance(theirs, TransformersEncoder)
    same(onnx_encoder(exported), theirs)
    assert sorted(path.name for path in exported.iterdir()) == [
        "model.onnx",
        "periplus.json",
        "preprocess.json",
        "whitening.npy",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clip", "siglip", "dinov2", "dinov3", "vit", "efficientnet", "convnext", "swin"])
def test_every_family_can_be_exported(kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    theirs = torch_encoder(save_tiny(kind, tmp_path / "m"))
    same(onnx_encoder(export_onnx(theirs, tmp_path / "exported")), theirs)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_large_models_keep_their_weights_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_LARGEST_IN_ONE_FILE", 0)
    theirs = torch_encoder(save_tiny("vit", tmp_path / "m"))
    ours = onnx_encoder(export_onnx(theirs, tmp_path / "exported"))
    assert (tmp_path / "exported" / "model.onnx.data").stat().st_size > 10_000
    same(ours, theirs)


def test_any_batch_is_the_same(exported: Path) -> None:
    ours = onnx_encoder(exported)
    together = ours.encode(PICTURES)
    for i in (0, 1, 20):
        np.testing.assert_allclose(ours.encode([PICTURES[i]])[0], together[i], atol=1e-5)
    assert ours.encode([]).shape == (0, 6)


def test_a_spec_brings_the_same_encoder_back(exported: Path) -> None:
    ours = onnx_encoder(exported)
    again = load_picture_encoder(json.loads(json.dumps(ours.spec())))
    np.testing.assert_array_equal(again.encode(PICTURES[:2]), ours.encode(PICTURES[:2]))


def test_runs_without_torch(exported: Path) -> None:
    script = f"""
import sys
sys.modules.update(dict.fromkeys(("torch", "transformers", "safetensors", "onnx", "onnxscript")))
import numpy as np
from periplus.encode.picture_encoder import ModelSpec, open_picture_encoder
encoder = open_picture_encoder(ModelSpec({str(exported)!r}, engine="onnx"))
print(encoder.encode([np.zeros((40, 50, 3), np.uint8)]).shape, encoder.look(np.zeros((40, 50, 3), np.uint8))[1].shape)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 6) (1, 24)\n"
    assert done.stderr == ""


def test_options_are_fixed_by_the_export(exported: Path) -> None:
    for options in ({"pooling": "mean"}, {"scales": [0.5]}, {"image_size_px": 64}, {"device": "cuda"}):
        with pytest.raises(UsageError, match="fixed when it was exported"):
            open_picture_encoder(model_spec_from({"name": str(exported), "engine": "onnx", **options}))


@pytest.mark.parametrize("name", ["model.onnx", "preprocess.json", "whitening.npy"])
def test_changed_files_are_noticed(name: str, exported: Path, tmp_path: Path) -> None:
    folder = copied(exported, tmp_path / "e")
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(CannotRunError, match=f"{name} is missing or not what was exported"):
        onnx_encoder(folder)
    (folder / name).unlink()
    with pytest.raises(CannotRunError, match=f"{name} is missing"):
        onnx_encoder(folder)


def test_folders_that_hold_no_export(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="no exported encoder"):
        onnx_encoder(tmp_path)
    folder = copied(exported, tmp_path / "e")
    card = json.loads((folder / "periplus.json").read_text(encoding="utf-8"))
    changes: list[dict[str, object]] = [{"format": 2}, {"kind": "torch"}, {"files": {}}, {"files": []}, {"extra": 1}]
    for change in changes:
        (folder / "periplus.json").write_text(json.dumps({**card, **change}), encoding="utf-8")
        with pytest.raises(CannotRunError, match="no export that this Periplus reads"):
            onnx_encoder(folder)
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(CannotRunError, match="cannot be run"):
        open_session(tmp_path / "bad.onnx")


def test_what_cannot_be_exported(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    with pytest.raises(UsageError, match="float32"):
        export_onnx(torch_encoder(folder, precision="bfloat16"), tmp_path / "e")
    config = {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 32}, "do_center_crop": False}
    (folder / "preprocessor_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(UsageError, match="one size"):
        export_onnx(torch_encoder(folder), tmp_path / "e")
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "thesis.tex").write_text("precious", encoding="utf-8")
    with pytest.raises(CannotRunError, match="something else"):
        export_onnx(torch_encoder(save_tiny("resnet", folder)), tmp_path / "e")
    assert (tmp_path / "e" / "thesis.tex").exists()


def test_threads_do_not_disturb_one_another(exported: Path) -> None:
    ours = onnx_encoder(exported)
    expected, results = ours.encode(PICTURES[:4]), {}
    threads = [threading.Thread(target=lambda i=i: results.update({i: ours.encode(PICTURES[:4])})) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for vectors in results.values():
        np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert len(results) == 4

"""``periplus models``, and galleries by a vision model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forger_landmarks import made_landmarks
from oracle_models import save_tiny

from periplus.encode import GEO_MODELS, KNOWN, ModelSpec, open_picture_encoder
from periplus.gallery import open_gallery
from periplus.photos import read_rgb

FACTS = ["name", "hub", "licence", "parameters_m", "dim", "input_px", "good_for", "size_mb", "here"]


@pytest.fixture(autouse=True)
def _no_models_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the machine's cache holds, none of it counts."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photos of 6 landmarks; read only."""
    return made_landmarks(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny("resnet", tmp_path_factory.mktemp("network") / "tiny")


@pytest.fixture(scope="session")
def deep(call: Any, table: Path, network: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery with patches, its photos seen mirrored too; read only."""
    gallery = tmp_path_factory.mktemp("deep") / "d.gallery"
    done = call(
        "index", table, "-o", gallery, "--encoder", network, "--model", "flip=true", "--patches",
        "--no-calibration", "-j", 1, "--json",
    )  # fmt: skip
    assert (done.status, done.err) == (0, "")
    assert (done.document["photos"], done.document["added"]) == (60, 60)
    return gallery


def test_the_known_models_as_a_document(call: Any) -> None:
    done = call("models", "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["weight_free", "models", "geo_models"]
    assert told["geo_models"] == dict(GEO_MODELS)
    assert list(told["weight_free"]) == ["asmk", "vlad"]
    assert [model["name"] for model in told["models"]] == list(KNOWN)
    assert all(list(model) == FACTS for model in told["models"])
    assert {model["here"] for model in told["models"]} == {None}
    small = next(model for model in told["models"] if model["name"] == "efficientnet_b0")
    assert (small["dim"], small["input_px"], small["licence"], small["size_mb"]) == (1280, 224, "Apache-2.0", 16.0)


def test_people_read_what_is_here(call: Any) -> None:
    lines = call("models").out.splitlines()
    assert lines[0] == "Without any download:"
    assert lines[1].split()[0] == "asmk"
    assert lines[3] == "Vision models (extra learn):"
    assert lines[4 + len(KNOWN)] == "Geo models, for world-wide galleries (extra learn):"
    assert len(lines) == 5 + len(KNOWN) + len(GEO_MODELS)
    row = next(line for line in lines if line.split()[0] == "resnet50")
    assert "2048-d  224 px     94 MB  Apache-2.0" in row
    assert "not here" in row


@pytest.mark.slow
def test_a_gallery_by_a_folders_model(deep: Path, network: Path, table: Path) -> None:
    gallery = open_gallery(deep)
    assert gallery.arena_names == ("features", "patches", "vlad")
    model: Any = gallery.encoder["model"]
    assert (model["model"]["name"], model["model"]["flip"]) == (str(network), True)
    sees = open_picture_encoder(ModelSpec(str(network), flip=True))
    pictures = [read_rgb(table.parent / photo, 4096).pixels for photo in gallery.catalog.ids]
    np.testing.assert_allclose(gallery.vectors.astype(np.float32), sees.encode(pictures), rtol=2**-11, atol=2**-14)


@pytest.mark.slow
def test_bringing_it_up_to_date(call: Any, deep: Path, table: Path, network: Path) -> None:
    """Without an encoder, or with the same, it stays as it is; another is refused, and what it does not keep."""
    for same in ([], ["--encoder", network, "--model", "flip=true"]):
        done = call("index", table, "-o", deep, *same, "--no-calibration", "-j", 1, "--json")
        assert done.status == 0, done.err
        assert (done.document["added"], done.document["unchanged"]) == (0, 60)
    for other in (["--encoder", network], ["--encoder", network, "--model", "flip=true", "--model", "scales=1,0.5"]):
        done = call("index", table, "-o", deep, *other)
        assert (done.status, done.out) == (2, "")
        assert done.err == f"{deep} was made with the encoder deep and keeps it. Make a new one for another model.\n"
    done = call("index", table, "-o", deep, "--encoder", "vlad")
    assert "keeps it. Make a new one for vlad." in done.err


@pytest.mark.slow
def test_patches_cannot_be_added_later(call: Any, table: Path, network: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    few.write_text("\n".join(table.read_text().splitlines()[:6]) + "\n")
    for photo in [line.split(",")[0] for line in few.read_text().splitlines()[1:]]:
        (tmp_path / photo).write_bytes((table.parent / photo).read_bytes())
    bare = tmp_path / "bare.gallery"
    assert call("index", few, "-o", bare, "--encoder", network, "--no-calibration", "-j", 1).status == 0
    done = call("index", few, "-o", bare, "--encoder", network, "--patches")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"{bare} was made without patches and stays so. Make a new one for --patches.\n"
    done = call("search", tmp_path / photo, "-g", bare, "--rerank", "patches")
    assert (done.status, done.out) == (2, "")
    assert "keeps no patches. Make a gallery with a vision model and --patches for that." in done.err


@pytest.mark.slow
def test_search_by_each_kind_of_evidence(call: Any, deep: Path, table: Path) -> None:
    photo = table.parent / "dome_3.jpg"
    for method in ("vlad", "patches", "sift"):
        done = call("search", photo, "-g", deep, "-k", 3, "--rerank", method, "--weight", 0.5, "--json")
        assert (done.status, done.err) == (0, "")
        told = done.document
        assert (told["rerank"], told["weight"]) == (method, 0.5)
        best, second, _ = told["photos"][0]["hits"]
        assert best["id"] == "dome_3.jpg"
        assert best["score"] > second["score"]
        if method == "sift":
            assert best["inliers"] == best["local_score"] > 20
        else:
            assert (best["inliers"], best["kind"]) == (None, None)
            assert best["local_score"] == pytest.approx(1, abs=0.01)
            assert best["score"] == pytest.approx((best["global_score"] + best["local_score"]) / 2)


@pytest.mark.slow
def test_the_gallery_tells_of_its_model(call: Any, deep: Path, network: Path) -> None:
    told = call("gallery", "info", deep, "--json")
    assert told.status == 0
    assert str(network) in json.dumps(told.document)


def test_wrong_options_are_told_before_any_work(call: Any, table: Path, network: Path, tmp_path: Path) -> None:
    wrong: list[tuple[list[Any], int, str]] = [
        (["--model", "flip=true"], 2, "--model and --patches are for vision models, not for asmk."),
        (["--encoder", "vlad", "--patches"], 2, "--model and --patches are for vision models, not for vlad."),
        (["--encoder", network, "--model", "flipp=true"], 2, "A model has no option 'flipp': did you mean 'flip'?"),
        (["--encoder", network, "--model", "flip"], 2, "--model 'flip' is not KEY=VALUE, as in pooling=gem."),
        (["--encoder", network, "--model", "scales=0"], 2, "Scales are numbers from 0.05 to 8"),
        (["--encoder", network, "--model", "scales=1,x"], 2, "'scales=1,x': scales is a list of numbers, as in"),
        (["--encoder", network, "--model", "flip=yes"], 2, "--model 'flip=yes': flip is true or false."),
        (["--encoder", network, "--model", "gem_p=big"], 2, "--model 'gem_p=big': gem_p is a number."),
        (["--encoder", network, "--model", "image_size_px=a"], 2, "image_size_px is a whole number from 8 to 4096."),
        (["--encoder", network, "--model", "image_size_px=1000000"], 2, "a whole number from 8 to 4096."),
        (["--encoder", network, "--model", "name=other"], 2, "'name=other': --encoder names the model."),
        (["--encoder", network, "--model", "device=cuda"], 2, "world-wide galleries take a GPU where there is one"),
        (["--encoder", network, "--model", "engine=tpu"], 2, "engine is torch or onnx, not 'tpu'."),
        (["--encoder", "asmkk"], 2, "No model 'asmkk': it is no folder"),
        (["--encoder", "resnet50"], 3, "microsoft/resnet-50 is not on this machine and cannot be fetched"),
        (["--encoder", tmp_path / "none"], 3, f"There is no model's folder {tmp_path / 'none'}."),
        (["--encoder", table.parent], 3, "holds no model.safetensors"),
        (["--encoder", network, "--codebook", tmp_path], 2, "Give --encoder or --codebook"),
    ]
    for arguments, status, words in wrong:
        done = call("index", table, "-o", tmp_path / "g", *arguments)
        assert (done.status, done.out) == (status, ""), arguments
        assert words in done.err
        assert done.err.count("\n") == 1
        assert not (tmp_path / "g").exists()

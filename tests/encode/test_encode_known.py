from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from oracle_models import save_tiny
from transformers import (
    AutoModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Dinov2Config,
    DINOv3ViTConfig,
    SiglipVisionConfig,
)

from periplus.encode.known import FILES, KNOWN, Known, find_model, here
from periplus.encode.models import ARCHITECTURES, Embedder
from periplus.encode.picture_encoder import ModelSpec, open_picture_encoder
from periplus.errors import CannotRunError, UsageError


def _clip_l(side: int) -> CLIPVisionConfig:
    return CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        patch_size=14,
        image_size=side,
        projection_dim=768,
    )


CONFIGS: dict[str, Callable[[], Any]] = {
    **ARCHITECTURES,
    "clip-vit-b-32": CLIPVisionConfig,
    "clip-vit-l-14": lambda: _clip_l(224),
    "streetclip": lambda: _clip_l(336),
    "siglip2-base": SiglipVisionConfig,
    "dinov2-small": lambda: Dinov2Config(
        hidden_size=384, num_attention_heads=6, patch_size=14, image_size=518, mlp_ratio=4
    ),
    "dinov2-base": lambda: Dinov2Config(patch_size=14, image_size=518, mlp_ratio=4),
    "dinov3-vits16": lambda: DINOv3ViTConfig(
        hidden_size=384, intermediate_size=1536, num_hidden_layers=12, num_attention_heads=6, num_register_tokens=4
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_sizes_and_dimensions_are_those_of_the_architectures(name: str) -> None:
    known, config = KNOWN[name], CONFIGS[name]()
    with torch.device("meta"):
        clip = config.model_type == "clip_vision_model"
        backbone = CLIPVisionModelWithProjection(config) if clip else AutoModel.from_config(config)  # type: ignore[no-untyped-call]
        embedder = Embedder(backbone)
    assert sum(p.numel() for p in backbone.parameters()) / 1e6 == pytest.approx(known.parameters_m, abs=0.06)
    assert embedder.dim == known.dim
    assert known.name == name
    assert known.size_mb == pytest.approx(4 * known.parameters_m)


def test_names_do_not_clash() -> None:
    assert len({known.hub for known in KNOWN.values()}) == len(KNOWN)
    assert not any("/" in name for name in KNOWN)
    assert not any("bin" in pattern or "py" in pattern for pattern in FILES)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no network."""
    root = tmp_path / "cache"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(root))
    for name in ("try_to_load_from_cache", "snapshot_download"):
        monkeypatch.setattr(huggingface_hub, name, _with_cache(getattr(huggingface_hub, name), root))
    return root


def _with_cache(function: Callable[..., Any], root: Path) -> Callable[..., Any]:
    def call(repo: str, *args: Any, **options: Any) -> Any:
        if function.__name__ == "snapshot_download":
            raise LocalEntryNotFoundError("no network in this test")
        return function(repo, *args, cache_dir=root, **options)

    return call


def put(cache: Path, known: Known, revision: str = "main") -> Path:
    """A model in the hub's cache, as a download would leave it."""
    repo = cache / f"models--{known.hub.replace('/', '--')}"
    snapshot = repo / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    save_tiny("resnet", snapshot)
    (repo / "refs").mkdir()
    (repo / "refs" / revision).write_text("a" * 40, encoding="utf-8")
    return snapshot


def test_here_finds_whole_models_only(cache: Path) -> None:
    known = KNOWN["resnet18"]
    assert here(known) is None
    snapshot = put(cache, known)
    assert here(known) == snapshot
    assert here(KNOWN["resnet50"]) is None
    (snapshot / "model.safetensors").unlink()
    assert here(known) is None


def test_a_cached_model_is_opened_by_either_name(cache: Path) -> None:
    snapshot = put(cache, KNOWN["resnet18"])
    assert find_model("resnet18") == find_model("microsoft/resnet-18") == snapshot
    encoder = open_picture_encoder(ModelSpec("resnet18"))
    assert encoder.dim == 24
    assert encoder.fingerprint == open_picture_encoder(ModelSpec("microsoft/resnet-18")).fingerprint


def test_a_revision_is_not_taken_for_another(cache: Path) -> None:
    snapshot = put(cache, KNOWN["resnet18"], "v1")
    assert find_model("resnet18", "v1") == snapshot
    with pytest.raises(CannotRunError, match="not on this machine"):
        find_model("resnet18", "v2")


@pytest.mark.parametrize("name", ["resnet18", "microsoft/resnet-18", "someone/something"])
def test_what_is_missing_is_said_with_what_to_do(name: str, cache: Path) -> None:
    with pytest.raises(CannotRunError, match=r"hf download .*model\.safetensors.*--encoder FOLDER"):
        open_picture_encoder(ModelSpec(name))


@pytest.mark.parametrize("name", ["/absent/folder", "../up", "./here"])
def test_folders_that_are_gone(name: str, cache: Path) -> None:
    with pytest.raises(CannotRunError, match="no model's folder"):
        find_model(name)


def test_local_folders_need_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "model").mkdir(parents=True)
    assert find_model("owner/model") == Path("owner/model")
    assert find_model(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["resnet19", "a/b/c", "", "a/", "a b/c", "a/b--c", "~/a"])
def test_names_that_cannot_be_models(name: str, cache: Path) -> None:
    with pytest.raises(UsageError, match="No model"):
        find_model(name)

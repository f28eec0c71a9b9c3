from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from oracle_models import save_tiny
from torch import nn
from transformers import (
    AutoModel,
    ConvNextV2Config,
    DeiTConfig,
    Dinov2WithRegistersConfig,
    PreTrainedConfig,
    RegNetConfig,
    SiglipVisionConfig,
    Swinv2Config,
    ViTConfig,
    ViTMAEConfig,
)

from periplus.encode.models import (
    ARCHITECTURES,
    FAMILIES,
    POOLINGS,
    Embedder,
    GeM,
    build_embedder,
    load_embedder,
    random_backbone,
    save_embedder,
    weight_files,
)
from periplus.encode.preprocess import Preprocess
from periplus.errors import CannotRunError, UsageError

PREPROCESS = Preprocess((32, 32))


@pytest.fixture
def architecture(tmp_path: Path) -> str:
    return str(save_tiny("resnet", tmp_path / "architecture"))


def pixels(n: int = 2, side: int = 32) -> torch.Tensor:
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "dim", "millions"),
    [("efficientnet_b0", 1280, 4.008), ("resnet18", 512, 11.177), ("resnet50", 2048, 23.508)],
)
def test_architectures_have_their_published_size(name: str, dim: int, millions: float) -> None:
    with torch.device("meta"):
        backbone = AutoModel.from_config(ARCHITECTURES[name]())  # type: ignore[no-untyped-call]
    assert sum(p.numel() for p in backbone.parameters()) / 1e6 == pytest.approx(millions, abs=1e-3)
    assert Embedder(backbone).dim == dim


def test_random_weights_come_from_the_seed_alone(architecture: str) -> None:
    torch.manual_seed(1)
    first = build_embedder(architecture, weights="random", pooling="mean", projection_dim=5, seed=3).state_dict()
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    again = build_embedder(architecture, weights="random", pooling="mean", projection_dim=5, seed=3).state_dict()
    other = build_embedder(architecture, weights="random", pooling="mean", projection_dim=5, seed=4).state_dict()
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["projection.weight"], other["projection.weight"])


def test_a_random_efficientnet_can_be_trained() -> None:
    """Transformers' own start has batch norms of scale N(0, 0.02), through which nothing comes."""
    embedder = build_embedder("efficientnet_b0", weights="random", pooling="mean", seed=0)
    assert embedder.training
    norms = [module for module in embedder.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(bool((norm.weight == 1).all()) and norm.momentum == 0.1 for norm in norms)
    with torch.no_grad():
        vectors = embedder(pixels(4, 64))
    assert 0.01 < vectors.std(dim=0).mean() < 10


def test_gem_is_between_mean_and_maximum() -> None:
    features = torch.rand(3, 5, 4, 4)
    torch.testing.assert_close(GeM(1.0)(features), features.mean((2, 3)))
    for p in (2.0, 3.0, 8.0):
        pooled = GeM(p)(features)
        expected = (features.double() ** p).mean((2, 3)) ** (1 / p)
        torch.testing.assert_close(pooled.double(), expected, rtol=1e-5, atol=1e-6)
        assert (pooled >= features.mean((2, 3)) - 1e-6).all()
        assert (pooled <= features.amax((2, 3)) + 1e-6).all()
    torch.testing.assert_close(GeM(60.0)(features), features.amax((2, 3)), rtol=0.06, atol=0)


def test_gem_survives_negative_maps_and_learns_its_power() -> None:
    gem = GeM(3.0, learnt=True)
    features = torch.full((1, 2, 2, 2), -0.3, requires_grad=True)
    pooled = gem(features)
    torch.testing.assert_close(pooled, torch.full((1, 2), 1e-6))
    gem(torch.rand(1, 2, 3, 3)).sum().backward()
    assert gem.p.grad is not None
    assert gem.p.grad.abs() > 0
    assert not list(GeM(3.0).parameters())


def test_vectors_are_pooled_feature_maps_not_normalised(architecture: str) -> None:
    embedder = build_embedder(architecture, weights="random", pooling="mean", projection_dim=6).eval()
    with torch.inference_mode():
        vector, features = embedder.both(pixels(2, 64))
        assert features.shape == (2, 24, 2, 2)
        torch.testing.assert_close(vector, embedder.projection(features.mean((2, 3))))
        torch.testing.assert_close(embedder(pixels(2, 64)), vector)
        torch.testing.assert_close(embedder.feature_map(pixels(2, 64)), features)
    assert embedder.dim == 6
    assert vector.norm(dim=1).std() > 0


def test_tokens_come_as_a_map_of_one_column(tmp_path: Path) -> None:
    embedder, _, _ = load_embedder(save_tiny("dinov2", tmp_path / "m"), "mean")
    with torch.inference_mode():
        vector, features = embedder.both(pixels())
        tokens = embedder.backbone(pixels()).last_hidden_state
    assert features.shape == (2, 16, 16, 1)
    torch.testing.assert_close(features[:, :, :, 0], tokens[:, 1:].transpose(1, 2))
    torch.testing.assert_close(vector, tokens[:, 1:].mean(1))


@pytest.mark.parametrize("kind", ["clip", "siglip", "dinov3", "vit", "resnet", "efficientnet", "convnext", "swin"])
def test_saved_and_loaded_is_the_same(kind: str, tmp_path: Path) -> None:
    embedder, preprocess, card = load_embedder(save_tiny(kind, tmp_path / "hub"))
    assert card == {}
    save_embedder(embedder, preprocess, tmp_path / "mine", {"licence": "none", "metrics": {"map": 0.5}})
    again, same, card = load_embedder(tmp_path / "mine")
    assert (same, card, again.pooling) == (preprocess, {"licence": "none", "metrics": {"map": 0.5}}, embedder.pooling)
    assert not again.training
    with torch.inference_mode():
        torch.testing.assert_close(again(pixels()), embedder(pixels()))


def test_projection_and_power_are_saved(architecture: str, tmp_path: Path) -> None:
    embedder = build_embedder(
        architecture, weights="random", pooling="gem", projection_dim=4, gem_p=2.5, learn_p=True
    ).eval()
    with torch.no_grad():
        embedder.gem.p.fill_(2.71)
    save_embedder(embedder, PREPROCESS, tmp_path / "m", {})
    again, _, _ = load_embedder(tmp_path / "m")
    assert again.gem.learnt
    assert again.gem_p == embedder.gem_p
    with torch.inference_mode():
        torch.testing.assert_close(again(pixels()), embedder(pixels()))
    assert not (tmp_path / "m" / "pytorch_model.bin").exists()


def test_weights_of_the_hub_start_a_new_training(tmp_path: Path) -> None:
    folder = save_tiny("resnet", tmp_path / "m")
    embedder = build_embedder(str(folder), weights="hub", pooling="auto", projection_dim=3)
    assert embedder.training
    assert embedder.backbone.training
    loaded, _, _ = load_embedder(folder)
    assert all(
        torch.equal(ours, theirs)
        for ours, theirs in zip(embedder.backbone.parameters(), loaded.backbone.parameters(), strict=True)
    )
    embedder(pixels(3)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in embedder.parameters())


def test_a_checkpoint_replaces_a_checkpoint_and_nothing_else(architecture: str, tmp_path: Path) -> None:
    first, second = (
        build_embedder(architecture, weights="random", pooling="mean", projection_dim=d, seed=d).eval() for d in (3, 0)
    )
    save_embedder(first, PREPROCESS, tmp_path / "best", {"epoch": 1})
    assert (tmp_path / "best" / "head.safetensors").exists()
    save_embedder(second, PREPROCESS, tmp_path / "best", {"epoch": 2})
    assert not (tmp_path / "best" / "head.safetensors").exists()
    assert load_embedder(tmp_path / "best")[2] == {"epoch": 2}
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"precious")
    with pytest.raises(CannotRunError, match="something else"):
        save_embedder(first, PREPROCESS, tmp_path / "photos", {})
    assert (tmp_path / "photos" / "a.jpg").read_bytes() == b"precious"
    (tmp_path / "empty").mkdir()
    save_embedder(first, PREPROCESS, tmp_path / "empty", {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["architecture", "best", "empty", "photos"]


def test_a_failed_save_leaves_the_old_one(architecture: str, tmp_path: Path) -> None:
    embedder = build_embedder(architecture, weights="random", pooling="mean").eval()
    save_embedder(embedder, PREPROCESS, tmp_path / "best", {"epoch": 1})
    with pytest.raises(TypeError):
        save_embedder(embedder, PREPROCESS, tmp_path / "best", {"epoch": object()})
    assert load_embedder(tmp_path / "best")[2] == {"epoch": 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["architecture", "best"]


def test_cards_of_other_versions_and_lost_heads(architecture: str, tmp_path: Path) -> None:
    embedder = build_embedder(architecture, weights="random", pooling="mean", projection_dim=3).eval()
    save_embedder(embedder, PREPROCESS, tmp_path / "m", {})
    head = tmp_path / "m" / "head.safetensors"
    whole = head.read_bytes()
    head.write_bytes(whole[:-5])
    with pytest.raises(CannotRunError, match="projection"):
        load_embedder(tmp_path / "m")
    head.unlink()
    with pytest.raises(CannotRunError, match="projection"):
        load_embedder(tmp_path / "m")
    card = tmp_path / "m" / "periplus.json"
    card.write_text(json.dumps({**json.loads(card.read_text(encoding="utf-8")), "format": 9}), encoding="utf-8")
    with pytest.raises(CannotRunError, match="another version"):
        load_embedder(tmp_path / "m")
    card.write_text("{", encoding="utf-8")
    with pytest.raises(CannotRunError, match="cannot be read"):
        load_embedder(tmp_path / "m")


VIT: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}


@pytest.mark.parametrize(
    ("config", "pooling", "dim", "cells"),
    [
        (Dinov2WithRegistersConfig(**VIT, num_register_tokens=3), "cls", 16, (16, 1)),
        (DeiTConfig(**VIT, intermediate_size=16), "cls", 16, (16, 1)),
        (
            RegNetConfig(embedding_size=8, hidden_sizes=[8, 8, 16, 24], depths=[1, 1, 1, 1], groups_width=8),
            "mean",
            24,
            (1, 1),
        ),
        (ConvNextV2Config(hidden_sizes=[8, 8, 16, 24], depths=[1, 1, 1, 1]), "head", 24, (1, 1)),
        (Swinv2Config(image_size=32, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4), "mean", 16, (16, 1)),
    ],
)
def test_other_families(config: PreTrainedConfig, pooling: str, dim: int, cells: tuple[int, int]) -> None:
    embedder = Embedder(random_backbone(config, 0)).eval()
    assert (embedder.pooling, embedder.dim) == (pooling, dim)
    with torch.inference_mode():
        vector, features = embedder.both(pixels())
    assert vector.shape == (2, dim)
    assert features.shape == (2, dim, *cells)
    assert vector.isfinite().all()


def test_a_siglip_without_its_head_has_no_pooling_of_its_own() -> None:
    backbone = random_backbone(SiglipVisionConfig(**VIT, intermediate_size=16, vision_use_head=False), 0)
    with pytest.raises(UsageError, match="no head"):
        Embedder(backbone)
    assert Embedder(backbone, "mean").dim == 16


def test_a_family_that_is_not_known_needs_a_pooling() -> None:
    assert "vit_msn" not in FAMILIES
    config = ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=32)
    backbone = random_backbone(config, 0)
    backbone.config.model_type = "vit_msn"  # type: ignore[misc]
    with pytest.raises(UsageError, match="name it"):
        Embedder(backbone)
    assert Embedder(backbone, "mean").dim == 8


def test_fewer_tokens_than_patches_are_an_error() -> None:
    config = ViTMAEConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, image_size=32, patch_size=8
    )
    embedder = Embedder(random_backbone(config, 0), "mean")
    with pytest.raises(CannotRunError, match="fewer"):
        embedder(pixels())


def test_names_that_do_not_exist(architecture: str) -> None:
    with pytest.raises(UsageError, match="No architecture 'resnet19'"):
        build_embedder("resnet19", weights="random", pooling="mean")
    with pytest.raises(UsageError, match="No pooling 'median'"):
        build_embedder(architecture, weights="random", pooling="median")
    with pytest.raises(UsageError, match="random or hub"):
        build_embedder(architecture, weights="imagenet", pooling="mean")  # type: ignore[arg-type]
    assert "auto" not in POOLINGS


def test_shards_are_found(tmp_path: Path) -> None:
    embedder, _, _ = load_embedder(save_tiny("vit", tmp_path / "whole"))
    embedder.backbone.save_pretrained(tmp_path / "shards", max_shard_size="8KB")
    files = weight_files(tmp_path / "shards")
    assert len(files) > 1
    assert all(path.is_file() for path in files)


def test_naflex_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip2"}), encoding="utf-8")
    with pytest.raises(CannotRunError, match="naflex"):
        load_embedder(tmp_path)


def test_forward_does_not_depend_on_the_batch(architecture: str) -> None:
    embedder = build_embedder(architecture, weights="random", pooling="gem").eval()
    with torch.inference_mode():
        together = embedder(pixels(4))
        alone = torch.cat([embedder(pixels(4)[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(together.numpy(), alone.numpy(), atol=1e-6)

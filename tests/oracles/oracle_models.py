"""Tiny vision models with random weights, saved in the hub's own layout, and what they give when called by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    ConvNextConfig,
    ConvNextModel,
    Dinov2Config,
    Dinov2Model,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    EfficientNetConfig,
    EfficientNetModel,
    PreTrainedModel,
    ResNetConfig,
    ResNetForImageClassification,
    ResNetModel,
    SiglipConfig,
    SiglipModel,
    SwinConfig,
    SwinModel,
    ViTConfig,
    ViTForImageClassification,
    ViTModel,
)
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from periplus.encode.models.backbone import quiet, random_backbone

_SIDE = {"height": 32, "width": 32}
_VIT: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "image_size": 32,
    "patch_size": 8,
}
_TEXT: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 20,
    "max_position_embeddings": 8,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}


def _clip() -> PreTrainedModel:
    return CLIPModel(CLIPConfig(text_config=_TEXT, vision_config=_VIT, projection_dim=12))


def _clip_vision() -> PreTrainedModel:
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**_VIT, projection_dim=10))


def _siglip() -> PreTrainedModel:
    return SiglipModel(SiglipConfig(text_config={**_TEXT, "projection_size": 16}, vision_config=_VIT))


def _dinov2() -> PreTrainedModel:
    return Dinov2Model(
        Dinov2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8)
    )


def _dinov3() -> PreTrainedModel:
    return DINOv3ViTModel(DINOv3ViTConfig(**_VIT, num_register_tokens=4))


def _vit() -> PreTrainedModel:
    return ViTForImageClassification(ViTConfig(**_VIT))


def _resnet() -> PreTrainedModel:
    config = ResNetConfig(hidden_sizes=[8, 8, 16, 24], embedding_size=8, depths=[1, 1, 1, 1], layer_type="basic")
    return ResNetForImageClassification(config)


def efficientnet_config() -> EfficientNetConfig:
    """A tenth of B0's width."""
    return EfficientNetConfig(
        width_coefficient=0.1, depth_coefficient=0.3, depth_divisor=8, image_size=32, hidden_dim=128
    )


def _efficientnet() -> PreTrainedModel:
    return random_backbone(efficientnet_config(), 3)


def _convnext() -> PreTrainedModel:
    return ConvNextModel(ConvNextConfig(hidden_sizes=[8, 8, 16, 24], depths=[1, 1, 1, 1], image_size=32))


def _swin() -> PreTrainedModel:
    config = SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4)
    return SwinModel(config)


_MAKERS: Mapping[str, tuple[Callable[[], PreTrainedModel], Callable[[], Any]]] = {
    "clip": (_clip, lambda: CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=_SIDE)),
    "clip_vision": (_clip_vision, lambda: CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=_SIDE)),
    "siglip": (_siglip, lambda: SiglipImageProcessorPil(size=_SIDE)),
    "dinov2": (_dinov2, lambda: BitImageProcessorPil(size={"shortest_edge": 36}, crop_size=_SIDE)),
    "dinov3": (_dinov3, lambda: ViTImageProcessorPil(size=_SIDE)),
    "vit": (_vit, lambda: ViTImageProcessorPil(size=_SIDE)),
    "resnet": (_resnet, lambda: ConvNextImageProcessorPil(size={"shortest_edge": 32}, crop_pct=0.875)),
    "efficientnet": (_efficientnet, lambda: EfficientNetImageProcessorPil(size=_SIDE, resample=0)),
    "convnext": (_convnext, lambda: ConvNextImageProcessorPil(size={"shortest_edge": 32}, crop_pct=0.875)),
    "swin": (_swin, lambda: ViTImageProcessorPil(size=_SIDE)),
}
TINY = tuple(_MAKERS)


def save_tiny(kind: str, folder: Path, seed: int = 0) -> Path:
    """Save a tiny model of a family, with its processor, as the hub would hold it."""
    make, processor = _MAKERS[kind]
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = make().train(False)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
                module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
        model.save_pretrained(folder)
        processor().save_pretrained(folder)
    return folder


def by_hand(kind: str, folder: Path, pictures: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Unit vectors of pictures by transformers' own classes, each called as its model card says."""
    with quiet(), torch.inference_mode():
        pixels = _MAKERS[kind][1]()(pictures, return_tensors="pt")["pixel_values"]
        vectors = _VECTORS[kind](folder, pixels)
        return np.asarray(torch.nn.functional.normalize(vectors).numpy(), np.float32)


def _last(model_class: Any) -> Callable[[Path, Tensor], Tensor]:
    return lambda folder, x: model_class.from_pretrained(folder)(x).last_hidden_state


_VECTORS: Mapping[str, Callable[[Path, Tensor], Tensor]] = {
    "clip": lambda folder, x: CLIPModel.from_pretrained(folder).get_image_features(x).pooler_output,
    "clip_vision": lambda folder, x: CLIPVisionModelWithProjection.from_pretrained(folder)(x).image_embeds,
    "siglip": lambda folder, x: SiglipModel.from_pretrained(folder).get_image_features(x).pooler_output,
    "dinov2": lambda folder, x: _last(Dinov2Model)(folder, x)[:, 0],
    "dinov3": lambda folder, x: _last(DINOv3ViTModel)(folder, x)[:, 0],
    "vit": lambda folder, x: _last(ViTModel)(folder, x)[:, 0],
    "resnet": lambda folder, x: _last(ResNetModel)(folder, x).mean((2, 3)),
    "efficientnet": lambda folder, x: _last(EfficientNetModel)(folder, x).mean((2, 3)),
    "convnext": lambda folder, x: ConvNextModel.from_pretrained(folder)(x).pooler_output,
    "swin": lambda folder, x: _last(SwinModel)(folder, x).mean(1),
}

"""What can be built without any download, and what each family of models means its output to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from transformers import EfficientNetConfig, PretrainedConfig, ResNetConfig


@dataclass(frozen=True)
class Family:
    """How the models of one ``model_type`` are loaded and read.

    Attributes:
        auto: the pooling that the model was trained to be used with, a key of ``POOLINGS``.
        tower: name of the class in transformers; empty for ``AutoModel``.
        head: the output that holds the vector of the model's own head; empty where there is none.
        grid: whether the tokens are one a patch after the special ones; False where patches have been merged.
        bare: whether the class is told to leave out a pooler that many checkpoints do not have and that is not used.
    """

    auto: str
    tower: str = ""
    head: str = ""
    grid: bool = True
    bare: bool = False


_CNN = Family("mean")
_CLS = Family("cls")

FAMILIES: Mapping[str, Family] = {
    "clip_vision_model": Family("head", "CLIPVisionModelWithProjection", "image_embeds"),
    "siglip_vision_model": Family("head", "SiglipVisionModel", "pooler_output"),
    "dinov2": _CLS,
    "dinov2_with_registers": _CLS,
    "dinov3_vit": _CLS,
    "vit": Family("cls", bare=True),
    "deit": Family("cls", bare=True),
    "efficientnet": _CNN,
    "resnet": _CNN,
    "regnet": _CNN,
    "convnext": Family("head", head="pooler_output"),
    "convnextv2": Family("head", head="pooler_output"),
    "swin": Family("mean", grid=False),
    "swinv2": Family("mean", grid=False),
}
"""Families by ``model_type``. A model of another family loads too, but its pooling has to be named."""


def _efficientnet_b0() -> PretrainedConfig:
    return EfficientNetConfig(width_coefficient=1.0, depth_coefficient=1.0, image_size=224, hidden_dim=1280)


def _resnet18() -> PretrainedConfig:
    return ResNetConfig(hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")


def _resnet50() -> PretrainedConfig:
    return ResNetConfig()


ARCHITECTURES: Mapping[str, Callable[[], PretrainedConfig]] = {
    "efficientnet_b0": _efficientnet_b0,
    "resnet18": _resnet18,
    "resnet50": _resnet50,
}
"""Architectures that can be built with random weights, by name."""

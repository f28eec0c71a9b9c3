"""Pixels to vectors: backbone, pooling, projection, head in one module."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from periplus.encode.head import Head
from periplus.encode.models.architectures import FAMILIES, Family
from periplus.encode.models.pooling import POOLINGS, GeM, mean_pool
from periplus.errors import CannotRunError, UsageError


class Embedder(nn.Module):
    """A vision backbone with a pooling and, when asked for, a linear projection.

    Attributes:
        backbone: the model of transformers.
        pooling: how its feature map becomes one vector, a key of ``POOLINGS``.
        projection: linear, or the identity.
        head: an MLP after it, or the identity; see :meth:`attach`.
        dim: length of the vectors.

    Args:
        backbone: the model of transformers.
        pooling: a key of ``POOLINGS``, or ``auto`` for what the model's family is meant for.
        projection_dim: length of the projected vectors; 0 for no projection.
        gem_p: the power of GeM.
        learn_p: whether training moves it.

    Raises:
        UsageError: the pooling does not exist, or not for this model.
    """

    def __init__(
        self,
        backbone: PreTrainedModel,
        pooling: str = "auto",
        *,
        projection_dim: int = 0,
        gem_p: float = 3.0,
        learn_p: bool = False,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = _choose_pooling(backbone, pooling)
        self.gem = GeM(gem_p, learnt=learn_p and self.pooling == "gem")
        width = _head_width(backbone) if self.pooling == "head" else _map_width(backbone)
        self.projection = nn.Linear(width, projection_dim) if projection_dim else nn.Identity()
        self.head: nn.Module = nn.Identity()
        self.dim = projection_dim or width
        self._resizes_positions = "interpolate_pos_encoding" in inspect.signature(backbone.forward).parameters

    @property
    def gem_p(self) -> float:
        """The power of GeM as it stands."""
        return float(self.gem.p.detach())

    @property
    def has_projection(self) -> bool:
        """Whether vectors are projected."""
        return isinstance(self.projection, nn.Linear)

    @property
    def is_bare(self) -> bool:
        """Whether nothing follows the pooling."""
        return not self.has_projection and isinstance(self.head, nn.Identity)

    def attach(self, head: Head) -> None:
        """Send the vectors through a head from now on.

        Raises:
            UsageError: it is made for vectors of another length.
        """
        if head.width != self.dim:
            raise UsageError(f"The head is for vectors of {head.width} numbers, but the model gives {self.dim}.")
        self.head, self.dim = head_module(head).train(self.training), head.dim

    @property
    def step_px(self) -> int:
        """Pictures of a transformer have sides that are multiples of this; 1 for other models."""
        size = getattr(self.backbone.config, "patch_size", 1)
        return int(size) if isinstance(size, int) else int(max(size))

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors float32 (n, dim), not normalised, of pixels (n, 3, h, w)."""
        return self.both(pixels)[0]

    def feature_map(self, pixels: Tensor) -> Tensor:
        """The last feature map float32 (n, c, h', w'); patch tokens (n, t, c) come as (n, c, t, 1)."""
        return self.both(pixels)[1]

    def both(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """What :meth:`forward` and :meth:`feature_map` give, for the price of one."""
        height, width = pixels.shape[-2:]
        if self._resizes_positions and (height, width) != _trained_size(self.backbone):
            output = self.backbone(pixel_values=pixels, interpolate_pos_encoding=True)
        else:
            output = self.backbone(pixel_values=pixels)
        last = output.last_hidden_state.float()
        features = last if last.ndim == 4 else self._patch_tokens(last, height, width)
        if self.pooling == "head":
            vector = getattr(output, _family(self.backbone).head).float()
        elif self.pooling == "cls":
            vector = last[:, 0]
        else:
            vector = self.gem(features) if self.pooling == "gem" else mean_pool(features)
        return self.head(self.projection(vector)).float(), features

    def _patch_tokens(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """Tokens (n, t, c) without the special ones that stand first, as (n, c, t', 1)."""
        special = 0
        if _family(self.backbone).grid:
            special = tokens.shape[1] - (height // self.step_px) * (width // self.step_px)
        if special < 0:
            raise CannotRunError(
                f"A {self.backbone.config.model_type} gives {tokens.shape[1]} tokens for {height} x {width} px, fewer "
                f"than its patches of {self.step_px} px. Choose another model."
            )
        return tokens[:, special:].transpose(1, 2).unsqueeze(-1)


def head_module(head: Head) -> nn.Sequential:
    """A head as a module, in evaluation mode."""
    layers: list[nn.Module] = []
    for weight, bias in head.layers:
        linear = nn.Linear(weight.shape[1], len(weight))
        linear.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).train(False)


def _family(backbone: PreTrainedModel) -> Family:
    return FAMILIES.get(str(backbone.config.model_type), Family(""))


def _choose_pooling(backbone: PreTrainedModel, pooling: str) -> str:
    kind, family = str(backbone.config.model_type), _family(backbone)
    if pooling != "auto" and pooling not in POOLINGS:
        raise UsageError(f"No pooling {pooling!r}; there are auto, {', '.join(POOLINGS)}.")
    chosen = family.auto if pooling == "auto" else pooling
    if not chosen:
        raise UsageError(f"What pools a {kind} is not known here: name it, {', '.join(POOLINGS)}.")
    has_head = bool(family.head) and not (family.tower == "SiglipVisionModel" and not backbone.config.vision_use_head)
    if chosen == "head" and not has_head:
        raise UsageError(f"A {kind} has no head of its own to pool with; choose mean, gem or cls.")
    if chosen == "cls" and family.auto == "mean":
        raise UsageError(f"A {kind} has no class token; choose mean or gem.")
    return chosen


def _map_width(backbone: PreTrainedModel) -> int:
    """Channels of the last feature map."""
    config = backbone.config
    for name in ("hidden_dim", "hidden_size", "hidden_sizes"):
        value = getattr(config, name, None)
        if value:
            return int(value if isinstance(value, int) else value[-1])
    raise CannotRunError(f"How wide a {config.model_type} is cannot be read from its config. Choose another model.")


def _head_width(backbone: PreTrainedModel) -> int:
    config = backbone.config
    return int(config.projection_dim) if config.model_type == "clip_vision_model" else _map_width(backbone)


def _trained_size(backbone: PreTrainedModel) -> tuple[int, int]:
    size = backbone.config.image_size
    return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))

"""Softmax over cosines with a margin: ArcFace and CosFace."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from periplus.learn.losses.value import Loss, LossValue, accuracy


class Angular(Loss):
    """Cross-entropy of ``scale * cos(theta_c)``, the right class's cosine lessened by a margin.

    Args:
        dim, classes: sizes.
        margin: its full value.
        scale: of the logits.
        warmup: share of the training in which the margin grows linearly from 0.
    """

    def __init__(self, dim: int, classes: int, margin: float, scale: float, warmup: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, dim))
        nn.init.xavier_uniform_(self.weight)
        self.full_margin = self.margin = margin
        self.scale, self.warmup = scale, warmup

    def lessened(self, cosine: Tensor) -> Tensor:
        """The right class's cosines (n,) after the margin."""
        raise NotImplementedError

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """Cross-entropy with margin, accuracy without."""
        cosine = self._cosine(embeddings)
        right = cosine.gather(1, labels[:, None])
        logits = self.scale * cosine.scatter(1, labels[:, None], self.lessened(right))
        total = functional.cross_entropy(logits, labels)
        return LossValue(total, {"margin_softmax": total.detach(), "accuracy": accuracy(cosine, labels)})

    def logits(self, embeddings: Tensor) -> Tensor:
        """``scale * cos(theta)`` without margin."""
        return self.scale * self._cosine(embeddings)

    def set_progress(self, share: float) -> None:
        """Let the margin grow."""
        self.margin = self.full_margin * (min(1.0, share / self.warmup) if self.warmup else 1.0)

    def _cosine(self, embeddings: Tensor) -> Tensor:
        return functional.normalize(embeddings) @ functional.normalize(self.weight).T


class ArcFace(Angular):
    """``cos(theta + m)``, m in radians (Deng et al., arXiv 1801.07698, eq. 3: m = 0.5, scale 64).

    Beyond ``theta = pi - m`` it goes on as ``cos(theta) - m sin(m)``, so that it stays decreasing.
    """

    def lessened(self, cosine: Tensor) -> Tensor:
        """``cos(theta + m)``."""
        cosine = cosine.clamp(-1 + 1e-7, 1 - 1e-7)
        theta = cosine.acos()
        beyond = cosine - self.margin * math.sin(self.margin)
        return torch.where(theta <= math.pi - self.margin, (theta + self.margin).cos(), beyond)


class CosFace(Angular):
    """``cos(theta) - m`` (Wang et al., arXiv 1801.09414, eq. 4: m = 0.35, scale 64)."""

    def lessened(self, cosine: Tensor) -> Tensor:
        """``cos(theta) - m``."""
        return cosine - self.margin

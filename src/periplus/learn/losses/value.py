"""What every loss returns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LossValue:
    """A loss of one batch.

    Attributes:
        total: scalar with gradient: what is minimised.
        parts: detached scalars worth watching: terms of the loss, accuracy, numbers of pairs.
    """

    total: Tensor
    parts: dict[str, Tensor]


class Loss(nn.Module):
    """Base of the losses: ``loss(embeddings, labels)``.

    A loss takes embeddings float32 (n, d), not normalised, and labels int64 (n,) in [0, classes), and returns a
    :class:`LossValue`. What it learns itself (a classifier) are its parameters.
    """

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of a batch."""
        raise NotImplementedError

    def logits(self, embeddings: Tensor) -> Tensor | None:  # noqa: ARG002 - for those that have a classifier
        """Scores of the classes, (n, classes), without margin; None where the loss has no classifier."""
        return None

    def set_progress(self, share: float) -> None:
        """Tell how much of the training is done, 0 to 1, for what changes on the way."""


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of rows whose best class is the right one."""
    return (logits.detach().argmax(1) == labels).float().mean()


def pair_masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which ordered pairs (i, j) of a batch are positive (same label, i != j) and negative, bool (n, n) each."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same

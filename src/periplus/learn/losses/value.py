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

    A loss takes embeddings float32 (n, d), not normalised, and what its objective tells it of each photo, int64 (n,):
    labels in [0, classes), or the photos' rows. It returns a :class:`LossValue`. What it learns itself (a classifier,
    another tower) are its parameters. What it draws, it draws from torch's own generator on the processor, which is
    seeded before each batch by the step's name, so that every process and every resumed training draws the same.

    Attributes:
        averaged: whether what it learns is kept with the network, and so averaged as the network's weights are.
    """

    averaged: bool = False

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

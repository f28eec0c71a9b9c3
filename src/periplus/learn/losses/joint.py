"""Classification and contrast together, as the experiments E3 and E4 train."""

from __future__ import annotations

from torch import Tensor

from periplus.learn.losses.classification import Classification
from periplus.learn.losses.contrastive import Contrastive
from periplus.learn.losses.value import Loss, LossValue


class Joint(Loss):
    """``w * cross-entropy + (1 - w) * contrastive`` (arXiv 2208.04201: w = 0.5)."""

    def __init__(self, classification: Classification, contrastive: Contrastive, weight: float = 0.5) -> None:
        super().__init__()
        self.classification, self.contrastive, self.weight = classification, contrastive, weight

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The weighted sum, and the parts of both."""
        one, other = self.classification(embeddings, labels), self.contrastive(embeddings, labels)
        total = self.weight * one.total + (1 - self.weight) * other.total
        return LossValue(total, {**one.parts, **other.parts})

    def logits(self, embeddings: Tensor) -> Tensor:
        """The classifier's."""
        return self.classification.logits(embeddings)

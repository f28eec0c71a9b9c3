"""Cross-entropy over the landmarks, by a linear classifier."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from periplus.learn.losses.value import Loss, LossValue, accuracy


class Classification(Loss):
    """``-sum_c t_c log softmax(W e + b)_c``, t the smoothed one-hot label: ``(1 - s) [c = y] + s / classes``.

    Label smoothing as Szegedy et al., arXiv 1512.00567, section 7.
    """

    def __init__(self, dim: int, classes: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.classifier = nn.Linear(dim, classes)
        self.label_smoothing = label_smoothing

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """Cross-entropy and accuracy."""
        logits = self.classifier(embeddings)
        total = functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        return LossValue(total, {"cross_entropy": total.detach(), "accuracy": accuracy(logits, labels)})

    def logits(self, embeddings: Tensor) -> Tensor:
        """``W e + b``."""
        scores: Tensor = self.classifier(embeddings)
        return scores

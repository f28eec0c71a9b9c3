"""InfoNCE over the landmarks of a batch, in two formulas."""

from __future__ import annotations

from typing import Literal

from pytorch_metric_learning.losses import NTXentLoss, SupConLoss
from torch import Tensor

from periplus.learn.losses.value import Loss, LossValue, pair_masks


class InfoNCE(Loss):
    """Cross-entropy of finding a photo's positives in the batch, s = cosine / temperature.

    ``ntxent``: mean over ordered positive pairs (a, p) of ``-log(e^s_ap / (e^s_ap + sum_n e^s_an))``, n the negatives
    (van den Oord et al., arXiv 1807.03748, eq. 4; Chen et al., arXiv 2002.05709, eq. 1).
    ``supcon``: mean over anchors of the mean over positives of ``-log(e^s_ap / sum_{i != a} e^s_ai)`` (Khosla et al.,
    arXiv 2004.11362, eq. 2). Computed by pytorch-metric-learning.

    Args:
        positives: which formula.
        temperature: of the softmax.
    """

    def __init__(self, positives: Literal["ntxent", "supcon"] = "supcon", temperature: float = 0.07) -> None:
        super().__init__()
        self.inner = (NTXentLoss if positives == "ntxent" else SupConLoss)(temperature=temperature)

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss, and the number of ordered positive pairs."""
        return LossValue(self.inner(embeddings, labels), {"positive_pairs": pair_masks(labels)[0].sum()})

"""Triplet loss."""

from __future__ import annotations

import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_triplets_indices
from torch import Tensor

from periplus.learn.losses.value import Loss, LossValue
from periplus.learn.negatives.mining import Mining, make_miner


class Triplet(Loss):
    """Mean of ``max(0, D(a, p)^2 - D(a, n)^2 + margin)`` over the batch's triplets that cost something.

    D is the Euclidean distance of unit vectors (Schroff et al., arXiv 1503.03832, eq. 3); margin 0.1 as in
    Radenovic et al.'s code. Computed by pytorch-metric-learning.

    Args:
        margin: in squared distance.
        mining: which triplets count.
    """

    def __init__(self, margin: float = 0.1, mining: Mining = "none") -> None:
        super().__init__()
        distance = LpDistance(power=2)
        self.inner = TripletMarginLoss(margin=margin, distance=distance)
        self.miner = make_miner(mining, margin, distance)

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss, and how many triplets counted."""
        triplets = get_all_triplets_indices(labels) if self.miner is None else self.miner(embeddings, labels)
        total = self.inner(embeddings, labels, triplets)
        return LossValue(total, {"triplets": torch.tensor(float(len(triplets[0])))})

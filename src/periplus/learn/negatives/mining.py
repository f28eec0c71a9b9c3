"""Which triplets of a batch count."""

from __future__ import annotations

from typing import Literal

from pytorch_metric_learning.distances import BaseDistance
from pytorch_metric_learning.miners import BaseMiner, BatchHardMiner, TripletMarginMiner

Mining = Literal["none", "hard", "semihard"]


def make_miner(kind: Mining, margin: float, distance: BaseDistance) -> BaseMiner | None:
    """A miner of pytorch-metric-learning; None takes all triplets.

    ``hard``: of each anchor the farthest positive and the nearest negative (Hermans et al., arXiv 1703.07737, eq. 5).
    ``semihard``: negatives farther than the positive, but by less than the margin (Schroff et al., arXiv 1503.03832).

    Args:
        kind: which.
        margin: the loss's.
        distance: the loss's.
    """
    if kind == "hard":
        return BatchHardMiner(distance=distance)
    if kind == "semihard":
        return TripletMarginMiner(margin=margin, type_of_triplets="semihard", distance=distance)
    return None

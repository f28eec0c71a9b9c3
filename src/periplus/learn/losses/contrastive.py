"""Contrastive losses over all pairs of a batch, in three formulas.

Every unordered pair of the batch counts. Positives and negatives are averaged apart and added, since among all pairs
negatives are so many that they would drown the positives in one mean.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from periplus.learn.losses.value import Loss, LossValue, pair_masks

PairTerms = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From cosines (n, n) to what a pair costs if it is positive and if it is negative."""


def distance(cosine: Tensor) -> Tensor:
    """Euclidean distance of unit vectors from their cosine: ``sqrt(2 - 2 cos)``.

    The square is floored at 1e-12 where the root's slope would be infinite.
    """
    return (2 - 2 * cosine).clamp(min=1e-12).sqrt()


def radenovic(cosine: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """``D^2 / 2`` and ``max(0, margin - D)^2 / 2`` (Radenovic et al., arXiv 1711.02512, eq. 3), margin 0.7."""
    return 1 - cosine, 0.5 * functional.relu(margin - distance(cosine)) ** 2


def materarbeit(cosine: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """``(1 - cos) / 2`` and ``max(0, margin - (1 - cos)) / 2`` (arXiv 2208.04201), margin 0.4; linear."""
    return 0.5 * (1 - cosine), 0.5 * functional.relu(margin - (1 - cosine))


def pml(cosine: Tensor, positive_margin: float, negative_margin: float) -> tuple[Tensor, Tensor]:
    """``max(0, D - positive_margin)`` and ``max(0, negative_margin - D)``: pytorch-metric-learning's, margins 0, 1."""
    away = distance(cosine)
    return functional.relu(away - positive_margin), functional.relu(negative_margin - away)


class Contrastive(Loss):
    """``mean over positive pairs + mean over negative pairs`` of a formula.

    Args:
        terms: the formula, its margins bound.
        nonzero: average only pairs that cost something, as pytorch-metric-learning does; else all pairs.
    """

    def __init__(self, terms: PairTerms, nonzero: bool = False) -> None:
        super().__init__()
        self.terms, self.nonzero = terms, nonzero

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss and the numbers of unordered pairs; a kind of pair that does not occur costs nothing."""
        unit = functional.normalize(embeddings)
        positive, negative = pair_masks(labels)
        upper = torch.ones_like(positive).triu(1)
        pull, push = self.terms(unit @ unit.T)
        near, far = (self._mean(cost[mask & upper]) for cost, mask in ((pull, positive), (push, negative)))
        parts = {
            "contrastive_positive": near.detach(),
            "contrastive_negative": far.detach(),
            "positive_pairs": (positive & upper).sum(),
            "negative_pairs": (negative & upper).sum(),
        }
        return LossValue(near + far, parts)

    def _mean(self, costs: Tensor) -> Tensor:
        if self.nonzero:
            return costs.sum() / (costs > 0).sum().clamp(min=1)
        return costs.sum() / max(1, costs.numel())


def contrastive(formula: str, margin: float, positive_margin: float, negative_margin: float) -> Contrastive:
    """A formula by name; ``margin`` 0 takes its published value. The two margins are ``pml``'s."""
    if formula == "pml":
        return Contrastive(partial(pml, positive_margin=positive_margin, negative_margin=negative_margin), True)
    terms, published = {"radenovic": (radenovic, 0.7), "materarbeit": (materarbeit, 0.4)}[formula]
    return Contrastive(partial(terms, margin=margin or published))

"""From a feature map to one vector."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

POOLINGS: Mapping[str, str] = {
    "mean": "average of the feature map",
    "gem": "generalised mean of the feature map; p > 1 listens to the strongest answers",
    "cls": "the first special token of a transformer",
    "head": "the vector that the model's own head makes: CLIP's image embedding, SigLIP's attention pooling",
}
"""What pools a feature map, by name; ``auto`` takes what the family of the model is meant for."""


def mean_pool(features: Tensor) -> Tensor:
    """The mean (n, c) of a feature map (n, c, h, w)."""
    return features.mean(dim=(2, 3))


class GeM(nn.Module):
    """Generalised mean of a feature map: avg(max(x, eps)^p)^(1/p), (n, c, h, w) to (n, c).

    The clamp also takes care of maps that are slightly negative, as after EfficientNet's swish.

    Args:
        p: the power, more than 0.
        learnt: whether p is a parameter that training moves.
        eps: the least value of a cell.

    Reference: Radenovic, Tolias and Chum, Fine-tuning CNN image retrieval with no human annotation, TPAMI 2018, eq. 2.
    """

    p: Tensor

    def __init__(self, p: float = 3.0, *, learnt: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.learnt = learnt
        self.eps = eps
        power = torch.tensor(float(p))
        if learnt:
            self.p = nn.Parameter(power)
        else:
            self.register_buffer("p", power, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Pool (n, c, h, w) to (n, c)."""
        return mean_pool(features.clamp(min=self.eps).pow(self.p)).pow(1 / self.p)

"""GeoCLIP's objective by loops over its written formula, and its own step as its training code has it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

Vectors = Sequence[Sequence[float]]


def cross_entropy_to_positions(
    pictures: Vectors, positions: Vectors, scale: float, left_out: set[tuple[int, int]]
) -> float:
    """Mean over pictures i of -log softmax of their own position i among all, but for the pairs left out."""

    def unit(vector: Sequence[float]) -> list[float]:
        length = math.sqrt(sum(x * x for x in vector))
        return [x / length for x in vector]

    total = 0.0
    for i, picture in enumerate(pictures):
        score = [scale * sum(a * b for a, b in zip(unit(picture), unit(one), strict=True)) for one in positions]
        total -= score[i] - math.log(sum(math.exp(s) for j, s in enumerate(score) if (i, j) not in left_out))
    return total / len(pictures)


def geoclip_step(pictures: Tensor, positions: Tensor, log_scale: Tensor) -> Tensor:
    """``geoclip/train/train.py``: logits of a batch against ``cat([gps, gps_queue])``, targets ``arange(batch)``."""
    image_features = functional.normalize(pictures, dim=1)
    location_features = functional.normalize(positions, dim=1)
    logits = log_scale.exp() * (image_features @ location_features.t())
    loss: Tensor = torch.nn.CrossEntropyLoss()(logits, torch.arange(len(pictures)))
    return loss


class SlowQueue:
    """First in, first out, one at a time."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = deque(rows, maxlen=len(rows))

    def push(self, rows: Sequence[int]) -> None:
        self.rows.extend(rows)

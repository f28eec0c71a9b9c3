"""How good a network is on the held-out photos, once an epoch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from periplus.learn.losses import Loss

_BLOCK = 1024


@torch.no_grad()
def label_values(embeddings: Tensor, criterion: Loss, labels: NDArray[np.int64]) -> dict[str, float]:
    """Values on held-out photos, each asked among the others.

    Args:
        embeddings: float32 (n, d), not normalised.
        criterion: its classifier, where it has one, gives ``accuracy`` and ``loss`` (plain cross-entropy); else
            ``loss`` is the criterion's own, over runs of photos.
        labels: of these photos, (n,).

    Returns:
        ``recall_at_1`` and ``map_at_100`` (queries whose landmark no other held-out photo shows are left out),
        ``loss``, and ``accuracy`` where there is a classifier.
    """
    truth = torch.from_numpy(labels).to(embeddings.device)
    values = retrieval_values(functional.normalize(embeddings), truth)
    logits = criterion.logits(embeddings)
    if logits is None:
        parts = zip(torch.split(embeddings, 128), torch.split(truth, 128), strict=True)
        values["loss"] = float(np.mean([float(criterion(e, t).total) for e, t in parts]))
    else:
        values["loss"] = float(functional.cross_entropy(logits, truth))
        values["accuracy"] = float((logits.argmax(1) == truth).double().mean())
    return values


def retrieval_values(unit: Tensor, labels: Tensor, k: int = 100) -> dict[str, float]:
    """recall@1 and mAP@k of photos (n, d), unit rows, each a query among all others.

    AP as for GLDv2: ``sum_i [i relevant] * precision(i) / min(relevant, k)``.
    """
    first: list[Tensor] = []
    precision: list[Tensor] = []
    k = min(k, len(unit) - 1)
    for start in range(0, len(unit), _BLOCK):
        queries = torch.arange(start, min(start + _BLOCK, len(unit)), device=unit.device)
        scores = unit[queries] @ unit.T
        scores[torch.arange(len(queries), device=unit.device), queries] = -torch.inf
        order = scores.topk(k, dim=1).indices
        right = (labels[order] == labels[queries, None]).double()
        relevant = (labels[queries, None] == labels[None]).sum(1) - 1
        at = right.cumsum(1) / torch.arange(1, k + 1, device=unit.device)
        known = relevant > 0
        precision.append(((right * at).sum(1) / relevant.clamp(min=1, max=k))[known])
        first.append(right[known, 0])
    if not sum(map(len, first)):
        return {"recall_at_1": 0.0, "map_at_100": 0.0}
    return {"recall_at_1": float(torch.cat(first).mean()), "map_at_100": float(torch.cat(precision).mean())}

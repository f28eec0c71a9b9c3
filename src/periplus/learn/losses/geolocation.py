"""GeoCLIP's objective: a photo finds its own position among those of the batch and of a queue of past ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from periplus.learn.geo_settings import GeolocationConfig
from periplus.learn.losses.value import Loss, LossValue, accuracy
from periplus.learn.positions import PositionQueue, TrainingPositions


class Geolocation(Loss):
    """Cross-entropy of ``scale * cos(picture, position)``, from picture to position.

    For a photo i of a batch of b, with unit vectors v of pictures and p of positions: ``-log(e^(s v_i p_i) / sum_j
    e^(s v_i p_j))``, j over the b positions of the batch and the q of the queue, all under Gaussian noise (Vivanco
    Cepeda, Nayak and Shah, GeoCLIP, arXiv 2309.16020, eq. 4). Afterwards the batch goes into the queue.

    It is called with rows of the training photos in the place of labels.

    Args:
        location: from positions, degrees (n, 2), to vectors (n, d), not normalised.
        positions: of the photos.
        config: scale, noise and what else is optional.
        first: rows int64 (q,) that the queue is filled with.
    """

    averaged = True

    def __init__(
        self, location: nn.Module, positions: TrainingPositions, config: GeolocationConfig, first: Tensor
    ) -> None:
        super().__init__()
        self.location, self.positions, self.config = location, positions, config
        self.queue = PositionQueue(first)
        self.log_scale = nn.Parameter(torch.tensor(math.log(config.scale)))

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied with, a scalar."""
        return self.log_scale.exp()

    def forward(self, embeddings: Tensor, labels: Tensor) -> LossValue:
        """The loss of photos (b, d) of the rows (b,); the share that is told apart from all others; the scale."""
        with torch.no_grad():  # the weight itself, since a clamp on the way would stop its gradient for good
            self.log_scale.clamp_(max=math.log(self.config.max_scale))
        logits = self.scale * functional.normalize(embeddings) @ self._vectors(labels).T
        own = torch.arange(len(labels), device=labels.device)
        logits = self._without_near(logits, labels, own)
        total = functional.cross_entropy(logits, own)
        if self.config.symmetric:
            total = (total + functional.cross_entropy(logits[:, : len(own)].T, own)) / 2
        told = {"accuracy": accuracy(logits, own), "scale": self.scale.detach()}
        self.queue.push(labels)
        return LossValue(total, told)

    def _vectors(self, rows: Tensor) -> Tensor:
        """Unit vectors of the batch's positions, then of the queue's."""
        batch = self.positions.scattered(rows, self.config.batch_noise_m)
        queue = self.positions.scattered(self.queue.rows, self.config.queue_noise_m)
        return functional.normalize(self.location(torch.cat([batch, queue])))

    def _without_near(self, logits: Tensor, rows: Tensor, own: Tensor) -> Tensor:
        """Logits of other positions near a photo's own, as minus infinity."""
        if not self.config.near_km:
            return logits
        near = self.positions.near(rows, torch.cat([rows, self.queue.rows]), self.config.near_km)
        near[own, own] = False
        return logits.masked_fill(near, -torch.inf)

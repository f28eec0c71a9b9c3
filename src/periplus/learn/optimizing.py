"""The optimizer, the learning rate's course, and the moving average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable

import torch
from torch import nn

from periplus.learn.settings import TrainConfig


def make_optimizer(parameters: Iterable[nn.Parameter], config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of the settings; biases and normalisation's weights (one dimension) do not decay."""
    wanted = [one for one in parameters if one.requires_grad]
    groups = [
        {"params": [one for one in wanted if one.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [one for one in wanted if one.ndim <= 1], "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, lr=config.lr, eps=config.opt_eps)


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """The rate of a step, counted from 0 at epoch 0; a closed form, so that a resumed training needs no past.

    Warming up grows linearly to the rate that the schedule has by then; cosine: ``lr (1 + cos(pi t / T)) / 2``.
    """
    done = step / max(1, config.epochs * steps_per_epoch)
    rate = config.lr
    if config.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * done))
    elif config.schedule == "step":
        rate *= config.step_factor ** (step // (config.step_epochs * steps_per_epoch))
    warm = config.warmup_epochs * steps_per_epoch
    return rate * min(1.0, (step + 1) / warm) if warm else rate


class MovingAverage:
    """The moving average of a network's weights and statistics: ``a <- d a + (1 - d) w``.

    The decay grows with the steps t as ``min(decay, (1 + t) / (10 + t))``, so that the start is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take a step's weights in; counters (whole numbers) are copied."""
        decay = min(self.decay, (1 + step) / (10 + step))
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        real = [(a, w) for a, w in pairs if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in real], [w for _, w in real], 1 - decay)
        for average, weight in pairs:
            if not average.is_floating_point():
                average.copy_(weight)

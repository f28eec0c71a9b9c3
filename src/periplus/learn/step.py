"""One optimizer step of a training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from periplus.encode.models import Embedder
from periplus.encode.preprocess import Preprocess
from periplus.errors import CannotRunError
from periplus.learn.augment import augment, draw, mixing, plain
from periplus.learn.losses import Loss, LossValue
from periplus.learn.optimizing import MovingAverage
from periplus.learn.parallel import Group
from periplus.learn.randomness import numpy_generator, torch_generator, torch_seed
from periplus.learn.settings import TrainConfig


@dataclass(frozen=True)
class Parts:
    """The moving parts of a training.

    Attributes:
        config: its settings.
        embedder: the network.
        criterion: the loss.
        optimizer: of the weights of both.
        average: of the network's weights, None for none.
        criterion_average: of the loss's, where they are kept with the network.
        preprocess: mean and std of the pixels.
        group: the processes.
        device, precision: where and how exactly.
    """

    config: TrainConfig
    embedder: Embedder
    criterion: Loss
    optimizer: torch.optim.Optimizer
    average: MovingAverage | None
    criterion_average: MovingAverage | None
    preprocess: Preprocess
    group: Group
    device: torch.device
    precision: torch.dtype

    @property
    def best_network(self) -> Embedder:
        """What is validated and kept: the average where there is one."""
        return self.embedder if self.average is None else cast("Embedder", self.average.network)

    @property
    def best_criterion(self) -> Loss:
        """The loss that belongs to it."""
        return self.criterion if self.criterion_average is None else cast("Loss", self.criterion_average.network)

    @property
    def weights(self) -> list[torch.nn.Parameter]:
        """Of network and loss."""
        return [one for one in (*self.embedder.parameters(), *self.criterion.parameters()) if one.requires_grad]

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What a state consists of, besides the optimizer."""
        averages = {"average": self.average, "criterion-average": self.criterion_average}
        kept = {name: one.network for name, one in averages.items() if one is not None}
        return {"network": self.embedder, "criterion": self.criterion, **kept}

    def embed(self, pixels: Tensor) -> Tensor:
        """Embeddings float32 of normalised pixels, by the network in training."""
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            embeddings: Tensor = self.embedder(pixels)
        return embeddings.float()


def optimizer_step(
    parts: Parts, batches: Sequence[tuple[NDArray[np.int64], Tensor]], step: int, rate: float, size_px: int
) -> dict[str, float]:
    """Take a step.

    Args:
        parts: what moves.
        batches: ``train.accumulate`` pairs: what the loss is told of a whole batch, int64 (b,), and this process's
            part of its pixels, uint8 (b / processes, 3, s, s).
        step: its number, which names its randomness.
        rate: learning rate.
        size_px: side of what the network sees.

    Returns:
        Values of the step, the mean over its batches: ``loss`` and the loss's parts.

    Raises:
        CannotRunError: the loss or its gradient is no longer finite.
    """
    values: dict[str, float] = {}
    for i, (labels, pixels) in enumerate(batches):
        value = _batch_loss(parts, torch.from_numpy(labels).to(parts.device), pixels, (step, i), size_px)
        (value.total / len(batches)).backward()  # type: ignore[no-untyped-call]
        for name, part in {"loss": value.total.detach(), **value.parts}.items():
            values[name] = values.get(name, 0.0) + float(part) / len(batches)
    parts.group.average_gradients(parts.weights)
    limit = parts.config.clip_norm or float("inf")
    values["gradient_norm"] = float(torch.nn.utils.clip_grad_norm_(parts.weights, limit))
    if not np.isfinite([values["loss"], values["gradient_norm"]]).all():
        raise CannotRunError(
            f"At step {step} the loss was {values['loss']}, the length of its gradient {values['gradient_norm']}. "
            "Lower train.lr, raise train.warmup_epochs or set train.clip_norm, and start a new run."
        )
    for group in parts.optimizer.param_groups:
        group["lr"] = rate
    parts.optimizer.step()
    parts.optimizer.zero_grad()
    if parts.average is not None:
        parts.average.update(parts.embedder, step)
    if parts.criterion_average is not None:
        parts.criterion_average.update(parts.criterion, step)
    return values


@torch.no_grad()
def embed_rows(parts: Parts, pixels: Iterable[Tensor], size_px: int) -> Tensor:
    """Embeddings float32 (n, d), not normalised, of batches of pixels uint8 (b, 3, s, s), by the best network."""
    network = parts.best_network
    training = network.training
    network.eval()
    done = []
    for batch in pixels:
        x = plain(batch.to(parts.device), size_px, *_colours(parts.preprocess))
        with torch.autocast(parts.device.type, parts.precision, enabled=parts.precision != torch.float32):
            done.append(network(x).float())
    network.train(training)
    return torch.cat(done)


def _batch_loss(parts: Parts, labels: Tensor, pixels: Tensor, name: tuple[int, int], size_px: int) -> LossValue:
    config, group = parts.config, parts.group
    x = _changed(parts, pixels.to(parts.device), len(labels), name, size_px)
    torch.manual_seed(torch_seed(config.trial, "dropout", *name, group.rank))
    if not config.augment.mixup:
        embeddings = group.gather(parts.embed(x))
        torch.manual_seed(torch_seed(config.trial, "loss", *name))  # without the rank: all draw the same
        value: LossValue = parts.criterion(embeddings, labels)
        return value
    alpha = config.augment.mixup
    share = float(numpy_generator(config.trial, "mixup", *name).beta(alpha, alpha))
    # Within each process's part, so that no photo is read twice; every process knows all partners.
    partners = [
        mixing(len(x), torch_generator(config.trial, "partners", *name, rank)).to(x.device)
        for rank in range(group.size)
    ]
    x = share * x + (1 - share) * x[partners[group.rank]]
    other = torch.cat([labels[one + rank * len(x)] for rank, one in enumerate(partners)])
    embeddings = group.gather(parts.embed(x))
    here, there = parts.criterion(embeddings, labels), parts.criterion(embeddings, other)
    return LossValue(share * here.total + (1 - share) * there.total, here.parts)


def _changed(parts: Parts, pixels: Tensor, whole: int, name: tuple[int, int], size_px: int) -> Tensor:
    colours = _colours(parts.preprocess)
    if parts.config.augment.none:
        return plain(pixels, size_px, *colours)
    draws = draw(whole, parts.config.augment, torch_generator(parts.config.trial, "augment", *name))
    return augment(pixels, draws.part(parts.group.part(whole)), size_px, *colours)


def _colours(preprocess: Preprocess) -> tuple[Tensor, Tensor]:
    return torch.tensor(preprocess.mean), torch.tensor(preprocess.std)

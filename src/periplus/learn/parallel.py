"""Several processes that train as one, started by ``torchrun``.

Each batch is cut into equal parts, one a process. Embeddings are gathered with gradient, so that every process has
the loss of the whole batch (all its pairs); batch normalisation takes its statistics over all parts; gradients are
averaged once a step. So any number of processes gives the same training, up to rounding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Group:
    """This process among its fellows.

    Attributes:
        rank: its number, 0 for the one that writes.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process validates, writes and logs."""
        return self.rank == 0

    def part(self, n: int) -> slice:
        """This process's part of a batch of ``n``."""
        share = n // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def gather(self, part: Tensor) -> Tensor:
        """All parts (n / size, d) of all processes as (n, d), with gradient."""
        return part if self.size == 1 else cast("Tensor", _Gather.apply(part, self))  # type: ignore[no-untyped-call]

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes, in one message."""
        if self.size == 1:
            return
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([one.reshape(-1) for one in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        means = torch.split(flat, [one.numel() for one in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view(gradient.shape))

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether any process says so."""
        if self.size == 1:
            return flag
        told = torch.tensor(int(flag), device=device)
        dist.all_reduce(told)
        return bool(told)

    def share(self, value: object) -> Any:
        """The leader's value, JSON or tensors on the processor, in every process."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]


def join_group(device: torch.device) -> Group:
    """The group that ``torchrun`` started this process in; a group of one elsewhere."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Group()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Group(dist.get_rank(), dist.get_world_size())


class _Gather(torch.autograd.Function):
    """Forward: all parts. Backward: every process has the same loss, so its own slice is the whole gradient.

    Times the number of processes, since gradients of weights are averaged afterwards.
    """

    @staticmethod
    def forward(context: Any, part: Tensor, group: Group) -> Tensor:
        context.group = group
        parts = [torch.empty_like(part) for _ in range(group.size)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        group: Group = context.group
        return gradient[group.part(len(gradient))] * group.size, None


class _Sum(torch.autograd.Function):
    """The sum over processes; what it is used for in each of them flows back to all."""

    @staticmethod
    def forward(_: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the parts of all processes (torch's own SyncBatchNorm knows only GPUs)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """As ``nn.BatchNorm2d`` of the whole batch."""
        if not self.training:
            return super().forward(input)
        x = input.float()
        n = x.numel() / x.shape[1] * dist.get_world_size()
        mean = cast("Tensor", _Sum.apply(x.sum((0, 2, 3)))) / n  # type: ignore[no-untyped-call]
        centred = x - mean.view(1, -1, 1, 1)
        variance = cast("Tensor", _Sum.apply((centred**2).sum((0, 2, 3)))) / n  # type: ignore[no-untyped-call]
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked += 1
                momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(variance * (n / (n - 1)), momentum)
        y = centred * (variance + self.eps).rsqrt().view(1, -1, 1, 1)
        if self.affine:
            y = y * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
        return y.to(input.dtype)


def share_batch_norms(network: nn.Module, group: Group) -> None:
    """Let every ``nn.BatchNorm2d`` inside a network take its statistics over the group; names and weights stay."""
    if group.size == 1:
        return
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm

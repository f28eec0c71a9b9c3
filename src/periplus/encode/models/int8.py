"""Linear layers of 8-bit numbers, for transformers on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEVELS = 127
_TINY = 1e-12


class Int8Linear(nn.Module):
    """A linear layer whose weights are int8 with a scale an output, and whose inputs become int8 with a scale a row.

    y = (round(x / a) · round(W / s)) a s + b, a = max |x| / 127 of the row, s = max |W| / 127 of the output; products
    are summed exactly, in 32 bits. Nothing is calibrated, and a row's answer does not depend on its neighbours. It is
    written here because torch has given up its own dynamic quantisation.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        full = linear.weight.detach().float()
        scale = full.abs().amax(dim=1).clamp(min=_TINY) / _LEVELS
        self.register_buffer("scale", scale)
        self.register_buffer("weight", (full / scale[:, None]).round().to(torch.int8))
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs float32 (..., out) of inputs (..., in)."""
        rows = inputs.reshape(-1, inputs.shape[-1]).float()
        step = rows.abs().amax(dim=1, keepdim=True).clamp(min=_TINY) / _LEVELS
        products = torch._int_mm((rows / step).round_().to(torch.int8), self.weight.T)
        outputs = products.float().mul_(step).mul_(self.scale)
        if self.bias is not None:
            outputs += self.bias
        return outputs.reshape(*inputs.shape[:-1], len(self.scale))


def quantise_linear(module: nn.Module) -> int:
    """Put :class:`Int8Linear` in the place of every linear layer inside; gives how many.

    Subclasses stay: other modules reach into them.
    """
    count = 0
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, Int8Linear(child))
            count += 1
        else:
            count += quantise_linear(child)
    return count

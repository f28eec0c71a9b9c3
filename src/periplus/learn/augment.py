"""Random changes of training photos, a batch at a time: one affine grid, colours, an erased rectangle, mixing.

What is drawn and what is done are apart. The draws of a batch are made once for all its photos, so that a process
that holds a part of the batch changes its photos as a single process would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from periplus.learn.settings import AugmentConfig


@dataclass(frozen=True)
class Draws:
    """What was drawn for n photos.

    Attributes:
        affine: float32 (n, 2, 3), from the output's coordinates in [-1, 1] to the input's.
        colour: float32 (n, 3), factors of brightness, contrast, saturation.
        erased: float32 (n, 4), left, top, width, height as shares of the picture; zero width for none.
    """

    affine: Tensor
    colour: Tensor
    erased: Tensor

    def part(self, rows: slice) -> Draws:
        """The draws of some of the photos."""
        return Draws(*(getattr(self, one.name)[rows] for one in fields(self)))


def draw(n: int, config: AugmentConfig, generator: torch.Generator) -> Draws:
    """Draw the changes of ``n`` photos.

    A crop keeps a share of the area, uniform in [min_area, 1], with an aspect ratio exp(u), u uniform in +-aspect, is
    turned, mirrored, and lies anywhere inside the picture.
    """

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, generator=generator) * (high - low) + low

    area, aspect = uniform(config.min_area, 1), uniform(-config.aspect, config.aspect).exp()
    across, down = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    turn = uniform(-1, 1) * math.radians(config.rotation_deg)
    mirror = torch.where(uniform(0, 1) < config.flip, -1.0, 1.0)
    x, y = uniform(-1, 1) * (1 - across), uniform(-1, 1) * (1 - down)
    affine = torch.stack(
        [
            torch.stack([turn.cos() * across * mirror, -turn.sin() * down, x], 1),
            torch.stack([turn.sin() * across * mirror, turn.cos() * down, y], 1),
        ],
        1,
    )
    spread = (config.brightness, config.contrast, config.saturation)
    colour = torch.stack([uniform(1 - one, 1 + one) for one in spread], 1)
    width, height = (uniform(config.erase_min, config.erase_max) for _ in range(2))
    left, top = uniform(0, 1) * (1 - width), uniform(0, 1) * (1 - height)
    width = torch.where(uniform(0, 1) < config.erase, width, 0.0)
    return Draws(affine, colour, torch.stack([left, top, width, height], 1))


def augment(photos: Tensor, draws: Draws, size_px: int, mean: Tensor, std: Tensor) -> Tensor:
    """Apply the draws and normalise.

    Args:
        photos: uint8 (n, 3, s, s).
        draws: of these n photos.
        size_px: side p of the result.
        mean: float32 (3,), of values in [0, 1].
        std: float32 (3,), the same.

    Returns:
        float32 (n, 3, p, p) in channels-last order; erased parts are 0, the mean colour.
    """
    n, device = len(photos), photos.device
    grid = functional.affine_grid(draws.affine.to(device), [n, 3, size_px, size_px], align_corners=False)
    x = functional.grid_sample(photos.float() / 255, grid, align_corners=False, padding_mode="reflection")
    brightness, contrast, saturation = (one.view(n, 1, 1, 1) for one in draws.colour.to(device).unbind(1))
    x = x * brightness
    middle = x.mean((1, 2, 3), keepdim=True)
    x = (x - middle) * contrast + middle
    gray = x.mean(1, keepdim=True)
    x = (x - gray) * saturation + gray
    x = normalised(x.clamp(0, 1), mean, std)
    return _erase(x, draws.erased.to(device)).contiguous(memory_format=torch.channels_last)


def plain(photos: Tensor, size_px: int, mean: Tensor, std: Tensor) -> Tensor:
    """Photos as they are, resized to ``size_px`` and normalised; shapes as of :func:`augment`."""
    x = photos.float() / 255
    if photos.shape[-2:] != (size_px, size_px):
        x = functional.interpolate(x, size=(size_px, size_px), mode="bilinear", antialias=True, align_corners=False)
    return normalised(x, mean, std).contiguous(memory_format=torch.channels_last)


def normalised(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """``(x - mean) / std`` by channel of (n, 3, h, w)."""
    return (x - mean.to(x.device).view(3, 1, 1)) / std.to(x.device).view(3, 1, 1)


def mixing(n: int, generator: torch.Generator) -> Tensor:
    """Whom each of n photos is mixed with (mixup, arXiv 1710.09412): a permutation, int64 (n,)."""
    return torch.randperm(n, generator=generator)


def _erase(x: Tensor, boxes: Tensor) -> Tensor:
    """Set the rectangles ``boxes`` (n, 4) of the pictures to 0."""
    at = (torch.arange(x.shape[-1], device=x.device) + 0.5) / x.shape[-1]
    left, top, width, height = (one[:, None] for one in boxes.unbind(1))
    columns = (at >= left) & (at < left + width)
    rows = (at >= top) & (at < top + height)
    return x.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)

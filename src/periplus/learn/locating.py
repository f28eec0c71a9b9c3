"""How well two towers locate held-out photos among the training positions, once an epoch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from periplus.errors import UsageError
from periplus.geo import distance_km
from periplus.learn.data import TrainingPhotos
from periplus.learn.losses.geolocation import Geolocation
from periplus.learn.randomness import numpy_generator

WITHIN_KM = (200, 750, 2500)
_BLOCK = 1024


@torch.no_grad()
def location_values(
    embeddings: Tensor, criterion: Geolocation, photos: TrainingPhotos, rows: NDArray[np.int64]
) -> dict[str, float]:
    """Values on held-out photos, each put where its likeliest training position is.

    Args:
        embeddings: float32 (m, d) of the held-out photos, not normalised.
        criterion: with the location tower.
        photos: all of them.
        rows: the held-out ones, (m,).

    Returns:
        ``median_km``; ``within_..km``, shares; ``loss``, the cross-entropy of a photo's true position against all
        training positions; ``accuracy``, the share whose label (a country) is that of the position found, where
        photos have labels; ``scale``.
    """
    if photos.lat_lon_deg is None:
        raise UsageError("Photos without positions cannot be located.")
    gallery = gallery_rows(photos, criterion.config.gallery)
    device = embeddings.device
    towers = [functional.normalize(vectors_of(criterion, photos.lat_lon_deg[at], device)) for at in (gallery, rows)]
    unit, scale = functional.normalize(embeddings), criterion.scale
    best, losses = [], []
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        logits = scale * unit[part] @ towers[0].T
        own = scale * (unit[part] * towers[1][part]).sum(1, keepdim=True)
        losses.append(torch.cat([own, logits], 1).logsumexp(1) - own[:, 0])
        best.append(logits.argmax(1))
    found = gallery[torch.cat(best).cpu().numpy()]
    km = distance_km(*photos.lat_lon_deg[found].T, *photos.lat_lon_deg[rows].T)
    values = {"loss": float(torch.cat(losses).double().mean()), "median_km": float(np.median(km))}
    values |= {f"within_{limit}km": float((km <= limit).mean()) for limit in WITHIN_KM}
    if len(photos.classes) > 1:
        values["accuracy"] = float((photos.labels[found] == photos.labels[rows]).mean())
    return {**values, "scale": float(scale)}


def gallery_rows(photos: TrainingPhotos, most: int) -> NDArray[np.int64]:
    """Rows of the training photos, in order; a fixed draw of them where there are more than ``most``."""
    rows = np.flatnonzero(~photos.validation)
    if len(rows) <= most:
        return rows
    return np.sort(numpy_generator(0, "locating gallery").permutation(rows)[:most])


def vectors_of(criterion: Geolocation, lat_lon_deg: NDArray[np.float64], device: torch.device) -> Tensor:
    """Vectors (n, d) of positions (n, 2), in blocks."""
    blocks = torch.split(torch.from_numpy(np.ascontiguousarray(lat_lon_deg)), 16 * _BLOCK)
    return torch.cat([criterion.location(block.to(device)).float() for block in blocks])

"""What a training is for: its loss, what the loss is told of a photo, how it is validated, what is kept.

A new objective over labels is one line in ``LOSSES``; one that learns something else, one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from periplus.encode.location_config import LocationConfig
from periplus.encode.models import Embedder, save_embedder
from periplus.encode.models.geo_checkpoint import save_geo_model
from periplus.encode.models.location import LocationNetwork, build_location_network
from periplus.encode.preprocess import Preprocess
from periplus.errors import UsageError
from periplus.learn.data import TrainingPhotos
from periplus.learn.locating import location_values
from periplus.learn.losses import LOSSES, Loss
from periplus.learn.losses.geolocation import Geolocation
from periplus.learn.positions import TrainingPositions
from periplus.learn.randomness import numpy_generator
from periplus.learn.settings import ModelConfig, TrainConfig
from periplus.learn.strict import to_table
from periplus.learn.validating import label_values

Rows = NDArray[np.int64]
Values = dict[str, float]


@dataclass(frozen=True)
class Objective:
    """What a training is for.

    Attributes:
        make: the loss, from the settings, the length of the picture's vectors and the photos.
        targets: what the loss is told of each photo besides its vector, int64 (n,).
        validate: from vectors of the held-out photos, float32 (m, d), not normalised, the loss, the photos and the
            held-out rows (m,) to values.
        save: writes the network, what the loss learnt with it and a card to a folder.
    """

    make: Callable[[TrainConfig, ModelConfig, int, TrainingPhotos], Loss]
    targets: Callable[[TrainingPhotos], Rows]
    validate: Callable[[Tensor, Any, TrainingPhotos, Rows], Values]
    save: Callable[[Embedder, Any, Preprocess, Path, Mapping[str, Any]], None]


def _of_labels(name: str) -> Objective:
    return Objective(
        make=lambda config, _, dim, photos: LOSSES[name](config.loss, dim, len(photos.classes)),
        targets=lambda photos: photos.labels,
        validate=lambda embeddings, loss, photos, rows: label_values(embeddings, loss, photos.labels[rows]),
        save=lambda embedder, _, preprocess, folder, card: save_embedder(embedder, preprocess, folder, card),
    )


def _geolocation(config: TrainConfig, model: ModelConfig, dim: int, photos: TrainingPhotos) -> Geolocation:
    wanted = config.geolocation
    rows = np.flatnonzero(~photos.validation)
    if photos.lat_lon_deg is None or np.isnan(photos.lat_lon_deg).any():
        raise UsageError("The objective 'geolocation' needs the position of every photo.")
    first = numpy_generator(config.trial, "queue").choice(rows, wanted.queue, replace=wanted.queue > len(rows))
    location = build_location_network(LocationConfig(**to_table(model.location), dim=dim), config.trial)
    positions = TrainingPositions.of(photos.lat_lon_deg, photos.validation)
    return Geolocation(location, positions, wanted, torch.from_numpy(first))


def _save_geo_model(
    embedder: Embedder, loss: Geolocation, preprocess: Preprocess, folder: Path, card: Mapping[str, Any]
) -> None:
    location, scale = cast("LocationNetwork", loss.location), float(loss.scale.detach())
    save_geo_model(folder, embedder, preprocess, location, scale, card, half=loss.config.half)


OBJECTIVES: Mapping[str, Objective] = {
    **{name: _of_labels(name) for name in LOSSES},
    "geolocation": Objective(
        make=_geolocation,
        targets=lambda photos: np.arange(len(photos)),
        validate=location_values,
        save=_save_geo_model,
    ),
}
"""Every objective by its name in ``train.objective``."""

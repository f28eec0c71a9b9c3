"""What a training starts from: device, network, the pixels that it sees."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from periplus.encode.geo_files import PICTURE_FOLDER
from periplus.encode.known import find_model
from periplus.encode.models import Embedder, build_embedder, load_embedder
from periplus.encode.preprocess import Preprocess
from periplus.errors import CannotRunError
from periplus.learn.checkpoints import BEST
from periplus.learn.data import Fit, squaring
from periplus.learn.settings import ModelConfig, TrainConfig

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def start_embedder(model: ModelConfig, train: TrainConfig, runs: Path, fit: Fit) -> tuple[Embedder, Preprocess]:
    """The network with the weights that the settings name, and the preprocessing that training gives it.

    Args:
        model: the network's settings.
        train: those of the training; its ``model_path`` comes before ``model.weights``.
        runs: the folder of runs, for ``run:NAME``.
        fit: how photos become squares.

    Raises:
        CannotRunError: a checkpoint is not there.
    """
    size = model.image_size_px
    weights = train.model_path or model.weights
    if weights == "random":
        return _build(model, train, "random"), squaring(size, fit, *_IMAGENET)
    if weights == "hub":
        published = Preprocess.from_folder(find_model(model.name))
        return _build(model, train, "hub"), squaring(size, fit, published.mean, published.std)
    folder = runs / weights.removeprefix("run:") / BEST if weights.startswith("run:") else Path(weights)
    if (folder / PICTURE_FOLDER).is_dir():  # of a geo model
        folder = folder / PICTURE_FOLDER
    if not folder.is_dir():
        raise CannotRunError(f"model.weights {weights!r}: there is no checkpoint at {folder}. Train that run first.")
    embedder, before, _ = load_embedder(folder)
    return embedder, squaring(size, fit, before.mean, before.std)


def _build(model: ModelConfig, train: TrainConfig, weights: Literal["random", "hub"]) -> Embedder:
    return build_embedder(
        model.name,
        weights=weights,
        pooling=model.pooling,
        projection_dim=model.projection_dim,
        seed=train.trial,
        gem_p=model.gem_p,
    )

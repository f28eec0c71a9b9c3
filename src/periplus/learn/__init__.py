"""Learning: experiments, losses, negatives, one explicit training loop.

Experiments can be read anywhere; training needs the extra ``learn`` and loads torch when it is first asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from periplus.errors import MissingExtraError
from periplus.learn.experiment import Experiment, override, read_experiment, to_toml
from periplus.learn.settings import ModelConfig, TrainConfig

if TYPE_CHECKING:
    from periplus.learn.data import TrainingPhotos, hold_out, hold_out_groups, read_training_photos
    from periplus.learn.loop import TrainResult, train
    from periplus.learn.run import run_folder, train_experiment

_LATER = {
    "TrainResult": "loop",
    "TrainingPhotos": "data",
    "hold_out": "data",
    "hold_out_groups": "data",
    "read_training_photos": "data",
    "run_folder": "run",
    "train": "loop",
    "train_experiment": "run",
}
_NEEDED = ("torch", "transformers", "safetensors", "pytorch_metric_learning", "tensorboard")

__all__ = [
    "Experiment",
    "ModelConfig",
    "TrainConfig",
    "TrainResult",
    "TrainingPhotos",
    "hold_out",
    "hold_out_groups",
    "override",
    "read_experiment",
    "read_training_photos",
    "run_folder",
    "to_toml",
    "train",
    "train_experiment",
]


def __getattr__(name: str) -> Any:
    """The names that need torch.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if any(importlib.util.find_spec(one) is None for one in _NEEDED):
        raise MissingExtraError("Training", "learn")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)

"""From an experiment's file to a trained network."""

from __future__ import annotations

import os
from pathlib import Path

from periplus.errors import UsageError
from periplus.learn.data import Progress, TrainingPhotos, hold_out
from periplus.learn.epoch import STATE
from periplus.learn.experiment import Experiment, to_toml
from periplus.learn.loop import TrainResult, train
from periplus.store import write_bytes_atomic, writing


def run_folder(experiment: Experiment) -> Path:
    """Where an experiment's run lies: ``train.output_dir/NAME``."""
    return Path(experiment.train.output_dir if experiment.train else "runs") / experiment.experiment.name


def train_experiment(
    experiment: Experiment,
    photos: TrainingPhotos,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> TrainResult:
    """Train as an experiment says, into :func:`run_folder`, with a copy of its file beside the networks.

    Args:
        experiment: all settings.
        photos: what is learnt from; where none is held out, ``data.validation`` of them are.
        resume: go on where the run stopped; so does ``train.resume``.
        progress: told of every step.

    Raises:
        UsageError: the experiment trains nothing; or as :func:`train`.
        CannotRunError: as :func:`train`.
    """
    if experiment.train is None:
        raise UsageError(f"The experiment {experiment.experiment.name!r} has no [train]: there is nothing to train.")
    if not photos.validation.any() and experiment.data.validation:
        photos = hold_out(photos, experiment.data.validation, experiment.data.seed)
    folder = run_folder(experiment)
    again = resume or experiment.train.resume
    card = {"experiment": experiment.to_dict(), "fingerprint": experiment.fingerprint}
    if os.environ.get("RANK", "0") == "0" and not (folder / STATE).exists():
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(folder / "experiment.toml", to_toml(experiment).encode())
    return train(experiment.train, experiment.model, photos, folder, resume=again, progress=progress, card=card)

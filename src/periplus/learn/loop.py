"""The training loop: epochs of steps, validation, checkpoints, and a state from which all goes on exactly."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.learn.checkpoints import BEST, LAST
from periplus.learn.data import Progress, TrainingPhotos
from periplus.learn.epoch import STATE, Run, card_of, end_epoch, steps_per_epoch, train_epoch
from periplus.learn.log import MetricsLog
from periplus.learn.machine import choose_device, choose_precision, interruptible, processor_threads
from periplus.learn.objectives import OBJECTIVES
from periplus.learn.optimizing import MovingAverage, make_optimizer
from periplus.learn.parallel import join_group, share_batch_norms
from periplus.learn.randomness import torch_seed
from periplus.learn.settings import POSITIONAL, ModelConfig, TrainConfig
from periplus.learn.starting import start_embedder
from periplus.learn.state import Standing, load_state, require_same_settings
from periplus.learn.step import Parts
from periplus.learn.strict import to_table
from periplus.store import fingerprint, write_json_atomic, writing


@dataclass(frozen=True)
class TrainResult:
    """What a training left.

    Attributes:
        best: folder of the best epoch's network, an encoder like any other.
        last: folder of the last one's.
        history: values of each epoch: means over its steps under ``train_...``, and those of validation.
        best_epoch: number of the best.
        stopped: ``"finished"`` or ``"early"``.
    """

    best: Path
    last: Path
    history: tuple[Mapping[str, Any], ...]
    best_epoch: int
    stopped: str


def train(
    config: TrainConfig,
    model: ModelConfig,
    photos: TrainingPhotos,
    output: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    card: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Train a network and write it, its metrics and its state to a folder.

    Ctrl-C ends it after the step under way, its state written; resumed, it equals a run that was never stopped, on a
    CPU to the last bit. Started by ``torchrun``, all processes train as one.

    Args:
        config: the training.
        model: the network.
        photos: what it learns from; ``photos.validation`` tells which are held out.
        output: the run's folder; its parent is where ``run:NAME`` looks for other runs.
        resume: go on from the folder's state where there is one.
        progress: told ``"train"`` and the optimizer steps done.
        card: what the checkpoints' cards say besides, JSON.

    Returns:
        Where the networks are, and the values of every epoch.

    Raises:
        UsageError: the settings do not fit the photos, or are others than those of the run to resume; or the folder
            holds a run and is not to be resumed.
        CannotRunError: a checkpoint is missing, the loss diverged, or the system refused to write.
        KeyboardInterrupt: after Ctrl-C, once the state is written.
    """
    _require_vacant(output, resume)
    device = choose_device(config.device)
    with processor_threads(config.threads), torch.random.fork_rng([device] if device.type == "cuda" else []):
        parts, standing = _assemble(config, model, photos, output.parent, device)
        nothing = np.empty((0, config.batch_size), np.int64)
        run = Run(parts, photos, output, dict(card or {}), progress or (lambda *_: None), standing, nothing)
        _set_out(run, resume)
        return _finish(run, _go(run))


def _go(run: Run) -> str:
    """All epochs that are left; why it ended."""
    config, standing = run.parts.config, run.standing
    with ExitStack() as stack:
        log = stack.enter_context(MetricsLog(run.output, standing.step)) if run.group.leads else None
        interrupted = stack.enter_context(interruptible())
        if log:
            log.write("start", standing.step, _about(run))
        while standing.epoch < config.epochs:
            if config.early_stopping_epochs and standing.waited >= config.early_stopping_epochs:
                return "early"
            train_epoch(run, log, interrupted)
            end_epoch(run, log)
    return "finished"


def _assemble(
    config: TrainConfig, model: ModelConfig, photos: TrainingPhotos, runs: Path, device: torch.device
) -> tuple[Parts, Standing]:
    """Network, loss and optimizer as they are before the first step."""
    group = join_group(device)
    if config.batch_size % group.size:
        raise UsageError(f"train.batch_size {config.batch_size} must be a multiple of the {group.size} processes.")
    embedder, preprocess = start_embedder(model, config, runs, photos.fit)
    torch.manual_seed(torch_seed(config.trial, "criterion"))
    criterion = OBJECTIVES[config.objective].make(config, model, embedder.dim, photos).to(device).train()
    embedder = embedder.to(device=device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    average = MovingAverage(embedder, config.ema) if config.ema else None
    other = MovingAverage(criterion, config.ema) if config.ema and criterion.averaged else None
    share_batch_norms(embedder, group)
    optimizer = make_optimizer((*embedder.parameters(), *criterion.parameters()), config)
    precision = choose_precision(config.precision, device)[0]
    parts = Parts(config, embedder, criterion, optimizer, average, other, preprocess, group, device, precision)
    settings = {"train": to_table(config), "model": to_table(model), "photos": _fingerprint(config, photos)}
    return parts, Standing(epoch=config.start_epoch, settings=settings)


def _fingerprint(config: TrainConfig, photos: TrainingPhotos) -> str:
    """Of all that is learnt from."""
    arrays: list[NDArray[Any]] = [photos.labels, photos.validation]
    if config.objective in POSITIONAL and photos.lat_lon_deg is not None:
        arrays.append(photos.lat_lon_deg)
    return fingerprint([list(photos.paths), photos.size_px, photos.fit], *arrays)


def _set_out(run: Run, resume: bool) -> None:
    """Make the folder, and take the state up where there is one."""
    if run.group.leads:
        with writing(run.output):
            run.output.mkdir(parents=True, exist_ok=True)
    if resume and (run.output / STATE).exists():
        wanted = run.standing.settings
        run.standing, plan = load_state(run.output / STATE, run.parts.modules, run.parts.optimizer)
        require_same_settings(run.standing.settings, wanted)
        run.plan = plan.numpy()
    elif run.standing.epoch:
        run.standing.step = run.standing.epoch * steps_per_epoch(run)


def _about(run: Run) -> dict[str, Any]:
    return {
        "epoch": run.standing.epoch,
        "device": str(run.parts.device),
        "precision": choose_precision(run.parts.config.precision, run.parts.device)[1],
        "threads": torch.get_num_threads(),
        "processes": run.group.size,
        "parameters": sum(one.numel() for one in run.parts.weights),
        "training_photos": len(run.rows(False)),
        "validation_photos": len(run.rows(True)),
        "landmarks": len(run.photos.classes),
        "skipped": len(run.photos.skipped),
        "steps_per_epoch": steps_per_epoch(run),
    }


def _finish(run: Run, stopped: str) -> TrainResult:
    standing = run.standing
    best = int(standing.kept[0][1])
    if run.group.leads:
        chosen = next(one for one in standing.history if one["epoch"] == best)
        skipped = [
            {"path": one.path, "kind": one.kind, "reason": one.reason}
            for one in (*run.photos.skipped, *run.photos.damaged.values())
        ]
        result = {**run.card, **card_of(run), "best": chosen, "stopped": stopped, "skipped": skipped}
        result |= {"epochs": len(standing.history), "history": standing.history}
        write_json_atomic(run.output / "result.json", result)
    return TrainResult(run.output / BEST, run.output / LAST, tuple(standing.history), best, stopped)


def _require_vacant(output: Path, resume: bool) -> None:
    if (output / STATE).exists() and not resume:
        raise UsageError(f"{output} holds a run already. Resume it, delete the folder, or give the run another name.")

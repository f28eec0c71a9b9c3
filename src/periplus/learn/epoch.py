"""One epoch of a training: its steps, then validation, checkpoints and state."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from periplus.errors import CannotRunError, UsageError
from periplus.learn.checkpoints import keep_checkpoints, rank_epoch
from periplus.learn.data import Progress, TrainingPhotos
from periplus.learn.log import MetricsLog
from periplus.learn.negatives import SAMPLERS, Plan
from periplus.learn.objectives import OBJECTIVES, Objective
from periplus.learn.optimizing import learning_rate
from periplus.learn.parallel import Group
from periplus.learn.settings import SMALLER_IS_BETTER
from periplus.learn.state import Standing, save_state
from periplus.learn.step import Parts, embed_rows, optimizer_step

STATE = Path("state") / "state.safetensors"
_EMBEDDING_BATCH = 128


@dataclass
class Run:
    """A training under way.

    Attributes:
        parts: what moves.
        photos: what is learnt from.
        output: the run's folder.
        card: what checkpoints' cards say besides.
        tell: told of every step.
        standing: where it stands.
        plan: batches of the epoch under way, int64 (batches, batch size).
    """

    parts: Parts
    photos: TrainingPhotos
    output: Path
    card: dict[str, Any]
    tell: Progress
    standing: Standing
    plan: Plan

    @property
    def group(self) -> Group:
        """The processes."""
        return self.parts.group

    @property
    def objective(self) -> Objective:
        """What it is for."""
        return OBJECTIVES[self.parts.config.objective]

    def rows(self, held_out: bool) -> NDArray[np.int64]:
        """Rows of the validation photos, or of the training photos."""
        return np.flatnonzero(self.photos.validation == held_out)

    @property
    def size_px(self) -> int:
        """Side of what the network sees in this epoch."""
        config = self.parts.config
        sizes = config.image_sizes_px or (self.full_size_px,)
        return sizes[min(len(sizes) - 1, len(sizes) * self.standing.epoch // config.epochs)]

    @property
    def full_size_px(self) -> int:
        """Side of what it sees when it is used."""
        return self.parts.preprocess.size_px[0]

    def embed(self, rows: NDArray[np.int64]) -> Tensor:
        """Embeddings float32 (n, d) of photos, not normalised, by the best network."""
        cuts = np.arange(_EMBEDDING_BATCH, len(rows), _EMBEDDING_BATCH)
        pixels = self.photos.batches(np.split(rows, cuts), self.parts.config.workers)
        return embed_rows(self.parts, pixels, self.full_size_px)

    def validate(self, held_out: NDArray[np.int64]) -> dict[str, float]:
        """Values of the best network on held-out rows."""
        return self.objective.validate(self.embed(held_out), self.parts.best_criterion, self.photos, held_out)

    def keep(self, folder: Path, card: Mapping[str, Any]) -> None:
        """Write the best network as it is now to a folder."""
        parts = self.parts
        self.objective.save(parts.best_network, parts.best_criterion, parts.preprocess, folder, card)

    def save(self) -> None:
        """Write the state."""
        if self.group.leads:
            (self.output / STATE).parent.mkdir(exist_ok=True)
            modules, plan = self.parts.modules, torch.from_numpy(self.plan)
            save_state(self.output / STATE, modules, self.parts.optimizer, plan, self.standing)


def steps_per_epoch(run: Run) -> int:
    """Optimizer steps of an epoch.

    Raises:
        UsageError: there are too few photos for one.
    """
    config, n = run.parts.config, len(run.rows(False))
    steps = n // config.batch_size // config.accumulate
    if not steps:
        raise UsageError(
            f"{n} training photos do not fill {config.accumulate} batches of {config.batch_size}. "
            "Lower train.batch_size or train.accumulate."
        )
    return steps


def train_epoch(run: Run, log: MetricsLog | None, interrupted: threading.Event) -> None:
    """Take the steps of an epoch, from wherever it was left."""
    config, standing, group = run.parts.config, run.standing, run.group
    steps, size_px, targets = steps_per_epoch(run), run.size_px, run.objective.targets(run.photos)
    if standing.batch == 0:
        run.plan = _make_plan(run)
    run.parts.embedder.train()
    ahead = run.plan[standing.batch * config.accumulate :]
    pixels = run.photos.batches([rows[group.part(config.batch_size)] for rows in ahead], config.workers)
    while standing.batch < steps:
        begun = time.perf_counter()
        first = standing.batch * config.accumulate
        batches = [(targets[rows], next(pixels)) for rows in run.plan[first : first + config.accumulate]]
        rate = learning_rate(config, standing.step, steps)
        run.parts.criterion.set_progress(standing.step / (config.epochs * steps))
        values = optimizer_step(run.parts, batches, standing.step, rate, size_px)
        standing.batch, standing.step = standing.batch + 1, standing.step + 1
        for name, value in values.items():
            standing.sums[name] = standing.sums.get(name, 0.0) + value
        if log and config.log_every_steps and standing.step % config.log_every_steps == 0:
            speed = config.batch_size * config.accumulate / (time.perf_counter() - begun)
            log.write("step", standing.step, {**values, "lr": rate, "photos_per_s": round(speed, 1)})
        if group.leads:
            run.tell("train", standing.step, config.epochs * steps)
        if group.any(interrupted.is_set(), run.parts.device):
            run.save()
            raise KeyboardInterrupt
        if config.state_every_steps and standing.step % config.state_every_steps == 0 and standing.batch < steps:
            run.save()


def _make_plan(run: Run) -> Plan:
    rows = run.rows(False)

    def unit(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = functional.normalize(run.embed(rows[positions])).cpu().numpy()
        return vectors

    config = run.parts.config
    made = None
    if run.group.leads:
        made = SAMPLERS[config.sampler.kind](config, run.photos.labels[rows], run.standing.epoch, unit)
    plan: Plan = rows[run.group.share(made)]
    return plan


def end_epoch(run: Run, log: MetricsLog | None) -> None:
    """Validate, keep the network, write the state."""
    config, standing = run.parts.config, run.standing
    steps = max(1, standing.batch)
    values: dict[str, Any] = {f"train_{name}": total / steps for name, total in standing.sums.items()}
    held_out = run.rows(True)
    if len(held_out) > 1:
        values |= run.group.share(run.validate(held_out) if run.group.leads else None)
    if not np.isfinite(list(values.values())).all():
        raise CannotRunError(f"After epoch {standing.epoch} not all values are finite: {values}. Lower train.lr.")
    # Without validation photos the latest network is the best that can be told.
    value, sign = values.get(config.monitor), -1 if config.monitor in SMALLER_IS_BETTER else 1
    value = float(standing.epoch if value is None else sign * value)
    standing.kept = rank_epoch(standing.kept, value, standing.epoch, config.keep_best)
    standing.waited = 0 if int(standing.kept[0][1]) == standing.epoch else standing.waited + 1
    values = {"epoch": standing.epoch, "size_px": run.size_px, **values}
    standing.history.append(values)
    if run.group.leads:
        card = {**run.card, **card_of(run), "epoch": standing.epoch, "values": values}
        keep_checkpoints(run.keep, run.output, card, standing.kept)
    if log:
        log.write("epoch", standing.step, values)
    standing.epoch, standing.batch, standing.sums = standing.epoch + 1, 0, {}
    run.save()


def card_of(run: Run) -> dict[str, Any]:
    """What every checkpoint says of its training."""
    return {
        "model": run.standing.settings["model"],
        "train": run.standing.settings["train"],
        "training_photos": len(run.rows(False)),
        "validation_photos": len(run.rows(True)),
        "landmarks": len(run.photos.classes),
    }

"""Whole trainings of a tiny network: what they leave, how they end, that they resume exactly."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import ConvNextConfig

from periplus.encode.models import load_embedder
from periplus.errors import CannotRunError, UsageError
from periplus.learn import Experiment, ModelConfig, TrainConfig, TrainingPhotos, override, read_experiment, train
from periplus.learn.log import read_metrics
from periplus.learn.machine import processor_threads
from periplus.learn.run import train_experiment
from periplus.learn.settings import AboutConfig, AugmentConfig, DataConfig, LossConfig, SamplerConfig

SHORT = TrainConfig(
    batch_size=12, epochs=2, lr=0.02, optimizer="sgd", threads=1, log_every_steps=1, ema=0.9, device="cpu"
)


def changed(**settings: Any) -> TrainConfig:
    return dataclasses.replace(SHORT, **settings)


def weights(run: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return load_file(run / which / "model.safetensors")


def assert_same_run(one: Path, other: Path) -> None:
    """Every bit of the networks and the state, and every value but the speed."""
    for which in ("last", "best"):
        assert (one / which / "model.safetensors").read_bytes() == (other / which / "model.safetensors").read_bytes()
    states = [load_file(run / "state" / "state.safetensors") for run in (one, other)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    logs = [read_metrics(run / "metrics.jsonl") for run in (one, other)]
    for lines in logs:
        for line in lines:
            line.pop("photos_per_s", None)
    told = [[line for line in lines if line["kind"] != "start"] for lines in logs]
    assert told[0] == told[1]


class StopError(Exception):
    """Breaks a training off between two steps, as a kill would."""


def stopping_at(step: int) -> Any:
    def tell(_stage: str, done: int, _total: int) -> None:
        if done == step:
            raise StopError

    return tell


def test_a_training_learns_and_leaves_its_folder(
    photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    config = changed(epochs=6, schedule="cosine", keep_best=2, augment=AugmentConfig(none=True))
    result = train(config, tiny_model, photos, tmp_path / "run", progress=lambda *it: told.append(it))
    assert told == [("train", step, 36) for step in range(1, 37)]
    assert result.stopped == "finished"
    assert len(result.history) == 6
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]
    best = max(result.history, key=lambda one: one["map_at_100"])
    assert result.best_epoch == best["epoch"]
    assert best["map_at_100"] > 0.5  # chance is about 0.25
    for folder in (result.best, result.last):
        embedder, preprocess, card = load_embedder(folder)
        assert embedder.dim == 16
        assert preprocess.size_px == (16, 16)
        assert card["landmarks"] == 6
        assert card["training_photos"] == 72
        assert "values" in card
    kept = sorted(path.name for path in (tmp_path / "run" / "epochs").iterdir())
    assert len(kept) == 2
    assert f"epoch-{best['epoch']:04d}" in kept
    assert json.loads((tmp_path / "run" / "result.json").read_text())["best"]["epoch"] == best["epoch"]
    lines = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [line["kind"] for line in lines].count("step") == 36
    assert [line["kind"] for line in lines].count("epoch") == 6
    assert lines[0]["precision"] == "float32"
    assert lines[0]["skipped"] == 0
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_tensorboard_has_the_values(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = train(SHORT, tiny_model, photos, tmp_path / "run")
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    board.Reload()
    seen = board.Scalars("epoch/map_at_100")
    assert [one.value for one in seen] == pytest.approx([one["map_at_100"] for one in result.history], abs=1e-6)
    assert len(board.Scalars("step/loss")) == 12


OBJECTIVES: list[dict[str, Any]] = [
    {"objective": "classification", "augment": AugmentConfig(mixup=0.4), "optimizer": "adam"},
    {"objective": "contrastive", "sampler": SamplerConfig("hard", pool=30, per_query=4), "optimizer": "adamw"},
    {"objective": "joint", "sampler": SamplerConfig("m_per_class", m=2), "accumulate": 2, "clip_norm": 1.0},
    {
        "objective": "triplet",
        "sampler": SamplerConfig("m_per_class", m=4),
        "loss": LossConfig(miner="hard"),
        "ema": 0.0,
    },
    {"objective": "infonce", "sampler": SamplerConfig("m_per_class", m=3), "image_sizes_px": (12, 16)},
    {"objective": "arcface", "loss": LossConfig(scale=8, margin_warmup=0.5), "precision": "bfloat16"},
    {"objective": "cosface", "loss": LossConfig(scale=8), "warmup_epochs": 1.0, "early_stopping_epochs": 1},
]


@pytest.mark.parametrize("settings", OBJECTIVES, ids=lambda it: it["objective"])
def test_broken_off_and_resumed_is_the_same_to_the_last_bit(
    settings: dict[str, Any], photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    config = changed(**settings, state_every_steps=2)
    steps = 72 // 12 // config.accumulate
    whole = train(config, tiny_model, photos, tmp_path / "whole")
    for stop in (steps - 1, steps + 2):  # inside the first epoch, and inside the second
        with pytest.raises(StopError):
            train(config, tiny_model, photos, tmp_path / "parts", resume=True, progress=stopping_at(stop))
        torch.manual_seed(stop)  # whatever else draws at random in the meantime
    parts = train(config, tiny_model, photos, tmp_path / "parts", resume=True)
    assert parts.history == whole.history
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_resuming_a_finished_run_changes_nothing(
    photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    first = train(SHORT, tiny_model, photos, tmp_path / "run")
    before = weights(tmp_path / "run")
    again = train(SHORT, tiny_model, photos, tmp_path / "run", resume=True)
    assert again == first
    assert all(torch.equal(before[key], one) for key, one in weights(tmp_path / "run").items())


def test_ctrl_c_ends_after_the_step_with_the_state_written(
    photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    def interrupt(_stage: str, done: int, _total: int) -> None:
        if done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(SHORT, tiny_model, photos, tmp_path / "run", progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is handler
    done = [line["step"] for line in read_metrics(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "step"]
    assert done[-1] == 4
    train(SHORT, tiny_model, photos, tmp_path / "run", resume=True)
    train(SHORT, tiny_model, photos, tmp_path / "whole")
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_photos_read_when_needed_train_the_same(
    photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    from PIL import Image

    assert photos.stored is not None
    for path, pixels in zip(photos.paths, photos.stored, strict=True):
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(tmp_path / f"{path}.png")
    paths = tuple(str(tmp_path / f"{path}.png") for path in photos.paths)
    kept, read = dataclasses.replace(photos, paths=paths), dataclasses.replace(photos, paths=paths, stored=None)
    train(SHORT, tiny_model, kept, tmp_path / "kept")
    train(SHORT, tiny_model, read, tmp_path / "read")
    assert_same_run(tmp_path / "kept", tmp_path / "read")


def test_the_trial_is_the_seed(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    for name, trial in (("a", 0), ("b", 0), ("c", 1)):
        train(changed(trial=trial, epochs=1), tiny_model, photos, tmp_path / name)
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


def test_torch_is_left_as_it_was(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(changed(epochs=1), tiny_model, photos, tmp_path / "run")
    assert torch.equal(torch.get_rng_state(), state)
    with processor_threads(threads + 1):
        assert torch.get_num_threads() == threads + 1
    assert torch.get_num_threads() == threads


def test_early_stopping(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    # A rate that moves nothing: no epoch is better than the first.
    config = changed(epochs=9, lr=1e-12, early_stopping_epochs=2, ema=0.0, momentum=0.0)
    frozen = dataclasses.replace(config, augment=AugmentConfig(none=True))
    constant = dataclasses.replace(photos, stored=torch.zeros_like(photos.stored))  # type: ignore[arg-type]
    result = train(frozen, tiny_model, constant, tmp_path / "run")
    assert result.stopped == "early"
    assert result.best_epoch == 0
    assert len(result.history) == 3


def test_the_loss_can_decide(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    result = train(changed(monitor="loss", epochs=3), tiny_model, photos, tmp_path / "run")
    assert result.history[result.best_epoch]["loss"] == min(one["loss"] for one in result.history)


def test_without_validation_the_latest_is_kept(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    result = train(SHORT, tiny_model, dataclasses.replace(photos, validation=np.zeros(96, np.bool_)), tmp_path / "run")
    assert result.best_epoch == 1
    assert "map_at_100" not in result.history[0]


def test_weights_of_another_run(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    train(SHORT, tiny_model, photos, tmp_path / "e2")
    still = changed(epochs=1, lr=1e-30, ema=0.0, momentum=0.0, augment=AugmentConfig(none=True))
    before = weights(tmp_path / "e2", "best")
    starts = [
        ("e4", "run:e2", ""),
        ("e4b", str(tmp_path / "e2" / "best"), ""),
        ("e4c", "random", str(tmp_path / "e2/best")),
    ]
    for name, start, path in starts:
        model = dataclasses.replace(tiny_model, weights=start)
        train(dataclasses.replace(still, model_path=path), model, photos, tmp_path / name)
        after = weights(tmp_path / name)
        assert all(
            torch.equal(before[key], after[key]) for key in before if "running" not in key and "num_b" not in key
        )
    published = dataclasses.replace(tiny_model, name=str(tmp_path / "e2" / "best"), weights="hub")
    train(still, published, photos, tmp_path / "hub")
    assert torch.equal(
        weights(tmp_path / "hub")["embedder.embedder.convolution.weight"],
        before["embedder.embedder.convolution.weight"],
    )
    with pytest.raises(CannotRunError, match=r"'run:none'.*Train that run first"):
        train(still, dataclasses.replace(tiny_model, weights="run:none"), photos, tmp_path / "e5")


def test_starting_at_a_later_epoch(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    config = changed(epochs=4, start_epoch=3, schedule="cosine")
    result = train(config, tiny_model, photos, tmp_path / "run")
    assert [one["epoch"] for one in result.history] == [3]
    steps = [line for line in read_metrics(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "step"]
    assert steps[0]["step"] == 19
    assert steps[0]["lr"] == pytest.approx(0.02 * 0.5 * (1 + np.cos(np.pi * 18 / 24)))


def test_a_run_is_not_overwritten(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    train(changed(epochs=1), tiny_model, photos, tmp_path / "run")
    with pytest.raises(UsageError, match="holds a run already"):
        train(changed(epochs=1), tiny_model, photos, tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "message"), [({"lr": 0.5}, r"train.lr = 0.02, not 0.5"), ({"trial": 4}, "train.trial")]
)
def test_a_run_resumes_only_with_its_settings(
    settings: dict[str, Any], message: str, photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    train(SHORT, tiny_model, photos, tmp_path / "run")
    with pytest.raises(UsageError, match=message):
        train(changed(**settings), tiny_model, photos, tmp_path / "run", resume=True)
    other = dataclasses.replace(photos, labels=np.roll(photos.labels, 1))
    with pytest.raises(UsageError, match="other photos"):
        train(SHORT, tiny_model, other, tmp_path / "run", resume=True)
    train(changed(log_every_steps=5, keep_best=3), tiny_model, photos, tmp_path / "run", resume=True)


@pytest.mark.parametrize("damage", [b"", b"\x08\0\0\0\0\0\0\0nonsense"])
def test_a_damaged_state_is_told(
    damage: bytes, photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    train(changed(epochs=1), tiny_model, photos, tmp_path / "run")
    (tmp_path / "run" / "state" / "state.safetensors").write_bytes(damage)
    with pytest.raises(CannotRunError, match=r"state.safetensors cannot be read.*train again"):
        train(changed(epochs=1), tiny_model, photos, tmp_path / "run", resume=True)


def test_a_loss_that_diverges_is_told(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"(the loss was|not all values are finite).*Lower train.lr"):
        train(changed(lr=1e30, ema=0.0), tiny_model, photos, tmp_path / "run")


def test_too_few_photos_for_a_step(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="72 training photos do not fill 7 batches of 12"):
        train(changed(accumulate=7), tiny_model, photos, tmp_path / "run")


def test_accumulated_batches_are_one_large_batch(photos: TrainingPhotos, tmp_path: Path) -> None:
    # No batch statistics in this network: the mean of two halves' losses is the loss of the whole.
    ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], patch_size=2).save_pretrained(tmp_path)
    model = ModelConfig(name=str(tmp_path), pooling="mean", image_size_px=16)
    for name, size, accumulate in (("one", 72, 1), ("two", 36, 2)):
        config = changed(batch_size=size, accumulate=accumulate, epochs=3, augment=AugmentConfig(none=True))
        train(config, model, photos, tmp_path / name)
    a, b = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(a[key], b[key], atol=1e-6) for key in a)


def test_an_experiment_trains_by_its_file(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    experiment = Experiment(
        AboutConfig("e2"),
        DataConfig("none", validation=0.25),
        tiny_model,
        dataclasses.replace(SHORT, output_dir=str(tmp_path)),
    )
    none_held_out = dataclasses.replace(photos, validation=np.zeros(96, np.bool_))
    result = train_experiment(experiment, none_held_out)
    assert result.best == tmp_path / "e2" / "best"
    assert read_experiment(tmp_path / "e2" / "experiment.toml") == experiment
    assert load_embedder(result.best)[2]["fingerprint"] == experiment.fingerprint
    assert "map_at_100" in result.history[0]
    again = train_experiment(override(experiment, ["train.resume=true"]), none_held_out)
    assert again.history == result.history
    with pytest.raises(UsageError, match=r"has no \[train\]"):
        train_experiment(dataclasses.replace(experiment, train=None), photos)

"""Trainings in processes of their own: killed and resumed, and several that train as one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import forger_training
import pytest
import torch
from safetensors.torch import load_file

from periplus.learn import ModelConfig, TrainingPhotos, train
from periplus.learn.settings import TrainConfig
from periplus.learn.strict import from_table

PROGRAM = Path(forger_training.__file__)
BASE = {"batch_size": 12, "epochs": 3, "lr": 0.02, "optimizer": "sgd", "threads": 1, "log_every_steps": 1}
KILLED: dict[str, Any] = {
    **BASE,
    "epochs": 12,
    "ema": 0.9,
    "state_every_steps": 1,
    "precision": "bfloat16",
    "objective": "joint",
}


def command(model: ModelConfig, runs: dict[Path, dict[str, Any]]) -> list[str]:
    return [str(PROGRAM), model.name, json.dumps({str(output): settings for output, settings in runs.items()})]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


GEOLOCATION = {**KILLED, "objective": "geolocation", "monitor": "loss", "epochs": 6, "geolocation": {"queue": 17}}


@pytest.mark.slow
@pytest.mark.parametrize("settings", [KILLED, GEOLOCATION], ids=lambda it: it["objective"])
def test_killed_and_resumed_is_the_same_to_the_last_bit(
    settings: dict[str, Any], photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path
) -> None:
    train(from_table(TrainConfig, settings, "train"), tiny_model, photos, tmp_path / "whole")
    output, moments = tmp_path / "killed", random.Random(0)
    kills = 0
    for wanted in (3, 15, 30):
        process = subprocess.Popen([sys.executable, *command(tiny_model, {output: settings})], env=environment())
        while process.poll() is None and _lines(output / "metrics.jsonl") < wanted:
            time.sleep(0.001)
        time.sleep(moments.random() * 0.03)
        process.kill()
        kills += process.wait() != 0
    assert kills == 3
    subprocess.run([sys.executable, *command(tiny_model, {output: settings})], env=environment(), check=True)
    names = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").glob("[bl]*st/**/*.safetensors")]
    assert len(names) >= 2
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (output / name).read_bytes()
    states = [load_file(tmp_path / run / "state" / "state.safetensors") for run in ("whole", "killed")]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    results = [json.loads((tmp_path / run / "result.json").read_text()) for run in ("whole", "killed")]
    assert results[0] == results[1]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


TOGETHER: dict[str, dict[str, Any]] = {
    "joint": {"sampler": {"kind": "m_per_class", "m": 3}, "ema": 0.9, "clip_norm": 1.0, "state_every_steps": 2},
    "infonce": {"sampler": {"kind": "m_per_class", "m": 2}, "accumulate": 2, "optimizer": "adamw"},
    "geolocation": {"monitor": "loss", "ema": 0.9, "geolocation": {"queue": 17, "near_km": 1.0, "symmetric": True}},
    "contrastive": {"sampler": {"kind": "hard", "pool": 40, "per_query": 4}},
}


@pytest.mark.slow
def test_two_processes_train_as_one(photos: TrainingPhotos, tiny_model: ModelConfig, tmp_path: Path) -> None:
    alone: dict[str, dict[str, torch.Tensor]] = {}
    runs = {tmp_path / name: {**BASE, "lr": 0.005, "objective": name, **more} for name, more in TOGETHER.items()}
    runs[tmp_path / "continued"] = runs[tmp_path / "joint"]
    for output, settings in runs.items():
        config = from_table(TrainConfig, settings, "train")
        train(config, tiny_model, photos, tmp_path / "alone" / output.name)
        alone[output.name] = load_file(tmp_path / "alone" / output.name / weights(config.objective))
    with pytest.raises(InterruptedError):
        train(from_table(TrainConfig, runs[tmp_path / "joint"], "train"), tiny_model, photos, output, progress=_stop)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*torchrun, *command(tiny_model, runs)], env=environment(), check=True)
    for output in runs:
        together = load_file(output / weights(output.name))
        for key, one in alone[output.name].items():
            assert torch.allclose(one.double(), together[key].double(), rtol=1e-4, atol=1e-5), (output.name, key)
        results = [json.loads((run / "result.json").read_text()) for run in (output, tmp_path / "alone" / output.name)]
        for one, other in zip(results[0]["history"], results[1]["history"], strict=True):
            assert one == pytest.approx(other, abs=1e-4)


def weights(objective: str) -> str:
    return "last/picture/model.safetensors" if objective == "geolocation" else "last/model.safetensors"


def _stop(_stage: str, done: int, _total: int) -> None:
    if done == 9:
        raise InterruptedError

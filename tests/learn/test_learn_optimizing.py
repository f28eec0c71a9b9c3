"""Optimizer, learning rate, moving average, validation values."""

from __future__ import annotations

import math

import numpy as np
import oracle_losses as oracle
import pytest
import torch
from torch import nn

from periplus.learn.optimizing import MovingAverage, learning_rate, make_optimizer
from periplus.learn.settings import TrainConfig
from periplus.learn.validating import retrieval_values


def rates(config: TrainConfig, steps: int = 10) -> list[float]:
    return [learning_rate(config, step, steps) for step in range(config.epochs * steps)]


def test_schedules_are_their_closed_forms() -> None:
    assert rates(TrainConfig(lr=0.1, epochs=2)) == [0.1] * 20
    cosine = rates(TrainConfig(lr=0.1, epochs=4, schedule="cosine"))
    assert cosine[0] == 0.1
    assert cosine[20] == pytest.approx(0.05)
    assert cosine[30] == pytest.approx(0.05 * (1 + math.cos(0.75 * math.pi)))
    assert cosine == sorted(cosine, reverse=True)
    step = rates(TrainConfig(lr=1.0, epochs=5, schedule="step", step_epochs=2, step_factor=0.5))
    assert step == pytest.approx([1.0] * 20 + [0.5] * 20 + [0.25] * 10)


def test_warming_up_is_linear_and_ends_at_the_schedule() -> None:
    warm = rates(TrainConfig(lr=1.0, epochs=3, warmup_epochs=0.5))
    assert warm[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_only_matrices_decay(kind: str) -> None:
    config = TrainConfig(optimizer=kind, weight_decay=0.1, opt_eps=1e-5, momentum=0.8)  # type: ignore[arg-type]
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = make_optimizer(network.parameters(), config)
    decays = {id(one): group["weight_decay"] for group in optimizer.param_groups for one in group["params"]}
    assert decays == {id(one): 0.1 if one.ndim > 1 else 0.0 for one in network.parameters()}
    assert optimizer.defaults.get("eps", 1e-5) == 1e-5
    assert optimizer.defaults.get("momentum", 0.8) == 0.8


def test_the_moving_average() -> None:
    network = nn.BatchNorm1d(1)
    average = MovingAverage(network, 0.5)
    expected = 1.0
    for step in range(20):
        with torch.no_grad():
            network.weight.fill_(float(step))
        assert network.num_batches_tracked is not None
        network.num_batches_tracked += 1
        average.update(network, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    kept = average.network.state_dict()
    assert kept["weight"].item() == pytest.approx(expected, rel=1e-5)
    assert kept["num_batches_tracked"].item() == 20
    assert not any(one.requires_grad for one in average.network.parameters())


@pytest.mark.parametrize("k", [3, 100])
def test_retrieval_values_against_the_slow_way(k: int) -> None:
    labels = np.random.default_rng(0).integers(0, 9, 40)
    labels[7] = 99  # nothing else shows this landmark
    x = torch.nn.functional.normalize(torch.randn(40, 4, generator=torch.Generator().manual_seed(1)).double())
    values = retrieval_values(x, torch.from_numpy(labels), k)
    recall, precision = oracle.retrieval_values(x.tolist(), labels.tolist(), k)
    assert values["recall_at_1"] == pytest.approx(recall, abs=1e-9)
    assert values["map_at_100"] == pytest.approx(precision, abs=1e-9)


def test_retrieval_values_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.nn.functional.normalize(torch.randn(30, 4, generator=torch.Generator().manual_seed(2)).double())
    labels = torch.arange(30) % 4
    whole = retrieval_values(x, labels)
    monkeypatch.setattr("periplus.learn.validating._BLOCK", 7)
    assert retrieval_values(x, labels) == pytest.approx(whole, abs=1e-12)


def test_without_any_positive_there_is_nothing_to_find() -> None:
    assert retrieval_values(torch.eye(4), torch.arange(4)) == {"recall_at_1": 0.0, "map_at_100": 0.0}

"""Which negatives a loss meets: samplers, miners, hard negatives of the epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from periplus.learn.negatives.hard import Embed, hardest_negatives, with_hard_negatives
from periplus.learn.negatives.sampling import Plan, m_per_class, shuffled
from periplus.learn.settings import TrainConfig

MakePlan = Callable[[TrainConfig, NDArray[np.int64], int, Embed], Plan]


def _shuffle(config: TrainConfig, labels: NDArray[np.int64], epoch: int, _: Embed) -> Plan:
    return shuffled(len(labels), config.batch_size, config.trial, epoch)


def _m_per_class(config: TrainConfig, labels: NDArray[np.int64], epoch: int, _: Embed) -> Plan:
    return m_per_class(labels, config.batch_size, config.sampler.m, (config.trial, epoch))


def _hard(config: TrainConfig, labels: NDArray[np.int64], epoch: int, embed: Embed) -> Plan:
    return with_hard_negatives(labels, config.batch_size, config.sampler, (config.trial, epoch), embed)


SAMPLERS: Mapping[str, MakePlan] = {"shuffle": _shuffle, "m_per_class": _m_per_class, "hard": _hard}
"""Every sampler by its name in ``train.sampler.kind``: from the settings, the labels of the training photos int64 (n,),
the epoch and the network to the epoch's batches."""

__all__ = ["SAMPLERS", "Embed", "Plan", "hardest_negatives", "m_per_class", "shuffled", "with_hard_negatives"]

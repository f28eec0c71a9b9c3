"""The objectives of training, one file a loss, all called ``loss(embeddings, labels)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from periplus.learn.losses.angular import ArcFace, CosFace
from periplus.learn.losses.classification import Classification
from periplus.learn.losses.contrastive import Contrastive, contrastive
from periplus.learn.losses.infonce import InfoNCE
from periplus.learn.losses.joint import Joint
from periplus.learn.losses.triplet import Triplet
from periplus.learn.losses.value import Loss, LossValue
from periplus.learn.settings import LossConfig

Make = Callable[[LossConfig, int, int], Loss]
"""From the settings, the embeddings' size and the number of classes."""


def _classification(config: LossConfig, dim: int, classes: int) -> Classification:
    return Classification(dim, classes, config.label_smoothing)


def _contrastive(config: LossConfig, _dim: int, _classes: int) -> Contrastive:
    return contrastive(config.contrastive, config.margin, config.positive_margin, config.negative_margin)


def _joint(config: LossConfig, dim: int, classes: int) -> Joint:
    both = _classification(config, dim, classes), _contrastive(config, dim, classes)
    return Joint(*both, weight=config.joint_weight)


def _triplet(config: LossConfig, _dim: int, _classes: int) -> Triplet:
    return Triplet(config.margin or 0.1, config.miner)


def _infonce(config: LossConfig, _dim: int, _classes: int) -> InfoNCE:
    return InfoNCE(config.positives, config.temperature)


def _arcface(config: LossConfig, dim: int, classes: int) -> ArcFace:
    return ArcFace(dim, classes, config.margin or 0.5, config.scale or 64.0, config.margin_warmup)


def _cosface(config: LossConfig, dim: int, classes: int) -> CosFace:
    return CosFace(dim, classes, config.margin or 0.35, config.scale or 64.0, config.margin_warmup)


LOSSES: Mapping[str, Make] = {
    "classification": _classification,
    "contrastive": _contrastive,
    "joint": _joint,
    "triplet": _triplet,
    "infonce": _infonce,
    "arcface": _arcface,
    "cosface": _cosface,
}
"""Every objective over labels by its name in ``train.objective``."""

__all__ = ["LOSSES", "Contrastive", "InfoNCE", "Loss", "LossValue", "Triplet", "contrastive"]

"""The losses against pytorch-metric-learning and against loops over the written formulas."""

from __future__ import annotations

import math

import numpy as np
import oracle_losses as oracle
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner
from torch import Tensor

from periplus.learn.losses import LOSSES, InfoNCE, Loss, Triplet, contrastive
from periplus.learn.losses.angular import ArcFace, CosFace
from periplus.learn.losses.classification import Classification
from periplus.learn.losses.joint import Joint
from periplus.learn.settings import LossConfig

LABELS = torch.tensor([0, 1, 2, 0, 1, 0, 3, 2, 1, 0])


def batch(seed: int = 0, n: int = 10, d: int = 6) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value_and_gradient(loss: Loss | pml.BaseMetricLossFunction, x: Tensor, *more: object) -> tuple[float, Tensor]:
    x = x.clone().requires_grad_()
    value = loss(x, LABELS, *more)
    total = value if isinstance(value, Tensor) else value.total
    total.backward()
    assert x.grad is not None
    return total.item(), x.grad


def assert_same(ours: tuple[float, Tensor], theirs: tuple[float, Tensor]) -> None:
    assert ours[0] == pytest.approx(theirs[0], abs=1e-6)
    assert torch.allclose(ours[1], theirs[1], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("formula", "margin"), [("radenovic", 0.7), ("radenovic", 1.3), ("materarbeit", 0.4)])
def test_contrastive_is_the_written_formula(seed: int, formula: str, margin: float) -> None:
    x = batch(seed)
    value = contrastive(formula, margin, 0, 1)(x, LABELS)
    total, positives, negatives = oracle.contrastive(formula, x.tolist(), LABELS.tolist(), margin)
    assert value.total.item() == pytest.approx(total, abs=1e-6)
    assert (int(value.parts["positive_pairs"]), int(value.parts["negative_pairs"])) == (positives, negatives)
    assert positives + negatives == 45


def test_contrastive_by_hand() -> None:
    # Two equal photos of one landmark; one at a right angle to them, of another; D = sqrt(2), cos = 0.
    x, labels = torch.tensor([[1.0, 0], [2, 0], [0, 3]]), torch.tensor([0, 0, 1])
    assert float(contrastive("radenovic", 1.5, 0, 1)(x, labels).total) == pytest.approx(
        0.5 * (1.5 - math.sqrt(2)) ** 2, abs=1e-6
    )
    assert float(contrastive("materarbeit", 1.2, 0, 1)(x, labels).total) == pytest.approx(0.1, abs=1e-6)
    swapped = torch.tensor([0, 1, 0])  # positive pair at a right angle, two negative pairs: equal, and at a right angle
    assert float(contrastive("radenovic", 0.7, 0, 1)(x, swapped).total) == pytest.approx(1 + 0.5 * 0.49 / 2, abs=1e-6)
    assert float(contrastive("materarbeit", 0.4, 0, 1)(x, swapped).total) == pytest.approx(0.5 + 0.2 / 2, abs=1e-6)


def test_published_margins_are_the_defaults() -> None:
    x = batch(3)
    for formula, margin in (("radenovic", 0.7), ("materarbeit", 0.4)):
        assert torch.equal(
            contrastive(formula, 0, 0, 1)(x, LABELS).total, contrastive(formula, margin, 0, 1)(x, LABELS).total
        )


def test_the_two_published_margins_are_one_angle() -> None:
    # A cosine margin m bites exactly where the distance margin sqrt(2 m) does.
    x = batch(4, 12, 3)
    far = contrastive("materarbeit", 0.4, 0, 1)(x, torch.arange(12)).parts["contrastive_negative"]
    square = contrastive("radenovic", math.sqrt(0.8), 0, 1)(x, torch.arange(12)).parts["contrastive_negative"]
    assert (far > 0) == (square > 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("margins", [(0.0, 1.0), (0.3, 1.4)])
def test_contrastive_pml_parity(seed: int, margins: tuple[float, float]) -> None:
    theirs = pml.ContrastiveLoss(pos_margin=margins[0], neg_margin=margins[1])
    assert_same(
        value_and_gradient(contrastive("pml", 0, *margins), batch(seed)), value_and_gradient(theirs, batch(seed))
    )


@pytest.mark.parametrize("seed", range(3))
def test_triplet(seed: int) -> None:
    x = batch(seed)
    for mining in ("none", "hard", "semihard"):
        distance = LpDistance(power=2)
        miners = {
            "none": lambda *_: None,
            "hard": BatchHardMiner(distance=distance),
            "semihard": TripletMarginMiner(margin=0.3, type_of_triplets="semihard", distance=distance),
        }
        theirs = pml.TripletMarginLoss(margin=0.3, distance=distance)
        ours = value_and_gradient(Triplet(0.3, mining), x)
        assert_same(ours, value_and_gradient(theirs, x, miners[mining](x, LABELS)))
    total, count = oracle.triplet(x.tolist(), LABELS.tolist(), 0.3)
    value = Triplet(0.3)(x, LABELS)
    assert value.total.item() == pytest.approx(total, abs=1e-6)
    assert int(value.parts["triplets"]) == count


@pytest.mark.parametrize("seed", range(3))
def test_infonce(seed: int) -> None:
    x = batch(seed)
    for formula, theirs, slow in (
        ("ntxent", pml.NTXentLoss(0.2), oracle.ntxent),
        ("supcon", pml.SupConLoss(0.2), oracle.supcon),
    ):
        ours = value_and_gradient(InfoNCE(formula, 0.2), x)  # type: ignore[arg-type]
        assert_same(ours, value_and_gradient(theirs, x))
        # pytorch-metric-learning leaves anchors that cost nothing out of the mean; photo 6 has no positive.
        assert ours[0] == pytest.approx(slow(x.tolist(), LABELS.tolist(), 0.2), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("margin", "scale"), [(0.5, 64.0), (0.2, 16.0), (2.0, 4.0)])
def test_angular_margins(seed: int, margin: float, scale: float) -> None:
    x = batch(seed)
    for kind, ours, theirs in (
        ("arcface", ArcFace(6, 4, margin, scale), pml.ArcFaceLoss(4, 6, margin=math.degrees(margin), scale=scale)),
        ("cosface", CosFace(6, 4, margin, scale), pml.CosFaceLoss(4, 6, margin=margin, scale=scale)),
    ):
        ours = ours.double()
        theirs.W.data = ours.weight.data.T.clone()
        assert_same(value_and_gradient(ours, x), value_and_gradient(theirs, x))
        slow = oracle.angular(kind, x.tolist(), LABELS.tolist(), ours.weight.tolist(), (margin, scale))
        assert value_and_gradient(ours, x)[0] == pytest.approx(slow, abs=1e-5)
        ours.zero_grad()
        theirs.zero_grad()
        value_and_gradient(ours, x)
        value_and_gradient(theirs, x)
        assert ours.weight.grad is not None
        assert torch.allclose(ours.weight.grad.T, theirs.W.grad, atol=1e-6)


def test_margin_grows_over_the_warmup() -> None:
    loss = CosFace(6, 4, 0.4, 16.0, warmup=0.5)
    margins = []
    for share in (0.0, 0.125, 0.25, 0.5, 0.9):
        loss.set_progress(share)
        margins.append(loss.margin)
    assert margins == pytest.approx([0, 0.1, 0.2, 0.4, 0.4])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_classification(smoothing: float) -> None:
    x, loss = batch(1), Classification(6, 4, smoothing).double()
    value, logits = loss(x, LABELS), loss.logits(batch(1))
    assert value.total.item() == pytest.approx(
        oracle.cross_entropy(logits.tolist(), LABELS.tolist(), smoothing), abs=1e-6
    )
    assert float(value.parts["accuracy"]) == pytest.approx(
        np.mean(logits.argmax(1).numpy() == LABELS.numpy()), abs=1e-6
    )


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.8, 1.0])
def test_joint_is_the_weighted_sum(weight: float) -> None:
    x, one, other = batch(2), Classification(6, 4).double(), contrastive("materarbeit", 0, 0, 1)
    value = Joint(one, other, weight)(x, LABELS)
    expected = weight * one(x, LABELS).total + (1 - weight) * other(x, LABELS).total
    assert value.total.item() == pytest.approx(expected.item(), abs=1e-12)
    assert set(value.parts) == {
        *("cross_entropy", "accuracy", "contrastive_positive", "contrastive_negative"),
        *("positive_pairs", "negative_pairs"),
    }


@settings(max_examples=30)
@given(st.permutations(range(10)), st.sampled_from(sorted(set(LOSSES) - {"triplet"})), st.floats(0.1, 10))
def test_losses_know_no_order_and_pairs_no_length(order: list[int], name: str, factor: float) -> None:
    torch.manual_seed(0)
    loss, x = LOSSES[name](LossConfig(), 6, 4).double(), batch(5)
    before = loss(x, LABELS).total.item()
    assert loss(x[order], LABELS[order]).total.item() == pytest.approx(before, abs=1e-9)
    if name in ("contrastive", "infonce", "arcface", "cosface"):
        assert loss(x * factor, LABELS).total.item() == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_batches_without_positives_or_negatives_are_finite(name: str, labels: list[int]) -> None:
    torch.manual_seed(0)
    x = batch(6, 4).float()
    x[1] = x[0]  # a photo twice, where the slope of a distance is infinite
    x.requires_grad_()
    value = LOSSES[name](LossConfig(), 6, 4)(x, torch.tensor(labels))
    value.total.backward()
    assert torch.isfinite(value.total)
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_every_objective_has_its_loss() -> None:
    from typing import get_args

    from periplus.learn.objectives import OBJECTIVES
    from periplus.learn.settings import CLASSIFIERS, POSITIONAL, Objective

    assert set(get_args(Objective)) == set(OBJECTIVES) == {*LOSSES, *POSITIONAL}
    for name, make in LOSSES.items():
        has_classifier = make(LossConfig(), 6, 4).logits(batch().float()) is not None
        assert has_classifier == (name in CLASSIFIERS)

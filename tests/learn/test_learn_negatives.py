"""Samplers and hard negatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.learn.negatives import SAMPLERS, hardest_negatives, m_per_class, shuffled, with_hard_negatives
from periplus.learn.settings import SamplerConfig, TrainConfig


def vectors(n: int, seed: int = 0) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).normal(size=(n, 5)).astype(np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5))
def test_shuffling_shows_every_photo_once(n: int, batch_size: int, epoch: int) -> None:
    if batch_size > n:
        with pytest.raises(UsageError, match="exceeds"):
            shuffled(n, batch_size, 0, epoch)
        return
    plan = shuffled(n, batch_size, 0, epoch)
    assert plan.shape == (n // batch_size, batch_size)
    assert len(np.unique(plan)) == plan.size
    assert (plan == shuffled(n, batch_size, 0, epoch)).all()


def test_epochs_and_trials_differ() -> None:
    plans = [shuffled(50, 50, trial, epoch) for trial in (0, 1) for epoch in (0, 1)]
    assert len({plan.tobytes() for plan in plans}) == 4


@given(st.lists(st.integers(1, 12), min_size=4, max_size=12), st.integers(1, 4), st.integers(2, 4))
def test_m_per_class(counts: list[int], per_batch: int, m: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    plan = m_per_class(labels, per_batch * m, m, (0, 3))
    assert plan.shape == (max(1, len(labels) // (per_batch * m)), per_batch * m)
    for batch in plan:
        found, times = np.unique(labels[batch], return_counts=True)
        assert len(found) == per_batch
        assert (times == m).all()
        for one in found:
            mine = batch[labels[batch] == one]
            assert len(np.unique(mine)) == min(m, counts[one])
    assert (plan == m_per_class(labels, per_batch * m, m, (0, 3))).all()


def test_m_per_class_deals_landmarks_and_photos_evenly() -> None:
    labels = np.repeat(np.arange(10), 20)
    plan = m_per_class(labels, 8, 2, (0, 0))
    dealt = np.bincount(plan.ravel(), minlength=200)
    assert dealt.max() == 1  # 25 batches x 4 landmarks x 2 photos: none comes twice before all have come
    per_class = np.bincount(labels[plan.ravel()])
    assert per_class.min() == per_class.max() == 20


def test_m_per_class_needs_enough_landmarks() -> None:
    with pytest.raises(UsageError, match="takes 5 landmarks; there are 3"):
        m_per_class(np.array([0, 1, 2] * 9), 20, 4, (0, 0))


def slow_hardest(
    query: NDArray[np.float32], label: int, pool: NDArray[np.float32], labels: NDArray[np.int64], n: int
) -> list[int]:
    taken: list[int] = []
    for i in sorted(range(len(pool)), key=lambda i: (-float(query @ pool[i]), i)):
        if labels[i] != label and labels[i] not in labels[taken] and len(taken) < n:
            taken.append(i)
    return taken


@pytest.mark.parametrize("seed", range(4))
def test_hardest_negatives_against_the_slow_way(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels, asked = generator.integers(0, 9, 80), generator.integers(0, 9, 300)
    pool, queries = vectors(80, seed), vectors(300, seed + 10)
    found = hardest_negatives(queries, asked, pool, labels, 5)
    assert [slow_hardest(queries[i], asked[i], pool, labels, 5) for i in range(300)] == found.tolist()


def test_a_pool_with_too_few_landmarks_is_refused() -> None:
    with pytest.raises(UsageError, match="more than the 3 landmarks"):
        hardest_negatives(vectors(2), np.array([0, 1]), vectors(6), np.array([0, 1, 2] * 2), 3)


def test_batches_of_hard_negatives() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(8), 10))
    asked: list[NDArray[np.int64]] = []

    def embed(positions: NDArray[np.int64]) -> NDArray[np.float32]:
        asked.append(positions)
        return vectors(80)[positions]

    plan = with_hard_negatives(labels, 14, SamplerConfig("hard", pool=50, per_query=5), (0, 2), embed)
    assert plan.shape == (5, 14)
    assert len(asked) == 1
    assert len(asked[0]) == 10 + 50
    for query, positive, *negatives in plan.reshape(-1, 7):
        assert labels[query] == labels[positive]
        assert query != positive
        found = labels[negatives]
        assert len(set(found)) == 5
        assert labels[query] not in found
    again = with_hard_negatives(labels, 14, SamplerConfig("hard", pool=50, per_query=5), (0, 2), embed)
    assert (plan == again).all()


def test_queries_have_another_photo_of_their_landmark() -> None:
    labels = np.array([0, 1, 2, 3, 4, 4, 4, 4])
    plan = with_hard_negatives(labels, 4, SamplerConfig("hard", pool=0, per_query=2), (0, 0), lambda p: vectors(8)[p])
    assert set(plan.reshape(-1, 4)[:, :2].ravel()) <= {4, 5, 6, 7}


@pytest.mark.parametrize(("batch_size", "message"), [(10, "multiple of 7"), (84, "no batch of 84")])
def test_wrong_hard_batches_are_refused(batch_size: int, message: str) -> None:
    labels = np.repeat(np.arange(8), 10)
    with pytest.raises(UsageError, match=message):
        with_hard_negatives(labels, batch_size, SamplerConfig("hard"), (0, 0), lambda p: vectors(80)[p])


def test_every_sampler_has_a_name() -> None:
    from typing import get_args, get_type_hints

    assert set(get_args(get_type_hints(SamplerConfig)["kind"])) == set(SAMPLERS)
    labels = np.repeat(np.arange(10), 10)
    for kind in SAMPLERS:
        config = TrainConfig(batch_size=28, sampler=SamplerConfig(kind))  # type: ignore[arg-type]
        assert SAMPLERS[kind](config, labels, 0, lambda p: vectors(100)[p]).shape == (3, 28)

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.curate import INDEX, QUERY_PRIVATE, QUERY_PUBLIC, TRAIN, split_by_group
from periplus.errors import UsageError

SIZES = {QUERY_PUBLIC: 35, QUERY_PRIVATE: 65}


def test_sizes_are_exact_and_landmarks_share_alike() -> None:
    labels = [f"landmark {i % 10}" for i in range(1000)]
    roles = split_by_group(np.arange(1000), labels, sizes=SIZES, seed=3)
    assert Counter(roles) == {QUERY_PUBLIC: 35, QUERY_PRIVATE: 65, INDEX: 180, TRAIN: 720}
    by_landmark = Counter(zip(labels, roles, strict=True))
    for role, share in ((QUERY_PUBLIC, 3.5), (QUERY_PRIVATE, 6.5), (INDEX, 18.0), (TRAIN, 72.0)):
        counts = [by_landmark[name, role] for name in set(labels)]
        assert max(abs(count - share) for count in counts) <= 2


def test_proportional_to_unequal_landmarks() -> None:
    labels = ["large"] * 800 + ["small"] * 200
    roles = split_by_group(np.arange(1000), labels, sizes={"queries": 100}, seed=0, index_only=0.0)
    assert Counter(zip(labels, roles, strict=True)) == {
        ("large", "queries"): 80,
        ("small", "queries"): 20,
        ("large", TRAIN): 720,
        ("small", TRAIN): 180,
    }


def test_the_same_seed_splits_the_same() -> None:
    labels = ["a", "b"] * 50
    first, again, other = (
        split_by_group(np.arange(100), labels, sizes={"queries": 20}, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=60),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_no_group_is_torn(rows: list[tuple[int, str | None]], public: int, private: int, share: float) -> None:
    groups, labels = np.asarray([group for group, _ in rows]), [label for _, label in rows]
    sizes = {QUERY_PUBLIC: public, QUERY_PRIVATE: private}
    if public + private > len(rows):
        with pytest.raises(UsageError, match="ask for more"):
            split_by_group(groups, labels, sizes=sizes, seed=0)
        return
    roles = split_by_group(groups, labels, sizes=sizes, seed=0, index_only=share)
    assert len(roles) == len(rows)
    for group in set(groups.tolist()):
        assert len({role for role, g in zip(roles, groups.tolist(), strict=True) if g == group}) == 1
    counts = Counter(roles)
    assert counts[QUERY_PUBLIC] <= public
    assert counts[QUERY_PRIVATE] <= private
    assert set(counts) <= {QUERY_PUBLIC, QUERY_PRIVATE, INDEX, TRAIN}
    # A landmark never leaves the training photos altogether: its last group stays.
    assert TRAIN in counts


def test_a_group_goes_by_its_commonest_landmark() -> None:
    groups = np.asarray([0, 0, 0, 1, 2, 3, 4, 5])
    labels = ["a", "b", "b", "b", "b", "a", "a", "a"]
    for seed in range(20):
        roles = split_by_group(groups, labels, sizes={"queries": 4}, seed=seed, index_only=0.0)
        assert len(set(roles[:3])) == 1
        assert Counter(roles)["queries"] <= 4
        assert TRAIN in (roles[i] for i in (0, 3, 4))
        assert TRAIN in roles[5:]


def test_large_groups_may_leave_a_role_short() -> None:
    groups = np.repeat(np.arange(10), 3)
    roles = split_by_group(groups, ["a"] * 30, sizes={"queries": 10}, seed=0, index_only=0.0)
    assert Counter(roles) == {"queries": 9, TRAIN: 21}


@pytest.mark.parametrize(
    ("sizes", "share"), [({"queries": -1}, 0.2), ({"train": 1}, 0.2), ({"index": 1}, 0.2), ({}, 1.2)]
)
def test_what_cannot_be(sizes: dict[str, int], share: float) -> None:
    with pytest.raises(UsageError, match="Sizes"):
        split_by_group(np.arange(3), ["a"] * 3, sizes=sizes, seed=0, index_only=share)


def test_lengths_must_agree() -> None:
    with pytest.raises(UsageError, match="3 groups do not fit 2 labels"):
        split_by_group(np.arange(3), ["a"] * 2, sizes={}, seed=0)


def test_nothing_splits_into_nothing() -> None:
    assert split_by_group(np.zeros(0, np.int64), [], sizes={}, seed=0) == []

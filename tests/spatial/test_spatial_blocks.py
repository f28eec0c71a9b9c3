"""Compact blocks: a partition, of equal counts, held by caps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.geo import to_unit
from periplus.spatial.pairs.blocks import compact_blocks, gaps


def _places(n: int, seed: int = 0) -> np.ndarray:
    xyz = np.random.default_rng(seed).standard_normal((n, 3))
    return np.asarray(xyz / np.linalg.norm(xyz, axis=1)[:, None])


@given(st.integers(2, 600), st.integers(1, 70), st.integers(0, 9))
def test_a_partition_of_equal_counts(n: int, number: int, seed: int) -> None:
    blocks = compact_blocks(_places(n, seed), number)
    assert sorted(blocks.order.tolist()) == list(range(n))
    sizes = np.diff(blocks.starts)
    assert len(blocks) == max(1, min(number, n // 8))
    assert sizes.sum() == n
    assert sizes.max() <= 2 * sizes.min() + 1


@given(st.integers(2, 200), st.integers(0, 9))
def test_caps_and_gaps_hold(n: int, seed: int) -> None:
    xyz = _places(n, seed)
    blocks = compact_blocks(xyz, 8)
    near, far = gaps(blocks.centres, blocks.radii, blocks.centres, blocks.radii)
    of = np.empty(n, int)
    of[blocks.order] = np.repeat(np.arange(len(blocks)), np.diff(blocks.starts))
    arc = np.arccos(np.clip(xyz @ xyz.T, -1, 1))
    assert (arc >= near[of][:, of] - 1e-7).all()
    assert (arc <= far[of][:, of] + 1e-7).all()


def test_powers_of_two_are_equal_and_compact() -> None:
    xyz = _places(6400)
    blocks = compact_blocks(xyz, 64)
    assert set(np.diff(blocks.starts).tolist()) == {100}
    # Of 64 caps of equal area each would have a radius of 0.25.
    assert np.median(blocks.radii) < 0.45


def test_the_order_of_places_does_not_matter() -> None:
    xyz = _places(500)
    mixed = np.random.default_rng(1).permutation(500)
    one, two = compact_blocks(xyz, 16), compact_blocks(xyz[mixed], 16)
    np.testing.assert_array_equal(xyz[one.order], xyz[mixed][two.order])


def test_one_place_many_times() -> None:
    blocks = compact_blocks(to_unit(np.full(100, 10.0), np.full(100, 20.0)), 4)
    assert len(blocks) == 4
    assert blocks.radii.max() < 1e-6


def test_places_that_cancel_out_have_a_cap() -> None:
    blocks = compact_blocks(np.array([[1.0, 0, 0], [-1.0, 0, 0]]), 1)
    assert blocks.radii[0] == pytest.approx(np.pi, abs=1e-6)

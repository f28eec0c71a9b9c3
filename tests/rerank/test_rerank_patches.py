"""Patches: their store and their two-sided scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_rerank import mutual, one_sided

from periplus.errors import GalleryError, UsageError
from periplus.rerank import (
    MutualConfig,
    chamfer_scores,
    mutual_scores,
    pack_patches,
    seed_patch_scores,
    stack_patches,
    unpack_patches,
)
from periplus.store import Arena, ArenaWriter

Patches = NDArray[np.float32]


def patches(seed: int, m: int, c: int = 6, near: Patches | None = None) -> Patches:
    """Unit rows; some near those of another picture."""
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(m, c))
    if near is not None and len(near):
        made[: m // 2] = near[rng.integers(0, len(near), m // 2)] + rng.normal(0, 0.1, (m // 2, c))
    return np.asarray(made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9), np.float32)


def rows(values: Patches) -> list[NDArray[np.float64]]:
    return list(values.astype(float))


@settings(max_examples=60)
@given(st.integers(0, 2**31), st.integers(0, 50), st.integers(1, 300))
def test_packing_keeps_directions(seed: int, m: int, c: int) -> None:
    """A step of the root is 1/127; half of one moves x by (r + 1/4) / 127^2 of the largest, r the root in steps."""
    made = patches(seed, m, c)
    blob = pack_patches(made)
    assert blob.dtype == np.uint8
    assert len(blob) == 6 + m * c
    back = unpack_patches(blob)
    assert back.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1, atol=1e-6)
    largest = np.abs(made).max(axis=1, keepdims=True, initial=0)
    most = largest * (np.sqrt(np.abs(made) / largest) * 127 + 0.25) / 127**2
    assert (np.linalg.norm(back - made, axis=1) <= 1.05 * np.linalg.norm(most, axis=1) + 1e-6).all()


def test_packing_moves_cosines_of_deep_patches_by_less_than_2_in_1000() -> None:
    """Rows as networks make them: not negative, a few large components among many small ones."""
    rng = np.random.default_rng(0)
    made = np.abs(rng.normal(size=(98, 1280)) ** 3)
    made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    back = unpack_patches(pack_patches(made))
    moved = np.abs(back[:49] @ back[49:].T - made[:49] @ made[49:].T)
    assert float(moved.max()) < 2e-3
    assert len(pack_patches(made[:49])) == 6 + 49 * 1280


@given(st.integers(0, 2**31), st.floats(1e-30, 1e30))
def test_packing_does_not_see_a_rows_length(seed: int, factor: float) -> None:
    made = patches(seed, 4)
    assert np.array_equal(pack_patches(made), pack_patches((made.astype(float) * factor).astype(np.float32)))


def test_packing_twice_is_packing_once() -> None:
    blob = pack_patches(patches(3, 49, 64))
    assert np.array_equal(pack_patches(unpack_patches(blob)), blob)


def test_zero_rows_stay_zero() -> None:
    made = patches(1, 3)
    made[1] = 0
    back = unpack_patches(pack_patches(made))
    assert not back[1].any()
    assert back[0].any()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((3,), np.float32),
        np.full((2, 2), np.nan, np.float32),
        np.full((2, 2), np.inf, np.float32),
        np.zeros((70_000, 1), np.float32),
    ],
)
def test_what_cannot_be_packed_is_refused(bad: Patches) -> None:
    with pytest.raises(UsageError, match="cannot be packed"):
        pack_patches(bad)


def test_damaged_blobs_are_refused() -> None:
    blob = pack_patches(patches(1, 3))
    for damaged in [blob[:length] for length in range(len(blob))] + [np.append(blob, blob[:1])]:
        with pytest.raises(GalleryError, match="Index the photos again"):
            unpack_patches(damaged)
    blob = blob.copy()
    blob[0] = 9
    with pytest.raises(GalleryError, match="version 9"):
        unpack_patches(blob)


def test_blobs_live_in_an_arena(tmp_path: Path) -> None:
    photos = [patches(seed, m, 16) for seed, m in enumerate((49, 0, 7))]
    writer = ArenaWriter(tmp_path / "patches")
    for photo in photos:
        writer.append(pack_patches(photo))
    writer.close()
    arena = Arena(tmp_path / "patches")
    back = [unpack_patches(arena[row]) for row in range(3)]
    assert [photo.shape for photo in back] == [(49, 16), (0, 16), (7, 16)]
    np.testing.assert_allclose(back[0], photos[0], atol=4e-3)


SIZES = st.lists(st.integers(0, 9), max_size=5)


@given(st.integers(0, 2**31), st.integers(0, 9), SIZES)
def test_chamfer_is_both_sides(seed: int, p: int, sizes: list[int]) -> None:
    query = patches(seed, p)
    candidates = [patches(seed + 1 + at, m, near=query) for at, m in enumerate(sizes)]
    expected = [(one_sided(rows(query), rows(c)) + one_sided(rows(c), rows(query))) / 2 for c in candidates]
    np.testing.assert_allclose(chamfer_scores(query, stack_patches(candidates)), expected, atol=1e-6)


@settings(max_examples=60)
@given(st.integers(0, 2**31), st.integers(0, 9), SIZES, st.sampled_from([0.5, 1.0, 3.0]))
def test_mutual_is_its_definition(seed: int, p: int, sizes: list[int], power: float) -> None:
    query = patches(seed, p)
    candidates = [patches(seed + 1 + at, m, near=query) for at, m in enumerate(sizes)]
    expected = [mutual(rows(query), rows(c), power) for c in candidates]
    made = mutual_scores(query, stack_patches(candidates), MutualConfig(power))
    np.testing.assert_allclose(made, expected, atol=1e-6)
    for apart in (0.0, 1.0, 9.0):
        expected = [mutual(rows(query), rows(c), power, (3, apart)) for c in candidates]
        made = mutual_scores(query, stack_patches(candidates), MutualConfig(power, 3, apart))
        np.testing.assert_allclose(made, expected, atol=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 9))
def test_two_sides_are_symmetric_one_is_not(seed: int, p: int, m: int) -> None:
    a, b = patches(seed, p), patches(seed + 1, m)
    for score in (chamfer_scores, mutual_scores):
        there, back = (float(score(x, stack_patches([y]))[0]) for x, y in ((a, b), (b, a)))
        assert there == pytest.approx(back, abs=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 9))
def test_a_picture_is_most_like_itself(seed: int, m: int) -> None:
    a, others = patches(seed, m), [patches(seed + i, m) for i in range(1, 5)]
    for score in (chamfer_scores, mutual_scores):
        made = score(a, stack_patches([a, *others]))
        assert made[0] == pytest.approx(1, abs=1e-5)
        assert (made <= 1 + 1e-5).all()
        assert made[0] == made.max()


@given(st.integers(0, 2**31))
def test_orders_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    query = patches(seed, 7)
    candidates = [patches(seed + i, i + 2, near=query) for i in range(5)]
    order = rng.permutation(5)
    for score in (chamfer_scores, mutual_scores, seed_patch_scores):
        plain = score(query, stack_patches(candidates))
        moved = score(query, stack_patches([candidates[i] for i in order]))
        np.testing.assert_allclose(moved, plain[order], atol=1e-6)
        shuffled = [c[rng.permutation(len(c))] for c in candidates]
        np.testing.assert_allclose(score(query[rng.permutation(7)], stack_patches(shuffled)), plain, atol=1e-6)


def test_a_shift_of_the_picture_agrees_and_a_shuffle_does_not() -> None:
    """Cells of a 6 x 6 map, moved by one row and one column, against the same cells in any order."""
    cells = patches(5, 36, 64).reshape(6, 6, 64)
    shifted = np.roll(cells, (1, 1), (0, 1)).reshape(36, 64)
    shuffled = cells.reshape(36, 64)[np.random.default_rng(0).permutation(36)]
    stack = stack_patches([shifted, shuffled])
    free = mutual_scores(cells.reshape(36, 64), stack)
    np.testing.assert_allclose(free, 1, atol=1e-5)
    bound = mutual_scores(cells.reshape(36, 64), stack, MutualConfig(grid_width=6, shift_cells=0))
    # What rolled over the edge, a row and a column of 6, does not agree with the rest.
    assert bound[0] == pytest.approx(25 / 36, abs=1e-5)
    assert bound[1] < 0.2


def test_pictures_of_other_models_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\[5, 6\] dimensions"):
        stack_patches([patches(1, 2, 5), patches(2, 2, 6)])
    with pytest.raises(UsageError, match="5 dimensions cannot be compared with candidates' of 6"):
        chamfer_scores(patches(1, 2, 5), stack_patches([patches(2, 2, 6)]))


@pytest.mark.parametrize(
    "bad", [{"power": 0}, {"grid_width": 0}, {"grid_width": 3, "shift_cells": -1}, {"shift_cells": 1}]
)
def test_configurations_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        MutualConfig(**bad)  # type: ignore[arg-type]

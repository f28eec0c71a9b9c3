"""The pieces of verification: errors in closed form, sane homographies, spanned area, similarity, fusion."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.records import LocalFeatures
from periplus.rerank import Tentative, fuse
from periplus.rerank.similarity import distinct_pairs, similarity_inliers
from periplus.rerank.verify import coverage, epipolar_error, is_sane, transfer_error

Points = NDArray[np.float32]


def grid(width: float = 640, height: float = 480, step: float = 80) -> Points:
    x, y = np.meshgrid(np.arange(0, width, step), np.arange(0, height, step))
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def homography(p: Points, model: NDArray[np.float64]) -> Points:
    mapped = np.column_stack([p, np.ones(len(p))]) @ model.T
    return (mapped[:, :2] / mapped[:, 2:]).astype(np.float32)


TILTED = np.array([[0.9, 0.1, 20], [-0.08, 1.1, 10], [2e-4, -1e-4, 1]])


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0.1, 10))
def test_transfer_error_of_a_shift_is_its_length(dx: float, dy: float, factor: float) -> None:
    p = grid()
    q = p + np.array([dx, dy], np.float32)
    np.testing.assert_allclose(transfer_error(factor * np.eye(3), p, q), math.hypot(dx, dy), atol=1e-3)


def test_transfer_error_of_a_perspective() -> None:
    p = grid()
    q = homography(p, TILTED)
    for sign in (1, -1):
        np.testing.assert_allclose(transfer_error(sign * TILTED, p, q), 0, atol=1e-3)
        np.testing.assert_allclose(transfer_error(sign * TILTED, p, q + np.array([3, 4], np.float32)), 5, atol=1e-3)


def test_points_behind_the_camera_are_infinitely_wrong() -> None:
    # Depth 1 - x / 100: the horizon is the line x = 100.
    model = np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]])
    p = np.array([[0, 0], [50, 7], [100, 7], [150, 7]], np.float32)
    q = np.array([[0, 0], [100, 14], [0, 0], [-300, -14]], np.float32)
    for sign in (1, -1):
        np.testing.assert_allclose(transfer_error(sign * model, p, q), [0, 0, np.inf, np.inf], atol=1e-4)


def test_epipolar_error_of_a_sideways_camera_is_the_difference_in_height() -> None:
    # F = [t]x for t = (1, 0, 0): epipolar lines are the rows of the picture.
    model = np.array([[0, 0, 0], [0, 0, -1], [0, 1, 0.0]])
    p = grid()
    for dx, dy in [(0, 0), (40, 0), (-3, 5), (10, -2.5)]:
        q = p + np.array([dx, dy], np.float32)
        for factor in (1, -7.5):
            np.testing.assert_allclose(epipolar_error(factor * model, p, q), abs(dy), atol=1e-4)


def test_epipolar_error_is_the_larger_of_both_sides() -> None:
    # x -> 2x: one pixel here is two there.
    model = np.array([[0, 0, 0], [0, 0, -1], [0, 2, 0.0]])
    p = np.array([[5, 10]], np.float32)
    np.testing.assert_allclose(epipolar_error(model, p, np.array([[9, 26]], np.float32)), 6)
    np.testing.assert_allclose(epipolar_error(model.T, np.array([[9, 26]], np.float32), p), 6)


def scaled(factor: float) -> NDArray[np.float64]:
    return np.diag([factor, factor, 1.0])


@pytest.mark.parametrize(
    ("model", "sane"),
    [
        (np.eye(3), True),
        (-np.eye(3), True),
        (TILTED, True),
        (scaled(19), True),
        (scaled(21), False),
        (scaled(1 / 19), True),
        (scaled(1 / 21), False),
        (np.diag([-1.0, 1, 1]), False),  # mirrored
        (np.diag([-1.0, -1, 1]), True),  # upside down
        (np.array([[1, 0, 0], [0, 1, 0], [-1 / 100, 0, 1.0]]), False),  # most points behind the horizon
        (np.array([[1, 0, 0], [0, 1, 0], [-1 / 500, 0, 1.0]]), True),  # few points behind it
        (np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1.0]]), False),  # onto a line
        (np.full((3, 3), np.nan), False),
        (np.full((3, 3), np.inf), False),
        (np.eye(2), False),
        (np.zeros((3, 3)), False),
    ],
)
def test_only_sane_homographies_pass(model: NDArray[np.float64], sane: bool) -> None:
    assert is_sane(model, grid()) is sane


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], 0),
        ([[1, 1]], 0),
        ([[1, 1], [50, 50]], 0),
        ([[0, 0], [50, 50], [100, 100]], 0),
        ([[0, 0], [100, 0], [0, 50]], 0.5),
        ([[0, 0], [100, 0], [100, 50], [0, 50]], 1),
        ([[0, 0], [100, 50], [100, 0], [0, 50], [40, 20]], 1),  # any order, points inside
        ([[10, 10], [60, 10], [60, 35], [10, 35]], 0.25),
        ([[50, 0], [100, 25], [50, 50], [0, 25]], 0.5),
        ([[-100, -50], [200, -50], [200, 100], [-100, 100]], 1),  # never more than all
    ],
)
def test_coverage_of_known_polygons(points: list[list[float]], expected: float) -> None:
    p = np.array(points, np.float32).reshape(-1, 2)
    assert coverage(p, (100, 50)) == pytest.approx(expected)
    # A view with gaps, as a column of pairs is.
    assert coverage(np.stack([p, p + 9], axis=1)[:, 0], (100, 50)) == pytest.approx(expected)


def test_coverage_of_a_picture_without_size() -> None:
    assert coverage(grid(), (0, 0)) == 1


def pair(
    rng: np.random.Generator, n: int, wrong: int, scale: float, turn_deg: float, shift: tuple[float, float]
) -> tuple[LocalFeatures, LocalFeatures, Tentative]:
    """n points under one similarity, the first ``wrong`` of them anywhere instead."""
    p = (rng.random((n, 2)) * [640, 480]).astype(np.float32)
    s, c = math.sin(math.radians(turn_deg)), math.cos(math.radians(turn_deg))
    q = scale * p @ np.array([[c, s], [-s, c]]) + shift
    scales, angles = rng.uniform(2, 12, n), rng.uniform(0, 360, n)
    q_scales, q_angles = scales * scale * np.exp(rng.normal(0, 0.05, n)), angles + turn_deg + rng.normal(0, 2, n)
    q[:wrong] = rng.random((wrong, 2)) * [640, 480]
    q_scales[:wrong], q_angles[:wrong] = rng.uniform(2, 12, wrong), rng.uniform(0, 360, wrong)
    order = rng.permutation(n)
    back = np.argsort(order)
    flat = np.zeros((n, 1), np.float32)
    f32 = np.float32
    query = LocalFeatures(p, scales.astype(f32), angles.astype(f32), flat, (640, 480))
    gallery = LocalFeatures(
        q[order].astype(f32), q_scales[order].astype(f32), (q_angles[order] % 360).astype(f32), flat, (640, 480)
    )
    return query, gallery, Tentative(np.arange(n), back.astype(np.int64))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("scale", "turn"), [(1, 0), (0.5, 30), (1.8, -75), (1.0, 180)])
def test_a_planted_similarity_is_found_among_outliers(seed: int, scale: float, turn: float) -> None:
    query, gallery, matches = pair(np.random.default_rng(seed), 80, 50, scale, turn, (30, -20))
    found = similarity_inliers(query, gallery, matches)
    right = set(found.tolist()) & set(range(50, 80))
    assert len(right) >= 25
    assert len(found) - len(right) <= 3


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(-500, 500)] * 2), st.tuples(*[st.integers(-500, 500)] * 2))
def test_moving_either_picture_changes_nothing(seed: int, a: tuple[int, int], b: tuple[int, int]) -> None:
    query, gallery, matches = pair(np.random.default_rng(seed), 30, 12, 1.2, 10, (0, 0))
    # On whole pixels a shift is exact.
    query = LocalFeatures(np.rint(query.points), query.scales, query.angles, query.descriptors, query.size)
    gallery = LocalFeatures(np.rint(gallery.points), gallery.scales, gallery.angles, gallery.descriptors, gallery.size)
    moved = [
        LocalFeatures(f.points + np.array(by, np.float32), f.scales, f.angles, f.descriptors, f.size)
        for f, by in ((query, a), (gallery, b))
    ]
    assert (
        similarity_inliers(moved[0], moved[1], matches).tolist() == similarity_inliers(query, gallery, matches).tolist()
    )


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_matches_agree_with_themselves(n: int) -> None:
    query, gallery, matches = pair(np.random.default_rng(0), n, 0, 1, 0, (0, 0))
    assert similarity_inliers(query, gallery, matches).tolist() == list(range(n))


@pytest.mark.parametrize("change", ["scale", "angle"])
def test_scale_and_orientation_must_agree(change: str) -> None:
    query, gallery, matches = pair(np.random.default_rng(1), 30, 0, 1, 0, (5, 5))
    odd = matches.gallery[:4]
    scales, angles = gallery.scales.copy(), gallery.angles.copy()
    if change == "scale":
        scales[odd] *= 4
    else:
        angles[odd] = (angles[odd] + 120) % 360
    found = similarity_inliers(
        query, LocalFeatures(gallery.points, scales, angles, gallery.descriptors, gallery.size), matches
    )
    assert found.tolist() == list(range(4, 30))


@given(st.lists(st.tuples(*[st.integers(-9, 40)] * 4), max_size=40))
def test_distinct_pairs_use_each_cell_once_first_come_first_served(cells: list[tuple[int, int, int, int]]) -> None:
    both = np.array(cells, np.float32).reshape(-1, 2, 2)
    kept = distinct_pairs(both[:, 0], both[:, 1]).tolist()
    keys = [((a // 4, b // 4), (c // 4, d // 4)) for a, b, c, d in cells]
    expected: list[int] = []
    for row, (left, right) in enumerate(keys):
        if all(left != keys[i][0] and right != keys[i][1] for i in expected):
            expected.append(row)
    assert kept == expected


SCORES = st.lists(st.tuples(st.floats(0, 1, width=32), st.floats(0, 300, width=32)), min_size=1, max_size=9)


@given(SCORES, st.floats(0, 1), st.floats(1, 100))
def test_fuse_is_its_formula(pairs: list[tuple[float, float]], weight: float, cap: float) -> None:
    a, b = (np.array(part, np.float32) for part in zip(*pairs, strict=True))
    largest = max(a.tolist())
    expected = [
        weight * (x / largest if largest > 0 else 0) + (1 - weight) * min(y, cap) / cap
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    made = fuse(a, b, weight, cap)
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert made.dtype == np.float32
    assert (made >= 0).all()
    assert (made <= 1 + 1e-6).all()


def test_fuse_at_its_ends() -> None:
    a, b = np.array([0.1, 0.4, 0.2], np.float32), np.array([50, 0, 29], np.float32)
    assert fuse(a, b, 1.0).tolist() == pytest.approx([0.25, 1, 0.5])
    assert np.argsort(-fuse(a, b, 0.0, cap=60)).tolist() == [0, 2, 1]
    assert fuse(np.zeros(0, np.float32), np.zeros(0, np.float32), 0.5).shape == (0,)


def test_fuse_keeps_both_parts_in_0_to_1_for_scores_below_zero_too() -> None:
    """Cosines of whitened vectors fall below zero; the geometry must not be outweighed by that."""
    made = fuse(np.array([0.1, -0.4], np.float32), np.zeros(2, np.float32), 1.0)
    assert made.min() >= 0
    assert made[0] > made[1]

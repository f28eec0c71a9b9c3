"""Verification recovers planted geometry, and survives everything else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.records import LocalFeatures, Match
from periplus.rerank import RerankConfig, Tentative, VerifyConfig, match_candidates, verify
from periplus.rerank.verify import epipolar_error, transfer_error

CONFIG = VerifyConfig()
SIZE = (640, 480)
TILTED = np.array([[0.92, 0.08, 25], [-0.06, 1.04, 12], [1.5e-4, -0.8e-4, 1]])
Points = NDArray[np.float64]


def homography(p: Points, model: NDArray[np.float64]) -> Points:
    mapped = np.column_stack([p, np.ones(len(p))]) @ model.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def look(
    p: Points, q: Points, ratio: NDArray[np.float64] | float = 1.0
) -> tuple[LocalFeatures, LocalFeatures, Tentative]:
    """Both pictures' features, point i with point i, of like orientation and scales in this ratio."""
    n = len(p)
    rng = np.random.default_rng(n)
    scales, angles = rng.uniform(3, 9, n), rng.uniform(0, 360, n)
    sides = [
        LocalFeatures(
            x.astype(np.float32), s.astype(np.float32), angles.astype(np.float32), np.zeros((n, 1), np.float32), SIZE
        )
        for x, s in ((p, scales), (q, scales * ratio))
    ]
    return sides[0], sides[1], Tentative(np.arange(n), np.arange(n))


def check(match: Match) -> None:
    """What holds for any match, however poor the points."""
    assert np.isfinite(match.points).all()
    assert match.model is None or np.isfinite(match.model).all()
    assert np.isfinite(match.score)
    assert match.score >= 0
    assert match.kind == "none" or match.inliers >= min(CONFIG.fewest, 4)
    assert (match.query_size, match.gallery_size) == (SIZE, SIZE)


@pytest.mark.parametrize("seed", range(6))
def test_a_planted_homography_is_recovered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.random((120, 2)) * SIZE
    q = homography(p, TILTED) + rng.normal(0, 0.4, p.shape)
    q[:50] = rng.random((50, 2)) * SIZE
    match = verify(7, *look(p, q), CONFIG)
    check(match)
    assert (match.row, match.kind) == (7, "homography")
    assert match.model is not None
    x, y = np.meshgrid(np.linspace(0, 640, 9), np.linspace(0, 480, 7))
    corners = np.stack([x.ravel(), y.ravel()], axis=1)
    assert np.linalg.norm(homography(corners, match.model) - homography(corners, TILTED), axis=1).max() < 1
    assert 60 <= match.inliers <= 78
    assert 0.6 < match.coverage <= 1
    inside = transfer_error(match.model, match.points[:, 0], match.points[:, 1])
    assert inside.max() <= CONFIG.homography_px
    assert match.score >= 30


def two_planes(seed: int, n: int = 60) -> tuple[Points, Points, NDArray[np.float64]]:
    """Two facades seen from two places: projections, and the true fundamental matrix."""
    rng = np.random.default_rng(seed)
    camera = np.array([[520, 0, 320], [0, 520, 240], [0, 0, 1.0]])
    near = np.column_stack([rng.uniform(-1.2, 0.0, n), rng.uniform(-0.9, 0.9, n), np.full(n, 4.0)])
    far = np.column_stack([rng.uniform(0.0, 3.0, n), rng.uniform(-2, 2, n), np.full(n, 9.0)])
    far[:, 2] += 0.3 * far[:, 0]
    world = np.concatenate([near, far])
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.06, 0.01]))
    shift = np.array([-0.45, 0.05, 0.05])
    p, q = world @ camera.T, (world @ turn.T + shift) @ camera.T
    cross = np.array([[0, -shift[2], shift[1]], [shift[2], 0, -shift[0]], [-shift[1], shift[0], 0]])
    inverse = np.linalg.inv(camera)
    return p[:, :2] / p[:, 2:], q[:, :2] / q[:, 2:], inverse.T @ cross @ turn @ inverse


@pytest.mark.parametrize("seed", range(6))
def test_a_planted_fundamental_matrix_is_recovered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clean_p, clean_q, truth = two_planes(seed)
    f32 = np.float32
    np.testing.assert_allclose(epipolar_error(truth, clean_p.astype(f32), clean_q.astype(f32)), 0, atol=1e-3)
    wrong = rng.random((30, 2)) * SIZE, rng.random((30, 2)) * SIZE
    noise = rng.normal(0, 0.3, clean_q.shape)
    match = verify(0, *look(np.concatenate([clean_p, wrong[0]]), np.concatenate([clean_q + noise, wrong[1]])), CONFIG)
    check(match)
    assert match.kind == "fundamental"
    assert match.model is not None
    error = epipolar_error(match.model, clean_p.astype(f32), clean_q.astype(f32))
    assert np.median(error) < 1
    assert (error <= CONFIG.fundamental_px).mean() > 0.9
    assert match.inliers > 90


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n", [10, 40, 80])
def test_random_points_are_no_match(seed: int, n: int) -> None:
    rng = np.random.default_rng(100 * n + seed)
    query, gallery, matches = look(rng.random((n, 2)) * SIZE, rng.random((n, 2)) * SIZE)
    gallery = LocalFeatures(
        gallery.points, rng.uniform(2, 12, n).astype(np.float32), rng.uniform(0, 360, n).astype(np.float32),
        gallery.descriptors, SIZE,
    )  # fmt: skip
    match = verify(0, query, gallery, matches, CONFIG)
    check(match)
    assert match.kind == "none"
    assert match.score < CONFIG.fewest
    assert (match.inliers, match.coverage, match.model) == (0, 0, None)


@pytest.mark.parametrize("n", range(9))
@pytest.mark.parametrize("kind", ["same", "random", "collinear", "duplicate", "grid"])
def test_few_and_degenerate_points_survive(n: int, kind: str) -> None:
    rng = np.random.default_rng(n)
    p = rng.random((n, 2)) * SIZE
    q = rng.random((n, 2)) * SIZE
    if kind == "collinear":
        p = np.stack([np.arange(n) * 40.0, np.arange(n) * 20.0], axis=1)
    if kind == "grid":
        p = np.stack([np.arange(n) % 3 * 50.0, np.arange(n) // 3 * 50.0], axis=1)
    if kind == "duplicate":
        p = np.full((n, 2), 100.0)
    if kind != "random":
        q = p + 10
    match = verify(0, *look(p, q), CONFIG)
    check(match)
    if n < CONFIG.fewest or kind == "duplicate":
        assert match.kind == "none"


@pytest.mark.parametrize("n", [20, 60])
def test_many_collinear_or_equal_points_survive(n: int) -> None:
    line: Points = np.stack([np.linspace(0, 600, n), np.linspace(0, 300, n)], axis=1)
    for p, q in [(line, line + 10), (line, line[::-1]), (np.full((n, 2), 5.0), line), (line, np.full((n, 2), 5.0))]:
        check(verify(0, *look(p, q), CONFIG))
        check(verify(0, *look(p, q, 1e-6), CONFIG))
        check(verify(0, *look(p, q, 0.0), CONFIG))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(0, 40), st.integers(1, 60), st.floats(0, 1))
def test_any_coarse_points_survive(seed: int, n: int, cell: int, right: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.integers(0, 8, (n, 2)) * float(cell)
    elsewhere = rng.integers(0, 8, (n, 2)) * float(cell)
    q = np.asarray(np.where(rng.random((n, 1)) < right, p + cell, elsewhere), np.float64)
    check(verify(0, *look(p.astype(np.float64), q), CONFIG))


def test_the_same_pair_gives_the_same_match() -> None:
    p, q, _ = two_planes(3)
    a, b = (verify(0, *look(p, q), CONFIG) for _ in range(2))
    assert a.points.tobytes() == b.points.tobytes()
    assert (a.model is None) == (b.model is None)
    assert a.model is None or b.model is None or a.model.tobytes() == b.model.tobytes()


def test_fewest_inliers_is_the_configurations() -> None:
    rng = np.random.default_rng(5)
    p = rng.random((9, 2)) * SIZE
    # Ten pixels apart at least, so that all are distinct.
    assert min(np.linalg.norm(a - b) for i, a in enumerate(p) for b in p[:i]) > 10
    assert verify(0, *look(p, p + 5), VerifyConfig(fewest=9)).kind == "homography"
    assert verify(0, *look(p, p + 5), VerifyConfig(fewest=10)).kind == "none"


def test_candidates_are_matched_in_their_order() -> None:
    rng = np.random.default_rng(2)
    n = 60
    p = (rng.random((n, 2)) * SIZE).astype(np.float32)
    descriptors = rng.normal(0, 0.2, (n, 20)).astype(np.float32)
    one, zero = np.full(n, 4, np.float32), np.zeros(n, np.float32)
    query = LocalFeatures(p, one, zero, descriptors, SIZE)
    moved = LocalFeatures(p + np.float32(9), one, zero, descriptors, SIZE)
    other = LocalFeatures(p, one, zero, rng.normal(0, 0.2, (n, 20)).astype(np.float32), SIZE)
    blank = LocalFeatures(p[:0], one[:0], zero[:0], descriptors[:0], SIZE)
    found = match_candidates(query, [11, 5, 8], [other, moved, blank], RerankConfig())
    assert [m.row for m in found] == [11, 5, 8]
    assert [m.kind for m in found] == ["none", "homography", "none"]
    assert found[1].model is not None
    shift = found[1].model / found[1].model[2, 2]
    np.testing.assert_allclose(shift, [[1, 0, 9], [0, 1, 9], [0, 0, 1]], atol=0.05)
    assert match_candidates(query, [], [], RerankConfig()) == []
    with pytest.raises(ValueError, match="zip"):
        match_candidates(query, [1, 2], [other], RerankConfig())

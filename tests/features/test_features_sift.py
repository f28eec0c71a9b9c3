"""RootSIFT against its written formula, and SIFT on awkward pictures."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.features import DESCRIPTOR_DIM, SiftConfig, extract_sift, root_sift

Picture = NDArray[np.uint8]
CONFIG = SiftConfig()


def textured(width: int, height: int, seed: int = 0) -> Picture:
    """Smoothed noise with full contrast: hundreds of blobs."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.asarray(np.clip(128 + 120 * smooth / np.abs(smooth).max(), 0, 255), np.uint8)


@given(st.lists(st.integers(0, 255), min_size=8, max_size=8).filter(any), st.integers(1, 5))
def test_root_sift_is_the_root_of_l1_shares(histogram: list[int], repeats: int) -> None:
    raw = np.array([histogram] * repeats, np.float32)
    made = root_sift(raw)
    expected = [math.sqrt(value / sum(histogram)) for value in histogram]
    np.testing.assert_allclose(made, [expected] * repeats, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, rtol=1e-6)
    assert raw.tolist() == [histogram] * repeats, "the input is not touched"


def test_dot_product_is_the_hellinger_kernel() -> None:
    a, b = np.random.default_rng(1).integers(0, 256, (2, DESCRIPTOR_DIM)).astype(np.float32)
    bhattacharyya = np.sqrt(a / a.sum() * (b / b.sum())).sum()
    made = root_sift(np.stack([a, b]))
    assert float(made[0] @ made[1]) == pytest.approx(float(bhattacharyya), abs=1e-6)


def test_an_empty_histogram_stays_zero() -> None:
    assert not root_sift(np.zeros((2, DESCRIPTOR_DIM), np.float32)).any()
    assert root_sift(np.zeros((0, DESCRIPTOR_DIM), np.float32)).shape == (0, DESCRIPTOR_DIM)


def test_features_are_well_formed() -> None:
    found = extract_sift(textured(320, 200), CONFIG)
    assert found.size == (320, 200)
    assert 50 < len(found) <= CONFIG.max_points
    assert (found.points >= 0).all()
    assert (found.points <= [320, 200]).all()
    assert (found.scales > 0).all()
    assert (found.angles >= 0).all()
    assert (found.angles < 360).all()
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-5)
    assert (found.descriptors >= 0).all()
    assert all(part.dtype == np.float32 for part in (found.points, found.scales, found.angles, found.descriptors))


def test_features_are_opencvs_described_by_the_formula() -> None:
    picture = textured(200, 160, 3)
    sift = cv2.SIFT_create(nfeatures=CONFIG.max_points, contrastThreshold=CONFIG.contrast_threshold)  # type: ignore[attr-defined]
    keypoints, raw = sift.detectAndCompute(picture, None)
    strongest_first = sorted(range(len(keypoints)), key=lambda i: -keypoints[i].response)
    found = extract_sift(picture, CONFIG)
    assert found.points.tolist() == np.array([keypoints[i].pt for i in strongest_first], np.float32).tolist()
    expected = np.sqrt(raw / raw.sum(axis=1, keepdims=True))[strongest_first]
    np.testing.assert_allclose(found.descriptors, expected, atol=1e-6)


@pytest.mark.parametrize("limit", [1, 10, 57])
def test_only_the_strongest_are_kept(limit: int) -> None:
    picture = textured(320, 200, 1)
    assert len(extract_sift(picture, SiftConfig(max_points=limit))) == limit


def test_ties_are_cut_to_the_limit_and_repeatably() -> None:
    tile = textured(64, 64, 2)
    periodic = np.tile(np.block([[tile, tile[:, ::-1]], [tile[::-1], tile[::-1, ::-1]]]), (2, 2))
    few = SiftConfig(max_points=10)
    first, again = extract_sift(periodic, few), extract_sift(periodic, few)
    assert len(first) == 10
    assert first.points.tolist() == again.points.tolist()
    assert first.descriptors.tobytes() == again.descriptors.tobytes()


def test_same_picture_same_features_and_picture_untouched() -> None:
    picture = textured(240, 180, 4)
    before = picture.copy()
    a, b = extract_sift(picture, CONFIG), extract_sift(picture.copy(), CONFIG)
    np.testing.assert_array_equal(picture, before)
    for name in ("points", "scales", "angles", "descriptors"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes()


@pytest.mark.parametrize("gray", [0, 127, 255])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 40), (40, 1), (2, 2), (5, 3), (64, 48)])
def test_blank_pictures_have_no_features(gray: int, width: int, height: int) -> None:
    found = extract_sift(np.full((height, width), gray, np.uint8), CONFIG)
    assert len(found) == 0
    assert found.descriptors.shape == (0, DESCRIPTOR_DIM)
    assert found.points.shape == (0, 2)
    assert found.size == (width, height)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 1), (3, 3), (1, 64), (64, 2), (16, 16), (33, 7)])
def test_tiny_noise_never_fails(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    found = extract_sift(noise, CONFIG)
    assert found.size == (width, height)
    assert np.isfinite(found.descriptors).all()


def test_a_view_of_a_larger_array_is_read_right() -> None:
    large = textured(300, 300, 5)
    view = large[20:220, 30:280]
    assert extract_sift(view, CONFIG).points.tolist() == extract_sift(view.copy(), CONFIG).points.tolist()


@pytest.mark.parametrize(
    "change", [{"long_side_px": 31}, {"long_side_px": 4097}, {"max_points": 0}, {"max_points": 20_001}]
)
def test_config_bounds(change: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=str(next(iter(change.values())))):
        SiftConfig(**change)

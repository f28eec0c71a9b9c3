"""The compact store: how much is lost, how large it is, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import GalleryError, UsageError
from periplus.features import DESCRIPTOR_DIM, Packing, SiftConfig, learn_packing, root_sift, unpack
from periplus.features.packing import VERSION
from periplus.records import LocalFeatures

STEP = 1 / 256


def descriptors(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Histograms with unequal spread, as RootSIFT."""
    rng = np.random.default_rng(seed)
    return root_sift((rng.gamma(0.6, 20, (n, DESCRIPTOR_DIM)) * np.linspace(0.2, 2, DESCRIPTOR_DIM)).astype(np.float32))


def features(n: int, size: tuple[int, int] = (640, 480), seed: int = 0) -> LocalFeatures:
    rng = np.random.default_rng(seed)
    return LocalFeatures(
        points=(rng.random((n, 2)) * size).astype(np.float32),
        scales=np.exp2(rng.uniform(-1, 10, n)).astype(np.float32),
        angles=rng.uniform(0, 360, n).astype(np.float32),
        descriptors=descriptors(n, seed),
        size=size,
    )


PACKING = learn_packing(descriptors(600), 40)


@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.tuples(st.integers(1, 65_535), st.integers(1, 65_535)))
def test_round_trip_stays_within_the_steps(seed: int, n: int, size: tuple[int, int]) -> None:
    given_ = features(n, size, seed)
    read = unpack(PACKING.pack(given_))
    assert read.size == size
    assert len(read) == n
    pixel = np.array(size) / 65_535
    assert (np.abs(read.points - given_.points) <= pixel).all()
    assert (np.abs(np.log2(read.scales / given_.scales)) <= 1 / 32 + 1e-5).all()
    turn = np.abs(read.angles - given_.angles)
    assert (np.minimum(turn, 360 - turn) <= 360 / 512 + 1e-3).all()
    assert (read.angles < 360).all()
    exact = (given_.descriptors - PACKING.mean) @ PACKING.basis
    inside = np.abs(exact) <= 127 * STEP
    assert (np.abs(read.descriptors - exact)[inside] <= STEP / 2 + 1e-6).all()
    assert (np.abs(read.descriptors[~inside]) == 127 * STEP).all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_project_is_pack_and_unpack_to_the_bit(seed: int, n: int) -> None:
    given_ = features(n, seed=seed)
    assert PACKING.project(given_.descriptors).tobytes() == unpack(PACKING.pack(given_)).descriptors.tobytes()


@given(st.integers(0, 2**32 - 1))
def test_packing_what_was_unpacked_changes_nothing_more(seed: int) -> None:
    once = unpack(PACKING.pack(features(20, seed=seed)))
    as_raw = replace(once, descriptors=(once.descriptors @ PACKING.basis.T + PACKING.mean).astype(np.float32))
    twice = unpack(PACKING.pack(as_raw))
    for name in ("points", "scales", "angles", "descriptors"):
        np.testing.assert_allclose(getattr(twice, name), getattr(once, name), rtol=1e-5, atol=1e-5)


def test_corners_of_the_picture_and_of_the_circle() -> None:
    size = (640, 427)
    corners = np.array([[0, 0], size, [-3, -3], [700, 500]], np.float32)
    given_ = LocalFeatures(
        corners,
        np.array([1e-3, 0.5, 1.0, 1e9], np.float32),
        np.array([0, 359.99, -90, 719], np.float32),
        descriptors(4),
        size,
    )
    read = unpack(PACKING.pack(given_))
    np.testing.assert_allclose(read.points, [[0, 0], size, [0, 0], size], rtol=1e-6)
    np.testing.assert_allclose(read.angles, [0, 0, 270, 359], atol=360 / 512)
    np.testing.assert_allclose(read.scales[:3], [0.5, 0.5, 1.0])


def test_size_on_disk() -> None:
    default = SiftConfig().max_points
    assert len(PACKING.pack(features(1500))) <= 70 * 1024
    assert len(PACKING.pack(features(default))) == 8 + default * 46
    assert len(PACKING.pack(features(0))) == 8


def test_what_cannot_be_packed_is_refused() -> None:
    few = features(1)
    for size in ((65_536, 10), (10, 65_536)):
        with pytest.raises(UsageError, match="65536"):
            PACKING.pack(replace(few, size=size))
    with pytest.raises(UsageError, match="65536 points"):
        PACKING.pack(
            LocalFeatures(
                np.zeros((65_536, 2), np.float32),
                np.ones(65_536, np.float32),
                np.zeros(65_536, np.float32),
                np.zeros((65_536, DESCRIPTOR_DIM), np.float32),
                (10, 10),
            )
        )


def test_every_truncation_and_extension_is_refused() -> None:
    blob = PACKING.pack(features(2))
    for length in range(len(blob)):
        with pytest.raises(GalleryError, match="again"):
            unpack(blob[:length])
    with pytest.raises(GalleryError):
        unpack(np.append(blob, np.uint8(0)))


@pytest.mark.parametrize(("byte", "value"), [(0, VERSION + 1), (0, 0), (1, 41), (1, 39), (2, 4), (2, 2), (3, 1)])
def test_a_wrong_head_is_refused(byte: int, value: int) -> None:
    blob = PACKING.pack(features(3)).copy()
    blob[byte] = value
    with pytest.raises(GalleryError, match=str(len(blob))):
        unpack(blob)


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_are_features_or_a_gallery_error(data: bytes, versioned: bool) -> None:
    blob = np.frombuffer(bytes([VERSION]) + data if versioned else data, np.uint8)
    try:
        read = unpack(blob)
    except GalleryError:
        return
    assert np.isfinite(read.points).all()
    assert len(blob) == 8 + len(read) * (6 + read.descriptors.shape[1])


def test_unpacking_reads_read_only_memory() -> None:
    blob = PACKING.pack(features(5))
    blob.flags.writeable = False
    assert len(unpack(blob)) == 5


@pytest.mark.parametrize("dim", [1, 8, 40])
def test_learnt_components_are_the_svds_subspace(dim: int) -> None:
    sample = descriptors(500, 7)
    packing = learn_packing(sample, dim)
    _, values, axes = np.linalg.svd(sample.astype(np.float64) - sample.mean(axis=0, dtype=np.float64), False)
    mine = packing.basis.astype(np.float64)
    np.testing.assert_allclose(packing.mean, sample.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(mine.T @ mine, np.eye(dim), atol=1e-5)
    captured = np.var((sample - sample.mean(axis=0)) @ mine, axis=0)
    assert (np.diff(captured) <= 1e-7).all(), "strongest first"
    # By captured variance: robust where neighbouring eigenvalues nearly tie.
    np.testing.assert_allclose(captured, values[:dim] ** 2 / len(sample), rtol=1e-4)
    gap = (values[dim - 1] - values[dim]) / values[0]
    np.testing.assert_allclose(mine @ mine.T, axes[:dim].T @ axes[:dim], atol=1e-5 / gap)


def test_signs_are_fixed_so_that_a_mirrored_sample_says_the_same() -> None:
    sample = descriptors(300, 8)
    a, b = learn_packing(sample, 10), learn_packing(sample[::-1].copy(), 10)
    np.testing.assert_allclose(a.basis, b.basis, atol=1e-4)
    largest = np.abs(a.basis).argmax(axis=0)
    assert (a.basis[largest, np.arange(10)] > 0).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_samples_too_small_to_learn_from(n: int) -> None:
    packing = learn_packing(descriptors(n), 40)
    assert packing.basis.shape == (DESCRIPTOR_DIM, 40)
    np.testing.assert_allclose(packing.basis.T @ packing.basis, np.eye(40), atol=1e-5)
    assert np.isfinite(unpack(packing.pack(features(5))).descriptors).all()


def test_parts_that_do_not_fit_are_refused() -> None:
    for mean, basis in [((128,), (127, 40)), ((127,), (128, 40)), ((300,), (300, 256)), ((128,), (128,))]:
        with pytest.raises(UsageError):
            Packing(np.zeros(mean, np.float32), np.zeros(basis, np.float32))


def test_more_components_than_the_descriptor_has_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="129"):
        learn_packing(descriptors(200), DESCRIPTOR_DIM + 1)

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from periplus.curate import outliers as room
from periplus.curate import picture_statistics, strangeness
from periplus.errors import UsageError


def landscape(seed: int) -> NDArray[np.uint8]:
    """Sky above, green below, some boxes."""
    rng = np.random.default_rng(seed)
    picture = np.empty((80, 100, 3))
    horizon = int(rng.integers(30, 55))
    picture[:horizon] = np.asarray([120 + rng.integers(0, 30), 160, 220])
    picture[horizon:] = np.asarray([60, 110 + rng.integers(0, 40), 50])
    for _ in range(6):
        x = rng.integers(0, 90)
        picture[horizon - rng.integers(5, 25) : horizon + 5, x : x + rng.integers(4, 14)] = rng.integers(90, 180)
    return np.clip(picture + rng.normal(0, 5, picture.shape), 0, 255).astype(np.uint8)


def document(seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    page = np.full((100, 80, 3), 250, np.uint8)
    for line in range(8, 92, 6):
        page[line : line + 2, 8:72] = np.where(rng.random((2, 64, 1)) < 0.6, 20, 250)
    return page


def test_documents_and_noise_are_strange_among_landscapes() -> None:
    pictures = [landscape(seed) for seed in range(300)]
    noise = np.random.default_rng(5).integers(0, 255, (60, 60, 3), np.uint8)
    strangers = [document(1), noise, np.full((40, 40, 3), 255, np.uint8)]
    scores = strangeness(np.stack([picture_statistics(one) for one in [*pictures, *strangers]]))
    assert scores.shape == (303,)
    assert np.median(scores) == pytest.approx(1, abs=1e-6)
    assert scores[300:].min() > 1.5
    assert scores[300:].min() > np.quantile(scores[:300], 0.99)


def test_distances_are_those_of_the_slow_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_BLOCK", 7)
    vectors = (np.random.default_rng(0).normal(size=(50, 6)) * np.arange(1, 7)).astype(np.float32)
    white = room._whitened(vectors.astype(np.float64), np.arange(50))
    slow = np.asarray([np.sort(np.linalg.norm(white - one, axis=1))[4] for one in white])  # itself is the first
    np.testing.assert_allclose(strangeness(vectors, 4), slow / np.median(slow), rtol=1e-4)


def test_a_sample_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    vectors[17] = 9
    monkeypatch.setattr(room, "_LARGEST_SAMPLE", 60)
    scores = strangeness(vectors)
    assert scores.argmax() == 17
    assert np.isfinite(scores).all()


def test_scale_and_shift_do_not_matter() -> None:
    vectors = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    np.testing.assert_allclose(strangeness(3 * vectors + 7), strangeness(vectors), rtol=1e-3)


def test_few_or_equal_pictures_are_not_judged() -> None:
    assert np.isnan(strangeness(np.zeros((room.FEWEST - 1, 3), np.float32))).all()
    assert (strangeness(np.ones((40, 3), np.float32)) == 1).all()
    with pytest.raises(UsageError, match="Vectors"):
        strangeness(np.zeros(3, np.float32))


def test_statistics_of_any_picture() -> None:
    for size in ((1, 1), (3, 200), (500, 4)):
        found = picture_statistics(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8))
        assert found.shape == (150,)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()

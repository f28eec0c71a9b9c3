from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracle_duplicates import slow_groups, slow_near_duplicates
from PIL import Image

from periplus.curate import (
    QUERY_PRIVATE,
    QUERY_PUBLIC,
    exact_duplicates,
    groups,
    near_duplicates,
    signature,
    split_by_group,
)
from periplus.curate import duplicates as room
from periplus.errors import UsageError
from periplus.store import bytes_hash

Pixels = NDArray[np.uint8]


def scene(seed: int, size: tuple[int, int] = (96, 128)) -> Pixels:
    """A made picture with a sky, boxes and a spectrum like a photograph's."""
    rng = np.random.default_rng(seed)
    picture = np.tile(np.linspace(230, 120, size[0])[:, None, None], (1, size[1], 3))
    for _ in range(14):
        y, x = rng.integers(0, size[0]), rng.integers(0, size[1])
        h, w = rng.integers(6, size[0] // 2), rng.integers(6, size[1] // 2)
        picture[y : y + h, x : x + w] = rng.integers(0, 255, 3)
    blurred = cv2.GaussianBlur(picture + rng.normal(0, 6, picture.shape), (0, 0), 0.7)
    return np.clip(blurred, 0, 255).astype(np.uint8)


def jpeg(picture: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), np.uint8)


def similarity(a: Pixels, b: Pixels) -> float:
    pairs, alike = near_duplicates(np.stack([signature(a), signature(b)]), 1e-6)
    return float(alike[0]) if len(pairs) else 0.0


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "jpeg": lambda p: jpeg(p, 10),
    "half": lambda p: np.asarray(cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8),
    "gamma": lambda p: (255 * (p / 255) ** 0.6).astype(np.uint8),
    "darker": lambda p: (p * 0.5 + 20).astype(np.uint8),
    "grey": lambda p: np.asarray(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), np.uint8),
    "mirror": lambda p: np.ascontiguousarray(p[:, ::-1]),
    "cropped": lambda p: p[2:-1, 3:-2],
    "stretched": lambda p: np.asarray(cv2.resize(p, (200, 70), interpolation=cv2.INTER_AREA), np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_same_picture_is_found(change: str) -> None:
    alike = [similarity(scene(seed), CHANGES[change](scene(seed))) for seed in range(12)]
    assert min(alike) > room.NEAR


def test_other_pictures_are_not() -> None:
    found, _ = near_duplicates(np.stack([signature(scene(seed)) for seed in range(120)]))
    assert len(found) == 0


def test_skies_are_not_the_same_picture() -> None:
    """Plain thumbnails of these correlate above 0.95, most of them."""
    sky = np.tile(np.linspace(230, 60, 96)[:, None], (1, 96))
    pictures, thumbnails = [], []
    for seed in range(20):
        picture = sky + cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 60, sky.shape), (0, 0), 2)
        picture[80:, 10 + 3 * seed : 20 + 3 * seed] = 20
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
        small = cv2.resize(pictures[-1].astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA).ravel()
        thumbnails.append((small - small.mean()) / np.linalg.norm(small - small.mean()))
    assert np.median(np.stack(thumbnails) @ np.stack(thumbnails).T) > 0.95
    assert len(near_duplicates(np.stack([signature(one) for one in pictures]))[0]) == 0


def test_a_frame_or_a_caption_does_not_make_a_duplicate() -> None:
    framed = []
    for seed in range(12):
        picture = cv2.copyMakeBorder(scene(seed), 8, 14, 8, 8, cv2.BORDER_CONSTANT, value=(255, 255, 255))
        framed.append(signature(np.asarray(picture, np.uint8)))
    assert len(near_duplicates(np.stack(framed))[0]) == 0


def test_a_signature_is_a_unit_vector_or_nothing() -> None:
    assert signature(scene(0)).shape == (room.DIM,)
    assert signature(scene(0)).dtype == np.float32
    assert np.linalg.norm(signature(scene(0))) == pytest.approx(1, abs=1e-6)
    for level in (0, 128, 255):
        assert not signature(np.full((50, 60, 3), level, np.uint8)).any()
    ramp = np.tile(np.arange(128, dtype=np.uint8)[:, None], (1, 96))  # light and shade only
    assert not signature(ramp).any()
    assert not signature(np.full((1, 1), 9, np.uint8)).any()
    checks = np.indices((32, 32)).sum(axis=0) % 2 * 255  # faster than anything that is compared
    assert not signature(checks.astype(np.uint8)).any()


def test_a_mirror_negates_the_odd_columns() -> None:
    here, there = signature(scene(3)), signature(np.ascontiguousarray(scene(3)[:, ::-1]))
    even = room._plan().even
    np.testing.assert_allclose(there[:even], here[:even], atol=1e-5)
    np.testing.assert_allclose(there[even:], -here[even:], atol=1e-5)


def test_what_is_blank_is_like_nothing() -> None:
    blank = signature(np.zeros((20, 20), np.uint8))
    assert len(near_duplicates(np.stack([blank, blank, signature(scene(1))]))[0]) == 0


@pytest.mark.parametrize("block", [3, 2048])
def test_pairs_are_those_of_the_slow_twin(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(room, "_BLOCK", block)
    pictures = [scene(seed // 2) for seed in range(14)]
    pictures = [CHANGES[name](one) for one, name in zip(pictures, [*CHANGES, *CHANGES], strict=False)]
    slow = slow_near_duplicates(pictures, 0.4)
    pairs, alike = near_duplicates(np.stack([signature(one) for one in pictures]), 0.4)
    assert [tuple(pair) for pair in pairs.tolist()] == list(slow)
    np.testing.assert_allclose(alike, list(slow.values()), atol=1e-4)
    assert pairs.dtype == np.int64
    assert alike.dtype == np.float32
    assert (alike <= 1).all()


@settings(max_examples=60)
@given(st.integers(0, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=15))
def test_groups_are_those_of_the_slow_twin(n: int, links: list[tuple[int, int]]) -> None:
    links = [(i, j) for i, j in links if i < n and j < n]
    found = groups(n, np.asarray(links, np.int64).reshape(-1, 2))
    assert found.tolist() == slow_groups(n, links)


def test_exact_duplicates_point_to_the_first() -> None:
    assert exact_duplicates(["a", "b", None, "a", None, "a", "b"]).tolist() == [[0, 3], [0, 5], [1, 6]]
    assert exact_duplicates([]).shape == (0, 2)


def test_what_cannot_be() -> None:
    with pytest.raises(UsageError, match=r"not \(3, 4, 5\)"):
        signature(np.zeros((3, 4, 5), np.uint8))
    with pytest.raises(UsageError, match="picture"):
        signature(np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(UsageError, match=r"not \(2, 7\)"):
        near_duplicates(np.zeros((2, 7), np.float32))
    with pytest.raises(UsageError, match="threshold"):
        near_duplicates(np.zeros((2, room.DIM), np.float32), 0.0)
    with pytest.raises(UsageError, match="rows 0 to 1"):
        groups(2, np.asarray([[0, 2]]))


@pytest.mark.slow
def test_real_photographs(shared: Path) -> None:
    """The duplicates of 8,750 photos: few, and most with one landmark; the known pairs are among them."""
    root = shared / "landmarks-44"
    with (root / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    signatures = np.stack([signature(np.asarray(Image.open(root / row["file"]).convert("RGB"))) for row in rows])
    around, similarity = near_duplicates(signatures, 0.7)
    # None is so near the threshold that another machine's rounding could move a photo to another split.
    assert np.abs(similarity - room.NEAR).min() > 1e-4
    pairs = around[similarity >= room.NEAR]
    assert 42 <= len(pairs) <= 50
    differ = sum(rows[i]["landmark"] != rows[j]["landmark"] for i, j in pairs.tolist())
    assert differ <= 8
    together = groups(len(rows), pairs)
    assert np.bincount(together).max() <= 4
    sizes = {QUERY_PUBLIC: 350, QUERY_PRIVATE: 650}
    roles = split_by_group(together, [row["landmark"] for row in rows], sizes=sizes, seed=0)
    # Published figures rest on this very split.
    assert bytes_hash(",".join(roles).encode()) == "0fe5592ccf7e88cc334582e28dfc852a"
    names = {frozenset((rows[i]["file"], rows[j]["file"])) for i, j in pairs.tolist()}
    for one, other in (
        ("photos/bogazici_koprusu/image_160.jpg", "photos/fsm/image_192.jpg"),
        ("photos/golden_gate/image_235.jpg", "photos/golden_gate/image_992.jpg"),  # mirrored
        ("photos/ayasofya/image_126.jpg", "photos/sultanahmet/image_112.jpg"),
    ):
        assert frozenset((one, other)) in names

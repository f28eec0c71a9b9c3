"""Every record refuses parts that contradict each other, and takes those that do not."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import FingerprintError, RecordError
from periplus.records import (
    Embeddings,
    Fix,
    LocalFeatures,
    Match,
    Ranking,
    Report,
    Words,
    require_same_fingerprint,
)

INF, NAN = math.inf, math.nan


def ranking(rows: list[list[int]], scores: list[list[float]]) -> Ranking:
    return Ranking(np.array(rows, np.int64), np.array(scores, np.float32))


@pytest.mark.parametrize(
    ("rows", "scores"),
    [
        ([[0, 1]], [[0.1, 0.2]]),  # rises
        ([[3, 3]], [[0.2, 0.1]]),  # stands twice
        ([[3, 1, 3]], [[0.3, 0.2, 0.1]]),
        ([[-1, 1]], [[0.2, 0.1]]),  # -1 with a finite score
        ([[0, 1]], [[0.2, -INF]]),  # a row with the score of none
        ([[0, 1]], [[NAN, 0.1]]),
        ([[0, 1]], [[0.1, NAN]]),
        ([[0, 1]], [[0.1]]),  # shapes
        ([[0, 1], [2, 2]], [[0.2, 0.1], [0.2, 0.1]]),  # only the second query is wrong
    ],
)
def test_ranking_refuses(rows: list[list[int]], scores: list[list[float]]) -> None:
    with pytest.raises(RecordError):
        ranking(rows, scores)


def test_ranking_needs_two_axes() -> None:
    with pytest.raises(RecordError):
        Ranking(np.array([0, 1]), np.array([0.2, 0.1], np.float32))


def test_ranking_takes_fill_ties_and_nothing() -> None:
    found = ranking([[5, 2, -1, -1], [1, 0, 7, 3]], [[0.5, 0.5, -INF, -INF], [3, 2, 2, -4]])
    rows, scores = found.of(0)
    assert len(found) == 2
    assert rows.tolist() == [5, 2]
    assert scores.tolist() == [0.5, 0.5]
    assert found.of(1)[0].tolist() == [1, 0, 7, 3]
    assert len(Ranking(np.zeros((0, 5), np.int64), np.zeros((0, 5), np.float32))) == 0
    assert len(Ranking(np.zeros((2, 0), np.int64), np.zeros((2, 0), np.float32)).of(1)[0]) == 0


@given(st.dictionaries(st.integers(0, 10**6), st.floats(-1e6, 1e6, width=32), max_size=12), st.integers(0, 4))
def test_any_sorted_scores_make_a_ranking(found: dict[int, float], fill: int) -> None:
    best_first = sorted(found, key=lambda row: -found[row])
    made = ranking([best_first + [-1] * fill], [[found[r] for r in best_first] + [-INF] * fill])
    assert made.of(0)[0].tolist() == best_first


def embeddings(vectors: list[list[float]], dtype: Any = np.float32) -> Embeddings:
    return Embeddings(np.array(vectors, dtype), tuple(f"p{i}" for i in range(len(vectors))), "vlad-0")


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_embeddings_take_unit_and_zero_rows(dtype: Any) -> None:
    made = embeddings([[0.6, 0.8], [0, 0], [-1, 0]], dtype)
    assert made.vectors.shape == (3, 2)


@pytest.mark.parametrize(
    "vectors", [[[1, 0], [1, 1]], [[0.5, 0]], [[NAN, 0]], [[INF, 0]], [[1, 0], [0.98, 0]], [[1e-3, 0]]]
)
def test_embeddings_refuse_other_lengths_and_name_the_row(vectors: list[list[float]]) -> None:
    with pytest.raises(RecordError, match=f"'p{len(vectors) - 1}'"):
        embeddings(vectors)


def test_embeddings_refuse_shapes_and_dtypes() -> None:
    eye = np.eye(2, dtype=np.float32)
    for vectors, ids in [(eye, ("a",)), (eye[0], ("a", "b")), (eye.astype(np.float64), ("a", "b"))]:
        with pytest.raises(RecordError):
            Embeddings(vectors, ids, "x")


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.sampled_from([np.float32, np.float16]))
def test_normalised_vectors_pass(seed: int, dim: int, dtype: Any) -> None:
    raw = np.random.default_rng(seed).normal(size=(3, dim))
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    assert embeddings(raw.tolist(), dtype).vectors.dtype == dtype


def test_fingerprints_must_agree() -> None:
    require_same_fingerprint("asmk-1", "asmk-1")
    with pytest.raises(FingerprintError, match=r"asmk-1.*asmk-2"):
        require_same_fingerprint("asmk-1", "asmk-2")


MATCH = Match(3, np.zeros((4, 2, 2), np.float32), np.eye(3), "homography", 0.5, 4.0, (64, 48), (64, 48))


def test_match_counts_its_inliers() -> None:
    assert MATCH.inliers == 4
    nothing = replace(MATCH, points=np.zeros((0, 2, 2), np.float32), model=None, kind="none", coverage=0.0)
    assert nothing.inliers == 0
    with pytest.raises(FrozenInstanceError):
        MATCH.row = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        {"points": np.zeros((4, 2), np.float32)},
        {"points": np.zeros((4, 2, 3), np.float32)},
        {"points": np.zeros((4, 1, 2), np.float32)},
        {"model": None},
        {"kind": "none"},
        {"coverage": -0.01},
        {"coverage": 1.01},
        {"coverage": NAN},
    ],
)
def test_match_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        replace(MATCH, **change)


FIX = Fix(48.8867, 2.3431, 0.02, 0.07, 0.9, 0.1, None)


def test_fix_takes_the_ends_of_the_globe() -> None:
    assert FIX.answered
    for lat, lon in [(90, -180), (-90, 0), (0, np.nextafter(180, 0))]:
        assert replace(FIX, lat_deg=lat, lon_deg=lon).answered
    assert replace(FIX, confidence=0.0).confidence == 0
    assert replace(FIX, confidence=1.0).confidence == 1
    assert replace(FIX, radius_km_50=0.07).radius_km_50 == FIX.radius_km_90


def test_fix_that_abstains_may_lack_everything() -> None:
    fix = Fix(NAN, NAN, NAN, NAN, 0.0, 0.1, "the photo is blank")
    assert not fix.answered


@pytest.mark.parametrize(
    "change",
    [
        {"lat_deg": 90.01},
        {"lat_deg": -91.0},
        {"lat_deg": NAN},
        {"lon_deg": 180.0},
        {"lon_deg": -180.01},
        {"lon_deg": NAN},
        {"confidence": -0.01},
        {"confidence": 1.01},
        {"confidence": NAN},
        {"radius_km_50": 0.08},
    ],
)
def test_fix_refuses(change: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        replace(FIX, **change)


def words(numbers: list[int], columns: int = 2) -> Words:
    return Words(np.array(numbers, np.uint32), np.zeros((len(numbers), columns), np.uint64))


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_words_ascend_each_once(numbers: list[int]) -> None:
    assert len(words(sorted(set(numbers)))) == len(set(numbers))
    if numbers != sorted(set(numbers)):
        with pytest.raises(RecordError, match="ascend"):
            words(numbers)


def test_words_have_one_code_each() -> None:
    for codes in (np.zeros((1, 2), np.uint64), np.zeros(2, np.uint64), np.zeros((3, 2), np.uint64)):
        with pytest.raises(RecordError):
            Words(np.array([1, 2], np.uint32), codes)


def test_local_features_have_parts_of_one_length() -> None:
    f32 = np.float32
    good = LocalFeatures(np.zeros((3, 2), f32), np.ones(3, f32), np.zeros(3, f32), np.zeros((3, 128), f32), (9, 9))
    assert len(good) == 3
    for change in (
        {"points": np.zeros((3, 3), f32)},
        {"points": np.zeros((2, 2), f32)},
        {"scales": np.ones(2, f32)},
        {"angles": np.ones((3, 1), f32)},
        {"descriptors": np.zeros((2, 128), f32)},
        {"descriptors": np.zeros(3, f32)},
    ):
        with pytest.raises(RecordError):
            replace(good, **change)


def test_report_counts_are_not_negative() -> None:
    assert Report("p", {}, 0, {"no position": 0}).n == 0
    with pytest.raises(RecordError):
        Report("p", {}, -1)
    with pytest.raises(RecordError):
        Report("p", {}, 3, {"no position": -1})

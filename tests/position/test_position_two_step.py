from __future__ import annotations

import numpy as np
import pytest

from periplus.position.two_step import two_step

COUNTRY = np.array([0, 1, 0, 1, 2, 0])
WHOLE = np.array([True, True, False, False, True, False])


def slow(scores: np.ndarray, scale: float) -> np.ndarray:
    result = np.zeros_like(scores, dtype=np.float64)
    for q, row in enumerate(scores.astype(float)):
        wholes = {COUNTRY[i]: np.exp(scale * row[i]) for i in range(len(row)) if WHOLE[i]}
        total = sum(wholes.values())
        for code, weight in wholes.items():
            cities = [i for i in range(len(row)) if COUNTRY[i] == code and not WHOLE[i]]
            if not cities:
                result[q, next(i for i in range(len(row)) if COUNTRY[i] == code)] = weight / total
            inside = sum(np.exp(scale * row[i]) for i in cities)
            for i in cities:
                result[q, i] = weight / total * np.exp(scale * row[i]) / inside
    return result


def test_it_is_the_product_of_two_softmaxes() -> None:
    scores = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)
    found = two_step(scores, 3.0, COUNTRY, WHOLE)
    assert found == pytest.approx(slow(scores, 3.0), abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-6)
    assert (found[:, [0, 1]] == 0).all()


def test_of_one_kind_of_rows_it_is_one_softmax() -> None:
    scores = np.array([[1.0, 2.0, 4.0]], np.float32)
    expected = np.exp(scores) / np.exp(scores).sum()
    for whole in (np.zeros(3, bool), np.ones(3, bool)):
        assert two_step(scores, 1.0, np.arange(3), whole) == pytest.approx(expected, abs=1e-6)


def test_large_logits_do_not_overflow() -> None:
    scores = np.array([[1.0, -1.0, 0.5, 0.9, 0.1, -0.5]], np.float32)
    found = two_step(scores, 1000.0, COUNTRY, WHOLE)
    assert np.isfinite(found).all()
    assert found[0, 2] == pytest.approx(1)

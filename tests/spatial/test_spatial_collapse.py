"""The whole record: against a slow twin, closed forms, and what must not change it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import oracle_collapse as twin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.spatial.vectors.collapse import Collapse, CollapseSettings, measure_collapse


def _vectors(n: int, dim: int, cone: float = 0.0, seed: int = 0) -> np.ndarray:
    z = np.random.default_rng(seed).standard_normal((n, dim))
    z[:, 0] += cone
    return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True), np.float32)


def _numbers(c: Collapse) -> dict[str, float]:
    """Every number of the record that does not depend on the order of vectors or on the axes."""
    d, h, i = c.directions, c.hubness, c.intrinsic_dimension
    assert h is not None
    assert i is not None
    found = {f.name: getattr(c, f.name) for f in dataclasses.fields(c)}
    found |= {f"directions.{f.name}": getattr(d, f.name) for f in dataclasses.fields(d)}
    found |= {"skewness": h.skewness, "largest": h.largest, "antihubs": h.antihubs, "gini": h.gini, "two": i.two_nn}
    found |= {"mle": i.mle, "mle_error": i.mle_error, "left": i.n_left_out}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def test_against_a_slow_twin() -> None:
    vectors = _vectors(90, 7, cone=1.0)
    vectors[[4, 50]] = 0
    z = twin.unit(vectors)
    c = measure_collapse(vectors, None, CollapseSettings(neighbours=5, bins=10))
    cosines = twin.similarities(z)
    assert (c.n, c.dim, c.n_empty, c.n_sampled, c.n_copies) == (88, 7, 2, 88, 0)
    assert c.mean_similarity == pytest.approx(cosines.mean(), rel=1e-10)
    assert c.similarity_std == pytest.approx(cosines.std(), rel=1e-10)
    assert c.mean_norm == pytest.approx(np.linalg.norm(z.mean(axis=0)), rel=1e-12)
    np.testing.assert_allclose(c.spectrum, twin.spectrum(z), rtol=1e-10)
    assert c.effective_rank == pytest.approx(twin.effective_rank(twin.spectrum(z)), rel=1e-10)
    assert c.uniformity == pytest.approx(twin.uniformity(z), rel=1e-6)
    assert c.uniformity_error == 0
    assert c.similarity_counts.tolist() == np.histogram(cosines, c.similarity_edges)[0].tolist()
    rows, distances = twin.nearest(z, 5)
    assert c.hubness is not None
    assert c.hubness.occurrence.tolist() == np.bincount(rows.ravel(), minlength=88).tolist()
    assert c.intrinsic_dimension is not None
    assert c.intrinsic_dimension.two_nn == pytest.approx(twin.two_nn(distances), rel=1e-4)
    assert c.intrinsic_dimension.mle == pytest.approx(twin.mle(distances), rel=1e-4)


def test_hubs_are_rows_of_the_input() -> None:
    vectors = _vectors(200, 40, cone=6)
    # The axis of a cone is near to all; empty rows and a copy before it move its number among those looked at.
    vectors[120] = np.eye(40)[0]
    vectors[[3, 7]] = 0
    vectors[11] = vectors[10]
    c = measure_collapse(vectors, None, CollapseSettings(hubs=3))
    assert c.hubness is not None
    assert c.hubness.hubs[0] == 120
    assert c.hubness.hub_occurrence[0] == c.hubness.largest > 150
    assert c.n_copies == 1
    assert len(c.hubness.occurrence) == 197


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), dim=st.integers(2, 12), cone=st.floats(0, 3))
def test_neither_the_order_nor_the_axes_matter(seed: int, dim: int, cone: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = _vectors(60, dim, cone, seed).astype(np.float64)
    turn = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    whole = _numbers(measure_collapse(vectors))
    for other in (vectors[rng.permutation(60)], vectors @ turn):
        assert _numbers(measure_collapse(other)) == pytest.approx(whole, rel=1e-4, abs=1e-9)


def test_workers_do_not_change_a_bit() -> None:
    vectors = _vectors(2600, 16, cone=0.5)
    pairs = np.arange(2600).reshape(-1, 2)
    one, two = (measure_collapse(vectors, pairs, CollapseSettings(workers=w)) for w in (1, 2))
    assert _numbers(one) == _numbers(two)
    assert (one.spectrum == two.spectrum).all()
    assert one.findings == two.findings


def test_halves_and_singles_agree() -> None:
    vectors = _vectors(400, 32, cone=2.0)
    single, half = _numbers(measure_collapse(vectors)), _numbers(measure_collapse(vectors.astype(np.float16)))
    for name in ("mean_similarity", "similarity_std", "uniformity", "mean_norm", "directions.effective_rank", "mle"):
        assert half[name] == pytest.approx(single[name], rel=2e-3), name


def test_length_does_not_matter() -> None:
    vectors = _vectors(50, 4)
    assert _numbers(measure_collapse(vectors * np.float32(8))) == _numbers(measure_collapse(vectors))


def test_vectors_from_a_file(tmp_path: Path) -> None:
    vectors = _vectors(300, 8).astype(np.float16)
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert _numbers(measure_collapse(mapped)) == _numbers(measure_collapse(vectors))


def test_a_sample_tells_its_error() -> None:
    vectors = _vectors(3000, 8, cone=1.0)
    whole = measure_collapse(vectors)
    misses = []
    for seed in range(12):
        c = measure_collapse(vectors, None, CollapseSettings(max_vectors=300, seed=seed))
        assert (c.n, c.n_sampled) == (3000, 300)
        assert c.mean_similarity == whole.mean_similarity
        assert c.similarity_counts.sum() == 300 * 299 // 2
        misses.append((c.uniformity - whole.uniformity) / c.uniformity_error)
    assert 0.5 < np.std(misses) < 1.6
    assert "random sample of 300" in c.findings[0]
    assert "(sampled)" in " ".join(c.findings)


def test_a_cone_in_closed_form() -> None:
    # z = (x + a c) / √(1 + a²) with x even on the sphere and at right angles to c: cosines are (x·y + a²) / (1 + a²).
    dim, a = 40, 2.0
    x = np.concatenate([_vectors(4000, dim), np.full((4000, 1), a)], axis=1)
    c = measure_collapse(x)
    assert c.mean_similarity == pytest.approx(a**2 / (1 + a**2), abs=1e-3)
    assert c.similarity_std == pytest.approx(dim**-0.5 / (1 + a**2), rel=0.02)
    assert c.mean_norm == pytest.approx(a / (1 + a**2) ** 0.5, abs=1e-3)
    assert c.directions.rank == dim
    assert c.findings[1].startswith("A cone (from 0.2 on): similarity of all pairs 0.80 ± 0.03")
    assert "1 of 41 directions have no variance beyond rounding." in c.findings


def test_a_collapse_is_told() -> None:
    few = _vectors(500, 3) @ np.linalg.qr(np.random.default_rng(1).standard_normal((64, 3)))[0].T
    c = measure_collapse(few.astype(np.float32))
    assert c.directions.rank == 3
    assert c.effective_rank == pytest.approx(3, abs=0.05)
    assert c.findings[2].startswith("Few directions (under 10 % of 64): effective rank 3.0; 3 of 64")
    same = measure_collapse(np.ones((20, 5), np.float32))
    assert same.mean_similarity == pytest.approx(1)
    assert same.similarity_std == pytest.approx(0, abs=1e-6)
    assert same.uniformity == pytest.approx(0, abs=1e-6)
    assert (same.n_copies, same.hubness, same.intrinsic_dimension) == (19, None, None)
    assert "Collapsed: all vectors are the same but for rounding." in same.findings


def test_fewer_vectors_than_dimensions() -> None:
    vectors = _vectors(6, 30)
    c, z = measure_collapse(vectors), twin.unit(vectors)
    np.testing.assert_allclose(c.spectrum, twin.spectrum(z), rtol=1e-9, atol=1e-15)
    assert c.similarity_std == pytest.approx(twin.similarities(z).std(), rel=1e-9)
    assert c.directions.rank == 5
    assert c.directions.condition == float("inf")
    assert c.hubness is not None
    assert c.hubness.k == 5
    assert "6 vectors vary in at most 5 directions: too few to judge all 30." in c.findings


def test_two_vectors() -> None:
    c = measure_collapse(np.array([[1, 0], [0, 1]], np.float32), np.array([[0, 1]]))
    assert (c.mean_similarity, c.similarity_std) == pytest.approx((0, 0))
    assert c.uniformity == pytest.approx(-4)
    assert (c.alignment, c.n_positives) == pytest.approx((2, 1))
    assert (c.hubness, c.intrinsic_dimension) == (None, None)
    assert c.findings


def test_progress_ends_with_all() -> None:
    seen: list[tuple[int, int]] = []
    vectors = np.repeat(_vectors(1500, 8), 2, axis=0)
    measure_collapse(vectors, None, CollapseSettings(progress=lambda done, total: seen.append((done, total))))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize(
    ("vectors", "pairs", "message"),
    [
        (np.zeros(5), None, r"not float64 \(5,\)"),
        (np.zeros((5, 0)), None, "not float64"),
        (np.zeros((5, 2), np.int64), None, "not int64"),
        (np.array([[1, 0], [np.nan, 1], [0, 1]]), None, "Vector 1 has a number that is not finite"),
        (np.array([[1, 0], [0, 1], [np.inf, 1]]), None, "Vector 2 has a number that is not finite"),
        (np.eye(3), np.array([0, 1]), r"not int64 \(2,\)"),
        (np.eye(3), np.array([[0, 1.0]]), "not float64"),
        (np.eye(3), np.array([[0, 1], [1, 3]]), r"Pair 1 is \[1, 3\]; it takes two different rows of 0 to 2"),
        (np.eye(3), np.array([[2, 2]]), "Pair 0"),
    ],
)
def test_what_cannot_be_right(vectors: np.ndarray, pairs: np.ndarray | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        measure_collapse(vectors, pairs)


@pytest.mark.parametrize("vectors", [np.zeros((0, 3)), np.zeros((4, 3)), np.eye(3)[:1], np.diag([1.0, 0, 0])])
def test_nothing_to_measure(vectors: np.ndarray) -> None:
    with pytest.raises(EmptyInputError, match="give at least two"):
        measure_collapse(vectors)


@pytest.mark.parametrize("wrong", [{"neighbours": 1}, {"max_vectors": 1}, {"bins": 0}, {"workers": 0}, {"seed": -1}])
def test_settings_that_cannot_be_right(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} is"):
        CollapseSettings(**wrong)  # type: ignore[arg-type]

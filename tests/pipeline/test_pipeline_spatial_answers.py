"""Semivariograms, similarities and collapse of whole sources: which numbers belong to which curve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from forger_spatial import forge_vectors
from oracle_variogram import slow_variograms

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import distance_km
from periplus.pipeline.spatial import (
    CollapseQuestion,
    FitChoice,
    LagChoice,
    Placed,
    VariogramAnswer,
    VariogramQuestion,
    answer_collapses,
    answer_similarities,
    answer_variograms,
)
from periplus.pipeline.spatial.similarities import unit_vectors
from periplus.records import Catalog
from periplus.spatial import CollapseSettings, Observations, PassSettings, SimilaritySettings, fit_model, given_lags

N = 140
LAT, LON, VECTORS = forge_vectors(N)
NUMBERS = np.random.default_rng(9).normal(size=(N, 2)).cumsum(axis=1)
GROUP = ["a b" if k % 3 else "c" if k % 2 else None for k in range(N)]
EDGES = (0.0, 20.0, 500.0, 3000.0, 9000.0, 20015.0)
LAGS = LagChoice(edges_km=EDGES)


def _tell(_stage: str, _done: int, _total: int | None) -> None:
    """Nobody listens."""


def _placed(label: str = "seen", order: np.ndarray | None = None) -> Placed:
    rows = [
        {"id": str(k), "lat_deg": LAT[k], "lon_deg": LON[k], "x": NUMBERS[k, 0], "y": NUMBERS[k, 1], "kind": GROUP[k]}
        for k in range(N)
    ]
    placed = Placed(Catalog.from_rows(rows), VECTORS, label)
    return placed if order is None else placed.rows(order)


def _asked(*sources: Placed, **question: object) -> VariogramAnswer:
    asked = {"lags": LAGS, **question}
    return answer_variograms(sources or [_placed()], VariogramQuestion(**asked), _tell)  # type: ignore[arg-type]


def _check(
    answer: VariogramAnswer, k: int, rows: np.ndarray, values: np.ndarray, other: np.ndarray | None = None
) -> None:
    observed = Observations(LAT[rows], LON[rows], values[rows], None if other is None else other[rows])
    ((count, distance, gamma),) = slow_variograms(observed, np.array(EDGES))
    curve = answer.variograms[k]
    np.testing.assert_array_equal(curve.count, count)
    np.testing.assert_allclose(curve.distance_km, distance, rtol=1e-9)
    np.testing.assert_allclose(curve.gamma, gamma, rtol=2e-6, atol=1e-9)


def test_vectors_columns_and_crosses() -> None:
    every = np.arange(N)
    answer = _asked()
    assert ([one.label for one in answer.variograms], answer.variables, answer.notes) == (["seen"], ("seen",), ())
    _check(answer, 0, every, VECTORS)
    answer = _asked(columns=("x", "y"))
    assert answer.variables == ("x", "y") == tuple(one.label for one in answer.variograms)
    for k in range(2):
        _check(answer, k, every, NUMBERS[:, k])
    answer = _asked(columns=("x",), cross="y")
    assert answer.variables == ("x and y",)
    _check(answer, 0, every, NUMBERS[:, 0], NUMBERS[:, 1])
    with pytest.raises(UsageError, match="use matheron"):
        _asked(columns=("x",), cross="y", estimator="dowd")


def test_groups() -> None:
    answer = _asked(columns=("y",), by="kind")
    assert [one.label for one in answer.variograms] == ["a b"]
    assert answer.variables == ("y",)
    _check(answer, 0, np.array([k for k in range(N) if GROUP[k] == "a b"]), NUMBERS[:, 1])
    left = sum(one != "a b" for one in GROUP)
    assert answer.notes == (f"{left} places are in no group, or in one that is too small.",)
    several = _asked(columns=("x", "y"), by="kind")
    assert [one.label for one in several.variograms] == ["x, a b", "y, a b"]


def test_several_sources_and_columns_have_labels_of_their_own() -> None:
    answer = _asked(_placed("one"), _placed("two"), columns=("x", "y"), by="kind", sectors=2)
    labels = [one.label for one in answer.variograms]
    assert labels[:2] == ["one, x, a b, 0° ± 45°", "one, x, a b, 90° ± 45°"]
    assert len(set(labels)) == len(labels) == 8
    assert answer.variables == ("x", "x", "y", "y") * 2
    assert [one.label for one in _asked(_placed("one"), _placed("two")).variograms] == ["one", "two"]


@pytest.mark.parametrize("sectors", [1, 3, 7, 8, 36])
def test_sectors_are_named_by_their_middle_and_half_width(sectors: int) -> None:
    for curve in _asked(sectors=sectors).variograms:
        if curve.sector_deg is None:
            assert curve.label == "seen"
            continue
        middle, half = (float(part.strip("°")) for part in curve.label.removeprefix("seen, ").split(" ± "))
        start, end = curve.sector_deg
        assert half == pytest.approx(90 / sectors, rel=1e-3)
        assert (start + end) / 2 % 180 == pytest.approx(middle, abs=0.051)


def test_all_curves_share_the_lags_of_the_first() -> None:
    answer = _asked(_placed(), columns=("x", "y"), by="kind", lags=LagChoice(number=9))
    first, second = answer.variograms
    np.testing.assert_array_equal(first.edges_km, second.edges_km)


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(N)
    for question in ({}, {"columns": ("x",), "estimator": "cressie", "sectors": 2}):
        one, two = _asked(_placed(), **question), _asked(_placed(order=order), **question)
        for a, b in zip(one.variograms, two.variograms, strict=True):
            np.testing.assert_array_equal(a.count, b.count)
            np.testing.assert_allclose(a.gamma, b.gamma, rtol=1e-6)
            np.testing.assert_allclose(a.standard_error, b.standard_error, rtol=1e-4)


def test_a_sample_of_all_pairs_is_all_pairs() -> None:
    whole, sampled = _asked(columns=("x",)), _asked(columns=("x",), sample=100_000)
    np.testing.assert_array_equal(whole.variograms[0].count, sampled.variograms[0].count)
    np.testing.assert_allclose(whole.variograms[0].gamma, sampled.variograms[0].gamma, rtol=1e-9)
    few = _asked(columns=("x",), sample=60, seed=3).variograms[0]
    again = _asked(columns=("x",), sample=60, seed=3).variograms[0]
    np.testing.assert_array_equal(few.gamma, again.gamma)
    assert few.count.max() <= 60
    assert few.gamma.tolist() != _asked(columns=("x",), sample=60, seed=4).variograms[0].gamma.tolist()
    for how in (PassSettings(backend="torch"), PassSettings(checkpoint=Path("x"))):
        with pytest.raises(UsageError, match="leave --device and --checkpoint out"):
            VariogramQuestion(sample=5, how=how)


def test_fits_are_of_their_curves_the_best_first() -> None:
    families = ("spherical", "exponential")
    answer = _asked(columns=("x", "y"), lags=LagChoice(number=24), fit=FitChoice(families, resamples=40))  # type: ignore[arg-type]
    assert len(answer.best) == 2
    for curve, fits in zip(answer.variograms, answer.fits, strict=True):
        assert {fit.label for fit in fits} == {curve.label}
        aics = [fit.aic for fit in fits]
        assert aics == sorted(aics)
        assert [fit.intervals is None for fit in fits] == [False, *[True] * (len(fits) - 1)]
        for fit in fits:
            again = fit_model(curve, fit.model.family, "equal", "great-circle")
            assert again.model == fit.model
            low, high = (fits[0].intervals or {})["sill"]
            assert low <= high


def test_what_cannot_be_fitted_is_a_note() -> None:
    few = _placed().rows(np.arange(12))
    answer = answer_variograms([few], VariogramQuestion(("x",), lags=LAGS, fit=FitChoice(("exponential",))), _tell)
    ((fit,),) = answer.fits
    assert fit.intervals is None
    assert len(answer.notes) == 1
    assert answer.notes[0].startswith("No intervals for x: Intervals need the sums of at least 8 blocks")
    answer = _asked(columns=("x",), lags=LagChoice("linear", 2, 9000), fit=FitChoice(("matern", "spherical")))
    assert answer.fits == ((),)
    assert answer.best == ()
    assert [note.split(":")[0] for note in answer.notes] == ["No matern model for x", "No spherical model for x"]
    answer = _asked(columns=("x",), fit=FitChoice(("exponential",), resamples=0))
    assert answer.fits[0][0].intervals is None
    assert answer.notes == ()


@pytest.mark.parametrize("choice", [{"max_km": -1.0}, {"max_km": float("nan")}, {"max_km": 0.0}, {"resamples": 39}])
def test_fits_that_cannot_be_are_refused_at_once(choice: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        FitChoice(("matern",), **choice)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 15, 16, 23])
def test_any_few_places_have_an_answer(n: int) -> None:
    rows = np.random.default_rng(n).permutation(N)[:n]
    families = ("stable", "spherical")
    question = VariogramQuestion(lags=LagChoice(number=6), fit=FitChoice(families, resamples=40), sectors=1 + n % 2)  # type: ignore[arg-type]
    answer = answer_variograms([_placed().rows(rows)], question, _tell)
    assert len(answer.variograms) == len(answer.fits) == 1 + n % 2
    settings = SimilaritySettings(distance_classes=20, similarity_classes=16, lags=10, worst=3)
    (cloud,) = answer_similarities([_placed().rows(rows)], settings, PassSettings(), _tell)
    assert cloud.n_pairs == n * (n - 1) // 2
    (found,) = answer_collapses([_placed().rows(rows)], CollapseQuestion(CollapseSettings()), _tell).found
    alike = VECTORS[rows].astype(float) @ VECTORS[rows].astype(float).T
    mean = alike[np.triu_indices(n, 1)].mean()
    assert found.mean_similarity == pytest.approx(mean, abs=1e-6)
    assert cloud.mean_similarity == pytest.approx(mean, abs=1e-6)


def test_all_photos_at_one_place() -> None:
    here = Placed(
        Catalog.from_rows([{"id": str(k), "lat_deg": 1.0, "lon_deg": 2.0} for k in range(9)]), VECTORS[:9], ""
    )
    (cloud,) = answer_similarities([here], SimilaritySettings(), PassSettings(), _tell)
    assert np.isnan(cloud.pearson.value)
    assert cloud.pearson.reason
    assert cloud.counts[0].sum() == 36
    with pytest.raises(UsageError, match="All photos stand at one place"):
        answer_variograms([here], VariogramQuestion(), _tell)
    (curve,) = answer_variograms([here], VariogramQuestion(lags=LagChoice(max_km=5)), _tell).variograms
    assert curve.count.tolist() == [36] + [0] * 39


def test_similarities_are_far_and_near_in_a_small_place() -> None:
    small = replace(_placed(), catalog=Catalog.from_rows([
        {"id": str(k), "lat_deg": 48 + LAT[k] / 5000, "lon_deg": 11 + LON[k] / 5000} for k in range(N)
    ]))  # fmt: skip
    settings = SimilaritySettings(near_pairs=5)
    (cloud,) = answer_similarities([small], settings, PassSettings(), _tell)
    lat, lon = small.catalog.positions
    apart = np.asarray(distance_km(lat[:, None], lon[:, None], lat, lon))
    assert 0 < cloud.near_km < cloud.far_km <= apart.max() / 2
    assert all(pair.distance_km >= cloud.far_km for pair in cloud.far_alike)
    assert all(pair.distance_km < cloud.near_km for pair in cloud.near_unlike)
    alike = VECTORS.astype(float) @ VECTORS.astype(float).T
    best = np.where(np.triu(apart >= cloud.far_km, 1), alike, -2).max()
    assert cloud.far_alike[0].similarity == pytest.approx(best, abs=1e-6)
    worst = np.where(np.triu(apart < cloud.near_km, 1), alike, 2).min()
    assert cloud.near_unlike[0].similarity == pytest.approx(worst, abs=1e-6)
    few = _placed().rows(np.arange(57))
    (sparse,) = answer_similarities([few], SimilaritySettings(near_km=1e-3), PassSettings(), _tell)
    near = np.count_nonzero(np.array(distance_km(LAT[:57, None], LON[:57, None], LAT[:57], LON[:57])) < sparse.near_km)
    assert (near - 57) // 2 >= 57 * 56 // 2 // 20
    assert sparse.near_km < sparse.far_km
    (whole,) = answer_similarities([_placed("all")], settings, PassSettings(), _tell)
    assert (whole.far_km, whole.label) == (1000, "all")


def test_vectors_of_any_length_are_compared_at_length_one() -> None:
    times = np.random.default_rng(0).uniform(0.5, 40, N).astype(np.float32)
    times[[2, 9]] = 0
    long = replace(_placed(), vectors=VECTORS * times[:, None])
    unit = unit_vectors(long.vectors)  # type: ignore[arg-type]
    np.testing.assert_allclose(unit, np.where(times[:, None] > 0, VECTORS, 0), atol=1e-6)
    assert unit_vectors(VECTORS) is VECTORS
    half = VECTORS.astype(np.float16)
    assert unit_vectors(half) is half
    one, two = (
        answer_similarities([placed], SimilaritySettings(), PassSettings(), _tell)[0]
        for placed in (long, replace(_placed(), vectors=unit))
    )
    assert one.n_empty == 2
    np.testing.assert_array_equal(one.counts, two.counts)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite(bad: float) -> None:
    vectors = VECTORS.copy()
    vectors[7, 3] = bad
    broken = replace(_placed(), vectors=vectors)
    with pytest.raises(UsageError, match="not finite"):
        answer_similarities([broken], SimilaritySettings(), PassSettings(), _tell)
    with pytest.raises(UsageError, match="not finite"):
        answer_variograms([broken], VariogramQuestion(lags=LAGS), _tell)
    with pytest.raises(UsageError, match="not finite"):
        answer_collapses([broken], CollapseQuestion(CollapseSettings()), _tell)


def test_nothing_but_zeros() -> None:
    empty = replace(_placed(), vectors=np.zeros_like(VECTORS))
    with pytest.raises(EmptyInputError):
        answer_variograms([empty], VariogramQuestion(lags=LAGS), _tell)
    with pytest.raises(EmptyInputError):
        answer_similarities([empty], SimilaritySettings(), PassSettings(), _tell)
    with pytest.raises(EmptyInputError):
        answer_collapses([empty], CollapseQuestion(CollapseSettings()), _tell)


def test_collapse_before_and_after_whitening() -> None:
    sources = [_placed("one"), _placed("two")]
    answer = answer_collapses(sources, CollapseQuestion(CollapseSettings(), whiten=3), _tell)
    assert [one.label for one in answer.found] == ["one", "one, whitened", "two", "two, whitened"]
    assert answer.sources == (0, 0, 1, 1)
    before, after = answer.found[:2]
    assert (before.dim, after.dim) == (8, 3)
    assert after.mean_norm < 0.2 < before.mean_norm
    # Whitened vectors are brought to length 1: what was one variance in every direction is nearly so.
    assert after.effective_rank > 2.9
    assert answer.notes[0] == "No alignment of one: no two photos have one landmark or sequence."
    assert answer.notes[1] == "Whitening of one keeps 3 of 8 directions, learnt from these very photos."
    kept = answer_collapses(sources[:1], CollapseQuestion(CollapseSettings(), whiten=-1), _tell).found
    assert kept[1].dim == kept[0].explained[2]
    with pytest.raises(UsageError, match="cannot keep 9 directions: these vectors have 8"):
        answer_collapses(sources, CollapseQuestion(CollapseSettings(), whiten=9), _tell)


def test_equal_vectors_cannot_be_whitened() -> None:
    same = replace(_placed(), vectors=np.tile(VECTORS[:1], (N, 1)))
    answer = answer_collapses([same], CollapseQuestion(CollapseSettings(), whiten=-1), _tell)
    assert len(answer.found) == 1
    assert answer.notes[1] == "No whitening: all vectors are the same."


def test_collapse_of_photos_that_belong_together() -> None:
    answer = answer_collapses([_placed()], CollapseQuestion(CollapseSettings(), positives_km=1.0), _tell)
    assert answer.notes == ("Alignment: nearest photos within 1 km.",)
    (found,) = answer.found
    apart = np.asarray(distance_km(LAT[:, None], LON[:, None], LAT, LON))
    np.fill_diagonal(apart, np.inf)
    pairs = {tuple(sorted((k, int(apart[k].argmin())))) for k in range(N) if apart[k].min() <= 1}
    squares = [np.square(VECTORS[a].astype(float) - VECTORS[b]).sum() for a, b in pairs]
    assert found.n_positives == len(pairs)
    assert found.alignment == pytest.approx(np.mean(squares), rel=1e-5)


def test_a_broken_pass_goes_on_and_gives_the_same(tmp_path: Path) -> None:
    whole = _asked(columns=("x", "y"))

    class StopError(Exception):
        pass

    def stop(stage: str, done: int, total: int | None) -> None:
        calls.append(done)
        if len(calls) == 9:
            raise StopError

    calls: list[int] = []
    question = VariogramQuestion(("x", "y"), lags=LAGS, how=PassSettings(checkpoint=tmp_path / "half"))
    with pytest.raises(StopError):
        answer_variograms([_placed()], question, stop)
    assert (tmp_path / "half").exists() or (tmp_path / "half.1").exists()
    calls.clear()
    more: list[int] = []
    answer = answer_variograms([_placed()], question, lambda _stage, done, _total: more.append(done))
    assert list(tmp_path.iterdir()) == []
    for one, two in zip(whole.variograms, answer.variograms, strict=True):
        np.testing.assert_array_equal(one.gamma, two.gamma)
        np.testing.assert_array_equal(one.standard_error, two.standard_error)


def test_numbers_do_not_depend_on_the_workers() -> None:
    for workers in (2, 5):
        how = PassSettings(workers)
        one, two = _asked().variograms[0], _asked(how=how).variograms[0]
        np.testing.assert_array_equal(one.gamma, two.gamma)
        np.testing.assert_array_equal(one.standard_error, two.standard_error)
        clouds = [
            answer_similarities([_placed()], SimilaritySettings(), each, _tell)[0] for each in (PassSettings(), how)
        ]
        np.testing.assert_array_equal(clouds[0].counts, clouds[1].counts)
        assert clouds[0].pearson == clouds[1].pearson
        assert clouds[0].far_alike == clouds[1].far_alike


def test_torch_and_numpy_agree() -> None:
    torch = PassSettings(backend="torch")
    for question in ({}, {"columns": ("x",), "sectors": 3}, {"estimator": "dowd"}, {"columns": ("x",), "cross": "y"}):
        for one, two in zip(_asked(**question).variograms, _asked(how=torch, **question).variograms, strict=True):
            np.testing.assert_array_equal(one.count, two.count)
            np.testing.assert_allclose(one.gamma, two.gamma, rtol=1e-6, atol=1e-9)


def test_lags_are_given_as_they_are_asked() -> None:
    np.testing.assert_array_equal(_asked().variograms[0].edges_km, given_lags(EDGES).edges_km)

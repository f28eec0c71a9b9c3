"""Refinement by neighbours: every way against its definition, and what all ways share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import oracle_rerank as slow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import Ranking
from periplus.rerank import (
    Diffusion,
    Expansion,
    Reciprocal,
    SuperGlobal,
    augment_gallery,
    diffuse,
    expand_queries,
    gallery_neighbours,
    k_reciprocal,
    superglobal,
)
from periplus.rerank import expansion as expansion_module

Rows = NDArray[np.float32]
Refine = Callable[[Rows, Rows, Ranking, int], Ranking]

WAYS: dict[str, Refine] = {
    "superglobal": lambda q, g, r, top: superglobal(q, g, r, SuperGlobal(top, 3, 0.2)),
    "k_reciprocal": lambda q, g, r, top: k_reciprocal(q, g, r, Reciprocal(top, 5, 3, 0.3)),
    "diffuse": lambda q, g, r, top: diffuse(q, g, r, Diffusion(top, 4, 3)),
}
SLOW: dict[str, Callable[[slow.Vector, list[slow.Vector]], list[float]]] = {
    "superglobal": lambda q, near: slow.superglobal(q, near, 3, 0.2),
    "k_reciprocal": lambda q, near: slow.k_reciprocal(q, near, 5, 3, 0.3),
    "diffuse": lambda q, near: slow.diffusion(q, near, 4, 3, (3, 0.99)),
}
every_way = pytest.mark.parametrize("way", list(WAYS))


def places(seed: int, n: int, dim: int = 6, queries: int = 2) -> tuple[Rows, Rows]:
    """Queries and a gallery of some places, seen from several sides: unit rows."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(2, n // 6), dim))
    made = centres[rng.integers(0, len(centres), n + queries)] + rng.normal(0, 0.5, (n + queries, dim))
    made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return made[:queries], made[queries:]


def search(queries: Rows, gallery: Rows, k: int) -> Ranking:
    """The exact ranking, with fill where the gallery is smaller than k."""
    rows = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for query, x in enumerate(queries):
        similar = gallery.astype(float) @ x.astype(float)
        best = slow.by_rank(similar.astype(np.float32).tolist(), range(len(gallery)))[:k]
        rows[query, : len(best)], scores[query, : len(best)] = best, similar[best]
    return Ranking(rows, scores)


def as_list(rows: Rows) -> list[slow.Vector]:
    return list(rows.astype(float))


@every_way
@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 24), st.integers(1, 30))
def test_it_is_its_definition(way: str, seed: int, n: int, top: int) -> None:
    queries, gallery = places(seed, n)
    ranking = search(queries, gallery, 20)
    made = WAYS[way](queries, gallery, ranking, top)
    for query in range(len(queries)):
        found, _ = ranking.of(query)
        head = np.sort(found[:top])
        scores = SLOW[way](queries[query].astype(float), as_list(gallery[head]))
        at = dict(zip(head.tolist(), scores, strict=True))
        rows = made.rows[query, : len(head)].tolist()
        np.testing.assert_allclose(made.scores[query, : len(head)], [at[row] for row in rows], atol=2e-5)
        assert sorted(rows) == head.tolist()
        assert made.rows[query, len(head) :].tolist() == ranking.rows[query, len(head) :].tolist()


@every_way
@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_the_gallerys_order_only_renames_rows(way: str, seed: int) -> None:
    queries, gallery = places(seed, 40)
    order = np.random.default_rng(seed).permutation(40)
    plain = WAYS[way](queries, gallery, search(queries, gallery, 25), 15)
    moved = WAYS[way](queries, gallery[order], search(queries, gallery[order], 25), 15)
    assert order[moved.rows].tolist() == plain.rows.tolist()
    np.testing.assert_allclose(moved.scores, plain.scores, atol=1e-6)


@every_way
@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_only_which_rows_lead_matters_not_their_order_or_scores(way: str, seed: int) -> None:
    queries, gallery = places(seed, 40)
    ranking = search(queries, gallery, 25)
    shuffled = ranking.rows.copy()
    shuffled[:, :15] = np.random.default_rng(seed).permuted(shuffled[:, :15], axis=1)
    other = Ranking(shuffled, np.tile(np.linspace(7, 3, 25, dtype=np.float32), (2, 1)))
    plain, moved = (WAYS[way](queries, gallery, r, 15) for r in (ranking, other))
    assert moved.rows.tolist() == plain.rows.tolist()
    assert moved.scores[:, :15].tolist() == plain.scores[:, :15].tolist()


@every_way
@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(0, 10))
def test_one_query_does_not_see_the_others(way: str, seed: int, n: int) -> None:
    queries, gallery = places(seed, n, queries=4)
    ranking = search(queries, gallery, 8)
    together = WAYS[way](queries, gallery, ranking, 6)
    for query in range(4):
        alone = Ranking(ranking.rows[query : query + 1], ranking.scores[query : query + 1])
        made = WAYS[way](queries[query : query + 1], gallery, alone, 6)
        assert made.rows[0].tolist() == together.rows[query].tolist()


@pytest.mark.parametrize("way", ["k_reciprocal", "diffuse"])
@settings(max_examples=15)
@given(st.integers(0, 2**31), st.floats(0.1, 1))
def test_turning_or_shrinking_the_space_changes_nothing(way: str, seed: int, factor: float) -> None:
    queries, gallery = places(seed, 30)
    turn = factor * np.linalg.qr(np.random.default_rng(seed).normal(size=(6, 6)))[0]
    ranking = search(queries, gallery, 20)
    plain = WAYS[way](queries, gallery, ranking, 20)
    moved = WAYS[way]((queries @ turn).astype(np.float32), (gallery @ turn).astype(np.float32), ranking, 20)
    # Whom diffusion does not reach keeps its cosine less 2, which does shrink.
    np.testing.assert_allclose(np.maximum(moved.scores, 0), np.maximum(plain.scores, 0), atol=1e-4)
    # Rounding may swap what is equally near to the last digit.
    assert (moved.rows == plain.rows).mean() > 0.9


@every_way
@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 12), st.integers(1, 20), st.sampled_from([0, 1, 2]))
def test_no_gallery_is_too_strange(way: str, seed: int, n: int, top: int, kind: int) -> None:
    """Blank photos (zero rows), copies, opposites, fewer rows than neighbours: finite scores, each row once."""
    rng = np.random.default_rng(seed)
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0.6, 0.8, 0]], np.float32)
    gallery, queries = corners[rng.integers(0, (1, 3, 5)[kind], n)], corners[:3]
    ranking = search(queries, gallery, 9)
    made = WAYS[way](queries, gallery, ranking, top)
    assert np.sort(made.rows, axis=1).tolist() == np.sort(ranking.rows, axis=1).tolist()
    assert (np.isneginf(made.scores) == (made.rows < 0)).all()


@every_way
def test_copies_tie_and_stand_by_row(way: str) -> None:
    queries, _ = places(1, 2, dim=128, queries=1)
    gallery = np.repeat(places(2, 1, dim=128, queries=1)[1], 31, axis=0)
    ranking = Ranking(np.arange(31)[None, ::-1].copy(), np.zeros((1, 31), np.float32))
    assert WAYS[way](queries, gallery, ranking, 31).rows[0].tolist() == list(range(31))


@every_way
def test_a_half_precision_gallery_will_do(way: str) -> None:
    queries, gallery = places(5, 60, dim=32)
    ranking = search(queries, gallery, 40)
    plain = WAYS[way](queries, gallery, ranking, 40)
    made = WAYS[way](queries, gallery.astype(np.float16), ranking, 40)
    assert made.rows[:, 0].tolist() == plain.rows[:, 0].tolist()
    np.testing.assert_allclose(np.sort(made.scores), np.sort(plain.scores), atol=0.02)


@every_way
def test_nothing_asked_nothing_answered(way: str) -> None:
    none, one = np.zeros((0, 6), np.float32), np.eye(1, 6, dtype=np.float32)
    assert len(WAYS[way](none, none, search(none, none, 3), 5)) == 0
    assert WAYS[way](one, none, search(one, none, 3), 5).rows.tolist() == [[-1] * 3]


def test_distance_weight_1_keeps_the_ranking() -> None:
    queries, gallery = places(3, 50)
    ranking = search(queries, gallery, 50)
    assert k_reciprocal(queries, gallery, ranking, Reciprocal(distance_weight=1)).rows.tolist() == ranking.rows.tolist()


def test_diffusion_that_does_not_flow_keeps_the_ranking() -> None:
    queries, gallery = places(3, 50)
    ranking = search(queries, gallery, 50)
    made = diffuse(queries, gallery, ranking, Diffusion(alpha=0, query_neighbours=50))
    assert made.rows.tolist() == ranking.rows.tolist()


def test_superglobal_without_neighbours_is_the_cosine_to_query_and_best() -> None:
    queries, gallery = places(4, 20)
    made = superglobal(queries, gallery, search(queries, gallery, 20), SuperGlobal(neighbours=0))
    for query, x in enumerate(queries):
        similar = gallery @ x
        expected = (similar + gallery @ gallery[similar.argmax()]) / 2
        assert made.rows[query].tolist() == np.argsort(-expected).tolist()


def test_diffusion_follows_a_chain_of_views_past_a_nearer_stranger() -> None:
    """Views of one landmark every 5 degrees from the query away; strangers at 50 degrees, each alone."""
    steps, far = np.deg2rad(np.arange(5, 80, 5)), np.deg2rad(50)
    chain = np.stack([np.cos(steps), np.sin(steps), *np.zeros((4, len(steps)))], axis=1)
    strangers = np.stack([np.full(4, np.cos(far)), np.zeros(4), *(np.eye(4) * np.sin(far))], axis=1)
    gallery = np.concatenate([strangers, chain]).astype(np.float32)
    query = np.eye(1, 6, dtype=np.float32)
    ranking = search(query, gallery, 19)
    assert set(ranking.rows[0, 9:14].tolist()) >= {0, 1, 2, 3}
    made = diffuse(query, gallery, ranking, Diffusion(neighbours=4, query_neighbours=3))
    assert made.rows[0, 15:].tolist() == [0, 1, 2, 3]


def test_a_look_alike_among_its_own_falls_behind() -> None:
    """Two places of nine views each; one view of the other place is nearly as near to the query as its own place's."""
    before, after = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        here, there = (centre + rng.normal(0, 0.1, (9, 24)) for centre in np.eye(2, 24))
        asked = np.eye(1, 24) + rng.normal(0, 0.1, (1, 24))
        there[0] = 0.8 * asked[0] + 0.6 * there[0]
        query, gallery = (
            (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
            for x in (asked, np.concatenate([there, here]))
        )
        ranking = search(query, gallery, 18)
        made = k_reciprocal(query, gallery, ranking, Reciprocal(k1=8, k2=3))
        before.append(ranking.rows[0].tolist().index(0))
        after.append(made.rows[0].tolist().index(0))
    assert sum(after) > sum(before) + 20


def twin_expansion(x: Rows, gallery: Rows, rows: list[int], n: int, alpha: float) -> slow.Vector:
    return slow.expand(x.astype(float), [gallery[row].astype(float) for row in rows[:n]], alpha)


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 9), st.integers(0, 6), st.sampled_from([0.0, 1.0, 3.0]))
def test_expanded_queries_are_the_formula(seed: int, n: int, join: int, alpha: float) -> None:
    queries, gallery = places(seed, n)
    ranking = search(queries, gallery, 5)
    made = expand_queries(queries, gallery, ranking, Expansion(join, alpha))
    for query, x in enumerate(queries):
        expected = twin_expansion(x, gallery, ranking.of(query)[0].tolist(), join, alpha)
        np.testing.assert_allclose(made[query], expected, atol=1e-5)


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 14), st.integers(0, 6), st.booleans())
def test_an_augmented_gallery_is_the_formula(seed: int, n: int, join: int, itself: bool) -> None:
    """Neighbours may name the row itself, as a search of the gallery in itself does."""
    _, gallery = places(seed, n)
    neighbours = search(gallery, gallery, 7) if itself else gallery_neighbours(gallery, 6)
    made = list(augment_gallery(gallery, neighbours, Expansion(join)))
    assert [first for first, _ in made] == ([0] if n else [])
    for row in range(n):
        others = slow.nearest(gallery[row].astype(float), as_list(gallery), 6, own=row)
        np.testing.assert_allclose(made[0][1][row], twin_expansion(gallery[row], gallery, others, join, 3), atol=1e-5)


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 14), st.integers(1, 20), st.integers(1, 6), st.integers(1, 6))
def test_neighbours_are_found_block_by_block(seed: int, n: int, k: int, rows: int, columns: int) -> None:
    """Whole numbers, so that many are equally near: they stand by rising row whatever the blocks."""
    rng = np.random.default_rng(seed)
    gallery = rng.integers(-1, 2, (n, 3)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expansion_module, "_ROWS_AT_ONCE", rows)
        patch.setattr(expansion_module, "_COLUMNS_AT_ONCE", columns)
        made = gallery_neighbours(gallery, k)
        blocks = list(augment_gallery(gallery, made))
    for row in range(n):
        expected = slow.nearest(gallery[row].astype(float), as_list(gallery), k, own=row)
        assert made.rows[row].tolist() == expected + [-1] * (k - len(expected))
        assert made.of(row)[1].tolist() == [float(gallery[row] @ gallery[j]) for j in expected]
    whole = list(augment_gallery(gallery, made))
    assert [first for first, _ in blocks] == list(range(0, n, rows))
    if n:
        np.testing.assert_allclose(np.concatenate([block for _, block in blocks]), whole[0][1], atol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_expansion_only_follows_a_renaming_of_rows(seed: int) -> None:
    queries, gallery = places(seed, 40)
    order = np.random.default_rng(seed).permutation(40)
    plain = expand_queries(queries, gallery, search(queries, gallery, 10))
    moved = expand_queries(queries, gallery[order], search(queries, gallery[order], 10))
    np.testing.assert_allclose(moved, plain, atol=1e-6)
    augmented, other = (next(iter(augment_gallery(g, gallery_neighbours(g, 5))))[1] for g in (gallery, gallery[order]))
    np.testing.assert_allclose(other, augmented[order], atol=1e-6)


def test_an_expanded_query_is_nearer_to_its_place() -> None:
    queries, gallery = places(7, 300, dim=16, queries=1)
    ranking = search(queries, gallery, 10)
    made = expand_queries(queries, gallery, ranking)
    before, after = (float((gallery[ranking.rows[0]] @ x).mean()) for x in (queries[0], made[0]))
    assert after > before + 0.02
    np.testing.assert_allclose(np.linalg.norm(made), 1, atol=1e-6)


def test_blank_photos_stay_blank_and_join_nothing() -> None:
    gallery = np.array([[0, 0], [1, 0], [0.6, 0.8], [-1, 0]], np.float32)
    made = next(iter(augment_gallery(gallery, gallery_neighbours(gallery, 3), Expansion(3, 0))))[1]
    assert made[0].tolist() == [0, 0]
    np.testing.assert_allclose(made[1], [1.6 / np.hypot(1.6, 0.8), 0.8 / np.hypot(1.6, 0.8)], rtol=1e-6)
    assert made[3].tolist() == [-1, 0]


@pytest.mark.parametrize(
    "bad",
    [
        lambda: SuperGlobal(top=0),
        lambda: SuperGlobal(neighbours=-1),
        lambda: SuperGlobal(beta=float("nan")),
        lambda: Reciprocal(k1=0),
        lambda: Reciprocal(distance_weight=1.1),
        lambda: Diffusion(alpha=1.0),
        lambda: Diffusion(gamma=0),
        lambda: Diffusion(query_neighbours=0),
        lambda: Expansion(n=-1),
        lambda: Expansion(alpha=-0.5),
        lambda: gallery_neighbours(np.eye(2, dtype=np.float32), 0),
    ],
)
def test_configurations_out_of_range_are_refused(bad: Callable[[], Any]) -> None:
    with pytest.raises(UsageError):
        bad()


@pytest.mark.parametrize("way", [*WAYS, "expand_queries"])
@pytest.mark.parametrize(("queries", "gallery"), [((1, 5), (9, 6)), ((2, 6), (9, 6)), ((1, 6), (3, 6))])
def test_what_does_not_fit_is_refused(way: str, queries: tuple[int, int], gallery: tuple[int, int]) -> None:
    ranking = Ranking(np.array([[8, 3]]), np.zeros((1, 2), np.float32))
    refine = WAYS.get(way, lambda q, g, r, _: expand_queries(q, g, r))
    with pytest.raises(UsageError):
        refine(np.zeros(queries, np.float32), np.zeros(gallery, np.float32), ranking, 2)

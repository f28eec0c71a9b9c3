"""Rankings of many queries: who answers, who is left out, what is refined, and where the local scores stand."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from landmark_galleries import (
    TINY_ENCODER,
    deep_gallery,
    first,
    gallery_photos,
    photos,
    query_photos,
    vlad_gallery,
    with_column,
    words_gallery,
)
from numpy.typing import NDArray
from PIL import Image

from periplus.errors import EmptyInputError, UsageError
from periplus.gallery import Gallery
from periplus.pipeline import IndexConfig, OpenedGallery, RankConfig, Refinement, index, open_for_search
from periplus.pipeline.query import global_scores, rank_query, read_query
from periplus.pipeline.ranking import Ranked, rank_queries
from periplus.pipeline.refining import refined_ranking
from periplus.pipeline.reranking import local_evidence
from periplus.records import Catalog, Ranking
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
from periplus.search import search_flat
from periplus.sources import BOX_COLUMNS, Scan
from periplus.sources.table import read_table


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="session")
def deep(session: Path) -> OpenedGallery:
    return deep_gallery(session)


@pytest.fixture(scope="session")
def words(session: Path) -> OpenedGallery:
    return words_gallery(session)


def asked(scan: Scan, opened: OpenedGallery, config: RankConfig) -> Ranked:
    return rank_queries(scan, str(opened.gallery.path), config)


def by_hand(scan: Scan, opened: OpenedGallery, k: int) -> list[list[int]]:
    """The rows of all queries by a full sort of the scores."""
    found = []
    for path in scan.catalog.column("path"):
        scores = global_scores(read_query(str(path), opened), opened)
        found.append(np.lexsort((np.arange(len(scores)), -scores))[:k].tolist())
    return found


def test_vectors_and_words_are_ranked_as_one_query_is(session: Path, deep: OpenedGallery, words: OpenedGallery) -> None:
    scan = query_photos(session)
    for opened in (deep, words, vlad_gallery(session)):
        ranked = asked(scan, opened, RankConfig(k=7))
        assert ranked.catalog.ids == scan.catalog.ids
        assert ranked.ranking.rows.shape == (12, 7)
        assert ranked.ranking.rows.tolist() == by_hand(scan, opened, 7)
        assert (ranked.local, ranked.skipped) == (None, ())
        assert [len(rows) for rows in ranked.own] == [0] * 12
        query = read_query(str(scan.catalog.column("path")[4]), opened)
        np.testing.assert_allclose(
            ranked.ranking.scores[4], global_scores(query, opened)[ranked.ranking.rows[4]], atol=1e-6
        )


def test_a_gallery_smaller_than_k_fills_up(session: Path, deep: OpenedGallery, words: OpenedGallery) -> None:
    for opened in (deep, words):
        ranked = asked(first(query_photos(session), 2), opened, RankConfig(k=60, method="vlad", candidates=55))
        assert sorted(ranked.ranking.rows[0, :48].tolist()) == list(range(48))
        assert set(ranked.ranking.rows[:, 48:].ravel().tolist()) == {-1}
        assert ranked.local is not None
        assert ranked.local.shape == (2, 55)
        assert not ranked.local[:, 48:].any()


def test_a_query_is_no_answer_to_itself(session: Path, deep: OpenedGallery, words: OpenedGallery) -> None:
    scan = gallery_photos(session)
    for opened in (deep, words):
        ranked = asked(scan, opened, RankConfig(k=47))
        for row in range(48):
            assert ranked.own[row].tolist() == [row]
            assert sorted(ranked.ranking.rows[row].tolist()) == [other for other in range(48) if other != row]
        kept = asked(first(scan, 5), opened, RankConfig(k=3, keep_same=True))
        assert kept.ranking.rows[:, 0].tolist() == [0, 1, 2, 3, 4]
        assert [len(rows) for rows in kept.own] == [0] * 5


def test_no_copy_answers_and_k_rows_still_do(session: Path, tmp_path: Path) -> None:
    """A query with three copies in the gallery and one with none: both get k rows."""
    scan = first(gallery_photos(session), 9)
    paths = [str(path) for path in scan.catalog.column("path")]
    for number in (1, 2):
        shutil.copy2(paths[4], tmp_path / f"copy{number}.jpg")
    more = Catalog.from_rows(
        [scan.catalog.row(row) for row in range(9)]
        + [{"id": f"copy{number}", "path": str(tmp_path / f"copy{number}.jpg")} for number in (1, 2)]
    )
    for name in ("asmk", "vlad"):
        config = IndexConfig(encoder=replace(TINY_ENCODER, name=name), jobs=1, calibration_photos=0)
        index(replace(scan, catalog=more), tmp_path / name, config)
        opened = open_for_search(tmp_path / name)
        two = replace(scan, catalog=photos(session).catalog.select(np.array([4, 59])))
        ranked = asked(two, opened, RankConfig(k=8))
        assert [rows.tolist() for rows in ranked.own] == [[4, 9, 10], []]
        assert sorted(ranked.ranking.rows[0].tolist()) == [0, 1, 2, 3, 5, 6, 7, 8]
        assert ranked.ranking.rows[1].tolist() == by_hand(two, opened, 8)[1]


def test_only_the_named_splits_answer(session: Path, deep: OpenedGallery, words: OpenedGallery) -> None:
    scan = query_photos(session)
    for opened in (deep, words):
        of_split = np.array(opened.gallery.catalog.column("split"))
        every = by_hand(scan, opened, 48)
        for splits in (("index",), ("train",), ("train", "index"), ("nothing",)):
            ranked = asked(scan, opened, RankConfig(k=24, splits=splits))
            wanted = [[row for row in rows if of_split[row] in splits][:24] for rows in every]
            assert [rows[rows >= 0].tolist() for rows in ranked.ranking.rows] == wanted
    both = asked(gallery_photos(session), deep, RankConfig(k=24, splits=("index",)))
    assert all(row not in rows for row, rows in enumerate(both.ranking.rows.tolist()))


def boxed(scan: Scan, boxes: Sequence[Sequence[object]]) -> Scan:
    catalog = scan.catalog
    for name, values in zip(BOX_COLUMNS, zip(*boxes, strict=True), strict=True):
        catalog = with_column(catalog, name, list(values))
    return replace(scan, catalog=catalog)


def test_a_query_is_cut_to_its_box(session: Path, tmp_path: Path, deep: OpenedGallery) -> None:
    scan = first(query_photos(session), 3)
    parts: list[dict[str, object]] = []
    for row, path in enumerate(scan.catalog.column("path")):
        with Image.open(str(path)) as picture:
            part = picture.crop((10, 20, 80, 90)) if row != 1 else picture.copy()
        part.save(tmp_path / f"{row}.png")
        parts.append({"id": str(row), "path": str(tmp_path / f"{row}.png")})
    wanted = asked(replace(scan, catalog=Catalog.from_rows(parts)), deep, RankConfig(k=10, method="patches"))
    with_boxes = boxed(scan, [(10.0, 20.0, 80.0, 90.0), (None, None, None, None), (9.5, 19.5, 80.0, 89.1)])
    ranked = asked(with_boxes, deep, RankConfig(k=10, method="patches"))
    assert ranked.local is not None
    assert wanted.local is not None
    np.testing.assert_array_equal(ranked.ranking.rows[:2], wanted.ranking.rows[:2])
    np.testing.assert_allclose(ranked.ranking.scores[:2], wanted.ranking.scores[:2], atol=1e-6)
    np.testing.assert_allclose(ranked.local[:2], wanted.local[:2], atol=1e-5)
    # Rounded outwards: one column and one row more.
    assert np.abs(ranked.ranking.scores[2] - wanted.ranking.scores[2]).max() > 1e-5


def test_a_box_that_cannot_be_is_skipped_or_refused(session: Path, words: OpenedGallery) -> None:
    scan = first(query_photos(session), 3)
    good = (0.0, 0.0, 90.0, 90.0)
    ranked = asked(boxed(scan, [good, (200.0, 0.0, 300.0, 10.0), good]), words, RankConfig(k=2))
    assert ranked.catalog.ids == [scan.catalog.ids[0], scan.catalog.ids[2]]
    assert [(skip.kind, Path(skip.path).name) for skip in ranked.skipped] == [("bad-box", scan.catalog.ids[1])]
    assert "lies outside" in ranked.skipped[0].reason
    with pytest.raises(UsageError, match=r"box of 'arch_9.jpg' is no four numbers: 1, 2, wide, 4"):
        asked(boxed(scan, [("0", "0", "9", "9"), ("1", "2", "wide", "4"), (None,) * 4]), words, RankConfig(k=2))


def test_queries_that_cannot_be_used_are_told(session: Path, tmp_path: Path, words: OpenedGallery) -> None:
    scan = first(query_photos(session), 5)
    paths = [str(path) for path in scan.catalog.column("path")]
    (tmp_path / "cut.jpg").write_bytes(Path(paths[0]).read_bytes()[:200])
    broken = [None, paths[1], str(tmp_path / "cut.jpg"), str(tmp_path / "gone.jpg"), paths[4]]
    catalog = with_column(scan.catalog, "path", broken)
    ranked = asked(replace(scan, catalog=catalog), words, RankConfig(k=4, method="sift", candidates=3))
    assert ranked.catalog.ids == [scan.catalog.ids[1], scan.catalog.ids[4]]
    assert ranked.ranking.rows.tolist() == by_hand(replace(scan, catalog=ranked.catalog), words, 4)
    kinds = {Path(skip.path).name: skip.kind for skip in ranked.skipped}
    assert kinds == {"arch_8.jpg": "no-photo", "cut.jpg": "damaged", "gone.jpg": "missing"}
    assert ranked.local is not None
    assert ranked.local.shape == (2, 3)
    with pytest.raises(EmptyInputError, match="No query could be asked; 2 were skipped"):
        asked(replace(scan, catalog=catalog.select(np.array([2, 3]))), words, RankConfig())


def test_local_scores_stand_beside_their_rows(session: Path, deep: OpenedGallery, words: OpenedGallery) -> None:
    scan = first(query_photos(session), 4)
    cases = [(deep, "patches", "right"), (deep, "vlad", "seed"), (words, "sift", "right"), (words, "sift", "seed")]
    for opened, method, formula in cases:
        config = RankConfig(k=9, method=method, formula=formula, candidates=6)  # type: ignore[arg-type]
        ranked = asked(scan, opened, config)
        assert ranked.local is not None
        assert ranked.local.shape == (4, 6)
        assert ranked.local.dtype == np.float32
        for at, path in enumerate(scan.catalog.column("path")):
            query = read_query(str(path), opened)
            wanted = local_evidence(query, ranked.ranking.rows[at, :6], opened, method, formula).scores  # type: ignore[arg-type]
            np.testing.assert_array_equal(ranked.local[at], wanted)
        np.testing.assert_array_equal(ranked.ranking.rows, asked(scan, opened, RankConfig(k=9)).ranking.rows)


def test_every_query_is_told_of(session: Path, words: OpenedGallery) -> None:
    told: list[tuple[str, int, int | None]] = []
    scan = first(query_photos(session), 3)
    rank_queries(scan, str(words.gallery.path), RankConfig(k=2, method="vlad"), lambda *step: told.append(step))
    assert told == [(stage, done, 3) for stage in ("ask", "rerank") for done in (1, 2, 3)]


def test_what_cannot_be_asked_is_refused(session: Path, words: OpenedGallery, deep: OpenedGallery) -> None:
    scan = query_photos(session)
    with pytest.raises(UsageError, match="keeps no patches"):
        asked(scan, words, RankConfig(method="patches"))
    with pytest.raises(UsageError, match="only vectors can be refined"):
        asked(scan, words, RankConfig(refinement=Refinement(expansion=Expansion(3))))
    with pytest.raises(UsageError, match="at least 1; got 0 and 100"):
        RankConfig(k=0)
    with pytest.raises(UsageError, match="at least 1; got 100 and 0"):
        RankConfig(candidates=0)
    with pytest.raises(UsageError, match=r"No refinement 'expanssion'; there are augmentation, expansion"):
        Refinement.from_counts({"expanssion": 3})


STAGES = {
    "augmentation": Refinement(augmentation=Expansion(4, 2.0)),
    "expansion": Refinement(expansion=Expansion(5, 1.0)),
    "superglobal": Refinement(superglobal=SuperGlobal(20, 5, 0.2)),
    "reciprocal": Refinement(reciprocal=Reciprocal(top=20, k1=6, k2=3)),
    "diffusion": Refinement(diffusion=Diffusion(top=20, neighbours=6, query_neighbours=4)),
}
ALL = Refinement(**{name: getattr(how, name) for name, how in STAGES.items()})


def stages_by_hand(
    queries: NDArray[np.float32], vectors: NDArray[np.float32], depth: int, names: Sequence[str]
) -> Ranking:
    if "augmentation" in names:
        joined = augment_gallery(vectors, gallery_neighbours(vectors, 4), Expansion(4, 2.0))
        vectors = np.concatenate([block for _, block in joined])
    ranking = search_flat(queries, [(0, vectors)], depth)
    if "expansion" in names:
        queries = expand_queries(queries, vectors, ranking, Expansion(5, 1.0))
        ranking = search_flat(queries, [(0, vectors)], depth)
    if "superglobal" in names:
        ranking = superglobal(queries, vectors, ranking, SuperGlobal(20, 5, 0.2))
    if "reciprocal" in names:
        ranking = k_reciprocal(queries, vectors, ranking, Reciprocal(top=20, k1=6, k2=3))
    if "diffusion" in names:
        ranking = diffuse(queries, vectors, ranking, Diffusion(top=20, neighbours=6, query_neighbours=4))
    return ranking


@pytest.fixture(scope="session")
def vectors_of_queries(session: Path, deep: OpenedGallery) -> NDArray[np.float32]:
    paths = query_photos(session).catalog.column("path")
    return np.stack([read_query(str(path), deep).vector for path in paths])


@pytest.mark.parametrize("name", [*STAGES, "all"])
@pytest.mark.parametrize("part", ["whole", "part"])
def test_stages_are_those_called_by_hand(
    deep: OpenedGallery, vectors_of_queries: NDArray[np.float32], name: str, part: str
) -> None:
    gallery: Gallery = deep.gallery
    answering = np.arange(48) if part == "whole" else np.flatnonzero(np.arange(48) % 3 != 1)
    how, names = (ALL, list(STAGES)) if name == "all" else (STAGES[name], [name])
    found = refined_ranking(vectors_of_queries, gallery, 8, how, answering)
    vectors = gallery.vectors[answering].astype(np.float32)
    wanted = stages_by_hand(vectors_of_queries, vectors, max(8, how.depth), names)
    np.testing.assert_array_equal(found.rows, answering[wanted.rows[:, :8]])
    np.testing.assert_allclose(found.scores, wanted.scores[:, :8], atol=1e-6)
    plain = refined_ranking(vectors_of_queries, gallery, 8, Refinement(), answering)
    assert (plain.rows != found.rows).any() or (plain.scores != found.scores).any()


def test_without_stages_the_ranking_is_plain(deep: OpenedGallery, vectors_of_queries: NDArray[np.float32]) -> None:
    vectors = deep.gallery.vectors.astype(np.float32)
    wanted = search_flat(vectors_of_queries, [(0, vectors)], 10)
    found = refined_ranking(vectors_of_queries, deep.gallery, 10, Refinement(), np.arange(48))
    np.testing.assert_array_equal(found.rows, wanted.rows)
    none = refined_ranking(vectors_of_queries, deep.gallery, 10, ALL, np.zeros(0, np.int64))
    assert (none.rows == -1).all()
    assert not Refinement()
    assert ALL
    assert (Refinement().depth, ALL.depth, STAGES["expansion"].depth, STAGES["reciprocal"].depth) == (0, 20, 5, 20)


def test_stages_by_their_numbers() -> None:
    counts = {"augmentation": 2, "expansion": 3, "superglobal": 4, "reciprocal": 5, "diffusion": 6}
    assert Refinement.from_counts(counts) == Refinement(
        Expansion(2), Expansion(3), SuperGlobal(4), Reciprocal(k1=5), Diffusion(6)
    )
    assert Refinement.from_counts({}) == Refinement()


def test_queries_are_refined_among_those_that_answer(session: Path, deep: OpenedGallery) -> None:
    """Through the whole join: splits, a refinement, and own content all at once."""
    scan = first(gallery_photos(session), 6)
    config = RankConfig(k=10, refinement=STAGES["expansion"], splits=("train",))
    ranked = asked(scan, deep, config)
    train = np.flatnonzero(np.array(deep.gallery.catalog.column("split")) == "train")
    queries = np.stack([read_query(str(path), deep).vector for path in scan.catalog.column("path")])
    # The query itself neither answers nor expands: as if the gallery did not hold it.
    wanted = [
        refined_ranking(queries[at : at + 1], deep.gallery, 10, config.refinement, np.setdiff1d(train, [at]))
        for at in range(6)
    ]
    assert ranked.ranking.rows.tolist() == [one.rows[0].tolist() for one in wanted]


def test_a_table_may_hold_the_boxes(session: Path, tmp_path: Path, words: OpenedGallery) -> None:
    scan = first(query_photos(session), 2)
    for path in scan.catalog.column("path"):
        shutil.copy2(str(path), tmp_path)
    names = scan.catalog.ids
    lines = [f"file,landmark,{','.join(BOX_COLUMNS)}", f"{names[0]},arch,5,5,90,80", f"{names[1]},arch,,,,"]
    (tmp_path / "q.csv").write_text("\n".join(lines) + "\n")
    ranked = asked(read_table(tmp_path / "q.csv"), words, RankConfig(k=5))
    box = read_query(tmp_path / names[0], words, box=(5.0, 5.0, 90.0, 80.0))
    assert ranked.ranking.rows[0].tolist() == rank_query(box, words, 5).rows[0].tolist()
    assert ranked.ranking.rows[1].tolist() == by_hand(scan, words, 5)[1]


@pytest.mark.slow
def test_workers_give_the_same_numbers(session: Path, deep: OpenedGallery, words: OpenedGallery) -> None:
    for opened, config in ((words, RankConfig(k=12)), (deep, RankConfig(k=12, method="patches", candidates=10))):
        one, two = (asked(query_photos(session), opened, replace(config, jobs=jobs)) for jobs in (1, 2))
        np.testing.assert_array_equal(one.ranking.rows, two.ranking.rows)
        np.testing.assert_array_equal(one.ranking.scores, two.ranking.scores)
        if one.local is not None:
            assert two.local is not None
            np.testing.assert_array_equal(one.local, two.local)

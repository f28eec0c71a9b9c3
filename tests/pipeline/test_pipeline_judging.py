"""Rankings judged: by labels, by what benchmarks say, by landmarks named; worked out by hand."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forger_buildings import GALLERY, QUERIES, forge_oxford, forge_revisited
from forger_gldv2 import forge_gldv2, picture_id
from landmark_galleries import TINY_ENCODER, gallery_photos, query_photos, words_gallery
from oracle_retrieval import ap_at_r, ap_gldv2, ap_oxford, ap_revisited, gap, precision_revisited

from periplus.errors import CatalogError, EmptyInputError, UsageError
from periplus.evaluate import RETRIEVAL_PROTOCOLS, evaluate_ranking, revisited_relevance
from periplus.evaluate.relevance import Relevance
from periplus.gallery import open_gallery
from periplus.pipeline import IndexConfig, Judge, RankConfig, RankQuestion, evaluate_rank, index, truth_of
from periplus.pipeline.evaluating_rank import fused, rows_of_split, signature_of
from periplus.pipeline.ranking import Ranked, rank_queries
from periplus.records import Catalog, Ranking
from periplus.rerank import fuse_ranking, weighted
from periplus.rerank.seed import SEED_VLAD
from periplus.sources import open_source

SIGNED = {"encoder": "e", "gallery": "g"}


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


def catalog(labels: dict[str, str | None]) -> Catalog:
    return Catalog.from_rows({"id": photo, "landmark": label} for photo, label in labels.items())


def ranking(*rows: Sequence[int]) -> Ranking:
    """Rankings of one length, with scores from 1 downwards."""
    width = len(rows[0])
    filled = np.array(rows, np.int64)
    scores = np.where(filled < 0, -np.inf, 1 - np.arange(width) / 100)
    return Ranking(filled, scores.astype(np.float32))


LABELS = catalog({"g0": "a", "g1": "b", "g2": "a", "g3": None, "g4": "c", "g5": "a"})


def test_equal_labels_are_right() -> None:
    queries = catalog({"q0": "a", "q1": "b", "q2": "unknown", "q3": None})
    found = ranking([0, 1, 2, 3, 4, 5], [0, 2, 1, 3, 4, 5], [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0])
    report = Judge().of(found, queries, LABELS, SIGNED)
    # a: right at 1, 3, 6 of 3; b: right at 3 of 1; nothing in the gallery answers the others.
    wanted = [(1 + 2 / 3 + 3 / 6) / 3, 1 / 3]
    assert report.table is not None
    assert report.table.column("id").to_pylist() == ["q0", "q1"]
    np.testing.assert_allclose(report.table.column("AP").to_numpy(), wanted)
    np.testing.assert_allclose(report.values["mAP/100"].value, np.mean(wanted))
    assert (report.protocol, report.n, report.left_out) == ("gldv2-retrieval", 2, {"no positives": 2})
    assert report.fingerprints == SIGNED


def test_another_column_may_say_what_is_right() -> None:
    town = Catalog.from_rows([{"id": "g0", "town": 7}, {"id": "g1", "town": 8}, {"id": "g2", "town": 7}])
    queries = Catalog.from_rows([{"id": "q", "town": 7}])
    report = Judge(label="town").of(ranking([1, 0, 2]), queries, town, SIGNED)
    assert report.values["mAP/100"].value == pytest.approx((1 / 2 + 2 / 3) / 2)
    with pytest.raises(UsageError, match=r"The gallery has no column 'city'.*landmark"):
        Judge(label="city").of(ranking([1, 0, 2]), queries, town, SIGNED)
    with pytest.raises(UsageError, match="The query table has no column 'town'"):
        Judge(label="town").of(ranking([1, 0, 2]), catalog({"q": "a"}), town, SIGNED)


def test_a_query_itself_is_neither_right_nor_missed() -> None:
    """Asked its own photos, a gallery whose rankings are perfect reaches 1; without the rule it could not."""
    found = ranking([2, 5, 1, 3, 4, -1], [0, 2, 3, 4, 5, -1])
    queries = catalog({"g0": "a", "g1": "b"})
    own = [np.array([0]), np.array([1])]
    report = Judge(resamples=10).of(found, queries, LABELS, SIGNED, own)
    assert (report.values["mAP/100"].value, report.n, report.left_out) == (1.0, 1, {"no positives": 1})
    assert report.table is not None
    assert report.table.column("n_relevant").to_pylist() == [2]
    without = Judge(resamples=10).of(found, queries, LABELS, SIGNED)
    assert without.values["mAP/100"].value == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize("protocol", [name for name, one in RETRIEVAL_PROTOCOLS.items() if one.measures])
def test_every_protocol_of_rankings_is_judged_as_by_itself(protocol: str) -> None:
    rng = np.random.default_rng(3)
    labels = [str(label) for label in rng.integers(0, 5, 40)]
    gallery = catalog({f"g{row}": label for row, label in enumerate(labels)})
    queries = catalog({f"q{row}": str(row % 6) for row in range(9)})
    found = ranking(*(rng.permutation(40).tolist() for _ in range(9)))
    report = Judge(protocol, resamples=50).of(found, queries, gallery, {})
    relevance = Relevance.from_labels([[str(row % 6)] for row in range(9)], labels)
    wanted = evaluate_ranking(found, relevance, RETRIEVAL_PROTOCOLS[protocol], query_ids=queries.ids, resamples=50)
    assert report == replace(wanted, table=report.table)
    assert report.table is not None
    assert report.table.equals(wanted.table)
    if protocol == "map-at-r":
        right = [{row for row, label in enumerate(labels) if label == str(query % 6)} for query in range(5)]
        means = np.mean([ap_at_r(found.rows[query].tolist(), right[query]) for query in range(5)])
        # Queries 6, 7 and 8 ask for the landmarks of 0, 1 and 2 again; query 5 has no answer.
        again = [ap_at_r(found.rows[query].tolist(), right[query % 6]) for query in (6, 7, 8)]
        assert report.values["MAP@R"].value == pytest.approx((means * 5 + sum(again)) / 8)


def test_how_deep_a_protocol_looks() -> None:
    depths = {name: Judge(name).depth(30, 5000) for name in RETRIEVAL_PROTOCOLS}
    assert {depths[name] for name in ("roxford-hard", "rparis-easy", "oxford5k", "paris6k", "map-at-r")} == {5000}
    assert {depths[name] for name in ("gldv2-retrieval", "map-of-found", "materarbeit-k100")} == {100}
    assert (depths["recall"], depths["gldv2-recognition"], Judge().depth(250, 5000)) == (30, 30, 250)


def test_an_unknown_protocol_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'roxford-medium'"):
        Judge("roxford-mediun")
    with pytest.raises(UsageError, match="did you mean 'gldv2-retrieval'"):
        truth_of("photos.csv", "gldv2-retrievel")


def test_landmarks_named_by_labels() -> None:
    """The label with the largest sum of scores among the first five is the prediction."""
    queries = catalog({"q0": "a", "q1": "b", "q2": None})
    found = ranking([1, 0, 2, 4, 3], [4, 0, 5, 2, 3], [1, 3, 4, 0, 2])
    report = Judge("gldv2-recognition", resamples=20).of(found, queries, LABELS, SIGNED)
    # a has the largest sum for all three, though c and b stand first for two of them.
    guesses: list[tuple[str, str | None, float, set[str]]] = [
        ("q0", "a", 0.99 + 0.98, {"a"}),
        ("q1", "a", 0.99 + 0.98 + 0.97, {"b"}),
        ("q2", "a", 0.97 + 0.96, set()),
    ]
    assert report.values["GAP"].value == pytest.approx(gap(guesses)) == pytest.approx(1 / 2 / 2)
    assert (report.values["accuracy"].value, report.n, report.left_out) == (0.5, 2, {"no positives": 1})


def test_sources_that_are_benchmarks(tmp_path: Path) -> None:
    forged = forge_gldv2(tmp_path / "gldv2")
    forge_revisited(tmp_path / "rox")
    forge_oxford(tmp_path / "ox")
    for name in ("gldv2", "gldv2-test"):
        truth = truth_of(f"{name}:{forged.root}", "gldv2-retrieval")
        assert truth is not None
        assert dict(zip(truth.queries, truth.groups["relevant"], strict=True)) == {
            **forged.relevant, picture_id("test2"): (),
        }  # fmt: skip
        shown = truth_of(f"{name}:{forged.root}", "gldv2-recognition")
        assert shown is not None
        assert list(shown.groups) == ["landmark"]
    for name in ("roxford5k", "roxford5k+1m"):
        truth = truth_of(f"{name}:{tmp_path / 'rox'}", "roxford-easy")
        assert truth is not None
        assert list(truth.groups) == ["easy", "hard", "junk"]
    assert truth_of(f"oxford5k:{tmp_path / 'ox'}", "oxford5k") is not None
    for plain in (str(tmp_path), "photos.csv", "table:photos.csv", f"gldv2-train:{forged.root}"):
        assert truth_of(plain, "gldv2-retrieval") is None
    with pytest.raises(CatalogError, match="gnd_rparis6k"):
        truth_of(f"rparis6k:{tmp_path / 'rox'}", "rparis-hard")


def test_gldv2_by_its_lists(tmp_path: Path) -> None:
    """A list of index pictures a query; ignored queries have none, and what a part does not hold is not missed."""
    forged = forge_gldv2(tmp_path)
    spec = f"gldv2:{forged.root}"
    truth, scan = truth_of(spec, "gldv2-retrieval"), open_source(spec)
    queries = scan.of_splits(("query-public", "query-private", "ignored")).catalog
    part = scan.of_splits(("index",)).catalog
    orders = [[3, 1, 0, 2, 4], [4, 3, 2, 1, 0], [0, 1, 2, 3, 4], [2, 0, 1, 4, 3]]
    report = Judge(truth=truth, resamples=10).of(ranking(*orders), queries, part, SIGNED)
    assert report.table is not None
    assert queries.ids == list(forged.relevant)
    for gallery in (part, part.select(np.arange(4))):
        shown = [[row for row in order if row < len(gallery)] for order in orders]
        report = Judge(truth=truth, resamples=10).of(ranking(*shown), queries, gallery, SIGNED)
        right = [{gallery.ids.index(photo) for photo in forged.relevant[query] if photo in gallery.ids}
                 for query in queries.ids]  # fmt: skip
        wanted = {
            query: ap_gldv2(order, positives)
            for query, order, positives in zip(queries.ids, shown, right, strict=True)
            if positives
        }
        assert report.table is not None
        assert dict(zip(*(report.table.column(name).to_pylist() for name in ("id", "AP")), strict=True)) == (
            pytest.approx(wanted)
        )
        assert report.left_out == {"no positives": 4 - len(wanted)}
    with pytest.raises(UsageError, match="is no query of this benchmark"):
        Judge(truth=truth).of(ranking([0]), scan.catalog.select(np.array([0])), part, SIGNED)


def test_gldv2_landmarks_by_its_solution(tmp_path: Path) -> None:
    """A picture may show two landmarks or none; train's numbers are meant, whatever the query table's column says."""
    forged = forge_gldv2(tmp_path)
    spec = f"gldv2:{forged.root}"
    truth, scan = truth_of(spec, "gldv2-recognition"), open_source(spec)
    queries = scan.of_splits(("query-public", "query-private", "ignored")).catalog
    train = scan.of_splits(("train",)).catalog
    assert train.column("landmark") == ["train:7", "train:12"] * 3
    assert set(queries.column("landmark")) == {None}
    report = Judge("gldv2-recognition", truth=truth, resamples=10).of(
        ranking([1], [0], [2], [3]), queries, train, SIGNED
    )
    ids, shown = queries.ids, [{f"train:{number}" for number in forged.shown[photo]} for photo in queries.ids]
    labels = ("train:12", "train:7", "train:7", "train:12")
    guesses = [(photo, label, 1.0, right) for photo, label, right in zip(ids, labels, shown, strict=True)]
    assert report.values["GAP"].value == pytest.approx(gap(guesses))
    assert (report.values["accuracy"].value, report.n, report.left_out) == (2 / 3, 3, {"no positives": 1})


@pytest.mark.parametrize("difficulty", ["easy", "medium", "hard"])
def test_revisited_by_its_difficulties(tmp_path: Path, difficulty: str) -> None:
    forge_revisited(tmp_path)
    scan = open_source(f"roxford5k:{tmp_path}")
    queries, gallery = (scan.of_splits((split,)).catalog for split in ("query", "gallery"))
    truth = truth_of(f"roxford5k:{tmp_path}", f"roxford-{difficulty}")
    orders = [[4, 2, 0, 3, 1], [3, 0, 2, 1, 4]]
    report = Judge(f"roxford-{difficulty}", truth=truth).of(ranking(*orders), queries, gallery, SIGNED)
    easy, hard, junk = [{0, 1}, set()], [{2}, {2, 3}], [{4}, set()]
    sets = {
        "easy": [(easy[q], junk[q] | hard[q]) for q in (0, 1)],
        "medium": [(easy[q] | hard[q], junk[q]) for q in (0, 1)],
        "hard": [(hard[q], junk[q] | easy[q]) for q in (0, 1)],
    }[difficulty]
    aps = [ap_revisited(orders[q], right, out) for q, (right, out) in enumerate(sets) if right]
    fives = [precision_revisited(orders[q], right, out, 5) for q, (right, out) in enumerate(sets) if right]
    assert gallery.ids == list(GALLERY)
    assert queries.ids == [f"query:{name}" for name in QUERIES]
    assert report.values["mAP"].value == pytest.approx(np.mean(aps))
    assert report.values["mP/5"].value == pytest.approx(np.mean(fives))
    assert report.left_out == {"no positives": 2 - len(aps)}
    listed = [[sorted(one) for one in part] for part in (easy, hard, junk)]
    whole = revisited_relevance(listed[0], listed[1], listed[2], 5)[difficulty]
    protocol = RETRIEVAL_PROTOCOLS[f"roxford-{difficulty}"]
    assert report.values == evaluate_ranking(ranking(*orders), whole, protocol, query_ids=["0", "1"]).values


def test_a_part_of_a_benchmark_in_another_order(tmp_path: Path) -> None:
    """Rows of the gallery go by their ids: neither the order nor other photos in between matter."""
    forge_revisited(tmp_path)
    scan = open_source(f"roxford5k:{tmp_path}")
    truth = truth_of(f"roxford5k:{tmp_path}", "roxford-medium")
    queries, gallery = (scan.of_splits((split,)).catalog for split in ("query", "gallery"))
    mixed = Catalog.from_rows({"id": photo} for photo in ("other", *(gallery.ids[row] for row in (3, 2, 0, 1))))
    second = queries.select(np.array([1]))
    report = Judge("roxford-medium", truth=truth).of(ranking([0, 1, 3, 2, 4]), second, mixed, SIGNED)
    assert report.values["mAP"].value == pytest.approx(ap_revisited([0, 1, 3, 2, 4], {1, 2}, set()))


def test_oxford_as_first_published(tmp_path: Path) -> None:
    """The query's own picture is an answer there, or junk, as its lists say; nothing is taken out of them."""
    forge_oxford(tmp_path)
    scan = open_source(f"oxford5k:{tmp_path}")
    truth = truth_of(f"oxford5k:{tmp_path}", "oxford5k")
    queries, gallery = (scan.of_splits((split,)).catalog for split in ("query", "gallery"))
    orders = [[0, 4, 3, 1, 2], [0, 3, 1, 2, 4]]
    own = [np.array([0]), np.array([3])]
    report = Judge("oxford5k", truth=truth).of(ranking(*orders), queries, gallery, SIGNED, own)
    wanted = [ap_oxford(orders[0], {0, 1, 2}, {4}), ap_oxford(orders[1], {3}, {0, 2})]
    assert report.values["mAP"].value == pytest.approx(np.mean(wanted))


def test_a_benchmark_is_judged_by_its_own_protocols(tmp_path: Path) -> None:
    forged = forge_gldv2(tmp_path / "gldv2")
    forge_revisited(tmp_path / "rox")
    revisited = truth_of(f"roxford5k:{tmp_path / 'rox'}", "roxford-easy")
    with pytest.raises(UsageError, match=r"easy, hard, junk, which is no truth for gldv2-retrieval.*roxford-medium"):
        Judge(truth=revisited)
    with pytest.raises(UsageError, match="no truth for gldv2-recognition"):
        Judge("gldv2-recognition", truth=revisited)
    landmarks = truth_of(f"gldv2:{forged.root}", "gldv2-recognition")
    with pytest.raises(UsageError, match="says landmark, which is no truth for gldv2-retrieval"):
        Judge(truth=landmarks)


def test_a_gallery_is_judged_as_its_rankings_are(session: Path) -> None:
    opened, scan = words_gallery(session), query_photos(session)
    path = str(opened.gallery.path)
    for method, weight in (("none", 0.5), ("sift", 0.3), ("vlad", 0.8)):
        rank = RankConfig(k=9, method=method, candidates=6)  # type: ignore[arg-type]
        evaluation = evaluate_rank(scan, path, RankQuestion(rank, Judge(resamples=20), weight))
        ranked = rank_queries(scan, path, replace(rank, k=100))
        final = ranked.ranking
        if ranked.local is not None:
            rows, at = final.rows, weight
            head = np.zeros((12, 6))
            for query in range(12):
                scores, local = final.scores[query, :6].astype(np.float64), ranked.local[query].astype(np.float64)
                if method == "sift":
                    scores, local = scores / scores.max(), np.minimum(local, 30) / 30
                head[query] = at * scores + (1 - at) * local
            order = np.lexsort((rows[:, :6], -head), axis=1)
            final = ranking(*np.concatenate([np.take_along_axis(rows[:, :6], order, 1), rows[:, 6:]], 1).tolist())
        labels = [[str(label)] for label in scan.catalog.column("landmark")]
        relevance = Relevance.from_labels(labels, opened.gallery.catalog.column("landmark"))
        wanted = evaluate_ranking(
            final, relevance, RETRIEVAL_PROTOCOLS["gldv2-retrieval"], query_ids=scan.catalog.ids, resamples=20
        )
        assert evaluation.report.values == wanted.values
        assert evaluation.report.fingerprints == signature_of(opened.gallery)
        assert (evaluation.report.n, evaluation.skipped) == (12, ())


def test_a_gallery_asked_its_own_photos(session: Path) -> None:
    """Each photo has the seven others of its landmark to find."""
    opened = words_gallery(session)
    evaluation = evaluate_rank(gallery_photos(session), str(opened.gallery.path), RankQuestion())
    assert evaluation.report.table is not None
    assert evaluation.report.table.column("n_relevant").to_pylist() == [7] * 48
    assert evaluation.report.values["mAP/100"].value > 0.85
    kept = evaluate_rank(gallery_photos(session), str(opened.gallery.path), RankQuestion(RankConfig(keep_same=True)))
    assert kept.report.table is not None
    assert kept.report.table.column("n_relevant").to_pylist() == [8] * 48
    assert kept.report.values["mAP/100"].value > evaluation.report.values["mAP/100"].value


def test_fusion_of_some_queries(session: Path) -> None:
    rng = np.random.default_rng(0)
    whole = ranking(*(rng.permutation(20)[:8].tolist() for _ in range(5)))
    local = rng.uniform(0, 1, (5, 4)).astype(np.float32)
    ranked = Ranked(catalog({f"q{i}": "a" for i in range(5)}), whole, local, (), ())
    config = RankConfig(k=8, method="vlad", candidates=4)
    chosen = np.array([3, 0])
    some = Ranking(whole.rows[chosen], whole.scores[chosen])
    for formula, fusion in (("right", weighted(0.25)), ("seed", SEED_VLAD)):
        found = fused(ranked, replace(config, formula=formula), 0.25, chosen)  # type: ignore[arg-type]
        wanted = fuse_ranking(some, local[chosen], fusion)
        np.testing.assert_array_equal(found.rows, wanted.rows)
        np.testing.assert_array_equal(found.scores, wanted.scores)
    np.testing.assert_array_equal(fused(replace(ranked, local=None), config, 0.0, chosen).rows, some.rows)
    splits = Catalog.from_rows([{"id": str(i), "split": split} for i, split in enumerate(["a", None, "b", "a"])])
    assert rows_of_split(splits, ("a", "c")).tolist() == [0, 3]


def _benchmark(session: Path, folder: Path) -> dict[str, Any]:
    """Made landmarks laid out as Oxford5k: two queries a landmark are gallery pictures and answers, too."""
    (folder / "jpg").mkdir(parents=True)
    names = []
    for path in gallery_photos(session).catalog.column("path"):
        shutil.copy2(str(path), folder / "jpg")
        names.append(Path(str(path)).stem)
    queries = [name for name in names if name.endswith("_0")]
    lists = [[row for row, name in enumerate(names) if name[:-2] == query[:-2]] for query in queries]
    gnd = [{"ok": ok[:-1], "junk": ok[-1:], "bbx": [4.0, 4.0, 92.0, 92.0]} for ok in lists]
    content = {"gnd": gnd, "imlist": names, "qimlist": queries}
    (folder / "gnd_oxford5k.pkl").write_bytes(pickle.dumps(content, protocol=2))
    return content


@pytest.mark.slow
def test_a_benchmark_from_its_folder_to_its_report(session: Path, tmp_path: Path) -> None:
    """Queries are gallery pictures, cut to their boxes; the picture itself is found and counts, as published."""
    content = _benchmark(session, tmp_path / "ox")
    spec = f"oxford5k:{tmp_path / 'ox'}"
    scan = open_source(spec)
    config = IndexConfig(encoder=TINY_ENCODER, jobs=1, calibration_photos=0)
    index(scan.of_splits(("gallery",)), tmp_path / "g", config)
    question = RankQuestion(RankConfig(k=5), Judge("oxford5k", truth=truth_of(spec, "oxford5k"), resamples=20))
    evaluation = evaluate_rank(scan.of_splits(("query",)), str(tmp_path / "g"), question)
    ids = open_gallery(tmp_path / "g").catalog.ids
    assert ids == content["imlist"]
    ranked = rank_queries(scan.of_splits(("query",)), str(tmp_path / "g"), RankConfig(k=48, keep_same=True))
    aps = [
        ap_oxford([row for row in rows if row >= 0], set(one["ok"]), set(one["junk"]))
        for rows, one in zip(ranked.ranking.rows.tolist(), content["gnd"], strict=True)
    ]
    assert evaluation.report.values["mAP"].value == pytest.approx(np.mean(aps))
    assert [rows[0] for rows in ranked.ranking.rows.tolist()] == [one["ok"][0] for one in content["gnd"]]
    assert evaluation.report.values["mAP"].value > 0.85
    assert evaluation.report.n == 6
    with pytest.raises(UsageError, match="is no query of this benchmark"):
        evaluate_rank(scan, str(tmp_path / "g"), question)


def test_nothing_to_ask(session: Path) -> None:
    none = query_photos(session)
    none = replace(none, catalog=none.catalog.select(np.zeros(0, np.int64)))
    with pytest.raises(EmptyInputError, match="No query could be asked; 0 were skipped"):
        evaluate_rank(none, str(words_gallery(session).gallery.path), RankQuestion())

"""Whole experiments: trained once, indexed, chosen by the public queries, told on the private ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from forger_landmarks import made_landmarks
from landmark_galleries import photos, tiny_network, with_column

from periplus.curate.findings import FLAGS
from periplus.encode import ModelSpec, open_picture_encoder
from periplus.errors import CannotRunError, UsageError
from periplus.gallery import open_gallery
from periplus.learn import Experiment, override
from periplus.photos import read_rgb
from periplus.pipeline import Judge, Refinement, open_for_search
from periplus.pipeline.evaluating_rank import fused
from periplus.pipeline.experimenting import ExperimentResult, ask_whole, rank_config, run_experiment
from periplus.pipeline.opened import OpenedGallery
from periplus.pipeline.ranking import RankConfig, rank_queries
from periplus.pipeline.splitting import with_splits
from periplus.records import Catalog, Report
from periplus.rerank import Diffusion, Expansion, Reciprocal, SuperGlobal
from periplus.sources import Scan, open_source

pytestmark = pytest.mark.slow

QUICK: dict[str, Any] = {
    "batch_size": 8,
    "epochs": 2,
    "lr": 0.003,
    "monitor": "loss",
    "threads": 1,
    "workers": 1,
    "device": "cpu",
    "objective": "classification",
}


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


def described(session: Path, name: str, **sections: dict[str, Any]) -> Experiment:
    """An experiment on the made landmarks: 12 public and 12 private queries, 7 photos not trained on, 29 trained on."""
    table: dict[str, Any] = {
        "experiment": {"name": name},
        "data": {
            "source": str(made_landmarks(session)), "public": 12, "private": 12, "index_only": 0.2, "validation": 0.2,
        },
        "model": {"name": str(tiny_network(session)), "weights": "random", "image_size_px": 32},
        "evaluate": {"resamples": 50},
        "rerank": {"points": 150, "candidates": 20},
    }  # fmt: skip
    for section, values in sections.items():
        table[section] = {**table.get(section, {}), **values}
    return Experiment.from_dict(table)


@dataclass
class Done:
    experiment: Experiment
    runs: Path
    result: ExperimentResult
    stages: list[str]

    @property
    def gallery(self) -> OpenedGallery:
        return open_for_search(self.result.gallery)


def run(experiment: Experiment, runs: Path, *, resume: bool = False) -> Done:
    stages: list[str] = []
    result = run_experiment(experiment, runs, resume=resume, jobs=1, progress=lambda stage, *_: stages.append(stage))
    return Done(experiment, runs, result, list(dict.fromkeys(stages)))


@lru_cache(maxsize=1)
def trained(session: Path) -> Done:
    return run(described(session, "e2", train=QUICK), session / "runs")


@pytest.fixture(scope="session")
def e2(session: Path) -> Done:
    """Two epochs of classification; read only."""
    return trained(session)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small are slowed down a hundredfold by threads that wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def runs(e2: Done) -> Path:
    """Where e2 lies, for runs of other names beside it."""
    return e2.runs


def roles(done: Done) -> Scan:
    """The photos with the roles that the experiment gave them."""
    data = done.experiment.data
    scan = open_source(data.source)
    catalog = with_splits(
        scan.catalog, public=data.public, private=data.private, index_only=data.index_only, seed=data.seed, jobs=1
    )
    return replace(scan, catalog=catalog)


def aps(report: Report) -> dict[str, float]:
    assert report.table is not None
    return dict(zip(*(report.table.column(name).to_pylist() for name in ("id", "AP")), strict=True))


def test_a_training_becomes_a_result(e2: Done) -> None:
    assert e2.stages == ["read", "compare", "train", "learn", "describe", "ask"]
    assert e2.result.folder == e2.runs / "e2"
    scan = roles(e2)
    parts = {role: scan.of_splits((role,)) for role in ("train", "index", "query-public", "query-private")}
    assert [len(part.catalog) for part in parts.values()] == [29, 7, 12, 12]
    gallery = open_gallery(e2.result.gallery)
    assert set(gallery.catalog.ids) == {*parts["train"].catalog.ids, *parts["index"].catalog.ids}
    sees = open_picture_encoder(ModelSpec(str(e2.runs / "e2" / "best"), image_size_px=32))
    pictures = [read_rgb(str(path), 4096).pixels for path in gallery.catalog.column("path")]
    np.testing.assert_allclose(gallery.vectors.astype(np.float32), sees.encode(pictures), rtol=2**-11, atol=2**-14)
    for role in ("public", "private"):
        report = getattr(e2.result, role)
        asked = parts[f"query-{role}"]
        ranked = rank_queries(asked, str(e2.result.gallery), RankConfig(k=100))
        wanted = Judge(resamples=50).of(ranked.ranking, asked.catalog, gallery.catalog, report.fingerprints)
        assert report == replace(wanted, table=report.table)
        assert aps(report) == aps(wanted)
        assert report.fingerprints == {"encoder": gallery.fingerprint, "gallery": gallery.content_digest}
    assert (e2.result.weight, e2.result.swept, e2.result.skipped) == (None, (), ())
    card = json.loads((e2.runs / "e2" / "best" / "periplus.json").read_text())["card"]
    assert card["experiment"] == "e2"
    assert card["training_photos"] + card["validation_photos"] == 29


def test_what_was_not_trained_on_is_asked_apart(e2: Done) -> None:
    """Only the 7 photos of the split index answer; a landmark that has none of them is left out."""
    scan, gallery = roles(e2), open_gallery(e2.result.gallery)
    private = scan.of_splits(("query-private",))
    ranked = rank_queries(private, str(e2.result.gallery), RankConfig(k=100))
    index = np.flatnonzero(np.array(gallery.catalog.column("split")) == "index")
    labels = gallery.catalog.column("landmark")
    wanted = {}
    for at, (photo, label) in enumerate(zip(private.catalog.ids, private.catalog.column("landmark"), strict=True)):
        rows = [row for row in ranked.ranking.rows[at].tolist() if row in index]
        right = [labels[row] == label for row in rows]
        if any(right):
            wanted[photo] = float(np.sum(np.cumsum(right) * right / np.arange(1, len(right) + 1)) / sum(right))
    assert e2.result.unseen is not None
    assert aps(e2.result.unseen) == pytest.approx(wanted)
    assert e2.result.unseen.left_out == {"no positives": 12 - len(wanted)}


def test_a_finished_training_is_not_repeated(e2: Done, runs: Path) -> None:
    before = {path: path.read_bytes() for path in (runs / "e2").rglob("*") if path.is_file()}
    again = run(e2.experiment, runs)
    assert "train" not in again.stages
    assert "learn" not in again.stages
    for part in ("public", "private", "unseen"):
        assert aps(getattr(again.result, part)) == aps(getattr(e2.result, part))
        assert getattr(again.result, part).values == getattr(e2.result, part).values
    assert {path: path.read_bytes() for path in before} == before


def test_what_leaves_the_numbers_alone_may_change(e2: Done, runs: Path) -> None:
    other = override(e2.experiment, ["train.threads=2", "train.resume=true", "data.budget_mb=1"])
    assert aps(run(other, runs).result.private) == aps(e2.result.private)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("train.lr=0.1", r"runs/e2 holds a finished run.*train.lr = 0.003, not 0.1"),
        ("train.objective=contrastive", r"train.objective = 'classification', not 'contrastive'"),
        ("model.pooling=gem", r"model.pooling = 'auto', not 'gem'"),
        ("data.seed=1", r"trained with data.seed = 0, not 1: it may know the queries"),
        ("data.private=13", r"data.private = 12.0, not 13.0"),
        ("rerank.points=99", r"index.gallery was made with other settings"),
        ("evaluate.flips=true", r"index.gallery was made with other settings"),
        ("evaluate.protocol=gldv2-retrieva", r"did you mean 'gldv2-retrieval'"),
    ],
)
def test_other_settings_are_refused(e2: Done, runs: Path, change: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        run(override(e2.experiment, [change]), runs)


def test_nothing_is_trained_that_cannot_be_judged(session: Path, tmp_path: Path) -> None:
    wrong = described(session, "e9", train=QUICK, evaluate={"protocol": "gldv3"})
    with pytest.raises(UsageError, match="gldv3"):
        run(wrong, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_training_goes_on_to_the_same_network(e2: Done, session: Path, tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int | None) -> None:
        if stage == "train" and total is not None and done > total // 2:
            raise OSError("pulled plug")

    with pytest.raises(OSError, match="pulled plug"):
        run_experiment(e2.experiment, tmp_path, jobs=1, progress=stop)
    with pytest.raises(UsageError, match=r"holds a run already\. Resume it"):
        run(e2.experiment, tmp_path)
    again = run(e2.experiment, tmp_path, resume=True)
    weights = "best/model.safetensors"
    assert (tmp_path / "e2" / weights).read_bytes() == (e2.runs / "e2" / weights).read_bytes()
    assert aps(again.result.private) == aps(e2.result.private)


def test_reranking_shares_the_gallery_and_is_chosen_in_public(e2: Done, session: Path, runs: Path) -> None:
    """E5 to E7: another run's network; v is swept on the public queries, the private ones are told at the best."""
    manifest = (runs / "e2" / "index.gallery" / "gallery.json").read_bytes()
    weights = [0.0, 0.3, 0.6, 1.0]
    for method in ("sift", "vlad", "patches"):
        settings = {"method": method, "weights": weights, "candidates": 15}
        done = run(described(session, f"by-{method}", model={"weights": "run:e2"}, rerank=settings), runs)
        assert done.result.gallery == runs / "e2" / "index.gallery"
        assert (done.result.gallery / "gallery.json").read_bytes() == manifest
        assert "train" not in done.stages
        config = RankConfig(k=100, method=method, candidates=15)
        gallery = open_gallery(done.result.gallery).catalog
        values = {}
        for role in ("query-public", "query-private"):
            ranked = rank_queries(roles(done).of_splits((role,)), str(done.result.gallery), config)
            for v in weights:
                report = Judge(resamples=50).of(fused(ranked, config, v), ranked.catalog, gallery, {})
                values[role, v] = report
        public = [values["query-public", v].values["mAP/100"].value for v in weights]
        best = max(v for v, value in zip(weights, public, strict=True) if value == max(public))
        assert done.result.swept == tuple(zip(weights, public, strict=True))
        assert done.result.weight == best
        assert aps(done.result.private) == aps(values["query-private", best])
        assert aps(done.result.public) == aps(values["query-public", best])
        if method == "sift":
            assert done.result.private.values["mAP/100"].value > e2.result.private.values["mAP/100"].value


def test_the_published_formulas_have_their_own_weights(session: Path, runs: Path) -> None:
    settings = {"method": "patches", "formula": "seed", "candidates": 15}
    done = run(described(session, "e7-seed", model={"weights": "run:e2"}, rerank=settings), runs)
    assert (done.result.weight, done.result.swept) == (None, ())
    config = RankConfig(k=100, method="patches", formula="seed", candidates=15)
    ranked = rank_queries(roles(done).of_splits(("query-private",)), str(done.result.gallery), config)
    wanted = Judge(resamples=50).of(
        fused(ranked, config, 0.77), ranked.catalog, open_gallery(done.result.gallery).catalog, {}
    )
    assert aps(done.result.private) == aps(wanted)


def test_another_runs_network_must_fit(session: Path, runs: Path) -> None:
    with pytest.raises(CannotRunError, match=r"weights 'run:e3': there is no network at .*e3/best. Run that first"):
        run(described(session, "e4", model={"weights": "run:e3"}), runs)
    with pytest.raises(UsageError, match=r"data.seed = 0, not 5: it may know the queries"):
        run(described(session, "e4", model={"weights": "run:e2"}, data={"seed": 5}), runs)
    assert not (runs / "e4").exists()


def test_a_training_from_another_runs_network(session: Path, runs: Path) -> None:
    """E4 from E2: the gallery is its own, and one more epoch has moved the weights."""
    one = {**QUICK, "epochs": 1, "objective": "contrastive", "sampler": {"kind": "m_per_class", "m": 2}}
    done = run(described(session, "e4", model={"weights": "run:e2"}, train=one), runs)
    assert done.result.gallery == runs / "e4" / "index.gallery"
    first, second = (open_gallery(runs / name / "index.gallery") for name in ("e2", "e4"))
    assert first.catalog.ids == second.catalog.ids
    assert first.fingerprint != second.fingerprint
    assert 1e-4 < np.abs(first.vectors.astype(np.float32) - second.vectors.astype(np.float32)).max() < 0.9


def test_an_untrained_network_is_named_as_such(session: Path, tmp_path: Path) -> None:
    """E1 here: random weights, drawn once; another network by the same name is refused."""
    e1 = described(session, "e1")
    done = run(e1, tmp_path)
    card = json.loads((tmp_path / "e1" / "best" / "periplus.json").read_text())["card"]
    assert (card["experiment"], card["trained"]) == ("e1", False)
    weights = (tmp_path / "e1" / "best" / "model.safetensors").read_bytes()
    assert aps(run(e1, tmp_path).result.private) == aps(done.result.private)
    assert (tmp_path / "e1" / "best" / "model.safetensors").read_bytes() == weights
    for change in ("model.pooling=gem", "model.projection_dim=8", "data.fit=exact"):
        with pytest.raises(UsageError, match="e1/best holds another network"):
            run(override(e1, [change]), tmp_path)


def test_a_run_may_be_moved_but_not_its_gallery(e2: Done, tmp_path: Path) -> None:
    """A gallery names the folder of its model: where that has moved, it is made again."""
    moved = Path(shutil.copytree(e2.runs / "e2", tmp_path / "runs" / "e2")).parent
    with pytest.raises(UsageError, match=r"index.gallery was made with other settings. Remove it"):
        run(e2.experiment, moved)
    shutil.rmtree(moved / "e2" / "index.gallery")
    assert aps(run(e2.experiment, moved).result.private) == aps(e2.result.private)


def test_a_trained_network_is_not_taken_for_an_untrained_one(e2: Done, runs: Path, session: Path) -> None:
    with pytest.raises(UsageError, match="e2/best holds another network"):
        run(described(session, "e2"), runs)


def test_published_weights_as_a_folder(session: Path, tmp_path: Path) -> None:
    """With weights ``hub`` pooling is chosen here, with a folder for weights it is the checkpoint's."""
    hub = {"weights": "hub", "pooling": "gem", "gem_p": 4.0}
    by_hub = run(described(session, "hub", model=hub), tmp_path)
    plain = run(described(session, "folder", model={"weights": str(tiny_network(session))}), tmp_path)
    for done, wanted in ((by_hub, ("gem", 4.0)), (plain, ("auto", None))):
        model: Any = (done.gallery.encoder.model or {})["model"]
        assert (model["pooling"], model["gem_p"]) == wanted
        assert (model["name"], model["image_size_px"]) == (str(tiny_network(session)), 32)
        assert not (done.result.folder / "best").exists()
    assert by_hub.gallery.gallery.fingerprint != plain.gallery.gallery.fingerprint


def test_with_all_trained_on_nothing_is_unseen(session: Path, tmp_path: Path) -> None:
    done = run(described(session, "all", data={"index_only": 0.0}), tmp_path)
    assert done.result.unseen is None
    assert len(done.gallery) == 36


def test_protocols_that_look_at_everything(session: Path, tmp_path: Path) -> None:
    """The ranking is as deep as the protocol needs it, whatever k is."""
    for protocol, value in (("map-at-r", "MAP@R"), ("recall", "recall/1")):
        settings = {"protocol": protocol, "k": 3}
        done = run(described(session, f"by-{protocol}", evaluate=settings), tmp_path)
        assert done.result.private.protocol == protocol
        assert 0 < done.result.private.values[value].value <= 1


def test_audited_photos_are_left_out(session: Path, tmp_path: Path) -> None:
    names = open_source(str(made_landmarks(session))).catalog.ids
    grey = set(names[3:9]) | set(names[40:44])
    lines = [",".join(["id", *FLAGS])]
    lines += [",".join([name, *("true" if f == "grey" and name in grey else "false" for f in FLAGS)]) for name in names]
    (tmp_path / "findings.csv").write_text("\n".join(lines) + "\n")
    wanted = {"findings": str(tmp_path / "findings.csv"), "drop": ["grey"]}
    done = run(described(session, "clean", data=wanted), tmp_path)
    asked = {photo for report in (done.result.public, done.result.private) for photo in aps(report)}
    assert not grey & {*open_gallery(done.result.gallery).catalog.ids, *asked}
    assert len(open_gallery(done.result.gallery)) + len(asked) == 50


def test_photos_that_cannot_be_used_are_told(session: Path, tmp_path: Path) -> None:
    """A table with given roles, two broken photos in it: one of the gallery, one that asks."""
    scan = photos(session)
    splits = ["query-public", "query-private", *["train", "index"] * 4] * 6
    for path in scan.catalog.column("path"):
        shutil.copy2(str(path), tmp_path)
    names = scan.catalog.ids
    (tmp_path / names[1]).write_bytes(b"broken")
    (tmp_path / names[12]).write_bytes(b"broken")
    lines = ["file,landmark,split"]
    landmarks = scan.catalog.column("landmark")
    lines += [f"{name},{label},{split}" for name, label, split in zip(names, landmarks, splits, strict=True)]
    (tmp_path / "roles.csv").write_text("\n".join(lines) + "\n")
    done = run(described(session, "given", data={"source": str(tmp_path / "roles.csv")}), tmp_path / "runs")
    assert sorted(Path(skip.path).name for skip in done.result.skipped) == sorted([names[1], names[12]])
    assert (done.result.public.n, done.result.private.n, len(done.gallery)) == (6, 5, 47)


def test_other_photos_are_asked_of_all(e2: Done, session: Path, runs: Path) -> None:
    """A gallery of all 60 photos by the run's network; a photo that is in it finds the nine others, not itself."""
    done = run(e2.experiment, runs)
    queries = open_source(str(made_landmarks(session)))
    some = replace(queries, catalog=queries.catalog.select(np.arange(0, 60, 7)))
    evaluation = ask_whole(done.experiment, done.result, some, jobs=1)
    whole = open_gallery(runs / "e2" / "all.gallery")
    assert len(whole) == 60
    assert open_for_search(whole.path).encoder.config == done.gallery.encoder.config
    assert evaluation.report.table is not None
    assert evaluation.report.table.column("n_relevant").to_pylist() == [9] * 9
    ranked = rank_queries(some, str(whole.path), RankConfig(k=100))
    wanted = Judge(resamples=50).of(ranked.ranking, some.catalog, whole.catalog, {}, ranked.own)
    assert aps(evaluation.report) == aps(wanted)


def test_the_section_refine_is_the_refinement(session: Path) -> None:
    assert rank_config(described(session, "x"), 1).refinement == Refinement()
    refine = {
        "query_expansion": 5, "query_expansion_alpha": 2.0, "database_augmentation": 4,
        "database_augmentation_alpha": 1.0, "k_reciprocal": 7, "k_reciprocal_k2": 3, "k_reciprocal_lambda": 0.4,
        "super_global": 30, "super_global_k": 6, "super_global_beta": 0.2, "diffusion": 50,
    }  # fmt: skip
    config = rank_config(described(session, "x", refine=refine, evaluate={"k": 40}), 2)
    assert config.refinement == Refinement(
        augmentation=Expansion(4, 1.0),
        expansion=Expansion(5, 2.0),
        superglobal=SuperGlobal(30, 6, 0.2),
        reciprocal=Reciprocal(k1=7, k2=3, distance_weight=0.4),
        diffusion=Diffusion(top=50),
    )
    assert (config.k, config.method, config.candidates, config.jobs) == (40, "none", 20, 2)


def test_refined_experiments_rank_refined(session: Path, runs: Path) -> None:
    refine = {"query_expansion": 4, "database_augmentation": 3}
    done = run(described(session, "refined", model={"weights": "run:e2"}, refine=refine), runs)
    how = Refinement(augmentation=Expansion(3), expansion=Expansion(4))
    asked = roles(done).of_splits(("query-private",))
    ranked = rank_queries(asked, str(done.result.gallery), RankConfig(k=100, refinement=how))
    wanted = Judge(resamples=50).of(ranked.ranking, asked.catalog, open_gallery(done.result.gallery).catalog, {})
    assert aps(done.result.private) == aps(wanted)


def test_another_label_is_learnt_and_judged(session: Path, tmp_path: Path) -> None:
    """A column of numbers: six landmarks in three towns."""
    scan = photos(session)
    towns = [row // 20 for row in range(60)]
    catalog: Catalog = with_column(scan.catalog, "town", towns)
    for path in catalog.column("path"):
        shutil.copy2(str(path), tmp_path)
    lines = [f"{name},{town}" for name, town in zip(catalog.ids, towns, strict=True)]
    (tmp_path / "towns.csv").write_text("\n".join(["file,town", *lines]) + "\n")
    data = {"source": str(tmp_path / "towns.csv"), "label": "town"}
    done = run(described(session, "towns", data=data, train={**QUICK, "epochs": 1}), tmp_path / "runs")
    assert done.result.private.n == 12
    assert done.result.unseen is not None
    assert done.result.unseen.n + done.result.unseen.left_out["no positives"] == 12

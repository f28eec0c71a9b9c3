"""A whole experiment: train, index, rank, choose on the public queries, report on the private ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from periplus.curate import INDEX, QUERY_PRIVATE, QUERY_PUBLIC, TRAIN
from periplus.encode import EncoderConfig
from periplus.errors import EmptyInputError, UsageError
from periplus.evaluate import protocol_named
from periplus.features import SiftConfig
from periplus.gallery import open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.learn.settings import VALIDATION
from periplus.pipeline.evaluating import EvaluateConfig as AskConfig
from periplus.pipeline.evaluating import evaluate_source
from periplus.pipeline.evaluating_rank import (
    RankEvaluation,
    RankQuestion,
    evaluate_rank,
    fused,
    rows_of_split,
    signature_of,
)
from periplus.pipeline.indexing import IndexConfig, index
from periplus.pipeline.judging import Judge, truth_of
from periplus.pipeline.networks import TEST, learns_positions, train_network
from periplus.pipeline.opened import encoder_of
from periplus.pipeline.pictures import deep_encoder
from periplus.pipeline.ranking import Progress, RankConfig, Ranked, rank_queries
from periplus.pipeline.refining import Refinement
from periplus.pipeline.workers import default_jobs
from periplus.pipeline.world.choosing import choose_spec
from periplus.pipeline.world.indexing import WorldIndexConfig, index_world
from periplus.records import Catalog, Report, Skip
from periplus.rerank import Diffusion, Expansion, Reciprocal, SuperGlobal, sweep
from periplus.sources import Scan, open_source

if TYPE_CHECKING:
    from periplus.learn import Experiment
    from periplus.learn.retrieval_settings import RefineConfig

GALLERY_FOLDER, WHOLE_FOLDER = "index.gallery", "all.gallery"


@dataclass(frozen=True)
class ExperimentResult:
    """What an experiment found.

    Attributes:
        folder: of the run.
        gallery: that was asked.
        public: the report on the queries that settings were chosen by.
        private: the report on the others, the result.
        unseen: the private queries in a gallery of only the photos that were not trained on, by the global ranking;
            None where there are no such photos, or no others.
        weight: v of the fusion that was chosen; None without local evidence, or where the formula has its own.
        swept: the public value at each weight.
        skipped: photos that could not be used.
    """

    folder: Path
    gallery: Path
    public: Report
    private: Report
    unseen: Report | None
    weight: float | None = None
    swept: tuple[tuple[float, float], ...] = ()
    skipped: tuple[Skip, ...] = ()


def run_experiment(
    experiment: Experiment, runs: Path, *, resume: bool = False, jobs: int = 0, progress: Progress | None = None
) -> ExperimentResult:
    """Do what an experiment says, in ``runs/NAME``.

    A finished training and an indexed gallery are not done again.

    Args:
        experiment: what to do.
        runs: the folder of runs; ``run:NAME`` is looked for there.
        resume: go on with a training that was stopped.
        jobs: worker processes; the result does not depend on it.
        progress: told of each stage.

    Raises:
        UsageError: settings contradict each other, or the run's folder holds another experiment.
        CannotRunError: a model, a run or an extra is missing.
    """
    tell, jobs = progress or (lambda *_: None), jobs or default_jobs()
    if learns_positions(experiment):
        return _run_positions(experiment, runs, resume, jobs, tell)
    judge = _judge(experiment)  # what cannot be judged is not trained
    scan, encoder, owner = train_network(experiment, runs, resume=resume, jobs=jobs, progress=tell)
    catalog, gallery = scan.catalog, owner / GALLERY_FOLDER
    unusable = _index(experiment, scan, encoder, gallery, jobs, tell)
    queries = replace(scan, catalog=catalog.select(rows_of_split(catalog, (QUERY_PUBLIC, QUERY_PRIVATE))))
    config = rank_config(experiment, jobs)
    depth = judge.depth(config.k, len(open_gallery(gallery)))
    config = replace(config, k=depth, keep_same=judge.truth is not None)
    ranked = rank_queries(queries, str(gallery), config, tell)
    result = _judged(experiment, runs / experiment.experiment.name, ranked, config, gallery)
    private = replace(queries, catalog=queries.catalog.select(rows_of_split(queries.catalog, (QUERY_PRIVATE,))))
    unseen = _unseen(experiment, private, gallery, config, tell)
    return replace(result, unseen=unseen, skipped=(*ranked.skipped, *unusable))


def _run_positions(experiment: Experiment, runs: Path, resume: bool, jobs: int, tell: Progress) -> ExperimentResult:
    """The same of an experiment whose network is a geo model.

    The training positions are the gallery; the photos of ``data.validation_split``, or the authors that were held
    out, are the public queries, and those of ``data.test_split`` the private ones; without such a split the public
    queries stand for both.
    """
    data, protocol = experiment.data, protocol_named(experiment.evaluate.protocol)
    scan, model, folder = train_network(experiment, runs, resume=resume, jobs=jobs, progress=tell)
    target, config = folder / GALLERY_FOLDER, AskConfig(jobs=jobs)

    def of_role(split: str) -> Scan:
        return replace(scan, catalog=scan.catalog.select(rows_of_split(scan.catalog, (split,))), skipped=())

    spec = choose_spec(of_role(TRAIN), model, positions=True)
    index_world(of_role(TRAIN), target, spec, WorldIndexConfig(jobs, prune=True), tell)
    public = evaluate_source(of_role(VALIDATION), target, protocol, config, tell)
    private = evaluate_source(of_role(TEST), target, protocol, config, tell) if data.test_split else public
    skipped = dict.fromkeys((*public.skipped, *private.skipped))
    return ExperimentResult(folder, target, public.report, private.report, None, skipped=tuple(skipped))


def ask_whole(
    experiment: Experiment, result: ExperimentResult, queries: Scan, *, jobs: int = 0, progress: Progress | None = None
) -> RankEvaluation:
    """Ask other queries of a gallery of all the experiment's photos, as the experiment ranks and with its weight.

    Args:
        experiment: which has been run.
        result: what it found.
        queries: photos with the experiment's label.
        jobs: worker processes; the result does not depend on it.
        progress: told of each stage.
    """
    tell, jobs = progress or (lambda *_: None), jobs or default_jobs()
    scan = open_source(experiment.data.source, progress=lambda done: tell("read", done, None))
    kept = encoder_of(open_gallery(result.gallery)).config
    target = result.folder / WHOLE_FOLDER
    index(scan, target, IndexConfig(encoder=kept, jobs=jobs, calibration_photos=0), tell)
    judge = replace(_judge(experiment), truth=None)
    question = RankQuestion(rank_config(experiment, jobs), judge, result.weight or 0.0)
    return evaluate_rank(queries, str(target), question, tell)


def rank_config(experiment: Experiment, jobs: int) -> RankConfig:
    """How an experiment ranks."""
    rerank = experiment.rerank
    return RankConfig(
        k=experiment.evaluate.k,
        method=rerank.method,
        formula=rerank.formula,
        candidates=rerank.candidates,
        refinement=_refinement(experiment.refine),
        jobs=jobs,
    )


def _judge(experiment: Experiment) -> Judge:
    data, evaluate = experiment.data, experiment.evaluate
    return Judge(evaluate.protocol, data.label, truth_of(data.source, evaluate.protocol), evaluate.resamples)


def _judged(
    experiment: Experiment, folder: Path, ranked: Ranked, config: RankConfig, gallery: Path
) -> ExperimentResult:
    """Choose the weight of the fusion on the public queries, and report."""
    opened, judge = open_gallery(gallery), _judge(experiment)
    signature = signature_of(opened)

    def report(split: str, weight: float, resamples: int) -> Report:
        rows = rows_of_split(ranked.catalog, (split,))
        ranking, own = fused(ranked, config, weight, rows), [ranked.own[row] for row in rows]
        asked, once = ranked.catalog.select(rows), replace(judge, resamples=resamples)
        return once.of(ranking, asked, opened.catalog, signature, own)

    weight: float | None = None
    swept: tuple[tuple[float, float], ...] = ()
    if ranked.local is not None and config.formula == "right":
        tried = sweep(experiment.rerank.weights, lambda v: next(iter(report(QUERY_PUBLIC, v, 1).values.values())).value)
        weight, swept = tried.best, tuple(zip(tried.weights, tried.scores, strict=True))
    public, private = (report(split, weight or 0.0, judge.resamples) for split in (QUERY_PUBLIC, QUERY_PRIVATE))
    return ExperimentResult(folder, gallery, public, private, None, weight, swept)


def _unseen(experiment: Experiment, queries: Scan, gallery: Path, config: RankConfig, tell: Progress) -> Report | None:
    opened, judge = open_gallery(gallery), _judge(experiment)
    unseen = rows_of_split(opened.catalog, (INDEX,))
    if len(unseen) in (0, len(opened)) or judge.truth is not None:
        return None
    ranked = rank_queries(queries, str(gallery), replace(config, method="none", splits=(INDEX,)), tell)
    # What was trained on is no right answer here: it cannot be found.
    table = opened.catalog.table
    seen = pc.not_equal(table.column("split"), INDEX)
    labels = pc.if_else(seen, pa.scalar(None, pa.string()), pc.cast(table.column(judge.label), pa.string()))
    catalog = Catalog(table.set_column(table.column_names.index(judge.label), judge.label, labels))
    return judge.of(ranked.ranking, ranked.catalog, catalog, signature_of(opened), ranked.own)


def _index(
    experiment: Experiment, scan: Scan, encoder: str, target: Path, jobs: int, tell: Progress
) -> tuple[Skip, ...]:
    """Index the gallery photos, or find them indexed; experiments on one run's encoder share its gallery.

    Returns:
        The photos that could not be indexed.
    """
    wanted = _described(experiment, encoder)
    if (target / MANIFEST).exists() and encoder_of(open_gallery(target)).config != wanted:
        raise UsageError(f"{target} was made with other settings. Remove it, or give the experiment another name.")
    photos = scan.catalog.select(rows_of_split(scan.catalog, experiment.data.gallery))
    if not len(photos):
        raise EmptyInputError(f"No photo of {experiment.data.source} is left for the gallery.")
    target.parent.mkdir(parents=True, exist_ok=True)
    config = IndexConfig(encoder=wanted, jobs=jobs, calibration_photos=0, prune=True)
    return index(replace(scan, catalog=photos, skipped=()), target, config, tell).skipped


def _described(experiment: Experiment, encoder: str) -> EncoderConfig:
    model, rerank = experiment.model, experiment.rerank
    options: dict[str, object] = {"image_size_px": model.image_size_px, "flip": experiment.evaluate.flips}
    if model.weights == "hub":
        options |= {"pooling": model.pooling, "gem_p": model.gem_p}
    deep = deep_encoder(encoder, options, patches=True)
    return replace(deep, sift=SiftConfig(long_side_px=rerank.long_side_px, max_points=rerank.points))


def _refinement(refine: RefineConfig) -> Refinement:
    """The stages of a section [refine]; a stage whose first number is 0 is off."""
    queries = Expansion(refine.query_expansion, refine.query_expansion_alpha)
    gallery = Expansion(refine.database_augmentation, refine.database_augmentation_alpha)
    around = SuperGlobal(refine.super_global or 1, refine.super_global_k, refine.super_global_beta)
    back = Reciprocal(
        k1=refine.k_reciprocal or 1, k2=refine.k_reciprocal_k2, distance_weight=refine.k_reciprocal_lambda
    )
    return Refinement(
        augmentation=gallery if gallery.n else None,
        expansion=queries if queries.n else None,
        superglobal=around if refine.super_global else None,
        reciprocal=back if refine.k_reciprocal else None,
        diffusion=Diffusion(top=refine.diffusion) if refine.diffusion else None,
    )

"""The network of an experiment: split the photos, train, or find what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from periplus.curate import TRAIN, keep_rows, read_findings
from periplus.errors import CannotRunError, EmptyInputError, UsageError
from periplus.learn.settings import POSITIONAL, VALIDATION
from periplus.pipeline.evaluating_rank import rows_of_split
from periplus.pipeline.ranking import Progress
from periplus.pipeline.splitting import with_splits
from periplus.pipeline.workers import default_jobs
from periplus.records import Catalog
from periplus.sources import Scan, open_source
from periplus.store import read_json

if TYPE_CHECKING:
    from periplus.learn import Experiment
    from periplus.learn.settings import DataConfig

BEST = "best"
TEST = "test"


def train_network(
    experiment: Experiment, runs: Path, *, resume: bool = False, jobs: int = 0, progress: Progress | None = None
) -> tuple[Scan, str, Path]:
    """The first part of :func:`run_experiment`, and all that the followers of a data-parallel training do.

    Returns:
        The photos with their splits; the network (a folder, or a name on the hub); the run that it belongs to.
    """
    tell, data = progress or (lambda *_: None), experiment.data
    scan = open_source(data.source, progress=lambda done: tell("read", done, None))
    if learns_positions(experiment):
        catalog = positioned(scan.catalog, data)
    else:
        catalog = with_splits(
            scan.catalog,
            public=data.public,
            private=data.private,
            index_only=data.index_only,
            seed=data.seed,
            jobs=jobs or default_jobs(),
            progress=tell,
        )
    if data.drop:
        catalog = catalog.select(keep_rows(catalog, read_findings(Path(data.findings)), data.drop).rows)
    return replace(scan, catalog=catalog), *_encoder(experiment, catalog, runs, resume, tell)


def learns_positions(experiment: Experiment) -> bool:
    """Whether its network is a geo model."""
    return experiment.train is not None and experiment.train.objective in POSITIONAL


def positioned(catalog: Catalog, data: DataConfig) -> Catalog:
    """The photos with a position, each with its role as split: to train on, to hold out, to test; and no others.

    The catalog's own splits are taken. Where it has none to hold out, whole authors of those to train on are: photos of
    one author look alike, and would tell more of a place than a stranger's.

    Raises:
        UsageError: the catalog has no such split.
        EmptyInputError: no photo has a position.
    """
    from periplus.learn.data import hold_out_groups

    catalog = catalog.select(catalog.has_position)
    if not len(catalog):
        raise EmptyInputError(f"No photo of {data.source} has a position: there is nothing to learn from.")
    splits = [None if one is None else str(one) for one in catalog.column("split")]
    told = {one for one in splits if one is not None}
    for key in ("validation_split", "test_split"):
        if (name := getattr(data, key)) and name not in told:
            known = ", ".join(sorted(told)) or "not told"
            raise UsageError(f"data.{key} {name!r}: the splits of {data.source} are {known}.")
    role: dict[str | None, str] = {TRAIN if told else None: TRAIN}
    role |= {data.validation_split: VALIDATION} if data.validation_split else {}
    role |= {data.test_split: TEST} if data.test_split else {}
    rows = np.array([row for row, one in enumerate(splits) if one in role], np.int64)
    roles = np.array([role[splits[row]] for row in rows], object)
    catalog = catalog.select(rows)
    if not data.validation_split:
        own, names = roles == TRAIN, _photographers(catalog)
        roles[np.flatnonzero(own)[hold_out_groups(names[own].tolist(), data.validation, data.seed)]] = VALIDATION
    place = catalog.table.column_names.index("split")
    return Catalog(catalog.table.set_column(place, "split", pa.array(roles.tolist(), pa.string())))


def _photographers(catalog: Catalog) -> NDArray[np.str_]:
    """Whose each photo is: the author's, or the sequence's, or its own."""
    names = zip(catalog.column("author"), catalog.column("sequence"), catalog.ids, strict=True)
    return np.array([str(author or sequence or own) for author, sequence, own in names], np.str_)


def _encoder(experiment: Experiment, catalog: Catalog, runs: Path, resume: bool, tell: Progress) -> tuple[str, Path]:
    """The model that the gallery is made with (a folder, or a name on the hub), and the run that the gallery is in."""
    folder, weights = runs / experiment.experiment.name, experiment.model.weights
    if experiment.train is not None:
        return str(_trained(experiment, catalog, folder, resume, tell)), folder
    if weights.startswith("run:"):
        other = runs / weights.removeprefix("run:")
        if not (other / BEST).is_dir():
            raise CannotRunError(f"model.weights {weights!r}: there is no network at {other / BEST}. Run that first.")
        _require_same_roles(other, experiment)
        return str(other / BEST), other
    if weights == "random":
        return str(_untrained(experiment, folder)), folder
    return (experiment.model.name if weights == "hub" else weights), folder


def _trained(experiment: Experiment, catalog: Catalog, folder: Path, resume: bool, tell: Progress) -> Path:
    """The best network of the run; trained now if it is not there."""
    from periplus.learn.data import hold_out, read_training_photos
    from periplus.learn.loop import train
    from periplus.learn.state import require_same_settings
    from periplus.learn.strict import to_table

    data, model, config = experiment.data, experiment.model, experiment.train
    positions = learns_positions(experiment)
    if config is None:
        raise UsageError(f"{experiment.experiment.name} has no section [train].")
    if (folder / "result.json").is_file():
        done = read_json(folder / "result.json")
        begun = {name: _table(done, name) for name in ("train", "model")}
        wanted = {"train": to_table(config), "model": to_table(model)}
        try:
            require_same_settings({**begun, "photos": None}, {**wanted, "photos": None})
        except UsageError as error:
            raise UsageError(f"{folder} holds a finished run. {error}") from error
        _require_same_roles(folder, experiment)
        return folder / BEST
    photos = read_training_photos(
        catalog.select(rows_of_split(catalog, (TRAIN, VALIDATION) if positions else (TRAIN,))),
        size_px=data.stored_px or model.image_size_px,
        label=data.label,
        needs="position" if positions else "label",
        fit=data.fit,
        budget_bytes=data.budget_mb << 20,
        workers=config.workers,
        progress=tell,
    )
    if not positions:
        photos = hold_out(photos, data.validation, data.seed)
    card = {"experiment": experiment.experiment.name, "data": data.source, "roles": _roles(experiment)}
    return train(config, model, photos, folder, resume=resume, progress=tell, card=card).best


def _roles(experiment: Experiment) -> dict[str, object]:
    """All that decides which photos are trained on and which are queries, as JSON values."""
    data = experiment.data
    shares = {"public": data.public, "private": data.private, "index_only": data.index_only}
    names = ("validation_split", "test_split")
    held = {name: getattr(data, name) for name in names if getattr(data, name)}
    given = {"source": data.source, "seed": data.seed, **shares, **held}
    return {**given, "findings": data.findings, "drop": list(data.drop)}


def _require_same_roles(folder: Path, experiment: Experiment) -> None:
    """Refuse a network that was trained on another part of the same photos: it may know the queries by heart.

    Raises:
        UsageError: so it is.
    """
    wanted, path = _roles(experiment), folder / "result.json"
    roles = _table(read_json(path), "roles") if path.is_file() else {}
    key = next((key for key, value in wanted.items() if roles.get(key, value) != value), None)
    if key is not None and roles.get("source") == wanted["source"]:
        raise UsageError(
            f"The network of {folder} was trained with data.{key} = {roles[key]!r}, not {wanted[key]!r}: it may know "
            "the queries. Split the photos as it did, or train another."
        )


def _table(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = document.get(name)
    return table if isinstance(table, Mapping) else {}


def _untrained(experiment: Experiment, folder: Path) -> Path:
    """A network with random weights as a checkpoint, named as such."""
    from periplus.encode.models import CARD_FILE, save_embedder
    from periplus.learn import ModelConfig, TrainConfig
    from periplus.learn.starting import start_embedder
    from periplus.learn.strict import from_table, to_table

    made_of: dict[str, object] = {"trained": False, "model": to_table(experiment.model), "fit": experiment.data.fit}
    if (folder / BEST).exists():
        card = _table(read_json(folder / BEST / CARD_FILE), "card")
        # Settings that it was made before are at their defaults.
        card = {**card, "model": to_table(from_table(ModelConfig, _table(card, "model"), "model"))}
        if card.get("trained", True) or any(card.get(key, value) != value for key, value in made_of.items()):
            raise UsageError(f"{folder / BEST} holds another network. Choose another name, or remove {folder}.")
        return folder / BEST
    embedder, preprocess = start_embedder(experiment.model, TrainConfig(), folder.parent, experiment.data.fit)
    save_embedder(embedder, preprocess, folder / BEST, {"experiment": experiment.experiment.name, **made_of})
    return folder / BEST

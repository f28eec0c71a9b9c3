"""Whole trainings of two towers: what they leave, that they resume exactly, which photos they see."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from periplus import encode
from periplus.encode.models import load_embedder
from periplus.learn import ModelConfig, TrainConfig, TrainingPhotos, hold_out_groups, read_training_photos, train
from periplus.learn.geo_settings import GeolocationConfig, LocationSettings
from periplus.learn.log import read_metrics
from periplus.learn.objectives import OBJECTIVES
from periplus.learn.settings import AugmentConfig
from periplus.records import Catalog

SHORT = TrainConfig(
    objective="geolocation",
    batch_size=10,  # neither the 72 photos nor the queue of 17 are whole batches
    epochs=2,
    lr=0.01,
    optimizer="adamw",
    ema=0.9,
    monitor="within_750km",
    log_every_steps=1,
    threads=1,
    device="cpu",
    augment=AugmentConfig(flip=0, min_area=0.8),
    geolocation=GeolocationConfig(queue=17),
)


def changed(**settings: Any) -> TrainConfig:
    return dataclasses.replace(SHORT, **settings)


@pytest.fixture(scope="session")
def towers(tiny_model: ModelConfig) -> ModelConfig:
    """Two tiny towers of 12 numbers."""
    location = LocationSettings(sigmas=(1.0, 4.0), features=16, width=32, layers=1)
    return dataclasses.replace(tiny_model, projection_dim=12, location=location)


def files(run: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(run)): path.read_bytes() for path in run.glob("*/**/*.safetensors")}
    del found["state/state.safetensors"]
    return found


class StopError(Exception):
    """Breaks a training off between two steps, as a kill would."""


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "bfloat16", "geolocation": GeolocationConfig(queue=17, near_km=50.0, symmetric=True)},
        {"ema": 0.0, "accumulate": 2, "geolocation": GeolocationConfig(queue=5, half=True), "optimizer": "sgd"},
    ],
    ids=["averaged", "accumulated"],
)
def test_broken_off_and_resumed_is_the_same_to_the_last_bit(
    settings: dict[str, Any], photos: TrainingPhotos, towers: ModelConfig, tmp_path: Path
) -> None:
    config = changed(**settings, state_every_steps=2)
    steps = 72 // 10 // config.accumulate
    whole = train(config, towers, photos, tmp_path / "whole")
    for stop in (steps - 1, steps + 2):

        def tell(_stage: str, done: int, _total: int, stop: int = stop) -> None:
            if done == stop:
                raise StopError

        with pytest.raises(StopError):
            train(config, towers, photos, tmp_path / "parts", resume=True, progress=tell)
        torch.manual_seed(stop)
    parts = train(config, towers, photos, tmp_path / "parts", resume=True)
    assert parts.history == whole.history
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    states = [load_file(tmp_path / run / "state" / "state.safetensors") for run in ("whole", "parts")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert {"criterion/queue.rows", "criterion/queue.place", "criterion/log_scale"} <= states[0].keys()
    assert not any("positions" in key for key in states[0])


def test_a_training_learns_and_leaves_a_geo_model(photos: TrainingPhotos, towers: ModelConfig, tmp_path: Path) -> None:
    config = changed(epochs=12, lr=0.02, augment=AugmentConfig(none=True))
    result = train(config, towers, photos, tmp_path / "run")
    best = max(result.history, key=lambda one: one["within_750km"])
    assert result.best_epoch == best["epoch"]
    assert best["within_750km"] > 0.6  # chance is about 0.17
    assert best["accuracy"] > 0.6
    assert best["median_km"] < 1000
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]
    assert np.isfinite([value for one in result.history for value in one.values()]).all()
    lines = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert {"loss", "accuracy", "scale", "gradient_norm"} <= lines[1].keys()
    for folder in (result.best, result.last):
        model = encode.open_geo_model(str(folder))
        assert model.location.dim == 12
        assert model.logit_scale == pytest.approx(
            next(one for one in result.history if one["epoch"] == model.card["epoch"])["scale"]
        )
        embedder, preprocess, _ = load_embedder(folder / "picture")
        assert embedder.dim == 12
        assert preprocess.size_px == (16, 16)


def test_what_is_kept_is_what_was_validated(photos: TrainingPhotos, towers: ModelConfig, tmp_path: Path) -> None:
    from periplus.geo import distance_km
    from periplus.learn.augment import plain

    result = train(changed(epochs=3, augment=AugmentConfig(none=True)), towers, photos, tmp_path / "run")
    model = encode.open_geo_model(str(result.last))
    embedder, preprocess, _ = load_embedder(result.last / "picture")
    assert photos.stored is not None
    assert photos.lat_lon_deg is not None
    held, known = np.flatnonzero(photos.validation), np.flatnonzero(~photos.validation)
    with torch.no_grad():
        x = plain(photos.stored[held], 16, torch.tensor(preprocess.mean), torch.tensor(preprocess.std))
        vectors = torch.nn.functional.normalize(embedder(x)).numpy()
    found = known[(vectors @ model.location.encode(*photos.lat_lon_deg[known].T).T).argmax(1)]
    km = distance_km(*photos.lat_lon_deg[found].T, *photos.lat_lon_deg[held].T)
    assert float(np.median(km)) == pytest.approx(result.history[-1]["median_km"])


def test_half_takes_half(photos: TrainingPhotos, towers: ModelConfig, tmp_path: Path) -> None:
    sizes = {}
    for half in (False, True):
        geolocation = GeolocationConfig(queue=17, half=half)
        run = tmp_path / str(half)
        train(changed(epochs=1, geolocation=geolocation), towers, photos, run)
        sizes[half] = (run / "best" / "location.safetensors").stat().st_size
    assert sizes[True] < 0.7 * sizes[False]


def test_other_positions_are_other_photos(photos: TrainingPhotos, towers: ModelConfig, tmp_path: Path) -> None:
    from periplus.errors import UsageError

    train(changed(epochs=1), towers, photos, tmp_path / "run")
    assert photos.lat_lon_deg is not None
    moved = dataclasses.replace(photos, lat_lon_deg=photos.lat_lon_deg * 0.5)
    with pytest.raises(UsageError, match="other photos"):
        train(changed(epochs=1), towers, moved, tmp_path / "run", resume=True)


def test_weights_of_a_geo_model_begin_another_run(photos: TrainingPhotos, towers: ModelConfig, tmp_path: Path) -> None:
    train(changed(epochs=1), towers, photos, tmp_path / "first")
    again = dataclasses.replace(towers, weights="run:first")
    still = changed(epochs=1, lr=1e-30, ema=0.0)
    train(still, again, photos, tmp_path / "second")
    one, two = (load_file(tmp_path / run / "best" / "picture" / "head.safetensors") for run in ("first", "second"))
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_positions_of_a_catalog(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = []
    for i in range(6):
        Image.new("RGB", (20, 20), (40 * i, 0, 0)).save(tmp_path / f"{i}.png")
        rows.append({"id": str(i), "path": str(tmp_path / f"{i}.png"), "lat_deg": 10.0 * i, "lon_deg": -5.0 * i})
    rows[1] |= {"lat_deg": None, "lon_deg": None}
    rows[2]["split"] = "validation"
    for i, row in enumerate(rows):
        row["country"] = None if i == 3 else "AB"[i % 2]
    photos = read_training_photos(Catalog.from_rows(rows), size_px=8, label="country", needs="position")
    assert photos.lat_lon_deg is not None
    assert photos.lat_lon_deg.tolist() == [[10.0 * i, -5.0 * i] for i in (0, 2, 3, 4, 5)]
    assert photos.validation.tolist() == [False, True, False, False, False]
    assert [photos.classes[i] for i in photos.labels] == ["A", "A", "", "A", "B"]
    assert [one.kind for one in photos.skipped] == ["no-position"]
    bare = read_training_photos(Catalog.from_rows(rows), size_px=8, needs="position")
    assert bare.classes == ("",)
    assert OBJECTIVES["geolocation"].targets(bare).tolist() == [0, 1, 2, 3, 4]


def test_whole_groups_are_held_out() -> None:
    groups = [f"author {i % 7}" for i in range(70)]
    held = hold_out_groups(groups, 0.3, seed=1)
    assert held.sum() == 20
    assert len({groups[i] for i in np.flatnonzero(held)}) == 2
    assert np.array_equal(held, hold_out_groups(groups, 0.3, seed=1))
    assert not np.array_equal(held, hold_out_groups(groups, 0.3, seed=2))
    assert hold_out_groups(groups, 25, seed=1).sum() == 20
    assert not hold_out_groups(["one"] * 5, 0.9, seed=0).any()
    assert not hold_out_groups([], 0.5, seed=0).any()

"""Experiments that learn positions: which photos they learn from, and what they report in the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from periplus.errors import CannotRunError, EmptyInputError, UsageError
from periplus.learn import Experiment, ModelConfig, override, read_experiment
from periplus.learn.settings import DataConfig
from periplus.pipeline.networks import learns_positions, positioned
from periplus.records import Catalog
from periplus.store import read_json

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "experiments" / "planet" / "small.toml"


def catalog(splits: Sequence[str | None], **columns: list[Any]) -> Catalog:
    rows: list[dict[str, object]] = []
    for i, split in enumerate(splits):
        more = {name: values[i] for name, values in columns.items()}
        rows.append({"id": str(i), "path": f"{i}.jpg", "lat_deg": 1.0 * i, "lon_deg": 2.0, "split": split, **more})
    return Catalog.from_rows(rows)


def roles(found: Catalog) -> dict[str, object]:
    return dict(zip(found.ids, found.column("split"), strict=True))


def test_the_catalogs_splits_are_taken() -> None:
    there = catalog(["train", "val", "test", "train", None, "index", "val"])
    data = DataConfig("a.csv", validation_split="val", test_split="test")
    wanted = {"0": "train", "1": "validation", "2": "test", "3": "train", "6": "validation"}
    assert roles(positioned(there, data)) == wanted
    without_test = DataConfig("a.csv", validation_split="val")
    assert roles(positioned(there, without_test)) == {key: one for key, one in wanted.items() if one != "test"}


def test_without_a_split_whole_photographers_are_held_out() -> None:
    authors = [f"a{i % 5}" for i in range(50)]
    there = catalog([None] * 50, author=authors)
    found = roles(positioned(there, DataConfig("a.csv", validation=0.4)))
    assert len(found) == 50
    held = {authors[int(photo)] for photo, role in found.items() if role == "validation"}
    assert len(held) == 2
    assert sum(role == "validation" for role in found.values()) == 20
    tested = catalog(["train"] * 40 + ["test"] * 10, author=authors)
    found = roles(positioned(tested, DataConfig("a.csv", validation=0.4, test_split="test")))
    assert [found[str(i)] for i in range(40, 50)] == ["test"] * 10
    assert sum(role == "validation" for role in found.values()) == 16


def test_impossible_splits_are_told() -> None:
    there = catalog(["train", "val"])
    with pytest.raises(UsageError, match=r"data.validation_split 'vali': the splits of a.csv are train, val"):
        positioned(there, DataConfig("a.csv", validation_split="vali"))
    with pytest.raises(UsageError, match=r"data.test_split 'test'"):
        positioned(there, DataConfig("a.csv", validation_split="val", test_split="test"))
    with pytest.raises(UsageError, match="seen in training"):
        DataConfig("a.csv", validation_split="val", test_split="val")
    with pytest.raises(UsageError, match="other splits than 'train'"):
        DataConfig("a.csv", validation_split="train")
    with pytest.raises(EmptyInputError, match="has a position"):
        positioned(catalog([None], lat_deg=[None], lon_deg=[None]), DataConfig("a.csv"))


def test_the_published_experiment_can_be_read_and_is_small() -> None:
    from periplus.encode.location_config import LocationConfig
    from periplus.encode.models import build_embedder, build_location_network
    from periplus.learn.strict import to_table

    small = read_experiment(SMALL)
    assert learns_positions(small)
    embedder = build_embedder(
        str(ROOT / small.model.name), weights="random", pooling="gem", projection_dim=small.model.projection_dim
    )
    location = build_location_network(LocationConfig(**to_table(small.model.location), dim=embedder.dim), 0)
    numbers = sum(one.numel() for module in (embedder, location) for one in module.state_dict().values())
    assert 2 * numbers < 8_000_000  # bytes in float16
    assert small.train is not None
    assert small.train.augment.flip == 0  # the side of the road and the words on signs tell


@pytest.fixture
def planet(tmp_path: Path) -> Path:
    """60 photos in three countries that differ in colour."""
    generator = np.random.default_rng(0)
    places = [(10.0, 20.0), (48.0, 5.0), (-30.0, 140.0)]
    lines = ["path,lat,lon,author,split,country"]
    for i in range(60):
        pixels = np.full((16, 16, 3), 40, np.uint8)
        pixels[..., i % 3] = 220
        Image.fromarray(pixels + generator.integers(0, 30, pixels.shape, np.uint8)).save(tmp_path / f"{i}.png")
        lat, lon = np.array(places[i % 3]) + generator.normal(0, 0.5, 2)
        split = ("test", "val")[i // 3 % 2] if i // 3 < 6 else "train"
        lines.append(f"{i}.png,{lat},{lon},a{i},{split},{'ABC'[i % 3]}")
    (tmp_path / "photos.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.slow
def test_a_whole_experiment(planet: Path, tiny_model: ModelConfig) -> None:
    from periplus.encode import open_geo_model
    from periplus.pipeline.experimenting import run_experiment
    from periplus.pipeline.runs import read_run, write_run

    wanted: Experiment = override(
        read_experiment(SMALL),
        [
            *(f"data.source=table:{planet / 'photos.csv'}", "data.stored_px=16", f"model.name={tiny_model.name}"),
            *("model.image_size_px=16", "model.projection_dim=8", "model.location.width=16", "model.location.layers=1"),
            *("train.batch_size=14", "train.epochs=8", "train.image_sizes_px=[]", "train.geolocation.queue=20"),
            *("train.lr=0.02", "train.ema=0", "train.threads=1", "train.device=cpu", "train.augment.none=true"),
        ],
    )
    result = run_experiment(wanted, planet / "runs", jobs=1)
    assert result.public.n == result.private.n == 9
    assert result.public.values["within_km/750"].value > 0.6
    assert {str(one) for one in result.public.table.column("id").to_pylist()}.isdisjoint(  # type: ignore[union-attr]
        result.private.table.column("id").to_pylist()  # type: ignore[union-attr]
    )
    card = open_geo_model(str(result.folder / "best")).card
    assert (card["training_photos"], card["validation_photos"]) == (42, 9)
    assert read_json(result.folder / "result.json")["stopped"] == "finished"
    write_run(wanted, result)
    assert read_run(result.folder).reports["private"].n == 9
    again = run_experiment(wanted, planet / "runs", jobs=1)  # nothing is trained or indexed again
    assert again.private.values["within_km/750"] == result.private.values["within_km/750"]
    with pytest.raises(UsageError, match=r"finished run.*train.lr"):
        run_experiment(override(wanted, ["train.lr=0.01"]), planet / "runs", jobs=1)


def test_a_protocol_that_is_none_is_told_before_training(planet: Path) -> None:
    from periplus.pipeline.experimenting import run_experiment

    wanted = override(read_experiment(SMALL), [f"data.source=table:{planet / 'photos.csv'}", "evaluate.protocol=worl"])
    with pytest.raises((UsageError, CannotRunError), match="did you mean 'world'"):
        run_experiment(wanted, planet / "runs", jobs=1)
    assert not (planet / "runs").exists()

"""What a world-wide gallery says of itself, true or forged, and the models that are not those that made it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forger_clip import forge_clip
from forger_geo import forge_geo, forge_photos, shared_geo, spread_positions

from periplus.encode import GEO_MODELS, GeoModel, ModelSpec, open_geo_model
from periplus.errors import CannotRunError, FingerprintError, GalleryError, PeriplusError, RecordError, UsageError
from periplus.gallery import GalleryWriter, create_gallery, open_gallery
from periplus.gallery.layout import MANIFEST
from periplus.pipeline import locate, open_any
from periplus.pipeline.world import (
    WorldIndexConfig,
    choose_spec,
    choosing,
    index_world,
    is_geo_model,
    open_world,
    spec,
    world_gallery_at,
)
from periplus.pipeline.world.spec import photos_spec, query_encoder_key, spec_of, texts_spec
from periplus.sources import Scan, open_source

ONE = WorldIndexConfig(jobs=1)


@pytest.fixture(scope="session")
def geo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_geo(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def grid() -> Scan:
    return open_source("grid:3000")


@pytest.fixture(scope="session")
def made(geo: Path, grid: Scan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world") / "grid.gallery"
    index_world(grid, path, choose_spec(grid, str(geo)), ONE)
    return path


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy.gallery"))


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photo")
    forge_photos(folder, [(10.0, 20.0)])
    return folder / "pictures/photos-000.png"


def forge(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((path / MANIFEST).read_text())
    change(manifest)
    (path / MANIFEST).write_text(json.dumps(manifest))


def test_a_spec_comes_back(made: Path, geo: Path, grid: Scan) -> None:
    assert spec_of(open_gallery(made)) == choose_spec(grid, str(geo)) == world_gallery_at(made)


@pytest.mark.parametrize(
    "change",
    [
        {"scale": float("nan")}, {"scale": float("inf")}, {"scale": 1e9}, {"scale": 0}, {"scale": -1}, {"scale": "20"},
        {"scale": True}, {"scale": None}, {"scale": [20]}, {"rows": "people"}, {"rows": ["positions"]}, {"rows": None},
        {"rows": "texts"}, {"rows": {}}, {"geo_model": 5}, {"geo_model": None}, {"geo_model": None, "query": {}},
        {"query": {"kind": "picture"}}, {"query": []}, {"dim": 17}, {"dim": "16"}, {"fingerprint": "world-other"},
        {"fingerprint": 3}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_forged_spec_is_refused(copied: Path, change: dict[str, Any]) -> None:
    forge(copied, lambda manifest: manifest["encoder"].update(change))
    with pytest.raises(GalleryError):
        open_any(copied)


def test_a_spec_without_a_key_is_refused(copied: Path) -> None:
    forge(copied, lambda manifest: manifest["encoder"].pop("scale"))
    with pytest.raises(GalleryError, match="Index again"):
        world_gallery_at(copied)


@pytest.mark.parametrize("query", [{}, {"model": 5}, {"kind": "picture", "model": {"name": "x"}}])
def test_a_forged_query_encoder_is_refused(geo: Path, photo: Path, tmp_path: Path, query: dict[str, Any]) -> None:
    scan = open_source(str(forge_photos(tmp_path, spread_positions(2))))
    index_world(scan, tmp_path / "g", choose_spec(scan, str(geo)), ONE)
    forge(tmp_path / "g", lambda manifest: manifest["encoder"].update({"geo_model": None, "query": query}))
    with pytest.raises(PeriplusError):
        locate(photo, open_any(tmp_path / "g"))


def test_another_model_is_refused(geo: Path, grid: Scan, photo: Path, tmp_path: Path) -> None:
    mine = forge_geo(tmp_path / "mine", 1)
    index_world(grid, tmp_path / "g", choose_spec(grid, str(mine)), ONE)
    before = open_gallery(tmp_path / "g")
    with pytest.raises(UsageError, match="holds positions of world-geo-"):
        index_world(grid, tmp_path / "g", choose_spec(grid, str(geo)), ONE)
    shutil.rmtree(mine)
    opened = open_any(tmp_path / "g")
    with pytest.raises(CannotRunError, match="Bring it back"):
        locate(photo, opened)
    shutil.copytree(geo, mine)
    with pytest.raises(FingerprintError, match="Bring the weights"):
        locate(photo, opened)
    with pytest.raises(FingerprintError):
        index_world(grid, tmp_path / "g", spec_of(before), ONE)
    assert open_gallery(tmp_path / "g").manifest == before.manifest


def test_another_kind_is_refused(made: Path, geo: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, spread_positions(2))))
    with pytest.raises(UsageError, match=r"holds positions of .* Make a new gallery for photos"):
        index_world(scan, made, choose_spec(scan, str(geo)), ONE)
    create_gallery(tmp_path / "town", encoder={"name": "asmk"}, fingerprint="words", dim=4, resources={})
    assert world_gallery_at(tmp_path / "town") is None
    with pytest.raises(UsageError, match=r"no world-wide gallery: .* asmk"):
        index_world(scan, tmp_path / "town", choose_spec(scan, str(geo)), ONE)
    with pytest.raises(GalleryError):
        open_world(tmp_path / "town")


def test_a_picture_tower_that_does_not_meet_the_positions(grid: Scan, photo: Path, tmp_path: Path) -> None:
    model = forge_geo(tmp_path / "model")
    shutil.rmtree(model / "picture")
    forge_clip(model / "picture", projection_dim=12)
    index_world(grid, tmp_path / "g", choose_spec(grid, str(model)), ONE)
    with pytest.raises(FingerprintError, match="12 numbers, but the rows of the gallery have 16"):
        locate(photo, open_any(tmp_path / "g"))


def test_texts_of_another_model_are_refused(tmp_path: Path) -> None:
    clip = forge_clip(tmp_path / "clip")
    scan = open_source("places:countries")
    some = replace(scan, catalog=scan.catalog.select(np.arange(3)))
    spec = texts_spec(ModelSpec(str(clip)))
    index_world(some, tmp_path / "g", spec, ONE)
    shutil.rmtree(clip)
    forge_clip(clip, seed=1)
    with pytest.raises(FingerprintError, match="another model"):
        index_world(scan, tmp_path / "g", spec, ONE)


def test_which_kind_is_asked_for(geo: Path, grid: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = open_source(str(forge_photos(tmp_path, spread_positions(3))))
    assert choose_spec(scan, str(geo)).rows == "photos"
    assert choose_spec(scan, str(geo), positions=True).rows == "positions"
    assert choose_spec(open_source("places:countries"), str(geo)).rows == "positions"
    with pytest.raises(UsageError, match="used as it was trained"):
        choose_spec(scan, str(geo), {"pooling": "gem"})
    with pytest.raises(
        UsageError, match=r"knows pictures but no positions\. Take a geo model, such as geoclip, planet"
    ):
        choose_spec(grid, "resnet18")
    # `periplus synth planet -o planet` makes a folder of a model's name.
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    def opened(name: str) -> GeoModel:
        asked.append(name)
        return open_geo_model(str(geo))

    monkeypatch.setattr(choosing, "open_geo_model", opened)
    for name in GEO_MODELS:
        (tmp_path / name).mkdir()
        choose_spec(grid, name)
    choose_spec(grid, str(geo))
    assert asked == [*GEO_MODELS, str(geo)]


def test_names_of_geo_models(geo: Path, tmp_path: Path) -> None:
    assert all(map(is_geo_model, [*GEO_MODELS, str(geo)]))
    assert not any(map(is_geo_model, [None, "asmk", "resnet18", str(tmp_path), str(tmp_path / "none"), "a\0b"[:1]]))


def test_galleries_of_one_model_share_its_picture_tower(geo: Path, grid: Scan, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, spread_positions(2))))
    photos, positions = choose_spec(scan, str(geo)), choose_spec(grid, str(geo))
    assert spec.query_encoder(photos) is spec.query_encoder(positions)
    other = choose_spec(grid, str(forge_geo(tmp_path / "other", 2)))
    assert query_encoder_key(other) != query_encoder_key(positions)
    assert photos_spec(open_geo_model(str(geo)).picture).geo_model is None


@pytest.mark.parametrize(
    "mass", [[-1.0, 1.0], [0.0, 1.0], [float("nan"), 1.0], [1e-320, 1e300], [None, 1.0], ["a", "b"]]
)
def test_forged_weights_are_refused(made: Path, tmp_path: Path, mass: list[object]) -> None:
    of = spec_of(open_gallery(made))
    create_gallery(tmp_path / "g", encoder=of.to_encoder(), fingerprint=of.fingerprint, dim=of.dim, resources={})
    with GalleryWriter(tmp_path / "g") as writer:
        segment = writer.begin_segment()
        for number, one in enumerate(mass):
            row = {"id": str(number), "lat_deg": 1.0, "lon_deg": float(number), "prior_mass": one, "content_hash": "x"}
            segment.add(row, np.ones(16))
        writer.commit(segment)
    with pytest.raises(GalleryError, match="prior_mass is no positive number"):
        _ = open_world(tmp_path / "g").rows


@pytest.mark.parametrize(
    "value",
    [{"temperature": 0}, {"temperature": "hot"}, {"levels": [0.9, 0.5]}, {"guess": "magic"}, {"queries": -1},
     {"right_km": 0}, {"radius_factors": [1]}, {"confidence_weights": [1, 2, "3"]}, {"more": 1}],
    ids=str,
)  # fmt: skip
def test_a_forged_calibration_is_refused(copied: Path, value: dict[str, Any]) -> None:
    whole = open_world(copied).calibration.to_json()
    with GalleryWriter(copied) as writer:
        writer.put_resource("world-calibration", {**whole, **value})
    with pytest.raises(GalleryError, match="world-wide calibration"):
        open_world(copied)


def test_a_calibration_that_is_an_array(copied: Path) -> None:
    with GalleryWriter(copied) as writer:
        writer.put_resource("world-calibration", np.ones(3))
    with pytest.raises(GalleryError, match="world-wide calibration"):
        open_world(copied)


@pytest.mark.parametrize(
    "change",
    [{"head": "../../none.safetensors"}, {"head": "/etc/passwd"}, {"name": "/none"}, {"name": "../none"}, {"name": ""},
     {"whitening": "/etc/passwd"}],
    ids=str,
)  # fmt: skip
def test_a_model_whose_files_lead_elsewhere(grid: Scan, photo: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    model = forge_geo(tmp_path / "model")
    card = json.loads((model / "geo.json").read_text())
    card["picture"].update(change)
    (model / "geo.json").write_text(json.dumps(card))

    def ask() -> None:
        index_world(grid, tmp_path / "g", choose_spec(grid, str(model)), ONE)
        locate(photo, open_any(tmp_path / "g"))

    with pytest.raises((CannotRunError, UsageError, RecordError)):
        ask()

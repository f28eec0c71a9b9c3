"""World-wide galleries on the command line: index, calibrate, locate, search, info, and what cannot be asked."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forger_clip import forge_clip
from forger_geo import forge_geo, forge_photos, spread_positions

from periplus.gallery import create_gallery
from periplus.geo import distance_km
from periplus.pipeline import open_any
from periplus.pipeline.world import OpenedWorld

PLACES = spread_positions(24, seed=5)
INDEX_KEYS = [
    "gallery", "source", "photos", "with_position", "added", "changed", "unchanged", "removed", "gone", "ignored",
    "skipped", "notes", "seconds",
]  # fmt: skip
PHOTO_KEYS = [
    "photo", "answered", "answer_is", "lat_deg", "lon_deg", "radius_km_50", "radius_km_90", "confidence",
    "confidence_radius_km", "reason", "place", "runner_up", "recorded", "areas", "carried_by", "evidence", "seconds",
]  # fmt: skip
CALIBRATION_KEYS = [
    "temperature", "levels", "radius_factors", "confidence_weights", "right_km", "answer_confidence", "guess",
    "queries",
]  # fmt: skip


@dataclass(frozen=True)
class World:
    """A tiny model, photos and two galleries; read only."""

    model: Path
    table: Path
    photo: Path
    positions: Path
    photos: Path


@pytest.fixture(scope="session")
def world(call: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    table = forge_photos(root, PLACES)
    photo = root / "pictures/photos-003.png"
    made = World(forge_geo(root / "model"), table, photo, root / "p.gallery", root / "n.gallery")
    for source, gallery in (("grid:2000", made.positions), (table, made.photos)):
        done = call("index", source, "-o", gallery, "--encoder", made.model, "--jobs", 1)
        assert (done.status, done.err) == (0, "")
    return made


@pytest.fixture
def copied(world: World, tmp_path: Path) -> Path:
    return Path(shutil.copytree(world.photos, tmp_path / "copy.gallery"))


def test_index_tells_what_rows_are(call: Any, world: World, tmp_path: Path) -> None:
    done = call("index", "grid:2500", "-o", tmp_path / "g", "--encoder", world.model)
    first, second = done.out.splitlines()
    assert (done.status, done.err) == (0, "")
    assert first.startswith(f"{tmp_path / 'g'}: ")
    assert " positions, " in first
    assert "0 changed, 0 unchanged, 0 removed)." in first
    assert second.startswith("Took ")
    again = call("index", "grid:2500", "-o", tmp_path / "g", "--json")
    told = again.document
    assert list(told) == INDEX_KEYS
    assert (told["added"], told["unchanged"]) == (0, told["photos"])
    assert list(told["seconds"]) == ["describe", "areas"]
    other = call("index", "grid:3000", "-o", tmp_path / "g")
    assert "positions of the gallery not in grid:3000; kept (--prune forgets them)." in other.err


def test_positions_of_a_table_with_photos(call: Any, world: World, tmp_path: Path) -> None:
    done = call("index", world.table, "--positions", "--encoder", world.model, "-o", tmp_path / "g", "--split", "train")
    assert (done.status, done.err) == (0, "")
    assert "18 positions, 18 with a position (18 added" in done.out
    (found,) = call("search", world.photo, "-g", tmp_path / "g", "-k", 2, "--json").document["photos"]
    assert [hit["path"] for hit in found["hits"]] == [None, None]


def test_photos_of_any_vision_model(call: Any, world: World, tmp_path: Path) -> None:
    clip = forge_clip(tmp_path / "clip")
    done = call("index", world.table, "--vectors-only", "--encoder", clip, "-o", tmp_path / "g", "-j", 1)
    assert (done.status, done.err) == (0, "")
    assert "24 photos" in done.out
    texts = call("index", "places:countries", "--encoder", clip, "-o", tmp_path / "t", "-j", 1)
    assert (texts.status, texts.err) == (0, "")
    assert " texts, " in texts.out
    done = call("locate", world.photo, "-g", tmp_path / "t", "-g", tmp_path / "g", "--json")
    (photo,) = done.document["photos"]
    assert set(photo["carried_by"]) == {"texts", "photos"}
    assert sum(photo["carried_by"].values()) == pytest.approx(1)


def test_locate_by_one_gallery(call: Any, world: World, tmp_path: Path) -> None:
    done = call("locate", world.photo, "-g", world.photos, "--json")
    assert done.status == 0
    assert done.err == (
        f"{world.photos} is not calibrated: confidence and radii are rough. Photos of known position help: "
        f"periplus gallery calibrate {world.photos} SOURCE\n"
    )
    told = done.document
    assert list(told) == ["gallery", "photos", "skipped"]
    assert told["gallery"] == str(world.photos)
    (photo,) = told["photos"]
    assert list(photo) == PHOTO_KEYS
    assert photo["carried_by"] == {}
    assert {area["kind"] for area in photo["areas"]} >= {"country"}
    assert photo["evidence"][0]["path"] == str(world.photo)
    files = [tmp_path / name for name in ("a.html", "a.geojson", "a.svg")]
    options = zip(("--html", "--geojson", "--map"), files, strict=True)
    done = call("locate", world.photo, "-g", world.positions, *(part for pair in options for part in pair))
    assert done.status == 0
    assert "Evidence 1: the position " in done.out
    assert "Countries: " in done.out
    for file in files:
        assert f"Wrote {file}." in done.err
    assert files[0].read_text().count("<section") == 1
    assert json.loads(files[1].read_text())["features"]
    assert files[2].read_text().startswith("<svg")


def test_locate_by_several_galleries(call: Any, world: World, tmp_path: Path) -> None:
    both = ("-g", world.positions, "-g", world.photos)
    told = call("locate", world.photo, *both, "--json", "--html", tmp_path / "a.html").document
    assert told["gallery"] == [str(world.positions), str(world.photos)]
    (photo,) = told["photos"]
    assert list(photo) == PHOTO_KEYS
    assert set(photo["carried_by"]) == {"positions", "photos"}
    assert "Carried by: " in call("locate", world.photo, *both).out
    (twice,) = call("locate", world.photo, "-g", world.photos, "-g", world.photos, "--json").document["photos"]
    assert twice["carried_by"] == {}


def test_a_map_is_of_one_photo(call: Any, world: World, tmp_path: Path) -> None:
    done = call("locate", world.photo.parent, "-g", world.photos, "--map", tmp_path / "a.svg")
    assert (done.status, done.out) == (2, "")
    assert "--map draws the belief about one photo, not about 24: use --html." in done.err
    (tmp_path / "no.jpg").write_bytes(b"none")
    done = call("locate", tmp_path / "no.jpg", "-g", world.photos, "--map", tmp_path / "a.svg")
    assert done.status == 3
    assert "Skipped" in done.err
    assert not (tmp_path / "a.svg").exists()


def test_search(call: Any, world: World) -> None:
    told = call("search", world.photo, "-g", world.photos, "-k", 3, "--json").document
    assert (told["rerank"], told["weight"]) == ("none", None)
    hits = told["photos"][0]["hits"]
    assert hits[0]["path"] == str(world.photo)
    assert [hit["local_score"] for hit in hits] == [None] * 3
    assert "1. " in call("search", world.photo, "-g", world.positions, "-k", 1).out
    done = call("search", world.photo, "-g", world.photos, "--rerank", "sift")
    assert (done.status, done.out) == (2, "")
    assert "keeps no local features" in done.err


def test_calibrate_and_info(call: Any, world: World, copied: Path) -> None:
    assert "not calibrated: confidence and radii are rough" in call("gallery", "info", copied).out
    done = call("gallery", "calibrate", copied, world.table, "--exclude", "author", "--jobs", 1, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["gallery", "calibration", "skipped"]
    assert list(told["calibration"]) == CALIBRATION_KEYS
    assert told["calibration"]["queries"] == 24
    assert call("gallery", "info", copied, "--json").document["calibration"] == {"queries": 24, "current": True}
    assert "calibrated on 24 photos" in call("gallery", "info", copied).out
    assert call("locate", world.photo, "-g", copied, "--json").err == ""
    first = call("search", world.photo, "-g", copied, "-k", 1, "--json").document["photos"][0]["hits"][0]["id"]
    assert call("gallery", "remove", copied, first).status == 0
    info = call("gallery", "info", copied).out
    assert f"before it last changed (periplus gallery calibrate {copied} SOURCE renews that)" in info
    assert "encoder world" in info
    assert call("gallery", "add", copied, world.table, "-j", 1).status == 0
    assert "24 photos" in call("gallery", "info", copied).out
    shown = call("gallery", "calibrate", copied, world.table, "--photos", 5, "-j", 1, "--buffer-km", 100).out
    assert "calibrated on 5 photos." in shown
    assert "temperature" in shown


def test_calibrate_counts_what_it_cannot_ask(call: Any, world: World, copied: Path, tmp_path: Path) -> None:
    table = forge_photos(tmp_path, PLACES[:4])
    (tmp_path / "pictures/photos-000.png").write_bytes(b"none")
    done = call("gallery", "calibrate", copied, table, "-j", 1)
    assert done.status == 1
    assert "1 photo skipped: not-a-photo 1." in done.err
    nothing = call("gallery", "calibrate", copied, table, "-j", 1, "--buffer-km", 20_000)
    assert (nothing.status, nothing.out) == (3, "")
    assert "No photo could be asked; 4 were skipped." in nothing.err


def test_options_that_do_not_fit(call: Any, world: World, tmp_path: Path) -> None:
    model, table, new = world.model, world.table, tmp_path / "new"
    create_gallery(tmp_path / "town", encoder={"name": "asmk"}, fingerprint="words", dim=4, resources={})
    for arguments, words in (
        (["grid:3000", "-o", new], "Name a model for a new world-wide gallery: --encoder planet"),
        ([table, "--positions", "-o", new], "Name a model for a new world-wide gallery"),
        ([table, "--vectors-only", "-o", new], "Name a model for a new world-wide gallery"),
        (["grid:3000", "-o", new, "--encoder", "asmk"], "asmk knows pictures but no positions. Take a geo model"),
        ([table, "--positions", "-o", new, "--encoder", "geoclp"], "knows pictures but no positions"),
        ([table, "--positions", "--vectors-only", "-o", new, "--encoder", model], "give one of them"),
        ([table, "-o", new, "--encoder", model, "--patches"], "which a world-wide gallery has none of"),
        ([table, "-o", new, "--encoder", model, "--model", "pooling=gem"], "used as it was trained"),
        ([table, "-o", new, "--encoder", model, "--codebook", world.photos], "--encoder or --codebook"),
        ([table, "-o", world.photos, "--model", "pooling=gem"], "keeps the one that it was made with"),
        ([table, "-o", world.photos, "--positions"], "holds photos and keeps them"),
        ([table, "-o", world.photos, "--positions", "--encoder", model], "Make a new gallery for positions"),
        ([table, "-o", world.positions, "--encoder", model], "Make a new gallery for photos"),
        ([table, "-o", tmp_path / "town", "--encoder", model], "is no world-wide gallery"),
        (["grid:0", "-o", new, "--encoder", model], "grid:KM"),
        (["places:citys", "-o", new, "--encoder", model], "Did you mean 'places:cities'?"),
        ([table, "-o", new, "--encoder", model, "--split", "tset"], "There is no split 'tset'"),
    ):
        done = call("index", *arguments)
        assert (done.status, done.out) == (2, ""), (arguments, done.err)
        assert words in done.err, (arguments, done.err)
        assert not new.exists()
    for asked, words in (
        ([world.photos, table, "--guess", "best"], "There is no guess 'best'; there are mode, row"),
        ([world.photos, table, "--exclude", "camera"], "author or sequence"),
        ([tmp_path / "town", table], "it is no world-wide gallery"),
        ([world.photos, table, "--right-km", 0], "right-km"),
        ([world.photos, tmp_path / "none"], "none"),
    ):
        done = call("gallery", "calibrate", *asked)
        assert (done.status, done.out) == (2, ""), (asked, done.err)
        assert words in done.err, (asked, done.err)


def test_what_is_missing_here(call: Any, world: World, tmp_path: Path) -> None:
    model = forge_geo(tmp_path / "model", 3)
    assert call("index", "grid:3000", "-o", tmp_path / "g", "--encoder", model).status == 0
    shutil.rmtree(model)
    done = call("locate", world.photo, "-g", tmp_path / "g")
    assert (done.status, done.out) == (3, "")
    assert "Bring it back" in done.err
    shutil.copytree(world.model, model)
    done = call("locate", world.photo, "-g", tmp_path / "g")
    assert (done.status, done.out) == (2, "")
    assert "Bring the weights that were used back, or index again." in done.err
    assert call("locate", world.photo, "-g", tmp_path / "none").status == 3
    (tmp_path / "empty").mkdir()
    done = call("index", tmp_path / "empty", "-o", tmp_path / "e", "--encoder", world.model)
    assert done.status == 3
    assert not (tmp_path / "e").exists()


def test_a_folder_of_a_sources_name_is_a_folder(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos in a folder called "grid" are no grid."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid").mkdir()
    done = call("index", "grid", "-o", tmp_path / "g")
    assert done.status == 3
    assert "no photo that could be indexed" in done.err


@pytest.mark.parametrize("verb", ["index", "locate", "search", "gallery calibrate", "gallery info", "gallery add"])
def test_help_has_an_example(call: Any, verb: str) -> None:
    done = call(*verb.split(), "--help")
    assert done.status == 0
    assert f"Example: periplus {verb}" in " ".join(done.out.split())


def test_evaluate_leaves_out_what_is_the_query_once_more(call: Any, world: World, tmp_path: Path) -> None:
    """The nearest neighbour alone answers; which one depends on who must not."""
    opened = open_any(world.photos)
    assert isinstance(opened, OpenedWorld)
    likeness = opened.vectors @ opened.vectors.T
    number = np.array([int(photo[-7:-4]) for photo in opened.ids])
    lat, lon = opened.gallery.catalog.positions
    ways = {
        "": number[:, None] == number,
        "--exclude author": number[:, None] // 3 == number // 3,
        "--exclude sequence": number[:, None] // 2 == number // 2,
        "--buffer-km 3000": distance_km(lat[:, None], lon[:, None], lat, lon) <= 3000,
    }
    for way, own in ways.items():
        table = tmp_path / "q.csv"
        asked = ("evaluate", "fix", world.table, "-g", world.photos, "--table", table, "--jobs", 1, "--json")
        told = call(*asked, "--neighbours", 1, "--guess", "row", "--protocol", "world", *way.split()).document
        assert told["n"] == len(PLACES)
        with table.open(newline="") as file:
            rows = {row["id"]: row for row in csv.DictReader(file)}
        best = np.where(own | own.T, -np.inf, likeness).argmax(axis=1)
        for row, photo in enumerate(opened.ids):
            found = float(rows[photo]["guess_lat_deg"]), float(rows[photo]["guess_lon_deg"])
            assert found == pytest.approx((lat[best[row]], lon[best[row]])), (way, photo)
    some = call("evaluate", "fix", world.table, "-g", world.photos, "--split", "test", "--jobs", 1, "--json").document
    assert some["n"] == 6
    assert call("evaluate", "fix", world.table, "-g", world.photos, "--exclude", "camera").status == 2
    assert call("evaluate", "fix", world.table, "-g", world.photos, "--guess", "best").status == 2

"""World-wide galleries of positions, photos and texts: made, brought up to date, stopped and gone on with."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forger_clip import forge_clip
from forger_geo import DIM, forge_photos, shared_geo, spread_positions
from PIL import Image
from pipeline_support import counts

from periplus.encode import ModelSpec, open_geo_model, open_picture_encoder, open_text_encoder
from periplus.errors import CatalogError, EmptyInputError, UsageError
from periplus.gallery import Gallery, GalleryWriter, damaged_files, open_gallery
from periplus.photos import DEFAULT_LIMITS, read_rgb
from periplus.pipeline import open_any, search
from periplus.pipeline.pictures import READ_PX
from periplus.pipeline.world import WorldIndexConfig, choose_spec, index_world, indexing, open_world
from periplus.pipeline.world.spec import photos_spec, texts_spec
from periplus.sources import Scan, open_source
from periplus.store import content_hash

ONE = WorldIndexConfig(jobs=1)
PLACES = spread_positions(30)


@pytest.fixture(scope="session")
def geo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_geo(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return forge_clip(tmp_path_factory.mktemp("clip") / "clip")


def write_points(path: Path, rows: Sequence[tuple[object, ...]], names: tuple[str, ...] = ("lat", "lon")) -> Scan:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return open_source(f"positions:{path}")


def make(scan: Scan, path: Path, geo: Path, config: WorldIndexConfig = ONE, *, positions: bool = False) -> object:
    return index_world(scan, path, choose_spec(scan, str(geo), positions=positions), config)


def by_id(gallery: Gallery) -> dict[str, bytes]:
    return {name: gallery.vector(row).tobytes() for row, name in enumerate(gallery.catalog.ids)}


def test_positions_are_what_the_model_makes_of_them(geo: Path, tmp_path: Path) -> None:
    scan = write_points(tmp_path / "p.csv", list(PLACES))
    path = tmp_path / "p.gallery"
    result = index_world(scan, path, choose_spec(scan, str(geo)), ONE)
    assert (result.photos, *counts(result)) == (30, 30, 0, 0, 0, 0)
    assert result.skipped == ()
    gallery = open_gallery(path)
    lat, lon = gallery.catalog.positions
    expected = open_geo_model(str(geo)).location.encode(lat, lon)
    np.testing.assert_array_equal(gallery.vectors, expected.astype(np.float16))
    assert gallery.encoder["rows"] == "positions"
    assert gallery.dim == DIM
    assert gallery.catalog.column("path") == [None] * 30
    assert damaged_files(gallery) == []


def test_positions_are_brought_up_to_date(geo: Path, tmp_path: Path) -> None:
    path, names = tmp_path / "p.gallery", ("lat", "lon", "note")
    first = write_points(tmp_path / "p.csv", [(*place, "a") for place in PLACES], names)
    spec = choose_spec(first, str(geo))
    index_world(first, path, spec, ONE)
    before = by_id(open_gallery(path))
    assert counts(index_world(first, path, spec, ONE)) == (0, 0, 30, 0, 0)
    other = [*((*place, "a") for place in PLACES[5:]), (1.5, 2.5, "new")]
    other[3] = (*PLACES[8], "b")
    second = write_points(tmp_path / "p.csv", other, names)
    assert counts(index_world(second, path, spec, ONE)) == (1, 1, 24, 0, 5)
    gallery = open_gallery(path)
    notes = dict(zip(gallery.catalog.ids, gallery.catalog.column("note"), strict=True))
    assert len(gallery) == 31
    assert sorted(map(str, notes.values())) == ["a"] * 29 + ["b", "new"]
    assert {name: by_id(gallery)[name] for name in before} == before
    assert counts(index_world(second, path, spec, replace(ONE, prune=True))) == (0, 0, 26, 5, 0)
    assert len(open_gallery(path)) == 26


def test_a_weight_that_changed_is_a_change(geo: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.gallery"
    first = write_points(tmp_path / "p.csv", [(1, 2), (3, 4)])
    index_world(first, path, choose_spec(first, str(geo)), ONE)
    again = write_points(tmp_path / "p.csv", [(1, 2), (3, 4), (3, 4)])
    assert counts(index_world(again, path, choose_spec(again, str(geo)), ONE)) == (0, 1, 1, 0, 0)
    opened = open_world(path)
    assert dict(zip(opened.ids, opened.rows.prior.tolist(), strict=True)) == pytest.approx(
        {"1.0,2.0": 1 / 3, "3.0,4.0": 2 / 3}
    )


def test_unknown_numbers_are_no_change(geo: Path, tmp_path: Path) -> None:
    table = pa.table({"lat": [1.0, 2.0], "lon": [3.0, 4.0], "height": [float("nan"), 1.0], "name": [None, "b"]})
    pq.write_table(table, tmp_path / "p.parquet")
    scan = open_source(f"positions:{tmp_path / 'p.parquet'}")
    spec = choose_spec(scan, str(geo))
    index_world(scan, tmp_path / "g", spec, ONE)
    assert counts(index_world(scan, tmp_path / "g", spec, ONE)) == (0, 0, 2, 0, 0)
    photos = open_source(str(forge_photos(tmp_path, PLACES[:2])))
    heights = photos.catalog.table.append_column("height", table.column("height"))
    photos = replace(photos, catalog=type(photos.catalog)(heights))
    make(photos, tmp_path / "h", geo)
    assert counts(index_world(photos, tmp_path / "h", choose_spec(photos, str(geo)), ONE)) == (0, 0, 2, 0, 0)


def test_rows_that_are_weighed_and_rows_that_are_not_do_not_mix(geo: Path, tmp_path: Path) -> None:
    grid, table = open_source("grid:3000"), open_source(str(forge_photos(tmp_path, PLACES)))
    spec = choose_spec(grid, str(geo))
    index_world(grid, tmp_path / "g", spec, ONE)
    with pytest.raises(UsageError, match="with prior_mass and the source rows without"):
        index_world(table, tmp_path / "g", spec, ONE)
    index_world(table, tmp_path / "h", spec, ONE)
    with pytest.raises(UsageError, match="without prior_mass and the source rows with"):
        index_world(grid, tmp_path / "h", spec, ONE)


@pytest.mark.parametrize("mass", [0.0, -1.0, float("nan"), float("inf"), None, "much"])
def test_a_weight_that_is_none_is_refused_before_anything_is_made(geo: Path, tmp_path: Path, mass: object) -> None:
    scan = open_source("grid:3000")
    table = scan.catalog.table.drop_columns(["prior_mass"])
    kind = pa.string() if isinstance(mass, str) else pa.float64()
    masses = pa.array([mass] * len(table) if isinstance(mass, str) else [mass, *[1.0] * (len(table) - 1)], kind)
    catalog = type(scan.catalog)(table.append_column("prior_mass", masses))
    with pytest.raises(UsageError, match=r"prior_mass of .* must be a number above 0"):
        index_world(replace(scan, catalog=catalog), tmp_path / "g", choose_spec(scan, str(geo)), ONE)
    assert not (tmp_path / "g").exists()


def test_positions_of_photos_keep_the_author_but_not_the_picture(geo: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, PLACES)))
    make(scan, tmp_path / "g", geo, positions=True)
    catalog = open_gallery(tmp_path / "g").catalog
    assert catalog.column("path") == [None] * 30
    assert catalog.column("author")[:4] == ["author-0"] * 3 + ["author-1"]
    # An export of a gallery has its hashes as a column.
    pq.write_table(catalog.table.drop_columns(["path"]), tmp_path / "export.parquet")
    again = open_source(f"positions:{tmp_path / 'export.parquet'}")
    assert "content_hash" in again.catalog.table.column_names
    make(again, tmp_path / "h", geo)
    assert len(open_gallery(tmp_path / "h")) == 30


def test_photos_are_what_the_picture_tower_makes_of_them(geo: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, PLACES)))
    path = tmp_path / "g"
    result = index_world(scan, path, choose_spec(scan, str(geo)), ONE)
    assert (result.photos, *counts(result)) == (30, 30, 0, 0, 0, 0)
    gallery = open_gallery(path)
    assert gallery.encoder["rows"] == "photos"
    paths = [Path(str(path)) for path in gallery.catalog.column("path")]
    pictures = [read_rgb(path, READ_PX, DEFAULT_LIMITS).pixels for path in paths]
    expected = open_picture_encoder(open_geo_model(str(geo)).picture).encode(pictures)
    np.testing.assert_allclose(gallery.vectors.astype(np.float32), expected, atol=2e-3)
    assert gallery.catalog.column("content_hash") == [content_hash(path) for path in paths]


def test_photos_are_brought_up_to_date(geo: Path, tmp_path: Path) -> None:
    table, path = forge_photos(tmp_path, PLACES), tmp_path / "g"
    scan = open_source(str(table))
    make(scan, path, geo)
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "pictures/photos-004.png")
    some = replace(scan, catalog=scan.catalog.select(np.arange(2, 30)))
    spec = choose_spec(scan, str(geo))
    assert counts(index_world(some, path, spec, ONE)) == (0, 1, 27, 0, 2)
    assert counts(index_world(some, path, spec, replace(ONE, prune=True))) == (0, 0, 28, 2, 0)
    assert counts(index_world(scan, path, spec, ONE)) == (2, 0, 28, 0, 0)


def test_what_cannot_be_used_is_counted(geo: Path, tmp_path: Path) -> None:
    table = forge_photos(tmp_path, PLACES[:8])
    (tmp_path / "pictures/photos-001.png").write_bytes(b"no picture")
    Image.new("RGB", (1, 1), (9, 200, 9)).save(tmp_path / "pictures/photos-002.png")
    lines = table.read_text().splitlines()
    lines[4] = lines[4].replace(f"{PLACES[3][0]},{PLACES[3][1]}", ",")
    table.write_text("\n".join([*lines, ",10,20,x,y,train"]) + "\n")
    scan = open_source(str(table))
    (tmp_path / "pictures/photos-005.png").unlink()
    result = index_world(scan, tmp_path / "g", choose_spec(scan, str(geo)), ONE)
    assert result.photos == 5
    kinds = sorted(skip.kind for skip in result.skipped)
    assert kinds == ["missing", "missing", "not-a-photo", "without-position"]


def test_a_source_of_nothing(geo: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    empty = open_source(str(tmp_path / "empty"))
    with pytest.raises(EmptyInputError):
        choose_spec(empty, str(geo))
    spec = choose_spec(open_source("grid:3000"), str(geo))
    with pytest.raises(EmptyInputError, match="no row with a position"):
        index_world(empty, tmp_path / "g", spec, ONE)
    assert not (tmp_path / "g").exists()


def test_photos_none_of_which_is_one_leave_a_gallery_that_says_so(geo: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, PLACES[:3])))
    spec = choose_spec(scan, str(geo))
    for picture in (tmp_path / "pictures").iterdir():
        picture.write_bytes(b"")
    result = index_world(scan, tmp_path / "g", spec, ONE)
    assert (result.photos, len(result.skipped)) == (0, 3)
    with pytest.raises(EmptyInputError, match="periplus gallery add"):
        open_any(tmp_path / "g")
    forge_photos(tmp_path, PLACES[:3])
    assert index_world(scan, tmp_path / "g", spec, ONE).photos == 3
    assert len(open_world(tmp_path / "g")) == 3


def stopped_after(rows: int) -> Callable[[str, int, int], None]:
    def tell(stage: str, done: int, _total: int) -> None:
        if stage == "describe" and done >= rows:
            raise KeyboardInterrupt

    return tell


@pytest.mark.parametrize("source", ["points", "photos"])
def test_stopped_and_gone_on_with(geo: Path, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = forge_photos(tmp_path, PLACES)
    scan = open_source(f"positions:{table}" if source == "points" else str(table))
    spec = choose_spec(scan, str(geo))
    for name, value in (("BARE_AT_ONCE", 4), ("BARE_SEGMENT", 8), ("PHOTOS_AT_ONCE", 4), ("PHOTOS_SEGMENT", 8)):
        monkeypatch.setattr(indexing, f"_{name}", value)
    with pytest.raises(KeyboardInterrupt):
        index_world(scan, tmp_path / "g", spec, ONE, stopped_after(20))
    held = len(open_gallery(tmp_path / "g"))
    assert held == 16
    result = index_world(scan, tmp_path / "g", spec, ONE)
    assert (result.added, result.unchanged) == (30 - held, held)
    index_world(scan, tmp_path / "whole", spec, ONE)
    resumed, whole = open_gallery(tmp_path / "g"), open_gallery(tmp_path / "whole")
    assert by_id(resumed) == by_id(whole)
    assert resumed.catalog.table.equals(whole.catalog.table)


def test_more_workers_make_the_same_gallery(geo: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, PLACES)))
    make(scan, tmp_path / "one", geo)
    make(scan, tmp_path / "two", geo, WorldIndexConfig(jobs=2))
    one, two = open_gallery(tmp_path / "one"), open_gallery(tmp_path / "two")
    assert by_id(one) == by_id(two)
    assert one.catalog.table.equals(two.catalog.table)


def test_texts_are_what_the_text_half_makes_of_them(clip: Path, tmp_path: Path) -> None:
    scan = open_source("places:countries")
    scan = replace(scan, catalog=scan.catalog.select(np.arange(0, len(scan.catalog), 10)))
    spec = choose_spec(scan, str(clip))
    assert spec.rows == "texts"
    result = index_world(scan, tmp_path / "g", spec, ONE)
    assert result.added == result.photos == len(scan.catalog)
    gallery = open_gallery(tmp_path / "g")
    prompts = [str(text) for text in gallery.catalog.column("prompt")]
    expected = open_text_encoder(ModelSpec(str(clip))).encode(prompts)
    np.testing.assert_allclose(gallery.vectors.astype(np.float32), expected, atol=1e-3)
    assert counts(index_world(scan, tmp_path / "g", spec, ONE)) == (0, 0, len(gallery), 0, 0)


def test_texts_of_a_table(clip: Path, tmp_path: Path) -> None:
    rows = [(1, 2, "a photo in Paris"), (3, 4, "a photo in Lima"), (5, 6, "")]
    scan = write_points(tmp_path / "t.csv", rows, ("lat", "lon", "prompt"))
    spec = texts_spec(ModelSpec(str(clip)))
    result = index_world(scan, tmp_path / "g", spec, ONE)
    assert (result.photos, [skip.kind for skip in result.skipped]) == (2, ["without-text"])
    photo = next((forge_photos(tmp_path, PLACES[:1]).parent / "pictures").iterdir())
    assert len(search(photo, open_any(tmp_path / "g"), 5)) == 2
    changed = write_points(tmp_path / "t.csv", [(1, 2, "a photo in Rome"), rows[1]], ("lat", "lon", "prompt"))
    assert counts(index_world(changed, tmp_path / "g", spec, ONE)) == (0, 1, 1, 0, 0)
    with pytest.raises(UsageError, match="places:cities"):
        index_world(open_source("grid:3000"), tmp_path / "h", spec, ONE)


def test_photos_of_any_picture_model(clip: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path, PLACES[:6])))
    spec = choose_spec(scan, str(clip))
    assert spec == photos_spec(ModelSpec(str(clip)))
    index_world(scan, tmp_path / "g", spec, ONE)
    opened = open_world(tmp_path / "g")
    assert (opened.spec.rows, opened.location) == ("photos", None)
    with pytest.raises(UsageError, match="cannot be weighed together"):
        index_world(open_source("grid:3000"), tmp_path / "g", spec, ONE)


def test_an_id_that_another_photo_has_is_not_taken(geo: Path, tmp_path: Path) -> None:
    scan = open_source(str(forge_photos(tmp_path / "a", PLACES[:4])))
    make(scan, tmp_path / "g", geo)
    other = open_source(str(forge_photos(tmp_path / "b", PLACES[:4])))
    result = index_world(other, tmp_path / "g", choose_spec(other, str(geo)), ONE)
    assert [skip.kind for skip in result.skipped] == ["id-taken"] * 4


def test_a_column_that_no_gallery_keeps(geo: Path, tmp_path: Path) -> None:
    scan = open_source("grid:3000")
    table = scan.catalog.table.append_column("list", pa.array([[1]] * len(scan.catalog)))
    wrong = replace(scan, catalog=type(scan.catalog)(table))
    with pytest.raises(CatalogError, match="a gallery keeps numbers, truth values and text"):
        make(wrong, tmp_path / "g", geo)
    assert make(scan, tmp_path / "g", geo)


def test_removed_rows_come_back(geo: Path, tmp_path: Path) -> None:
    scan = write_points(tmp_path / "p.csv", list(PLACES))
    spec = choose_spec(scan, str(geo))
    index_world(scan, tmp_path / "g", spec, ONE)
    with GalleryWriter(tmp_path / "g") as writer:
        writer.remove(scan.catalog.ids[:4])
    assert counts(index_world(scan, tmp_path / "g", spec, ONE)) == (4, 0, 26, 0, 0)

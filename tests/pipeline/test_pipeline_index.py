"""Indexing: a first build, the same again, and everything that may have happened to the photos in between."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pipeline_support import TINY, TINY_ENCODER, contents, counts, small_town, some, town_gallery

from periplus.errors import EmptyInputError, GalleryError
from periplus.gallery import damaged_files, open_gallery
from periplus.pipeline import index, locate, open_for_search
from periplus.records import Catalog, Skip
from periplus.sources import Scan, read_folder, read_table
from periplus.synth import Town

PHOTOS = 12


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return small_town(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return town_gallery(tmp_path_factory.getbasetemp())


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> Path:
    """Photos that a test may change."""
    target = tmp_path / "photos"
    target.mkdir()
    for photo in sorted(town.gallery.glob("*.jpg"))[:PHOTOS]:
        shutil.copy2(photo, target)
    return target


@pytest.fixture
def indexed(folder: Path, tmp_path: Path, whole: Path) -> Path:
    """Their gallery, with the codebook of the whole town's."""
    index(read_folder(folder), tmp_path / "g", replace(TINY, codebook=whole))
    return tmp_path / "g"


def first(folder: Path) -> Path:
    return min(folder.glob("*.jpg"))


def test_a_first_build_holds_every_photo(town: Town, whole: Path) -> None:
    gallery = open_gallery(whole)
    scan = read_folder(town.gallery)
    assert gallery.catalog.ids == scan.catalog.ids
    assert gallery.catalog.has_position.all()
    np.testing.assert_array_equal(np.array(gallery.catalog.positions), np.array(scan.catalog.positions))
    assert gallery.arena_names == ("features", "words")
    assert damaged_files(gallery) == []
    opened = open_for_search(whole)
    assert opened.calibration.queries == 40
    assert opened.encoder.fingerprint == gallery.fingerprint
    assert [0 < len(opened.features(row)) <= 400 for row in range(40)] == [True] * 40
    norms = np.linalg.norm(gallery.vectors.astype(np.float64), axis=1)
    np.testing.assert_allclose(norms, 1, atol=2e-3)


def test_the_same_again_changes_no_byte(folder: Path, indexed: Path) -> None:
    before = {path: path.read_bytes() for path in indexed.rglob("*") if path.is_file()}
    result = index(read_folder(folder), indexed, TINY)
    assert counts(result) == (0, 0, PHOTOS, 0, 0)
    assert result.photos == PHOTOS
    assert "learn" not in result.seconds
    assert {path: path.read_bytes() for path in indexed.rglob("*") if path.is_file()} == before


def test_progress_counts_every_stage_to_its_end(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    index(read_folder(folder), tmp_path / "g", TINY, lambda *step: told.append(step))
    wanted = {"learn": PHOTOS, "describe": PHOTOS, "calibrate": 10}
    for stage, total in wanted.items():
        assert [step for step in told if step[0] == stage] == [(stage, i, total) for i in range(1, total + 1)]
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == list(wanted)


def test_changed_content_is_described_anew(folder: Path, indexed: Path) -> None:
    before = contents(open_gallery(indexed))["rows"]
    photo = first(folder)
    with Image.open(photo) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photo, exif=picture.info["exif"])
    result = index(read_folder(folder), indexed, TINY)
    assert counts(result) == (0, 1, PHOTOS - 1, 0, 0)
    after = contents(open_gallery(indexed))["rows"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert [name for name in before if before[name] != after[name]] == [photo.name]


def test_changed_metadata_alone_is_a_change(folder: Path, tmp_path: Path, whole: Path) -> None:
    names = sorted(path.name for path in folder.glob("*.jpg"))

    def scan(lat: float) -> Scan:
        with (folder / "photos.csv").open("w", encoding="utf-8", newline="") as file:
            rows = [(name, lat if i == 3 else 43.2, 5.2 + i / 10_000) for i, name in enumerate(names)]
            csv.writer(file).writerows([("file", "lat", "lon"), *rows])
        return read_table(folder / "photos.csv")

    index(scan(43.2), tmp_path / "g", replace(TINY, codebook=whole))
    assert counts(index(scan(43.2), tmp_path / "g", TINY)) == (0, 0, PHOTOS, 0, 0)
    moved = index(scan(43.3), tmp_path / "g", TINY)
    assert counts(moved) == (0, 1, PHOTOS - 1, 0, 0)
    catalog = open_gallery(tmp_path / "g").catalog
    assert catalog.positions[0][catalog.ids.index(names[3])] == 43.3


def test_moved_positions_are_calibrated_anew(folder: Path, indexed: Path, tmp_path: Path, whole: Path) -> None:
    """The calibration rests on positions: the same pictures elsewhere must not keep it."""
    rng = np.random.default_rng(1)
    scan = read_folder(folder)
    table = scan.catalog.table
    for name, low, high in (("lat_deg", -60, 60), ("lon_deg", -180, 179)):
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(name), [rng.uniform(low, high, PHOTOS)])
    elsewhere = replace(scan, catalog=Catalog(table))
    fresh = tmp_path / "fresh"
    index(elsewhere, fresh, replace(TINY, codebook=whole))
    assert counts(index(elsewhere, indexed, TINY)) == (0, PHOTOS, 0, 0, 0)
    assert open_for_search(indexed).calibration == open_for_search(fresh).calibration


def test_a_changed_gallery_is_calibrated_as_a_fresh_one(folder: Path, tmp_path: Path, whole: Path) -> None:
    """In one process, one after the other: nothing of the earlier gallery may be remembered."""
    scan = read_folder(folder)
    grown, fresh = tmp_path / "grown", tmp_path / "fresh"
    index(some(scan, 5), grown, replace(TINY, codebook=whole))
    assert counts(index(scan, grown, TINY)) == (PHOTOS - 5, 0, 5, 0, 0)
    index(scan, fresh, replace(TINY, codebook=whole))
    assert contents(open_gallery(grown)) == contents(open_gallery(fresh))


def test_photos_that_are_gone_stay_until_they_are_pruned(folder: Path, indexed: Path) -> None:
    gone = first(folder)
    gone.unlink()
    assert counts(index(read_folder(folder), indexed, TINY)) == (0, 0, PHOTOS - 1, 0, 1)
    assert gone.name in open_gallery(indexed).catalog.ids
    pruned = index(read_folder(folder), indexed, replace(TINY, prune=True))
    assert counts(pruned) == (0, 0, PHOTOS - 1, 1, 0)
    assert pruned.photos == PHOTOS - 1
    assert gone.name not in open_gallery(indexed).catalog.ids


def test_a_damaged_photo_is_skipped_with_its_reason(folder: Path, tmp_path: Path, whole: Path) -> None:
    short = first(folder)
    short.write_bytes(short.read_bytes()[:3000])
    (folder / "text.jpg").write_text("no picture", encoding="utf-8")
    result = index(read_folder(folder), tmp_path / "g", replace(TINY, codebook=whole))
    assert result.photos == result.added == PHOTOS - 1
    assert {(Path(skip.path).name, skip.kind) for skip in result.skipped} == {
        (short.name, "damaged"),
        ("text.jpg", "not-a-photo"),
    }
    assert all(len(skip.reason) > 10 for skip in result.skipped)


def test_a_photo_that_vanishes_after_the_scan_is_skipped(folder: Path, indexed: Path) -> None:
    scan = read_folder(folder)
    first(folder).unlink()
    result = index(scan, indexed, TINY)
    assert counts(result) == (0, 0, PHOTOS - 1, 0, 0)
    assert [skip.kind for skip in result.skipped] == ["missing"]


def test_another_photo_by_a_known_id_is_refused(folder: Path, indexed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    result = index(read_folder(other), indexed, TINY)
    assert counts(result) == (0, 0, 0, 0, 0)
    assert Counter(skip.kind for skip in result.skipped) == {"id-taken": PHOTOS}
    assert str(first(folder)) in result.skipped[0].reason
    shutil.rmtree(folder)
    moved = index(read_folder(other), indexed, TINY)
    assert counts(moved) == (0, PHOTOS, 0, 0, 0), "a folder that moved is not another folder"


def test_a_codebook_can_be_taken_over(folder: Path, indexed: Path, whole: Path, tmp_path: Path) -> None:
    assert open_gallery(indexed).fingerprint == open_gallery(whole).fingerprint
    ours, theirs = open_gallery(indexed), open_gallery(whole)
    for row, photo in enumerate(ours.catalog.ids):
        other = theirs.catalog.ids.index(photo)
        assert ours.vector(row).tobytes() == theirs.vector(other).tobytes()
        assert [ours.blob(name, row).tobytes() for name in ours.arena_names] == [
            theirs.blob(name, other).tobytes() for name in theirs.arena_names
        ]
    with pytest.raises(GalleryError):
        index(read_folder(folder), tmp_path / "new", replace(TINY, codebook=tmp_path / "nowhere"))
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_the_result_does_not_depend_on_the_jobs(town: Town, tmp_path: Path, whole: Path) -> None:
    alone = contents(open_gallery(whole))
    config = replace(TINY, jobs=2, calibration_photos=200, segment_photos=7)
    index(read_folder(town.gallery), tmp_path / "g", config)
    assert contents(open_gallery(tmp_path / "g")) == alone
    assert len(open_gallery(tmp_path / "g").manifest.segments) == 6


def test_segments_do_not_change_the_result(folder: Path, indexed: Path, tmp_path: Path, whole: Path) -> None:
    index(read_folder(folder), tmp_path / "s", replace(TINY, codebook=whole, segment_photos=1))
    assert len(open_gallery(tmp_path / "s").manifest.segments) == PHOTOS
    assert contents(open_gallery(tmp_path / "s")) == contents(open_gallery(indexed))


def test_the_vlad_encoder_keeps_no_words(folder: Path, town: Town, tmp_path: Path) -> None:
    path = tmp_path / "g"
    index(read_folder(folder), path, replace(TINY, encoder=replace(TINY_ENCODER, name="vlad")))
    opened = open_for_search(path)
    assert opened.gallery.arena_names == ("features",)
    assert opened.words is None
    photo = first(folder)
    fix = locate(photo, opened).fix
    assert fix.evidence[0].id == photo.name
    assert fix.recorded is not None
    assert fix.recorded.distance_km is not None
    assert fix.recorded.distance_km < 0.02


def test_without_any_position_nothing_is_located(folder: Path, tmp_path: Path, whole: Path) -> None:
    for photo in folder.glob("*.jpg"):
        with Image.open(photo) as picture:
            picture.save(photo, quality=90, exif=b"")
    path = tmp_path / "g"
    result = index(read_folder(folder), path, replace(TINY, codebook=whole))
    assert result.photos == PHOTOS
    opened = open_for_search(path)
    assert opened.calibration.queries == 0
    assert not opened.placed.any()
    fix = locate(first(folder), opened).fix
    assert not fix.answered
    assert fix.abstained is not None
    assert "position" in fix.abstained


@pytest.mark.parametrize("photos", [1, 2, 3])
def test_a_very_small_gallery_learns_its_own_codebook(photos: int, folder: Path, tmp_path: Path) -> None:
    scan = some(read_folder(folder), photos)
    path = tmp_path / "g"
    assert index(scan, path, TINY).photos == photos
    fix = locate(first(folder), open_for_search(path)).fix
    assert abs(fix.lat_deg - scan.catalog.positions[0][0]) < 1e-3
    assert 0 <= fix.confidence <= 1
    assert counts(index(scan, path, TINY)) == (0, 0, photos, 0, 0)


def test_identical_photos_are_both_kept(folder: Path, tmp_path: Path, whole: Path) -> None:
    photo = first(folder)
    shutil.copy(photo, folder / "copy.jpg")
    path = tmp_path / "g"
    assert index(read_folder(folder), path, replace(TINY, codebook=whole)).photos == PHOTOS + 1
    gallery = open_gallery(path)
    hashes = Counter(gallery.catalog.column("content_hash"))
    assert sorted(hashes.values()) == [1] * (PHOTOS - 1) + [2]
    evidence = locate(photo, open_for_search(path)).fix.evidence
    assert {evidence[0].id, evidence[1].id} == {photo.name, "copy.jpg"}
    assert evidence[0].score == evidence[1].score


def test_two_identical_photos_are_a_gallery(folder: Path, tmp_path: Path) -> None:
    pair = tmp_path / "pair"
    pair.mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(first(folder), pair / name)
    assert index(read_folder(pair), tmp_path / "g", TINY).photos == 2
    fix = locate(pair / "a.jpg", open_for_search(tmp_path / "g")).fix
    assert {one.id for one in fix.evidence} == {"a.jpg", "b.jpg"}


def test_nothing_to_learn_from_leaves_no_gallery(tmp_path: Path) -> None:
    empty = tmp_path / "photos"
    empty.mkdir()
    with pytest.raises(EmptyInputError):
        index(read_folder(empty), tmp_path / "g", TINY)
    Image.new("RGB", (200, 150), "white").save(empty / "blank.png")
    with pytest.raises(EmptyInputError, match="blank"):
        index(read_folder(empty), tmp_path / "g", TINY)
    assert not (tmp_path / "g").exists()


def test_blank_photos_among_others_are_kept_and_never_found(folder: Path, tmp_path: Path, whole: Path) -> None:
    Image.new("RGB", (200, 150), "white").save(folder / "0-blank.png")
    path = tmp_path / "g"
    result = index(read_folder(folder), path, replace(TINY, codebook=whole, calibration_photos=200))
    assert result.photos == PHOTOS + 1
    opened = open_for_search(path)
    assert len(opened.features(opened.gallery.catalog.ids.index("0-blank.png"))) == 0
    assert "0-blank.png" not in {one.id for one in locate(first(folder), opened).fix.evidence}


def test_a_gallery_being_written_is_not_written_twice(folder: Path, indexed: Path) -> None:
    from periplus.gallery import GalleryWriter

    with GalleryWriter(indexed), pytest.raises(GalleryError, match="another process"):
        index(read_folder(folder), indexed, TINY)


def test_bare_positions_are_skipped(tmp_path: Path, folder: Path, whole: Path) -> None:
    names = sorted(path.name for path in folder.glob("*.jpg"))[:3]
    (folder / "t.csv").write_text(f"id,file,lat,lon\na,{names[0]},1,2\nb,,3,4\n", encoding="utf-8")
    scan = read_table(folder / "t.csv")
    result = index(scan, tmp_path / "g", replace(TINY, codebook=whole))
    assert result.photos == 1
    assert [type(skip) for skip in result.skipped] == [Skip]
    only = Catalog.from_rows([{"id": "x", "path": None, "lat_deg": 1.0, "lon_deg": 2.0}])
    result = index(replace(scan, catalog=only, skipped=()), tmp_path / "g", TINY)
    assert [skip.kind for skip in result.skipped] == ["no-photo"]
    assert result.gone == 1

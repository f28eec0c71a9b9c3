"""From a photo to a fix: right places, refused strangers, and what the file itself says kept apart."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pipeline_support import TINY, small_town, some, town_gallery, truth
from threadpoolctl import threadpool_limits

import periplus
from periplus.errors import PhotoError, UsageError
from periplus.gallery import GalleryWriter
from periplus.geo import distance_km
from periplus.photos import read_metadata
from periplus.pipeline import OpenedGallery, SearchConfig, index, locate, open_for_search, search
from periplus.records import Fix
from periplus.sources import read_folder
from periplus.store import content_hash
from periplus.synth import Town

NEAR_KM, MOST = 0.03, 5


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return small_town(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedGallery:
    return open_for_search(town_gallery(tmp_path_factory.getbasetemp()))


@pytest.fixture
def member(town: Town) -> Path:
    """A photo of the gallery; its file says where it was taken."""
    return sorted(town.gallery.glob("*.jpg"))[20]


def without_exif(photo: Path, target: Path) -> Path:
    """The same JPEG without its APP1 segments: other bytes, the very same pixels."""
    data, at, kept = photo.read_bytes(), 2, [b"\xff\xd8"]
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] != 0xE1:
            kept.append(data[at:end])
        at = end
    target.write_bytes(b"".join(kept) + data[at:])
    return target


def estimate(fix: Fix) -> tuple[object, ...]:
    """All of a fix that is measured, to the last bit."""
    seen = [(e.id, e.score, e.match.points.tobytes() if e.match else b"") for e in fix.evidence]
    return fix.lat_deg, fix.lon_deg, fix.radius_km_50, fix.radius_km_90, fix.confidence, fix.abstained, seen


def test_queries_of_the_town_are_found(town: Town, opened: OpenedGallery) -> None:
    fixes = {photo: locate(photo, opened).fix for photo in truth(town)}
    away = [float(distance_km(fixes[p].lat_deg, fixes[p].lon_deg, *where)) for p, where in truth(town).items()]
    answered = [fix.answered for fix in fixes.values()]
    assert sum(d <= NEAR_KM for d in away) >= MOST, sorted(away)
    assert sum(answered) >= MOST
    covered = [d <= fix.radius_km_90 for d, fix in zip(away, fixes.values(), strict=True) if fix.answered]
    assert sum(covered) >= MOST - 1
    assert all(fix.recorded is None for fix in fixes.values()), "their files say nothing"


def test_every_answer_is_carried_by_what_it_shows(town: Town, opened: OpenedGallery) -> None:
    for photo in truth(town):
        fix = locate(photo, opened).fix
        if not fix.answered:
            continue
        assert fix.evidence
        for one in fix.evidence:
            known = opened.gallery.catalog.row(one.row)
            assert (one.id, one.path) == (known["id"], known["path"])
            assert one.match is not None
            assert one.match.row == one.row
            assert one.distance_km == pytest.approx(
                float(distance_km(one.lat_deg, one.lon_deg, fix.lat_deg, fix.lon_deg)), abs=1e-9
            )


def test_strangers_are_refused(town: Town, opened: OpenedGallery) -> None:
    for photo in sorted(town.strangers.glob("*.jpg")):
        fix = locate(photo, opened).fix
        assert not fix.answered, (photo.name, fix.confidence)
        assert fix.abstained


def copies(photo: Path, opened: OpenedGallery) -> NDArray[np.int64]:
    return opened.rows_with_content(content_hash(photo))


def test_what_the_file_says_is_reported_apart(member: Path, opened: OpenedGallery, tmp_path: Path) -> None:
    fix = locate(member, opened, exclude=copies(member, opened)).fix
    said = read_metadata(member)
    assert fix.recorded is not None
    assert (fix.recorded.lat_deg, fix.recorded.lon_deg) == (said.lat_deg, said.lon_deg)
    assert fix.recorded.source == "exif"
    expected = distance_km(fix.recorded.lat_deg, fix.recorded.lon_deg, fix.lat_deg, fix.lon_deg)
    assert fix.recorded.distance_km == pytest.approx(float(expected), abs=1e-12)
    assert (fix.lat_deg, fix.lon_deg) != (said.lat_deg, said.lon_deg)
    ignored = locate(member, opened, exclude=copies(member, opened), ignore_exif=True).fix
    assert ignored.recorded is None
    assert estimate(ignored) == estimate(fix)


def test_the_estimate_never_reads_the_file_s_own_position(member: Path, opened: OpenedGallery, tmp_path: Path) -> None:
    silent = without_exif(member, tmp_path / "silent.jpg")
    assert read_metadata(silent).lat_deg is None
    fix = locate(silent, opened).fix
    assert fix.recorded is None
    assert estimate(fix) == estimate(locate(member, opened).fix)


def test_the_same_content_can_be_left_out(member: Path, opened: OpenedGallery, tmp_path: Path) -> None:
    copy = Path(shutil.copy(member, tmp_path / "another-name.jpg"))
    for photo in (member, copy):
        known = locate(photo, opened).fix
        assert known.evidence[0].id == member.name
        assert known.evidence[0].score > 100
        assert known.evidence[0].score == max(one.score for one in known.evidence)
        out = locate(photo, opened, exclude=copies(photo, opened)).fix
        assert member.name not in {one.id for one in out.evidence}
    again = without_exif(member, tmp_path / "same-pixels.jpg")
    same = locate(again, opened, exclude=copies(again, opened)).fix
    assert same.evidence[0].id == member.name, "other bytes are another photo"


def test_a_blank_photo_has_a_reason_and_no_position(opened: OpenedGallery, tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (90, 120, 160)).save(tmp_path / "blank.png")
    located = locate(tmp_path / "blank.png", opened)
    assert not located.fix.answered
    assert located.fix.abstained is not None
    assert "blank" in located.fix.abstained
    assert np.isnan([located.fix.lat_deg, located.fix.lon_deg, located.fix.radius_km_90]).all()
    assert (located.fix.confidence, located.fix.evidence, located.fix.recorded) == (0.0, (), None)
    assert located.query_path == tmp_path / "blank.png"
    assert located.seconds > 0


def test_noise_is_refused(opened: OpenedGallery, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (360, 480), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert not locate(tmp_path / "noise.png", opened).fix.answered


def test_unusable_files_are_named(opened: OpenedGallery, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no such file"):
        locate(tmp_path / "nowhere.jpg", opened)
    (tmp_path / "text.jpg").write_text("no picture", encoding="utf-8")
    with pytest.raises(PhotoError) as caught:
        locate(tmp_path / "text.jpg", opened)
    assert caught.value.kind == "not-a-photo"


def test_threads_do_not_change_an_answer(town: Town, opened: OpenedGallery) -> None:
    photo = min(truth(town))
    answers = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            answers.append(estimate(locate(photo, opened).fix))
    assert answers[0] == answers[1]
    assert answers[0] == estimate(locate(photo, open_for_search(opened.gallery.path)).fix)


def test_fewer_candidates_are_fewer_matches_not_another_geometry(town: Town, opened: OpenedGallery) -> None:
    photo = min(truth(town))
    assert locate(photo, opened, config=SearchConfig(candidates=1)).fix.runner_up is None
    wide = locate(photo, opened, config=SearchConfig(candidates=10_000)).fix
    assert estimate(wide) == estimate(locate(photo, opened).fix), "100 are more than the gallery has already"


def test_the_package_offers_the_same(member: Path, opened: OpenedGallery) -> None:
    gallery = periplus.open_gallery(opened.gallery.path)
    assert estimate(periplus.locate(member, gallery)) == estimate(locate(member, opened).fix)
    assert periplus.locate(member, gallery, ignore_exif=True).recorded is None


@pytest.mark.parametrize("rerank", ["none", "sift"])
def test_searching_for_a_member_finds_it(rerank: str, member: Path, opened: OpenedGallery) -> None:
    hits = search(member, opened, k=5, rerank=rerank)  # type: ignore[arg-type]
    assert len(hits) == 5
    assert hits[0].id == member.name
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len({hit.row for hit in hits}) == 5
    assert all((hit.match is None) == (rerank == "none") for hit in hits)
    lat, lon = (degrees[hits[0].row] for degrees in opened.gallery.catalog.positions)
    assert (hits[0].lat_deg, hits[0].lon_deg) == (lat, lon)


def test_a_search_asks_for_what_can_be(member: Path, opened: OpenedGallery) -> None:
    assert len(search(member, opened, k=1000)) == len(opened)
    for k, weight in ((0, 0.2), (3, -0.1), (3, 1.1), (3, float("nan"))):
        with pytest.raises(UsageError, match="weight"):
            search(member, opened, k=k, weight=weight)


def test_an_emptied_gallery_refuses(town: Town, member: Path, opened: OpenedGallery, tmp_path: Path) -> None:
    scan = read_folder(town.gallery)
    path = tmp_path / "g"
    index(some(scan, 4), path, replace(TINY, codebook=opened.gallery.path))
    with pytest.raises(UsageError, match="prun"):
        index(some(scan, 0), path, replace(TINY, prune=True))
    with GalleryWriter(path) as writer:
        assert writer.remove(scan.catalog.ids[:4]) == 4
    empty = open_for_search(path)
    assert len(empty) == 0
    fix = locate(member, empty).fix
    assert not fix.answered
    assert fix.recorded is not None
    assert fix.recorded.distance_km is None
    assert search(member, empty) == []

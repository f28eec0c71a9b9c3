"""What encoders see in a source, and the cache that keeps it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forger_geo import forge_photos, shared_geo, spread_positions

from periplus.errors import CannotRunError, EmptyInputError, UsageError
from periplus.photos import read_rgb
from periplus.pipeline.spatial import Placed, Reading, open_placed, open_several
from periplus.pipeline.world import indexing

PLACES = spread_positions(10, seed=5)


def _tell(_stage: str, _done: int, _total: int | None) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def geo(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(shared_geo(tmp_path_factory.getbasetemp()))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return forge_photos(tmp_path, PLACES)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that were opened."""
    opened: list[str] = []

    def watched(path: Path, *more: Any) -> Any:
        opened.append(path.name)
        return read_rgb(path, *more)

    monkeypatch.setattr(indexing, "read_rgb", watched)
    return opened


def _same(one: Placed, two: Placed) -> None:
    assert one.catalog.table.equals(two.catalog.table)
    assert one.vectors is not None
    assert two.vectors is not None
    np.testing.assert_array_equal(one.vectors, two.vectors)


def _rewritten(path: Path, change: Any) -> None:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(change(rows))


def test_the_cache_gives_what_the_encoder_sees(geo: str, photos: Path, tmp_path: Path, looked: list[str]) -> None:
    once = open_placed(str(photos), geo, Reading(jobs=1), _tell)
    assert len(looked) == len(once) == 10
    kept = Reading(jobs=1, cache=tmp_path / "a/cache")
    _same(once, open_placed(str(photos), geo, kept, _tell))
    assert len(looked) == 20
    _same(once, open_placed(str(photos), geo, kept, _tell))
    assert len(looked) == 20
    assert once.label == Path(geo).name
    assert len(list((tmp_path / "a/cache").iterdir())) == 1


def test_of_more_photos_in_the_cache_only_those_asked_for(geo: str, photos: Path, tmp_path: Path) -> None:
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    whole = open_placed(str(photos), geo, kept, _tell)
    few = open_placed(str(photos), geo, Reading(jobs=1, cache=kept.cache, photos=4, seed=1), _tell)
    _same(few, open_placed(str(photos), geo, Reading(jobs=1, photos=4, seed=1), _tell))
    assert (len(few), few.left_out) == (4, 6)
    tests = open_placed(str(photos), geo, Reading(jobs=1, cache=kept.cache, splits=("test",)), _tell)
    assert set(tests.catalog.ids) < set(whole.catalog.ids)
    assert len(tests) == 2


def test_a_lot_first_and_all_later_is_in_the_order_of_the_source(
    geo: str, photos: Path, tmp_path: Path, looked: list[str]
) -> None:
    cache = tmp_path / "cache"
    open_placed(str(photos), geo, Reading(jobs=1, cache=cache, photos=3, seed=7), _tell)
    grown = open_placed(str(photos), geo, Reading(jobs=1, cache=cache), _tell)
    assert len(looked) == 10
    _same(grown, open_placed(str(photos), geo, Reading(jobs=1), _tell))


def test_what_the_source_says_now_counts(geo: str, photos: Path, tmp_path: Path) -> None:
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    open_placed(str(photos), geo, kept, _tell)

    def moved(rows: list[list[str]]) -> list[list[str]]:
        head, *body = rows
        number = [[*row, str(k)] for k, row in enumerate(body)]
        number[2][1:3] = ["11.5", "22.5"]
        return [[*head[:-1], "split", "number"], *number[::-1]]

    _rewritten(photos, moved)
    found = open_placed(str(photos), geo, kept, _tell)
    _same(found, open_placed(str(photos), geo, Reading(jobs=1), _tell))
    assert found.catalog.column("number") == list("9876543210")
    row = found.catalog.row(7)
    assert (row["lat_deg"], row["lon_deg"]) == (11.5, 22.5)
    _rewritten(photos, lambda rows: [row[:3] for row in rows])
    assert "number" not in open_placed(str(photos), geo, kept, _tell).catalog.table.column_names


def test_a_changed_picture_is_looked_at_again(geo: str, photos: Path, tmp_path: Path, looked: list[str]) -> None:
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    before = open_placed(str(photos), geo, kept, _tell)
    pictures = sorted((tmp_path / "pictures").iterdir())
    shutil.copy(pictures[4], pictures[0])
    looked.clear()
    found = open_placed(str(photos), geo, kept, _tell)
    assert looked == [pictures[0].name]
    assert found.vectors is not None
    assert before.vectors is not None
    np.testing.assert_array_equal(found.vectors[0], before.vectors[4])


def test_a_picture_that_cannot_be_read_any_more_is_skipped(geo: str, photos: Path, tmp_path: Path) -> None:
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    open_placed(str(photos), geo, kept, _tell)
    (tmp_path / "pictures/photos-003.png").write_bytes(b"none")
    (tmp_path / "pictures/photos-005.png").unlink()
    for reading in (kept, Reading(jobs=1)):
        found = open_placed(str(photos), geo, reading, _tell)
        assert len(found) == 8
        assert not {"pictures/photos-003.png", "pictures/photos-005.png"} & set(found.catalog.ids)
        assert any("photos-003" in skip.path for skip in found.skipped)
    assert len(open_placed(str(photos), geo, Reading(jobs=1), _tell).skipped) == 2


def test_two_sources_may_call_different_photos_by_one_id(geo: str, tmp_path: Path) -> None:
    for name, places in (("a", PLACES), ("b", PLACES[::-1])):
        forge_photos(tmp_path / name, places)
    sources = [str(tmp_path / name / "photos.csv") for name in "ab"]
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    for _ in range(2):
        found = open_several(sources, [geo], kept, _tell)
        assert [one.skipped for one in found] == [(), ()]
        for one, source in zip(found, sources, strict=True):
            _same(one, open_placed(source, geo, Reading(jobs=1), _tell))
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert [one.label for one in found] == ["photos (1)", "photos (2)"]


def test_bare_positions_and_galleries_beside_photos(geo: str, tmp_path: Path) -> None:
    for name, shift in (("one", 0), ("two", 30)):
        rows = "".join(f"{lat},{(lon + shift + 180) % 360 - 180}\n" for lat, lon in PLACES)
        (tmp_path / f"{name}.csv").write_text(f"lat,lon\n{rows}")
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    one, two = (str(tmp_path / f"{name}.csv") for name in ("one", "two"))
    first = open_placed(one, geo, kept, _tell)
    second = open_placed(two, geo, kept, _tell)
    _same(second, open_placed(two, geo, Reading(jobs=1), _tell))
    _same(first, open_placed(one, geo, kept, _tell))
    assert first.vectors is not None
    assert second.vectors is not None
    assert np.abs(first.vectors - second.vectors).max() > 1e-3
    (gallery, *_) = sorted((tmp_path / "cache").iterdir())
    beside = open_several([str(gallery), two], [geo], kept, _tell)
    assert [len(placed) for placed in beside] == [10, 10]


def test_several_encoders_see_the_photos_that_all_could_look_at(
    geo: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(shared_geo(tmp_path, seed=1))
    cache = tmp_path / "cache"
    open_several([str(photos)], [geo, other], Reading(jobs=1, cache=cache), _tell)
    alone = [open_placed(str(photos), one, Reading(jobs=1), _tell) for one in (geo, other)]

    def sometimes(path: Path, *more: Any) -> Any:
        name = "photos-001" if not seen else "photos-008"
        seen.append(path.name)
        return read_rgb(tmp_path / "none.png" if path.stem == name else path, *more)

    seen: list[str] = []
    monkeypatch.setattr(indexing, "read_rgb", sometimes)
    first, second = open_several([str(photos)], [geo, other], Reading(jobs=1), _tell)
    assert first.catalog.ids == second.catalog.ids
    assert len(first) == 9
    rows = [alone[0].catalog.ids.index(photo) for photo in first.catalog.ids]
    for found, whole in ((first, alone[0]), (second, alone[1])):
        assert found.vectors is not None
        assert whole.vectors is not None
        np.testing.assert_array_equal(found.vectors, whole.vectors[rows])
    assert [first.label, second.label] == [Path(geo).name, Path(other).name]


def test_weight_free_encoders(photos: Path, tmp_path: Path) -> None:
    kept = Reading(jobs=1, cache=tmp_path / "cache")
    found = open_placed(str(photos), "vlad", kept, _tell)
    _same(found, open_placed(str(photos), "vlad", kept, _tell))
    _same(found, open_placed(str(photos), "vlad", Reading(jobs=1), _tell))
    assert found.label == "vlad"
    with pytest.raises(UsageError, match="--model is for vision models"):
        open_placed(str(photos), "vlad", Reading(jobs=1, options={"pooling": "gem"}), _tell)


def test_what_cannot_be_encoded(geo: str, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No model 'nothing'"):
        open_placed(str(photos), "nothing", Reading(), _tell)
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRunError):
        open_placed(str(photos), geo, Reading(cache=tmp_path / "file/cache"), _tell)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyInputError, match="there is 0"):
        open_placed(str(tmp_path / "empty"), "vlad", Reading(), _tell)

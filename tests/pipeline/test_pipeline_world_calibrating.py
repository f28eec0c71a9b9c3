"""Calibrating on photos of known position: kept, read back, honest about copies, and told of what cannot be asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from forger_geo import forge_photos, shared_geo, spread_positions

from periplus.errors import EmptyInputError, RecordError, UsageError
from periplus.gallery import GalleryWriter, open_gallery
from periplus.pipeline.world import (
    CalibrateConfig,
    Exclusion,
    WorldIndexConfig,
    calibrate_world_gallery,
    choose_spec,
    index_world,
    open_world,
    query_vectors,
    read_picture,
)
from periplus.pipeline.world.opened import is_calibration_current
from periplus.position import HeldBack, WorldCalibration, calibrate_world
from periplus.sources import open_source

PLACES = spread_positions(24, seed=9)
ONE = CalibrateConfig(jobs=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, and a gallery of them."""
    root = tmp_path_factory.mktemp("calibrate")
    scan = open_source(str(forge_photos(root, PLACES)))
    spec = choose_spec(scan, str(shared_geo(tmp_path_factory.getbasetemp())))
    index_world(scan, root / "g", spec, WorldIndexConfig(jobs=1))
    return root


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "g", tmp_path / "g"))


def test_as_by_hand_and_kept(made: Path, copied: Path) -> None:
    opened = open_world(copied)
    assert opened.calibration == WorldCalibration()
    assert not is_calibration_current(opened.gallery)
    told: list[tuple[str, int, int]] = []
    scan = open_source(str(made / "photos.csv"))
    config = CalibrateConfig(jobs=1, right_km=500, guess="row", exclusion=Exclusion(author=True))
    found, skipped = calibrate_world_gallery(scan, copied, config, lambda *one: told.append(one))
    assert skipped == ()
    assert {stage for stage, *_ in told} == {"describe", "calibrate"}
    vectors = query_vectors([read_picture(made / f"pictures/photos-{i:03d}.png") for i in range(24)], opened)
    scores = opened.scores(vectors)
    for row in range(24):
        scores[row, row // 3 * 3 : row // 3 * 3 + 3] = -np.inf
    lat, lon = np.array(PLACES).T
    start = WorldCalibration(right_km=500, guess="row")
    by_hand = calibrate_world(lambda: [HeldBack(scores, lat, lon)], opened.scale, opened.rows, start)
    assert found.queries == 24
    for name in ("temperature", "levels", "radius_factors", "confidence_weights"):
        np.testing.assert_allclose(getattr(found, name), getattr(by_hand, name), rtol=1e-3)
    again = open_world(copied)
    assert again.calibration == found
    assert is_calibration_current(again.gallery)
    with GalleryWriter(copied) as writer:
        writer.remove([again.ids[0]])
    assert not is_calibration_current(open_gallery(copied))


def test_a_photo_never_answers_itself(made: Path, copied: Path) -> None:
    scan = open_source(str(made / "photos.csv"))
    loose = calibrate_world_gallery(scan, copied, CalibrateConfig(jobs=1, exclusion=Exclusion(content=False)))[0]
    strict = calibrate_world_gallery(scan, copied, ONE)[0]
    assert loose.temperature < strict.temperature or loose.radius_factors < strict.radius_factors


def test_a_sample_is_spread_evenly(made: Path, copied: Path) -> None:
    scan = open_source(str(made / "photos.csv"))
    told: list[tuple[str, int, int]] = []
    found, _ = calibrate_world_gallery(scan, copied, CalibrateConfig(photos=5, jobs=1), lambda *one: told.append(one))
    assert found.queries == 5
    assert told[-1] == ("calibrate", 5, 5)
    assert calibrate_world_gallery(scan, copied, CalibrateConfig(photos=1, jobs=1))[0].queries == 1


def test_what_cannot_be_asked_is_told(made: Path, copied: Path, tmp_path: Path) -> None:
    table = forge_photos(tmp_path, PLACES[:4])
    (tmp_path / "pictures/photos-001.png").write_bytes(b"none")
    (tmp_path / "pictures/photos-002.png").unlink()
    scan = open_source(str(table))
    found, skipped = calibrate_world_gallery(scan, copied, ONE)
    assert found.queries == 2
    assert sorted(skip.kind for skip in skipped) == ["missing", "not-a-photo"]
    alone = CalibrateConfig(jobs=1, exclusion=Exclusion(buffer_km=20_039))
    with pytest.raises(EmptyInputError, match="No photo could be asked"):
        calibrate_world_gallery(scan, copied, alone)
    with pytest.raises(EmptyInputError):
        calibrate_world_gallery(open_source("grid:3000"), copied, ONE)
    assert open_world(copied).calibration == found


@pytest.mark.parametrize(
    "values", [{"guess": "best"}, {"photos": 0}, {"right_km": 0}, {"right_km": float("nan")}, {"answer_confidence": 2}]
)
def test_impossible_configs(values: dict[str, object]) -> None:
    with pytest.raises((UsageError, RecordError)):
        CalibrateConfig(**values)  # type: ignore[arg-type]

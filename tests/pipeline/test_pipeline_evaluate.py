"""The figures of an evaluation are those that one gets by hand from the single answers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pipeline_support import TINY, small_town, some, town_gallery, truth

from periplus.errors import EmptyInputError
from periplus.evaluate import protocol_named, wilson_interval
from periplus.geo import distance_km
from periplus.pipeline import (
    EvaluateConfig,
    evaluate_elsewhere,
    evaluate_source,
    index,
    locate,
    open_for_search,
)
from periplus.pipeline.world import Exclusion
from periplus.records import Catalog
from periplus.sources import Scan, read_folder, read_table
from periplus.store import content_hash
from periplus.synth import Town

PROTOCOL = protocol_named("periplus-fix")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return small_town(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return town_gallery(tmp_path_factory.getbasetemp())


@pytest.fixture
def queries(town: Town) -> Scan:
    rows = [
        {"id": path.name, "path": str(path), "lat_deg": lat, "lon_deg": lon} for path, (lat, lon) in truth(town).items()
    ]
    return replace(read_folder(town.queries), catalog=Catalog.from_rows(rows))


def test_the_figures_are_those_of_the_single_answers(queries: Scan, gallery: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = evaluate_source(queries, gallery, PROTOCOL, progress=lambda *step: told.append(step))
    assert told == [("evaluate", i, 6) for i in range(1, 7)]
    opened = open_for_search(gallery)
    fixes = [locate(str(path), opened, ignore_exif=True).fix for path in queries.catalog.column("path")]
    lat, lon = queries.catalog.positions
    away = distance_km(np.array([f.lat_deg for f in fixes]), np.array([f.lon_deg for f in fixes]), lat, lon)
    answered = np.array([fix.answered for fix in fixes])
    report = found.report
    assert (report.n, report.left_out, found.skipped) == (6, {}, ())
    assert report.values["answered"].value == answered.mean()
    for threshold in ("0.025", "0.05", "0.1", "1", "25"):
        right = int((away <= float(threshold)).sum())
        value = report.values[f"within_km/{threshold}"]
        assert (value.value, value.low, value.high) == (right / 6, *wilson_interval(right, 6))
    assert report.values["median_km"].value == pytest.approx(float(np.median(away)), rel=1e-12)
    inside = away <= np.array([fix.radius_km_90 for fix in fixes])
    assert report.values["coverage_90"].value == inside[answered].mean()
    assert report.table is not None
    assert report.table.column("id").to_pylist() == queries.catalog.ids
    np.testing.assert_array_equal(report.table.column("distance_km").to_numpy(), away)
    assert report.table.column("reason").to_pylist() == [fix.abstained for fix in fixes]
    assert report.fingerprints == {
        "encoder": opened.encoder.fingerprint,
        "gallery": opened.gallery.content_digest,
    }


@pytest.mark.slow
def test_the_jobs_change_nothing_but_the_time(queries: Scan, gallery: Path) -> None:
    one, two = (evaluate_source(queries, gallery, PROTOCOL, EvaluateConfig(jobs=jobs)).report for jobs in (1, 2))
    assert one.table is not None
    assert two.table is not None
    assert one.table.drop(["seconds"]) == two.table.drop(["seconds"])
    timed = {"seconds_per_query"}
    assert {k: v for k, v in one.values.items() if k not in timed} == pytest.approx(
        {k: v for k, v in two.values.items() if k not in timed}
    )


def test_a_gallery_asked_its_own_photos_does_not_see_them(town: Town, gallery: Path) -> None:
    own = some(read_folder(town.gallery), 6)
    honest = evaluate_source(own, gallery, PROTOCOL).report
    cheated = evaluate_source(own, gallery, PROTOCOL, EvaluateConfig(exclusion=Exclusion(content=False))).report
    assert honest.table is not None
    assert cheated.table is not None
    assert honest.values["median_km"].value > cheated.values["median_km"].value
    opened = open_for_search(gallery)
    for path, guess in zip(own.catalog.column("path"), honest.table.column("guess_lat_deg").to_pylist(), strict=True):
        assert (
            locate(str(path), opened, exclude=opened.rows_with_content(content_hash(Path(str(path))))).fix.lat_deg
            == guess
        )


def test_what_cannot_be_asked_is_counted(queries: Scan, gallery: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in queries.catalog.column("path")]
    shutil.copy(paths[0], tmp_path / "known.jpg")
    shutil.copy(paths[1], tmp_path / "unknown.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    Image.new("RGB", (64, 64)).save(tmp_path / "blank.png")
    lines = ["file,lat,lon", "known.jpg,43.2,5.2", "unknown.jpg,,", "broken.jpg,43.2,5.2", "blank.png,43.2,5.2"]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    found = evaluate_source(read_table(tmp_path / "t.csv"), gallery, PROTOCOL)
    assert found.report.n == 2
    assert found.report.left_out == {"without-position": 1, "unusable": 1}
    assert [(Path(skip.path).name, skip.kind) for skip in found.skipped] == [("broken.jpg", "damaged")]
    assert found.report.table is not None
    assert found.report.table.column("id").to_pylist() == ["known.jpg", "blank.png"]
    assert found.report.table.column("distance_km").null_count == 1, "no guess for the blank one"


def test_no_query_at_all_is_an_error(town: Town, gallery: Path) -> None:
    with pytest.raises(EmptyInputError, match="without-position"):
        evaluate_source(read_folder(town.queries), gallery, PROTOCOL)
    with pytest.raises(EmptyInputError):
        evaluate_elsewhere(some(read_folder(town.strangers), 0), gallery)


def test_strangers_are_counted_by_hand(town: Town, gallery: Path) -> None:
    found = evaluate_elsewhere(read_folder(town.strangers), gallery)
    opened = open_for_search(gallery)
    answers = [locate(photo, opened).fix.answered for photo in sorted(town.strangers.glob("*.jpg"))]
    assert found.report.n == 3
    assert found.report.values["answered"].value == sum(answers) / 3
    assert isinstance(found.report.table, pa.Table)


def test_a_gallery_that_grew_is_asked_as_it_is_now(town: Town, gallery: Path, tmp_path: Path) -> None:
    """In one process: the earlier snapshot of the same path must not answer."""
    scan = read_folder(town.gallery)
    path = tmp_path / "g"
    config = replace(TINY, codebook=gallery, calibration_photos=0)
    own = replace(scan, catalog=scan.catalog.select(np.arange(20, 23)))
    index(some(scan, 4), path, config)
    evaluate_source(own, path, PROTOCOL, EvaluateConfig(exclusion=Exclusion(content=False)))
    index(scan, path, config)
    table = evaluate_source(own, path, PROTOCOL, EvaluateConfig(exclusion=Exclusion(content=False))).report.table
    assert table is not None
    opened = open_for_search(path)
    expected = [locate(str(photo), opened, ignore_exif=True).fix.lat_deg for photo in own.catalog.column("path")]
    assert table.column("guess_lat_deg").to_pylist() == expected

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from periplus.curate import FLAGS, Audit
from periplus.errors import EmptyInputError
from periplus.photos import Limits
from periplus.pipeline.auditing import audit_source, measure_photo
from periplus.records import Catalog, Skip
from periplus.sources import Scan, read_folder, read_table


def scene(seed: int, size: tuple[int, int] = (120, 160)) -> Image.Image:
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", size[::-1], tuple(int(v) for v in rng.integers(90, 220, 3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(25):
        x, y = int(rng.integers(0, size[1])), int(rng.integers(0, size[0]))
        box = (x, y, x + int(rng.integers(5, 60)), y + int(rng.integers(5, 60)))
        draw.rectangle(box, fill=tuple(int(v) for v in rng.integers(0, 255, 3)))
    return picture


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Photos with known properties, each named after its finding."""
    folder = tmp_path / "made"
    folder.mkdir()
    for seed in range(40):
        scene(seed).save(folder / f"plain_{seed:02}.jpg", quality=90)
    one = scene(0)
    one.convert("L").save(folder / "grey.jpg")
    tone = np.asarray(scene(101).convert("L"), np.float32)[..., None] / 255 * np.asarray([235, 200, 150], np.float32)
    Image.fromarray(tone.astype(np.uint8)).save(folder / "sepia.jpg", quality=95)
    soft = cv2.GaussianBlur(np.asarray(scene(102)), (0, 0), 3)
    Image.fromarray(np.asarray(soft, np.uint8)).save(folder / "blurred.jpg")
    Image.new("RGB", (100, 100), (200, 30, 90)).save(folder / "blank.png")
    page = Image.new("RGB", (150, 200), "white")
    draw = ImageDraw.Draw(page)
    for line in range(12, 190, 9):
        draw.text((10, line), "The quick brown fox jumps", fill="black")
    page.save(folder / "graphic.png")
    scene(103, (40, 160)).save(folder / "small.jpg")
    scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((100, 75)).save(folder / "near_duplicate.jpg")
    (folder / "plain_copy.jpg").write_bytes((folder / "plain_02.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes((folder / "plain_03.jpg").read_bytes()[:700])
    return folder


def flags_of(audit: Audit) -> dict[str, set[str]]:
    return {str(row["id"]): {flag for flag in FLAGS if row[flag]} for row in audit.findings.to_pylist()}


def test_made_photos_have_their_findings(made: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    found = audit_source(read_folder(made), jobs=1, progress=lambda *told: stages.append(told))
    flags = flags_of(found)
    for name in ("sepia.jpg", "blurred.jpg", "blank.png", "graphic.png", "small.jpg", "near_duplicate.jpg"):
        assert Path(name).stem in flags[name], name
    assert flags["grey.jpg"] == {"grey", "near_duplicate"}  # it is plain_00 without its colour, which is kept
    assert {"exact_duplicate", "near_duplicate"} <= flags["plain_copy.jpg"]
    assert "unreadable" in flags["broken.jpg"]
    for seed in range(40):
        assert flags[f"plain_{seed:02}.jpg"] <= {"outlier"}
    assert stages[-1] == ("describe", len(flags), len(flags))
    assert [skip.kind for skip in found.skipped] == ["damaged"]


def test_the_number_of_workers_changes_nothing(made: Path) -> None:
    scan = read_folder(made)
    one, two = (audit_source(scan, jobs=jobs) for jobs in (1, 2))
    assert one.findings.equals(two.findings)
    assert one.counts == two.counts
    assert one.skipped == two.skipped


def test_awkward_files(shared: Path) -> None:
    found = audit_source(read_folder(shared / "awkward-files"), jobs=1)
    flags = flags_of(found)
    copies = {photo for photo, names in flags.items() if "exact_duplicate" in names}
    assert copies == {"mapillary_tools_fixed_exif_2.jpg"}
    turned = [photo for photo in flags if photo.startswith("exif-samples_landscape_")]
    groups = {row["id"]: row["group"] for row in found.findings.to_pylist()}
    assert len(turned) == 8
    assert len({groups[photo] for photo in turned}) == 1  # eight orientations of one picture
    assert found.capture.dated == 17
    assert found.capture.parts_of_day == {"morning": 2, "noon": 1, "afternoon": 11, "night": 3, "unknown": 0}
    assert found.capture.seasons == {"winter": 0, "spring": 1, "summer": 5, "autumn": 9, "unknown": 2}
    assert found.places.countries == {"Italy": 9, "France": 4, "United States": 2, "Malta": 1}
    assert found.cameras["NIKON COOLPIX P6000"] == 9
    assert flags["immich_density_plot.png"] == {"grey"}


@pytest.mark.slow
def test_a_sample_of_landmarks(shared: Path) -> None:
    scan = read_table(shared / "landmarks-44" / "photos.csv")
    rows = np.arange(0, len(scan.catalog), 5)
    found = audit_source(replace(scan, catalog=scan.catalog.select(rows)), jobs=1)
    assert len(found.landmarks.counts) == 44
    assert found.places.placed == len(rows)
    assert list(found.places.countries)[:2] == ["Turkey", "France"]
    assert 0.010 < found.counts["grey"] / len(rows) < 0.025
    assert 0.001 < found.counts["sepia"] / len(rows) < 0.01
    assert found.counts["graphic"] <= 8
    assert found.counts["outlier"] / len(rows) < 0.03
    assert found.counts["blurred"] == found.counts["blank"] == found.counts["small"] == 0


def test_bare_positions_and_nothing(tmp_path: Path) -> None:
    scene(0).save(tmp_path / "a.jpg")
    photo: dict[str, object] = {"id": "a", "path": str(tmp_path / "a.jpg")}
    rows = [photo, {"id": "bare", "lat_deg": 1.0, "lon_deg": 2.0}]
    found = audit_source(Scan(Catalog.from_rows(rows), (), tmp_path), jobs=1)
    assert found.bare == 1
    assert flags_of(found) == {"a": set(), "bare": set()}
    with pytest.raises(EmptyInputError, match="no photo that could be audited"):
        audit_source(Scan(Catalog.from_rows(rows[1:]), (), tmp_path), jobs=1)


def test_hostile_files_are_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    scene(0).save(tmp_path / "large.jpg")
    kinds = {}
    for name in ("pipe.jpg", "empty.jpg", "gone.jpg", "large.jpg"):
        outcome = measure_photo(Limits(max_pixels=100), str(tmp_path / name))
        assert isinstance(outcome, Skip)
        kinds[name] = outcome.kind
    assert kinds == {"pipe.jpg": "not-a-file", "empty.jpg": "damaged", "gone.jpg": "missing", "large.jpg": "too-large"}

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import exifread
import numpy as np
import pytest

from periplus.errors import UsageError
from periplus.geo import distance_km
from periplus.synth import Town, TownConfig, make_town
from periplus.synth.exif import sexagesimal
from periplus.synth.shots import make_shots

SMALL = TownConfig(
    seed=7, gallery=20, queries=6, strangers=4, blocks=(1, 1), centre_lat_deg=-12.5, centre_lon_deg=-70.25
)
TINY = replace(SMALL, gallery=3, queries=2, strangers=1, size_px=(160, 120))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return make_town(tmp_path_factory.mktemp("towns") / "small", SMALL)


def hashes(root: Path) -> dict[str, str]:
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def truth(town: Town) -> list[dict[str, str]]:
    with town.truth.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def gps(path: Path) -> tuple[float, float, float] | None:
    with path.open("rb") as file:
        tags = exifread.process_file(file, details=False)
    if "GPS GPSLatitude" not in tags:
        return None

    def angle(name: str) -> float:
        parts = [float(v.num) / float(v.den) for v in tags[name].values]
        return (parts[0] + parts[1] / 60 + parts[2] / 3600) * (-1 if str(tags[name + "Ref"]) in "SW" else 1)

    bearing = tags["GPS GPSImgDirection"].values[0]
    return angle("GPS GPSLatitude"), angle("GPS GPSLongitude"), float(bearing.num) / float(bearing.den)


def test_the_gallery_says_where_it_stands_and_the_others_do_not(small: Town) -> None:
    shots = {shot.file: shot for shot in make_shots(SMALL)}
    for path in sorted(small.gallery.iterdir()):
        shot = shots[f"gallery/{path.name}"]
        read = gps(path)
        assert read is not None
        assert read[:2] == pytest.approx(shot.position_deg, abs=1e-6)
        assert read[2] == pytest.approx(shot.view.pose.heading_deg % 360, abs=0.006)
    for path in (*small.queries.iterdir(), *small.strangers.iterdir()):
        assert gps(path) is None


def test_positions_are_metres_from_the_centre() -> None:
    for shot in make_shots(SMALL):
        away = distance_km(SMALL.centre_lat_deg, SMALL.centre_lon_deg, *shot.position_deg)
        assert float(away) * 1000 == pytest.approx(np.hypot(shot.view.pose.x_m, shot.view.pose.y_m), abs=0.01)


def test_the_truth_has_a_row_for_each_photo_without_position(small: Town) -> None:
    rows = truth(small)
    assert [row["kind"] for row in rows] == ["query"] * 6 + ["stranger"] * 4
    assert all((small.root / row["file"]).is_file() for row in rows)
    assert all((row["lat"] == "") == (row["kind"] == "stranger") for row in rows)
    gallery = np.array([gps(p) for p in small.gallery.iterdir()])
    for row in rows[:6]:
        away = distance_km(float(row["lat"]), float(row["lon"]), gallery[:, 0], gallery[:, 1])
        assert 0.001 <= away.min() < 0.02


def test_queries_meet_their_place_and_strangers_none(small: Town) -> None:
    paths = sorted(small.gallery.iterdir())
    gallery = [features(path) for path in paths]
    where = np.array([gps(path) for path in paths])
    best: dict[str, list[int]] = {"query": [], "stranger": []}
    for row in truth(small):
        near = range(len(paths))
        if row["lat"]:
            away = distance_km(float(row["lat"]), float(row["lon"]), where[:, 0], where[:, 1])
            near = range(0) if away.min() > 0.025 else np.argsort(away)[:6].tolist()
        here = features(small.root / row["file"])
        best[row["kind"]].append(max((inliers(here, gallery[k]) for k in near), default=0))
    assert sum(n >= 20 for n in best["query"]) >= 0.9 * len(best["query"]), best
    assert max(best["stranger"]) < 10, best


def features(path: Path) -> tuple[np.ndarray, np.ndarray]:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    points, descriptors = cv2.SIFT.create(700).detectAndCompute(grey, None)
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    return np.array([p.pt for p in points]), root


def inliers(query: tuple[np.ndarray, np.ndarray], gallery: tuple[np.ndarray, np.ndarray]) -> int:
    """Mutual neighbours that pass the ratio test and obey one homography, each place counted once."""
    scores = query[1] @ gallery[1].T
    first = scores.argmax(axis=1)
    best, second = -np.partition(-scores, 1, axis=1)[:, :2].T
    kept = (2 - 2 * best < 0.64 * (2 - 2 * second)) & (scores.argmax(axis=0)[first] == np.arange(len(scores)))
    if kept.sum() < 10:
        return int(kept.sum())
    a, b = query[0][kept], gallery[0][first[kept]]
    _, mask = cv2.findHomography(a, b, cv2.USAC_MAGSAC, 3.0, maxIters=1000, confidence=0.999)
    good = np.zeros(len(a), bool) if mask is None else mask.ravel() > 0
    return min(len(np.unique(np.round(p[good] / 2), axis=0)) for p in (a, b))


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_jobs(tmp_path: Path) -> None:
    one = make_town(tmp_path / "one", TINY)
    two = make_town(tmp_path / "two", replace(TINY, jobs=2))
    assert hashes(one.root) == hashes(two.root)
    other = make_town(tmp_path / "other", replace(TINY, seed=8))
    assert hashes(other.root)["gallery/gallery_00000.jpg"] != hashes(one.root)["gallery/gallery_00000.jpg"]


def test_a_half_made_town_is_finished_and_a_finished_one_left_alone(tmp_path: Path) -> None:
    counts: list[int] = []
    town = make_town(tmp_path / "town", TINY, counts.append)
    assert counts == [1, 2, 3, 4, 5, 6]
    whole = hashes(town.root)
    town.truth.unlink()
    (town.root / "queries/query_00001.jpg").unlink()
    make_town(town.root, TINY, counts.append)
    assert hashes(town.root) == whole
    assert counts[6:] == [6]
    make_town(town.root, replace(TINY, jobs=2), counts.append)
    assert len(counts) == 7


def test_truth_comes_last(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        assert not (tmp_path / "town/truth.csv").exists()
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_town(tmp_path / "town", TINY, stop)
    assert len(list((tmp_path / "town/gallery").iterdir())) == 2


def test_foreign_folders_are_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(UsageError, match="not empty"):
        make_town(tmp_path, TINY)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]
    with pytest.raises(UsageError, match="is a file"):
        make_town(tmp_path / "holiday.jpg", TINY)
    town = tmp_path / "town"
    make_town(town, replace(TINY, gallery=1, queries=0, strangers=0))
    with pytest.raises(UsageError, match="another configuration"):
        make_town(town, TINY)


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", -1), ("gallery", 0), ("queries", -1), ("jobs", 0), ("centre_lat_deg", 89.0), ("centre_lon_deg", np.nan),
     ("size_px", (32, 480)), ("blocks", (0, 3))],
)  # fmt: skip
def test_impossible_towns_are_refused(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=field):
        TownConfig(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("angle", [0.0, -43.2, 179.999999, 59.9999999999, 12.5])
def test_sexagesimal_is_exact_to_a_millimetre(angle: float) -> None:
    d, m, s = sexagesimal(angle)
    assert m < 60
    assert s < 60
    assert float(d) + float(m) / 60 + float(s) / 3600 == pytest.approx(abs(angle), abs=2e-9)

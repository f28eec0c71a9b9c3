"""``periplus locate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from periplus.geo import distance_km
from periplus.synth import Town

PHOTO_KEYS = [
    "photo", "answered", "answer_is", "lat_deg", "lon_deg", "radius_km_50", "radius_km_90", "confidence",
    "confidence_radius_km", "reason", "place", "runner_up", "recorded", "areas", "carried_by",
    "evidence", "seconds",
]  # fmt: skip
EVIDENCE_KEYS = ["id", "path", "lat_deg", "lon_deg", "inliers", "kind", "coverage", "score", "distance_km"]


def test_one_document(call: Any, gallery: Path, query: Path, town: Town) -> None:
    done = call("locate", query, "-g", gallery, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["gallery", "photos", "skipped"]
    assert (told["gallery"], told["skipped"]) == (str(gallery), [])
    (photo,) = told["photos"]
    assert list(photo) == PHOTO_KEYS
    assert photo["photo"] == str(query)
    assert (photo["answered"], photo["answer_is"], photo["reason"]) == (True, "camera position", None)
    truth = dict(line.split(",", 1) for line in town.truth.read_text().splitlines())[f"queries/{query.name}"].split(",")
    km = float(distance_km(photo["lat_deg"], photo["lon_deg"], float(truth[0]), float(truth[1])))
    assert km < 0.1
    assert 0 < photo["radius_km_50"] <= photo["radius_km_90"]
    assert "Provence" in photo["place"]
    assert photo["recorded"] is None
    assert list(photo["runner_up"]) == ["lat_deg", "lon_deg", "weight", "place", "distance_km"]
    assert photo["evidence"]
    for item in photo["evidence"]:
        assert list(item) == EVIDENCE_KEYS
        assert item["id"].startswith("gallery_")
        assert item["inliers"] >= 4


def test_people_read_a_paragraph_a_photo(call: Any, gallery: Path, query: Path) -> None:
    done = call("locate", query, "-g", gallery)
    assert done.status == 0
    first, second, third, *_ = done.out.splitlines()
    assert first == str(query)
    assert second.startswith("  Camera position: 43.2")
    assert "confidence" in second
    assert third == "  Confidence: that the camera stood within 100 m of here; what it shows may be elsewhere."
    assert "matching points, taken" in done.out


def test_what_the_file_records_is_told_beside(call: Any, gallery: Path, town: Town) -> None:
    photo = town.gallery / "gallery_00000.jpg"
    (told,) = call("locate", photo, "-g", gallery, "--json").document["photos"]
    assert list(told["recorded"]) == ["lat_deg", "lon_deg", "source", "distance_km"]
    assert told["recorded"]["source"] == "exif"
    assert "The file itself says (EXIF): 43." in call("locate", photo, "-g", gallery).out
    (told,) = call("locate", photo, "-g", gallery, "--ignore-exif", "--json").document["photos"]
    assert told["recorded"] is None


def test_a_folder_is_its_photos(call: Any, gallery: Path, query: Path, town: Town, tmp_path: Path) -> None:
    html, geojson = tmp_path / "a b.html", tmp_path / "a.geojson"
    done = call("locate", query, town.strangers, "-g", gallery, "--json", "--html", html, "--geojson", geojson)
    told = done.document
    expected = [str(query), *(str(town.strangers / f"stranger_{i:05d}.jpg") for i in range(3))]
    assert [photo["photo"] for photo in told["photos"]] == expected
    answered = sum(photo["answered"] for photo in told["photos"])
    assert f"4 photos: {answered} located, {4 - answered} without an answer." in done.err
    assert f"Wrote {html}." in done.err
    assert html.read_text().count("<section") == 4
    kinds = [f["properties"]["kind"] for f in json.loads(geojson.read_text())["features"]]
    assert kinds.count("estimate") == 4


def test_a_gallery_without_positions_locates_nothing(
    call: Any, gallery: Path, town: Town, query: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.gallery"
    assert call("index", town.queries, "-o", bare, "--codebook", gallery, "-j", 1).status == 0
    done = call("locate", query, "-g", bare, "--json")
    (photo,) = done.document["photos"]
    assert done.status == 0
    assert photo["answered"] is False
    assert photo["reason"] == "no gallery photo with a position could be compared"
    assert photo["lat_deg"] is photo["lon_deg"] is photo["radius_km_90"] is photo["place"] is None
    text = call("locate", query, "-g", bare).out
    assert text.splitlines()[1] == "  No answer: no gallery photo with a position could be compared."


def test_outputs_that_cannot_be_written_fail_before_the_work(
    call: Any, gallery: Path, query: Path, tmp_path: Path
) -> None:
    done = call("locate", query, "-g", gallery, "--html", tmp_path / "none" / "a.html")
    assert (done.status, done.out) == (3, "")
    assert "its folder does not exist" in done.err
    done = call("locate", query, "-g", gallery, "--geojson", tmp_path)
    assert (done.status, done.out) == (3, "")
    assert "there is a folder of this name" in done.err

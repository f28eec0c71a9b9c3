"""Several galleries about one photo: who carries the answer, and who must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from world_galleries import Position, open_sphere, sphere_gallery, vector_at

from periplus.errors import UsageError
from periplus.geo import distance_km, grid_positions
from periplus.pipeline import FusedGalleries, Located, fusing, locate, locate_together, together
from periplus.pipeline import locating as single
from periplus.pipeline.world import OpenedWorld, WorldConfig
from periplus.records import Density, Fix

TRUTH: Position = (47.0, 8.0)
LIMA: Position = (-12.0, -77.0)
NAN = float("nan")


class Sees:
    """Stands for a gallery with local features, and says where it thinks a photo was taken."""

    def __init__(self, fix: Fix) -> None:
        self.fix = fix


def landmark(at: Position, confidence: float, abstained: str | None = None) -> Fix:
    here = Density(np.array([at[0]]), np.array([at[1]]), np.ones(1), np.array([0.05]))
    return Fix(*at, 0.03, 0.1, confidence, 0.1, abstained, density=here)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30), (10, 100, 200)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def sees(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Where each kind of rows believes that the photo was taken, and how often it was encoded."""
    told: dict[str, Any] = {"positions": TRUTH, "photos": TRUTH, "texts": TRUTH, "encoded": []}

    def vectors(pictures: list[Any], opened: OpenedWorld) -> Any:
        told["encoded"].append(opened.spec.rows)
        return np.stack([vector_at(told[opened.spec.rows])] * len(pictures))

    def ask(path: Path, opened: Any, **options: Any) -> Located:
        return Located(path, opened.fix, 0.0) if isinstance(opened, Sees) else locate(path, opened, **options)

    for module in (fusing, single):
        monkeypatch.setattr(module, "query_vectors", vectors)
    monkeypatch.setattr(fusing, "locate", ask)
    return told


@pytest.fixture
def worlds(tmp_path: Path) -> tuple[OpenedWorld, OpenedWorld]:
    lat, lon, _ = grid_positions(1000, land_only=False)
    places = list(zip(lat.tolist(), lon.tolist(), strict=True))
    near = [(lat, lon) for lat, lon in places if distance_km(lat, lon, *TRUTH) < 6000] + [LIMA, TRUTH]
    positions = open_sphere(sphere_gallery(tmp_path / "positions", places))
    return positions, open_sphere(sphere_gallery(tmp_path / "photos", near, rows="photos"))


def test_two_that_agree_share_the_answer(
    photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any]
) -> None:
    fix = locate_together(photo, together(worlds)).fix
    assert set(fix.carried_by) == {"positions", "photos"}
    assert sum(fix.carried_by.values()) == pytest.approx(1)
    assert min(fix.carried_by.values()) > 0.2
    assert distance_km(fix.lat_deg, fix.lon_deg, *TRUTH) < 150
    assert {e.path is None for e in fix.evidence} == {True, False}
    first = "photos" if fix.evidence[0].path else "positions"
    assert fix.carried_by[first] == max(fix.carried_by.values())
    assert sees["encoded"] == ["positions", "photos"]
    assert fix.density is not None
    assert fix.areas


def test_nobody_can_veto(photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any]) -> None:
    sees["positions"] = LIMA
    fix = locate_together(photo, together(worlds)).fix
    assert sum(fix.carried_by.values()) == pytest.approx(1)
    assert max(fix.carried_by.values()) > 0.6
    assert min(distance_km(fix.lat_deg, fix.lon_deg, *place) for place in (TRUTH, LIMA)) < 300


def test_one_encoding_for_galleries_of_one_model(
    photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fusing, "query_encoder_key", lambda _: "the same")
    locate_together(photo, together(worlds))
    assert sees["encoded"] == ["positions"]


def test_one_gallery_answers_as_it_does_by_itself(
    photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any]
) -> None:
    assert sees["encoded"] == []
    for world in worlds:
        alone, fused = locate(photo, world).fix, locate_together(photo, together([world])).fix
        assert replace(alone, density=None) == replace(fused, density=None)
        assert fused.carried_by == {}
    config = WorldConfig(neighbours=1, guess="row")
    fix = locate_together(photo, together([worlds[1]], config)).fix
    assert (fix.lat_deg, fix.lon_deg) == TRUTH
    seen = landmark(LIMA, 0.9)
    assert locate_together(photo, together([Sees(seen)])).fix == seen  # type: ignore[list-item]


def test_a_sure_landmark_is_the_answer(
    photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any]
) -> None:
    seen = landmark(LIMA, 0.97)
    fix = locate_together(photo, together([*worlds, Sees(seen)])).fix  # type: ignore[list-item]
    assert (fix.lat_deg, fix.lon_deg, fix.radius_km_90, fix.confidence) == (*LIMA, 0.1, 0.97)
    assert fix.answered
    assert fix.carried_by["landmarks"] > 0.9
    assert sum(fix.carried_by.values()) == pytest.approx(1)
    assert set(fix.carried_by) == {"landmarks", "positions", "photos"}


def test_a_landmark_without_an_answer_does_not_silence_the_others(
    photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any]
) -> None:
    unknown = Fix(NAN, NAN, NAN, NAN, 0.0, 0.1, "the photo shows no structure")
    fix = locate_together(photo, together([*worlds, Sees(unknown)])).fix  # type: ignore[list-item]
    assert distance_km(fix.lat_deg, fix.lon_deg, *TRUTH) < 150
    weak = landmark(LIMA, 0.4, "the matches are too weak")
    fix = locate_together(photo, together([*worlds, Sees(weak)])).fix  # type: ignore[list-item]
    assert fix.abstained != weak.abstained
    assert fix.confidence_radius_km == worlds[0].calibration.right_km


def test_the_guess_that_was_asked_for(
    photo: Path, worlds: tuple[OpenedWorld, OpenedWorld], sees: dict[str, Any]
) -> None:
    assert sees
    fix = locate_together(photo, together(worlds, WorldConfig(guess="row", refine=False))).fix
    assert fix.density is not None
    centres = list(zip(fix.density.lat_deg.tolist(), fix.density.lon_deg.tolist(), strict=True))
    assert (fix.lat_deg, fix.lon_deg) == centres[int(fix.density.weights.argmax())]


def test_what_cannot_be_asked_together() -> None:
    seen = Sees(landmark(LIMA, 0.9))
    with pytest.raises(UsageError, match="2 galleries of photos with local features"):
        together([seen, seen])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="no gallery"):
        together([])
    with pytest.raises(UsageError):
        FusedGalleries((), None)

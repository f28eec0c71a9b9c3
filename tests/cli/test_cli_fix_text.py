"""One answer, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from periplus.cli.fix_text import fix_document, show_fix
from periplus.records import Area, Density, Evidence, Fix, Match, Place

NAN = float("nan")


@dataclass(frozen=True)
class One:
    query_path: Path
    fix: Fix
    seconds: float = 0.1


def _position(number: int) -> Evidence:
    return Evidence(number, f"row {number}", None, 45.5, 4.5 + number, 0.1, None, 120.0)


WORLD = Fix(
    lat_deg=45.76,
    lon_deg=4.83,
    radius_km_50=312.0,
    radius_km_90=1240.0,
    confidence=0.09,
    confidence_radius_km=200.0,
    abstained=None,
    evidence=tuple(_position(i) for i in range(5)),
    runner_up=Place(-17.0, 179.5, 0.2, "Labasa, Fiji"),
    density=Density(np.asarray([45.0]), np.asarray([4.0]), np.ones(1), np.asarray([300.0])),
    place="Lyon, France",
    areas=(
        Area("country", "France", "FR", 0.41),
        Area("country", "Switzerland", "CH", 0.2),
        Area("country", "Italy", "IT", 0.1),
        Area("country", "Spain", "ES", 0.04),
        Area("city", "Lyon, Auvergne-Rhône-Alpes, France", "FR", 0.06),
    ),
    carried_by={"positions": 0.7, "texts": 0.3},
)


def _shown(fix: Fix, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_fix(One(Path("a.jpg"), fix))  # type: ignore[arg-type]
    return capsys.readouterr().out.splitlines()


def test_a_world_wide_answer_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert _shown(WORLD, capsys) == [
        "a.jpg",
        "  Camera position: 45.8° N 4.8° E, near Lyon, France, within 310 km (50 %) / 1,200 km (90 %), confidence 9 %.",
        "  Confidence: that the camera stood within 200 km of here; what it shows may be elsewhere.",
        "  Countries: France 41 %, Switzerland 20 %, Italy 10 %.",
        "  Carried by: the world model 70 %, names of places 30 %.",
        "  Evidence 1: the position 45.50° N 4.50° E in the gallery, 120 km from here.",
        "  Evidence 2: the position 45.50° N 5.50° E in the gallery, 120 km from here.",
        "  Evidence 3: the position 45.50° N 6.50° E in the gallery, 120 km from here.",
        "  2 more positions speak for it.",
        "  Next best place: 17.0° S 179.5° E, 17,000 km away, with 20 % of the belief.",
        "",
    ]


def test_photos_are_told_as_photos(capsys: pytest.CaptureFixture[str]) -> None:
    match = Match(0, np.zeros((7, 2, 2), np.float32), np.eye(3), "homography", 0.4, 7.0, (90, 60), (90, 60))
    photos = tuple(
        Evidence(i, f"p{i}.jpg", f"/p{i}.jpg", 45, 4, 0.5, match if i == 0 else None, 0.02) for i in range(6)
    )
    told = _shown(replace(WORLD, evidence=photos, areas=(), carried_by={"photos": 1.0}), capsys)
    assert "  Evidence 1: p0.jpg, 7 matching points, taken 20 m from here." in told
    assert "  Evidence 5: p4.jpg, taken 20 m from here." in told
    assert "  1 more photo speaks for it." in told
    assert not any(line.startswith(("  Countries", "  Carried")) for line in told)


def test_a_guess_without_evidence_is_told_only_with_areas(capsys: pytest.CaptureFixture[str]) -> None:
    unsure = replace(WORLD, abstained="it spreads too far", evidence=())
    assert "best guess 45.8° N 4.8° E" in _shown(unsure, capsys)[1]
    assert _shown(replace(unsure, areas=()), capsys)[1] == "  No answer: it spreads too far."


def test_the_document_has_areas_and_shares() -> None:
    told = fix_document(One(Path("a.jpg"), WORLD))  # type: ignore[arg-type]
    assert list(told)[12:] == ["recorded", "areas", "carried_by", "evidence", "seconds"]
    areas = told["areas"]
    assert isinstance(areas, list)
    assert areas[0] == {"kind": "country", "name": "France", "country_code": "FR", "probability": 0.41}
    assert len(areas) == 5
    assert told["carried_by"] == {"positions": 0.7, "texts": 0.3}
    assert "density" not in told
    json.dumps(told)
    small = fix_document(One(Path("a.jpg"), replace(WORLD, areas=(), carried_by={})))  # type: ignore[arg-type]
    assert (small["areas"], small["carried_by"]) == ([], {})

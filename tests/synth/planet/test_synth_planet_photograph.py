"""Photos of the planet: what they show of a place, who takes them, in which light."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from periplus.geo import places_of
from periplus.synth.camera import Camera, Pose
from periplus.synth.planet.cameras import CameraModel, camera_models, expose
from periplus.synth.planet.canvas import Canvas, Cue, View
from periplus.synth.planet.looks import looks_of, mix, patch, ramp, tile
from periplus.synth.planet.photograph import CUE_STRENGTHS, localizability, take
from periplus.synth.planet.place import FIELD_MODELS, Place, fields_of, look_at
from periplus.synth.planet.towns import towns
from periplus.synth.planet.traits import traits_of
from periplus.synth.planet.visits import CHAPTER, SUBJECTS, Visit, chapter, sun_height_deg


@pytest.fixture(scope="module")
def taken() -> list[tuple[Visit, Place]]:
    visits = chapter(0, 0) + chapter(0, 1)
    fields = {model.name: model.draw((0,), modes=64) for model in FIELD_MODELS}
    places = look_at(fields, np.array([v.lat_deg for v in visits]), np.array([v.lon_deg for v in visits]))
    return list(zip(visits, places, strict=True))


def test_localizability_by_hand() -> None:
    cues = np.full((10, 20), Cue.NOTHING, np.uint8)
    assert localizability(cues, 1.0) == 0
    cues[0, :2] = Cue.FLAG  # 1 %, more than the whole 0.4 %: 0.5
    cues[1:3] = Cue.ROAD  # 20 %, whole is 10 %: 0.2
    cues[9, :1] = Cue.WALL  # 0.5 % of whole 10 %: 0.45 * 0.05
    assert localizability(cues, 1.0) == pytest.approx(1 - 0.5 * 0.8 * (1 - 0.45 * 0.05))
    assert localizability(cues, 0.5) == pytest.approx(1 - 0.75 * 0.9 * (1 - 0.5 * 0.45 * 0.05))
    assert set(CUE_STRENGTHS) == set(Cue) - {Cue.NOTHING}


def test_a_room_tells_nothing_and_a_street_much(taken: list[tuple[Visit, Place]]) -> None:
    telling: dict[str, list[float]] = {subject: [] for subject in SUBJECTS}
    for visit, place in taken[:200:8]:
        for only in ("inside", "street", "detail"):
            habits = tuple(float(subject == only) for subject in SUBJECTS)
            photo, value = take(0, _with(visit, habits), place, 48)
            assert photo.dtype == np.uint8
            assert max(photo.shape[:2]) == 48
            telling[only].append(value)
    assert set(telling["inside"]) == {0.0}
    assert np.median(telling["street"]) > 0.8 > 0.5 > np.median(telling["detail"]) > 0


def _with(visit: Visit, subjects: tuple[float, ...]) -> Visit:
    return replace(visit, habits=replace(visit.habits, subjects=subjects))


def test_taking_is_repeatable_and_scales(taken: list[tuple[Visit, Place]]) -> None:
    visit, place = taken[7]
    photo, value = take(0, visit, place, 96)
    again, same = take(0, visit, place, 96)
    assert (photo == again).all()
    assert value == same
    assert take(0, visit, place, 33)[0].shape[2] == 3
    large, near = take(0, visit, place, 192)
    assert max(large.shape[:2]) == 192
    assert near == pytest.approx(value, abs=0.12)


def test_the_view_is_a_pinhole() -> None:
    view = View((320, 240), 250.0, 119.5, 1.6, 0.4, 2.0)
    pose = Pose(2.0, 0.0, 1.6, float(np.degrees(-0.4)))
    camera = Camera(pose, float(np.degrees(2 * np.arctan(160 / 250.0))), (320, 240))
    points = np.random.default_rng(0).uniform([-5, 8, 0], [5, 60, 9], (50, 3))
    ours = view.pixels(view.to_camera(points))
    theirs, depth = camera.project(points)
    np.testing.assert_allclose(ours - [0.5, 0], theirs, atol=1e-9)
    assert view.depth(float(points[0, 0]), float(points[0, 1])) == pytest.approx(depth[0])


def test_what_stands_in_front_hides_what_is_behind() -> None:
    canvas = Canvas(View((60, 40), 50.0, 20.0, 1.5, 0.0, 0.0))
    canvas.strip((-50, 50), (-10, 500), (90, 90, 90), Cue.ROAD)
    assert (canvas.pixels[30:, :, 3] == Cue.ROAD).all()
    assert (canvas.pixels[:20, :, 3] == Cue.NOTHING).all()
    canvas.face(np.array([[-9, 5, 0], [9, 5, 0], [9, 5, 9], [-9, 5, 9.0]]), (1, 2, 3), Cue.WALL)
    assert (canvas.pixels[:30, :, 3] == Cue.WALL).all()
    canvas.face(np.array([[-9, -5, 0], [9, -5, 0], [9, -5, 9], [-9, -5, 9.0]]), (1, 2, 3), Cue.SIGN)
    assert not (canvas.pixels[..., 3] == Cue.SIGN).any()
    assert canvas.foot(0.0, -3.0) is None
    canvas.box(-40, 500, 3, 4, (1, 1, 1), Cue.FLAG)
    canvas.disc(1e9, 0, 5, (1, 1, 1), Cue.FLAG)
    assert not (canvas.pixels[..., 3] == Cue.FLAG).any()


def test_the_sun() -> None:
    assert sun_height_deg(0, datetime(2023, 3, 21, 12)) == pytest.approx(90, abs=1)
    assert sun_height_deg(50, datetime(2023, 6, 21, 12)) == pytest.approx(63.45, abs=0.6)
    assert sun_height_deg(-80, datetime(2023, 6, 21, 12)) < -10
    assert sun_height_deg(0, datetime(2023, 3, 21, 6)) == pytest.approx(0, abs=1)


def test_a_true_camera_changes_nothing_but_noise() -> None:
    model = CameraModel("x", 60, 0.75, (1, 1, 1), 1, 1, 0.01, 0, 0, 90)
    grey = np.full((20, 30, 3), 128, np.float32)
    photo = expose(grey, model, 0.0, 0.0, np.random.default_rng(0))
    assert np.abs(photo.reshape(-1, 3).astype(int) - photo[0, 0]).max() == 0  # white balance of the moment only
    assert len({model.name for model in camera_models(0)}) == 24


def test_chapters_hold_whole_photographers() -> None:
    first, second = chapter(2, 0), chapter(2, 1)
    assert [visit.index for visit in first + second] == list(range(2 * CHAPTER))
    assert not {v.habits.author for v in first} & {v.habits.author for v in second}
    counts = Counter(visit.habits.author for visit in first)
    assert max(counts.values()) <= 40
    assert len(counts) >= 4


def test_no_country_dominates() -> None:
    lots = np.random.default_rng(0).random(20_000)
    shares = Counter(int(towns().country[towns().pick(lot)]) for lot in lots)
    assert max(shares.values()) < 0.04 * 20_000
    assert len(shares) > 200
    for lot in (0.0, 0.3, 1 - 1e-12):
        for town in (0, 77_000, len(towns().country) - 1):
            assert towns().country[towns().pick_at_home(lot, town)] == towns().country[town]


def test_traits_belong_to_countries() -> None:
    assert traits_of(0, "FR") == traits_of(0, "FR")
    known = [traits_of(0, code) for code in ("FR", "DE", "JP", "KE", "BR", "US", "NO", "IN")]
    assert len(set(known)) == len(known)
    assert traits_of(1, "FR") != traits_of(0, "FR")


def test_places_are_alike_near_and_differ_far(taken: list[tuple[Visit, Place]]) -> None:
    fields = {m.name: m.draw((0,), modes=256) for m in FIELD_MODELS}
    lat, lon = np.array([48.0, 48.0001, -30.0]), np.array([11.0, 11.0, 140.0])
    here, near, far = look_at(fields, lat, lon)
    assert here.country == places_of([48.0], [11.0])[0].country_code
    smooth = [m.name for m in FIELD_MODELS if m.nugget <= 0.02]
    assert max(abs(here.share[name] - near.share[name]) for name in smooth) < 0.45
    assert np.mean([abs(here.share[n] - far.share[n]) for n in smooth]) > 0.08
    alone = look_at(fields, lat[2:], lon[2:])[0]
    assert alone == far
    winter, summer = looks_of(here, 0.0), looks_of(here, 1.0)
    assert (winter.wall, winter.roof, winter.soil) == (summer.wall, summer.roof, summer.soil)
    assert winter.snow >= summer.snow


def test_colours() -> None:
    assert ramp(0.0, ((0, 0, 0), (10, 20, 30), (5, 5, 5))) == (0, 0, 0)
    assert ramp(0.25, ((0, 0, 0), (10, 20, 30), (5, 5, 5))) == (5, 10, 15)
    assert ramp(2.0, ((0, 0, 0), (10, 20, 30), (5, 5, 5))) == (5, 5, 5)
    assert mix((0, 0, 0), (10, 20, 30), 0.5) == (5, 10, 15)
    assert tile().shape == (512, 512)
    assert patch(np.random.default_rng(0), (3, 700), 0.4).shape == (700, 3)


@pytest.mark.slow
def test_the_fields_of_a_planet_are_typical() -> None:
    fields = fields_of(0)
    assert [field.model for field in fields.values()] == list(FIELD_MODELS)
    rng = np.random.default_rng(9)
    xyz = rng.standard_normal((1500, 3))
    xyz /= np.linalg.norm(xyz, axis=1, keepdims=True)
    assert np.median([field.misfit(xyz) for field in fields.values()]) < 0.12

"""Who takes which photo, where and when: photographers, their habits, their sequences."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from periplus.geo import destination
from periplus.geo.coastline import is_land
from periplus.synth.materials import Rng
from periplus.synth.planet.cameras import CameraModel, camera_models
from periplus.synth.planet.towns import towns

CHAPTER: Final = 125
"""Photos are planned in chapters: a photographer's lie in one, so that a photo can be found without those before."""
SUBJECTS: Final = ("street", "building", "landscape", "plants", "detail", "inside")
_COMMON: Final = np.array([0.42, 0.22, 0.2, 0.07, 0.06, 0.03])
_RURAL_KM: Final = 12.0
_FARTHEST_KM: Final = 150.0


@dataclass(frozen=True)
class Habits:
    """How a photographer takes photos.

    Attributes:
        author: number of the photographer.
        camera: model of the camera.
        subjects: chances of SUBJECTS.
        pitch, roll_deg: by which the horizon is off the middle (share of the height) and slanted, on average.
        yaw_deg: spread of directions round that of the road.
        vivid: saturation added, some like it.
        morning: 0 takes photos at dawn, 1 at dusk.
    """

    author: int
    camera: CameraModel
    subjects: tuple[float, ...]
    pitch: float
    roll_deg: float
    yaw_deg: float
    vivid: float
    morning: float


@dataclass(frozen=True)
class Visit:
    """One photo to take.

    Attributes:
        index: its number.
        habits: the photographer's.
        sequence: number of the sequence in the chapter.
        lat_deg, lon_deg: where.
        taken_at: local solar time.
        weather: cloudiness of the sequence, 0 to 1.
    """

    index: int
    habits: Habits
    sequence: int
    lat_deg: float
    lon_deg: float
    taken_at: datetime.datetime
    weather: float


@lru_cache(maxsize=8)
def chapter(seed: int, number: int) -> tuple[Visit, ...]:
    """Plan the photos of a chapter: photographers of 2 to 40 photos, each in sequences of 1 to 8."""
    rng = np.random.default_rng([seed, 3, number])
    visits: list[Visit] = []
    author = sequence = 0
    while len(visits) < CHAPTER:
        habits = _habits(rng, seed, number * CHAPTER + author)
        home = towns().pick(rng.random())
        left = min(2 + int(rng.geometric(0.09)), 40, CHAPTER - len(visits))
        while left:
            length = min(1 + int(rng.geometric(0.4)) - int(rng.random() < 0.3), 8, left)
            first = number * CHAPTER + len(visits)
            visits += _sequence(rng, habits, home, range(first, first + max(1, length)), sequence)
            left -= max(1, length)
            sequence += 1
        author += 1
    return tuple(visits)


def _habits(rng: Rng, seed: int, author: int) -> Habits:
    models = camera_models(seed)
    subjects = rng.gamma(_COMMON * 6)
    return Habits(
        author,
        models[rng.integers(len(models))],
        tuple(subjects / subjects.sum()),
        float(rng.normal(0, 0.05)),
        float(rng.normal(0, 1.2)),
        float(rng.uniform(6, 30)),
        float(np.clip(rng.normal(0, 0.12), -0.2, 0.35)),
        float(rng.beta(2, 2)),
    )


def _sequence(rng: Rng, habits: Habits, home: int, photos: range, sequence: int) -> list[Visit]:
    """A walk, or a drive, from a place in or outside a town."""
    lat, lon = _start(rng, home)
    day = datetime.datetime(2014, 1, 1) + datetime.timedelta(days=int(rng.integers(3652)))
    time = day + datetime.timedelta(hours=_hour(rng, habits.morning, lat, day))
    weather = float(np.clip(rng.normal(0.4, 0.28), 0, 1))
    pace_km = 0.03 if rng.random() < 0.6 else float(rng.uniform(0.2, 4))
    bearing = rng.uniform(0, 360)
    visits = []
    for index in photos:
        visits.append(Visit(index, habits, sequence, lat, lon, time.replace(microsecond=0), weather))
        bearing = rng.normal(bearing, 35)
        step = destination(lat, lon, bearing, pace_km * rng.gamma(2))
        if is_land(float(step[0]), float(step[1])):
            lat, lon = float(step[0]), float(step[1])
        time += datetime.timedelta(minutes=float(rng.exponential(4)) + 0.2)
    return visits


def _start(rng: Rng, home: int) -> tuple[float, float]:
    """In a town or up to 150 km outside it, always on land; six in ten at home or near."""
    for _ in range(200):
        lot = rng.random()
        town = towns().pick_at_home(lot, home) if rng.random() < 0.6 else towns().pick(lot)
        out = rng.exponential(_RURAL_KM) if rng.random() < 0.5 else abs(rng.normal(0, 0.8))
        lat, lon = destination(
            towns().lat_deg[town], towns().lon_deg[town], rng.uniform(0, 360), min(out, _FARTHEST_KM)
        )
        if is_land(float(lat), float(lon)):
            return float(lat), float(lon)
        home = towns().pick(rng.random())  # an islet that the coastline does not know
    raise AssertionError("no land found")


def _hour(rng: Rng, morning: float, lat_deg: float, day: datetime.datetime) -> float:
    """Mostly between sunrise and sunset."""
    tilt = np.radians(sun_declination_deg(day))
    half = np.degrees(np.arccos(np.clip(-np.tan(np.radians(np.clip(lat_deg, -85, 85))) * np.tan(tilt), -1, 1))) / 15
    half = float(np.clip(half, 2, 9))
    return float(np.clip(12 + half * np.clip(rng.normal((morning - 0.5) * 0.9, 0.42), -1.06, 1.06), 0.5, 22.5))


def sun_declination_deg(day: datetime.datetime) -> float:
    """Where the sun stands overhead, to half a degree (Cooper 1969)."""
    return float(23.45 * np.sin(np.radians(360 * (284 + day.timetuple().tm_yday) / 365)))


def sun_height_deg(lat_deg: float, when: datetime.datetime) -> float:
    """Height of the sun over the horizon at a local solar time."""
    lat, tilt = np.radians(lat_deg), np.radians(sun_declination_deg(when))
    turn = np.radians(15 * (when.hour + when.minute / 60 - 12))
    return float(np.degrees(np.arcsin(np.sin(lat) * np.sin(tilt) + np.cos(lat) * np.cos(tilt) * np.cos(turn))))

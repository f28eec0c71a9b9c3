"""The photos of a town: which ones, from where, and the taking of each."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from periplus.geo import destination
from periplus.store import write_bytes_atomic
from periplus.synth.camera import Camera, Pose
from periplus.synth.config import TownConfig
from periplus.synth.exif import Tags, exif
from periplus.synth.light import draw_light
from periplus.synth.photograph import photograph
from periplus.synth.poses import View, gallery_views, query_views
from periplus.synth.scene import Scene
from periplus.synth.streets import Plan, make_plan

KINDS = ("gallery", "query", "stranger")
COLUMNS = ("file", "lat", "lon", "bearing_deg", "kind")
HOME, ELSEWHERE = 0, 1
"""The town, and the town of the strangers: second part of their seeds."""


@dataclass(frozen=True)
class Shot:
    """One photo to take, small enough to send to a process.

    Attributes:
        file: relative to the town's directory.
        kind: one of KINDS.
        index: its number within its kind; with the kind and the town's seed it decides light, passers-by and noise.
        town: HOME or ELSEWHERE.
        view: where the camera stands.
        position_deg: latitude and longitude of it.
    """

    file: str
    kind: str
    index: int
    town: int
    view: View
    position_deg: tuple[float, float]


def _plan(config: TownConfig, town: int) -> Plan:
    return make_plan((config.seed, town), config.blocks)


def make_shots(config: TownConfig) -> list[Shot]:
    """Choose all photos of a town: gallery, queries, strangers, each in the order of its numbers."""
    home, elsewhere = _plan(config, HOME), _plan(config, ELSEWHERE)
    gallery = gallery_views(home, config.gallery)
    taken = np.array([[v.pose.x_m, v.pose.y_m] for v in gallery])
    queries = query_views(home, config.queries, taken)
    strangers = query_views(elsewhere, config.strangers, np.empty((0, 2)))
    shots = []
    for folder, kind, town, views in (
        ("gallery", "gallery", HOME, gallery),
        ("queries", "query", HOME, queries),
        ("strangers", "stranger", ELSEWHERE, strangers),
    ):
        for k, view in enumerate(views):
            shots.append(Shot(f"{folder}/{kind}_{k:05d}.jpg", kind, k, town, view, _position(config, view.pose)))
    return shots


def _position(config: TownConfig, pose: Pose) -> tuple[float, float]:
    """Latitude and longitude of a camera: distance and bearing from the centre, on the sphere."""
    bearing = np.degrees(np.arctan2(pose.x_m, pose.y_m))
    lat, lon = destination(
        config.centre_lat_deg, config.centre_lon_deg, float(bearing), float(np.hypot(pose.x_m, pose.y_m)) / 1000
    )
    return float(lat), float(lon)


class Photographer:
    """Takes photos and writes them; keeps the textures of the town it was in last.

    Args:
        out: the town's directory, with its folders.
        config: of the town.
    """

    def __init__(self, out: Path, config: TownConfig) -> None:
        self._out, self._config = out, config
        self._town = -1
        self._scene: Scene | None = None

    def take(self, shot: Shot) -> None:
        """Take one photo and write it, whole or not at all; nothing depends on what was taken before."""
        if self._scene is None or self._town != shot.town:
            self._town, self._scene = shot.town, Scene(_plan(self._config, shot.town))
        rng = np.random.default_rng([self._config.seed, shot.town, 10 + KINDS.index(shot.kind), shot.index])
        gallery = shot.kind == "gallery"
        light = draw_light(rng, *((9.5, 16.5) if gallery else (7.5, 18.5)))
        camera = Camera(shot.view.pose, shot.view.fov_deg, self._config.size_px)
        pixels = photograph(self._scene, camera, light, rng)
        tags = Tags(
            taken_at=_clock(rng, 2023 if gallery else 2025, light.hour),
            focal_35mm=round(18 / float(np.tan(np.radians(shot.view.fov_deg) / 2))),
            position_deg=shot.position_deg if gallery else None,
            bearing_deg=shot.view.pose.heading_deg,
        )
        buffer = io.BytesIO()
        PillowImage.fromarray(pixels).save(buffer, "JPEG", quality=int(rng.integers(80, 93)), exif=exif(tags))
        write_bytes_atomic(self._out / shot.file, buffer.getvalue())


def _clock(rng: np.random.Generator, year: int, hour: float) -> str:
    """A time as EXIF has it, on some day from April to September."""
    month, day, second = int(rng.integers(4, 10)), int(rng.integers(1, 29)), int(rng.integers(60))
    return f"{year}:{month:02d}:{day:02d} {int(hour):02d}:{int(hour % 1 * 60):02d}:{second:02d}"


def truth_table(shots: list[Shot]) -> str:
    """CSV text of COLUMNS: where the queries were taken; strangers have no position here."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for shot in shots:
        if shot.kind == "query":
            lat, lon = shot.position_deg
            table.writerow([shot.file, f"{lat:.8f}", f"{lon:.8f}", f"{shot.view.pose.heading_deg:.2f}", shot.kind])
        elif shot.kind == "stranger":
            table.writerow([shot.file, "", "", "", shot.kind])
    return text.getvalue()

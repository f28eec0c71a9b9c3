"""Making a planet: photos a second, against its floor, and where the time goes.

``make_planet`` draws, encodes and writes; the floor is what no way of making these photos gets below: for each one
core, the JPEG encoding of the finished pictures (OpenCV's libjpeg-turbo), and encoding and drawing without planning,
fields and files. The bar is 20,000 photos in 120 s on two cores. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import report
from periplus.synth import PlanetConfig, make_planet
from periplus.synth.planet import fields_of, look_at
from periplus.synth.planet.photograph import take
from periplus.synth.planet.visits import CHAPTER, chapter

Line = dict[str, object]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    with threadpool_limits(1):
        cv2.setNumThreads(1)
        lines = parts(chosen.size, chapters=4)
    lines.append(whole(PlanetConfig(photos=chosen.photos, size_px=chosen.size, jobs=chosen.jobs)))
    report("planet", lines)


def parts(size_px: int, chapters: int) -> list[Line]:
    """Milliseconds a photo on one core of each part, and once for the fields."""
    begun = time.perf_counter()
    fields = fields_of(0)
    start_s = time.perf_counter() - begun
    chapter(0, 10_000)  # reads gazetteer and coastline
    begun = time.perf_counter()
    visits = [visit for number in range(chapters) for visit in chapter(0, number)]
    planned = time.perf_counter()
    places = look_at(fields, np.array([v.lat_deg for v in visits]), np.array([v.lon_deg for v in visits]))
    looked = time.perf_counter()
    photos = [take(0, visit, place, size_px)[0] for visit, place in zip(visits, places, strict=True)]
    drawn = time.perf_counter()
    for visit, photo in zip(visits, photos, strict=True):
        cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, visit.habits.camera.quality])
    encoded = time.perf_counter()
    count = chapters * CHAPTER
    return [
        {"part": "fields chosen, once", "seconds": start_s},
        _line("planning: who, where, when", planned - begun, count),
        _line("looking: fields, country, coast", looked - planned, count),
        _line("drawing (floor, with encoding)", drawn - looked, count),
        _line("encoding JPEG (floor)", encoded - drawn, count),
    ]


def whole(config: PlanetConfig) -> Line:
    """All of it, with processes started, files written and the table put together."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        make_planet(Path(folder) / "planet", config)
        return _line(f"make_planet, {config.jobs} processes", time.perf_counter() - begun, config.photos)


def _line(part: str, seconds: float, photos: int) -> Line:
    return {
        "part": part, "seconds": seconds, "photos": photos, "ms_per_photo": 1000 * seconds / photos,
        "photos_per_s": photos / seconds,
    }  # fmt: skip


if __name__ == "__main__":
    main()

"""A made planet on disk: photos, their table, and what the planet was made from."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet
from threadpoolctl import threadpool_limits

from periplus.geo.continents import CONTINENT_OF
from periplus.store import atomic_path, write_json_atomic, writing
from periplus.synth.planet.claim import claim
from periplus.synth.planet.config import PlanetConfig
from periplus.synth.planet.fields import RandomField
from periplus.synth.planet.photograph import CUE_STRENGTHS, take
from periplus.synth.planet.place import FIELD_MODELS, fields_of, look_at
from periplus.synth.planet.visits import CHAPTER, chapter

FORMAT: Final = 2
"""1 had no columns of the fields' values."""
CONFIG_FILE, TABLE_FILE, PHOTOS, PARTS = "planet.json", "photos.parquet", "photos", "parts"
A_FOLDER: Final = 1000
_TEXTS = ("author", "sequence", "taken_at", "split", "country", "region", "continent", "land_cover", "climate", "soil")
SCHEMA = pa.schema([
    ("path", pa.string()), ("lat", pa.float64()), ("lon", pa.float64()),
    *((name, pa.string()) for name in _TEXTS), ("localizability", pa.float64()),
    *((f"field_{model.name}", pa.float64()) for model in FIELD_MODELS),
])  # fmt: skip
"""Columns of the table; ``field_*`` are the values of the fields, nugget included, that the photo was drawn from."""


@dataclass(frozen=True)
class Planet:
    """A planet on disk.

    Attributes:
        root: its directory.
        photos: folder of folders of 1,000 JPEG files each, without positions in them.
        table: Parquet, one row a photo in the order of their numbers, with the columns of :data:`SCHEMA`.
        about: JSON: configuration, field models, format.
        n_photos: how many photos.
    """

    root: Path
    photos: Path
    table: Path
    about: Path
    n_photos: int


def make_planet(out: Path, config: PlanetConfig | None = None, progress: Callable[[int], None] | None = None) -> Planet:
    """Make a planet under ``out``; go on with one that was left half made, leave a finished one as it is.

    The table is written last: where it is, all is.

    Args:
        out: the directory; made if missing.
        config: what to make; the default planet if None.
        progress: called with how many photos are done, after each chapter of 125.

    Raises:
        UsageError: ``out`` holds something else than this very planet.
        CannotRunError: the system refuses to write.
    """
    config = config or PlanetConfig()
    planet = Planet(out, out / PHOTOS, out / TABLE_FILE, out / CONFIG_FILE, config.photos)
    if claim(planet.about, about(config), "planet", older=(1,)) == 1:
        _renew(planet, config)
    if planet.table.exists():
        return planet
    parts = out / PARTS
    with writing(out):
        for folder in range(config.first // A_FOLDER, (config.first + config.photos - 1) // A_FOLDER + 1):
            (planet.photos / f"{folder:04d}").mkdir(parents=True, exist_ok=True)
        parts.mkdir(exist_ok=True)
    chapters = range(config.first // CHAPTER, (config.first + config.photos - 1) // CHAPTER + 1)
    missing = [number for number in chapters if not _part(out, number).exists()]
    done = sum(_size(config, number) for number in chapters) - sum(_size(config, number) for number in missing)
    for count in _make_all(out, config, missing):
        done += count
        if progress is not None:
            progress(done)
    with atomic_path(planet.table) as temporary, pa.parquet.ParquetWriter(temporary, SCHEMA) as table:
        for number in chapters:
            table.write_table(pa.parquet.read_table(_part(out, number), schema=SCHEMA))
    shutil.rmtree(parts)
    return planet


def about(config: PlanetConfig) -> dict[str, object]:
    """What ``planet.json`` says."""
    return {
        "format": FORMAT,
        "what": "A made planet: the Earth's coasts and towns, an appearance from random fields. Fit for no real photo.",
        "seed": config.seed,
        "photos": config.photos,
        "first": config.first,
        "size_px": config.size_px,
        "fields": [asdict(model) for model in FIELD_MODELS],
        "cues": {cue.name.lower(): list(values) for cue, values in CUE_STRENGTHS.items()},
    }


def split_of(seed: int, author: int) -> str:
    """The split of a photographer: 80 % train, 5 % val, 15 % test, by lot."""
    lot = np.random.default_rng([seed, 6, author]).random()
    return "train" if lot < 0.8 else "val" if lot < 0.85 else "test"


def _renew(planet: Planet, config: PlanetConfig) -> None:
    """Bring what an earlier version made up to date: its table gains the fields' values, its photos are the same."""
    shutil.rmtree(planet.root / PARTS, ignore_errors=True)
    if planet.table.exists():
        table = pa.parquet.read_table(planet.table)
        lat, lon = table.column("lat").to_numpy(), table.column("lon").to_numpy()
        more = {f"field_{name}": field.at(lat, lon) for name, field in fields_of(config.seed).items()}
        columns = {name: more[name] if name in more else table.column(name) for name in SCHEMA.names}
        with atomic_path(planet.table) as temporary:
            pa.parquet.write_table(pa.table(columns, schema=SCHEMA), temporary)
    write_json_atomic(planet.about, about(config))


def _part(out: Path, number: int) -> Path:
    return out / PARTS / f"{number:06d}.parquet"


def _size(config: PlanetConfig, number: int) -> int:
    return min(CHAPTER, config.first + config.photos - number * CHAPTER)


def _make_all(out: Path, config: PlanetConfig, chapters: list[int]) -> Iterator[int]:
    """Make chapters; how many photos each had."""
    if not chapters:
        return
    state = out, config, fields_of(config.seed)
    if config.jobs == 1 or len(chapters) < 2:
        with threadpool_limits(1):
            yield from (_make_chapter(*state, number) for number in chapters)
        return
    # Threads of this process may hold locks: a forked child could wait for them forever.
    with ProcessPoolExecutor(config.jobs, multiprocessing.get_context("spawn"), _start_worker, state) as pool:
        try:
            yield from pool.map(_work, chapters)
        finally:
            pool.shutdown(cancel_futures=True)


class _Worker:
    """What one process keeps between chapters."""

    state: tuple[Path, PlanetConfig, Mapping[str, RandomField]]


def _start_worker(out: Path, config: PlanetConfig, fields: Mapping[str, RandomField]) -> None:
    cv2.setNumThreads(1)
    _Worker.state = out, config, fields


def _work(number: int) -> int:
    return _make_chapter(*_Worker.state, number)


def _make_chapter(out: Path, config: PlanetConfig, fields: Mapping[str, RandomField], number: int) -> int:
    """Take the photos of a chapter, then write their rows; returns how many there are."""
    visits = chapter(config.seed, number)[: _size(config, number)]
    places = look_at(fields, np.array([v.lat_deg for v in visits]), np.array([v.lon_deg for v in visits]))
    rows = []
    for visit, place in zip(visits, places, strict=True):
        pixels, telling = take(config.seed, visit, place, config.size_px)
        path = f"{PHOTOS}/{visit.index // A_FOLDER:04d}/{visit.index:07d}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, visit.habits.camera.quality]
        data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), quality)[1]
        with writing(out / path):
            (out / path).write_bytes(data.tobytes())
        author = visit.habits.author
        rows.append({
            "path": path, "lat": place.lat_deg, "lon": place.lon_deg, "author": f"a{author}",
            "sequence": f"s{number}-{visit.sequence}", "taken_at": visit.taken_at.isoformat(),
            "split": split_of(config.seed, author), "country": place.country, "region": place.region,
            "continent": CONTINENT_OF.get(place.country),
            "land_cover": place.land_cover, "climate": place.climate, "soil": place.soil,
            "localizability": round(telling, 4), **{f"field_{name}": value for name, value in place.values.items()},
        })  # fmt: skip
    with atomic_path(_part(out, number)) as temporary:
        pa.parquet.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), temporary)
    return len(rows)

"""A tiny geo model with random weights, and photos of an Earth where colours tell the place."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from transformers import ResNetConfig

from periplus.encode import LocationConfig, Preprocess
from periplus.encode.models import build_embedder, build_location_network, quiet, save_geo_model

SIDE = 32
DIM = 16
SCALE = 20.0
COLUMNS = ("path", "lat", "lon", "author", "sequence", "split")


def forge_geo(folder: Path, seed: int = 0, *, half: bool = False) -> Path:
    """A picture tower of two blocks for 32 px and a location tower of 16 frequencies, both of 16 numbers."""
    source = _network(folder.parent / f"{folder.name}-config")
    with quiet():
        pictures = build_embedder(str(source), weights="random", pooling="mean", projection_dim=DIM, seed=seed)
    config = LocationConfig(sigmas=(1.0, 4.0), features=16, width=32, layers=1, dim=DIM)
    location = build_location_network(config, seed)
    save_geo_model(folder, pictures.eval(), Preprocess((SIDE, SIDE)), location, SCALE, {"about": "tiny"}, half=half)
    return folder


@lru_cache(maxsize=4)
def shared_geo(session: Path, seed: int = 0) -> Path:
    """The model once a session; read only."""
    return forge_geo(session / f"geo-{seed}", seed)


def forge_photos(folder: Path, positions: Sequence[tuple[float, float]], name: str = "photos.csv") -> Path:
    """A table of photos taken at positions (lat, lon), three by each author, two on each way; every fourth to test."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for number, (lat, lon) in enumerate(positions):
            path = f"pictures/{name.partition('.')[0]}-{number:03d}.png"
            Image.fromarray(picture_at(lat, lon, number)).save(folder / path)
            split = "test" if number % 4 == 3 else "train"
            table.writerow([path, lat, lon, f"author-{number // 3}", f"way-{number // 2}", split])
    return folder / name


def picture_at(lat_deg: float, lon_deg: float, seed: int = 0) -> NDArray[np.uint8]:
    """RGB uint8 (36, 48, 3): stripes whose colours and direction turn with the position, and some noise."""
    north, east = np.mgrid[0:36, 0:48] / 24.0
    x, y, z = _unit(lat_deg, lon_deg)
    waves = [np.sin(3 * (a * north + b * east)) for a, b in ((x, y), (y, z), (z, x))]
    noise = np.random.default_rng(seed).normal(0, 0.1, (36, 48, 3))
    colour = np.array([x, y, z]) * 0.5 + np.stack(waves, axis=2) * 0.3 + noise
    return np.asarray(np.clip((colour + 1) * 127.5, 0, 255), np.uint8)


def spread_positions(count: int, seed: int = 0) -> list[tuple[float, float]]:
    """Positions all over the globe, (lat, lon) in degrees, to six places."""
    rng = np.random.default_rng(seed)
    lat = np.degrees(np.arcsin(rng.uniform(-0.95, 0.95, count)))
    return [(round(float(a), 6), round(float(b), 6)) for a, b in zip(lat, rng.uniform(-180, 180, count), strict=True)]


def _network(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    config.save_pretrained(folder)
    return folder


def _unit(lat_deg: float, lon_deg: float) -> tuple[float, float, float]:
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return float(np.cos(lat) * np.cos(lon)), float(np.cos(lat) * np.sin(lon)), float(np.sin(lat))

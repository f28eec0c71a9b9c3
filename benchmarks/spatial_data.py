"""Made places and vectors for the benchmarks of the spatial statistics.

Places lie as photos do: in towns of very different sizes, of which there are many, and a few in between. Vectors are
a random projection of fields whose semivariograms are known, with noise, of length 1, so that their curve rises to a
sill as that of real embeddings does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.geo import EARTH_RADIUS_KM, destination, to_unit
from periplus.synth.planet.fields import FieldModel, RandomField

Values = NDArray[np.float64]
_ALONE = 0.2
_FIELDS = 16
_ROWS = 8192


@dataclass(frozen=True, eq=False)
class Places:
    """Positions in degrees, float64 (n,) each."""

    lat_deg: Values
    lon_deg: Values

    def __len__(self) -> int:
        return len(self.lat_deg)


def towns(n: int, seed: int = 0) -> Places:
    """``n`` places: four of five in √n towns of some 3 km, whose sizes fall as 1/rank, the rest alone."""
    rng = np.random.default_rng(seed)
    number = int(np.sqrt(n))
    lat, lon = evenly(number, rng)
    share = 1 / np.arange(1, number + 1)
    town = rng.choice(number, n, p=share / share.sum())
    away = rng.exponential(3.0, n)
    lat_deg, lon_deg = destination(lat[town], lon[town], rng.uniform(0, 360, n), away)
    alone = rng.random(n) < _ALONE
    lat_deg[alone], lon_deg[alone] = evenly(int(alone.sum()), rng)
    return Places(lat_deg, lon_deg)


def evenly(n: int, rng: np.random.Generator) -> tuple[Values, Values]:
    """Latitudes and longitudes of places spread evenly over the sphere."""
    return np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)


def scalar(places: Places, length_scale_km: float = 300.0, seed: int = 0) -> Values:
    """An exponential field with nugget 0.2 and partial sill 0.8 at the places, (n,)."""
    model = FieldModel("scalar", "exponential", length_scale_km, 0.8, 0.2)
    return model.draw((seed,)).at(places.lat_deg, places.lon_deg)


class VectorMaker:
    """Unit vectors of places, made block by block: a block's noise is drawn by where it begins."""

    def __init__(self, dim: int, seed: int = 0, modes: int = 512) -> None:
        """Draw the fields (exponential, 300 to 3000 km) and the projection."""
        scales = np.geomspace(300, 3000, _FIELDS)
        self._fields: list[RandomField] = [
            FieldModel(f"field {i}", "exponential", float(scale)).draw((seed,), modes) for i, scale in enumerate(scales)
        ]
        rng = np.random.default_rng(seed)
        self._projection = rng.standard_normal((_FIELDS, dim)).astype(np.float32) / np.sqrt(dim).astype(np.float32)
        # A common direction, as embeddings have one, and as much noise as a third of the signal.
        self._mean = rng.standard_normal(dim).astype(np.float32) * np.float32(np.sqrt(_FIELDS / dim))
        self._noise = np.sqrt(_FIELDS / dim / 3)

    def at(self, places: Places, rows: slice) -> NDArray[np.float32]:
        """Vectors of some places, float32 (n, dim)."""
        lat, lon = places.lat_deg[rows], places.lon_deg[rows]
        xyz = to_unit(lat, lon)
        fields = np.stack([field.smooth(xyz) for field in self._fields], axis=1).astype(np.float32)
        rng = np.random.default_rng([rows.start or 0])
        made = fields @ self._projection + self._mean
        made += rng.standard_normal(made.shape, np.float32) * np.float32(self._noise)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return np.asarray(made, np.float32)


def vectors(places: Places, dim: int, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors of all places in memory, float32 (n, dim)."""
    maker = VectorMaker(dim, seed)
    return np.concatenate([maker.at(places, slice(s, s + _ROWS)) for s in range(0, len(places), _ROWS)])


def vector_file(path: Path, places: Places, dim: int, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors in a float16 file, written block by block unless it is there, and mapped."""
    if not path.exists():
        maker = VectorMaker(dim, seed)
        draft = path.with_suffix(".part")
        file = np.lib.format.open_memmap(draft, "w+", np.float16, (len(places), dim))
        for start in range(0, len(places), _ROWS):
            file[start : start + _ROWS] = maker.at(places, slice(start, start + _ROWS))
        file.flush()
        draft.rename(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def half_girth_km() -> float:
    """The largest distance there is."""
    return float(np.pi * EARTH_RADIUS_KM)

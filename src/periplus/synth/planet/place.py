"""What a place is like: its fields, climate, soil and land cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtr

from periplus.geo import km_from_chord, places_of, to_unit
from periplus.geo.coastline import coastline
from periplus.synth.planet.fields import FieldModel, RandomField
from periplus.synth.planet.towns import towns

Values = NDArray[np.float64]

FIELD_MODELS: Final = (
    FieldModel("elevation", "matern", 600, nugget=0.05),
    FieldModel("moisture", "matern", 1400, nugget=0.02),
    FieldModel("sky", "gaussian", 3200, nugget=0.01),
    FieldModel("haze", "gaussian", 2600, nugget=0.01),
    FieldModel("soil_hue", "matern", 1800, nugget=0.03),
    FieldModel("soil_light", "exponential", 1000, nugget=0.05),
    FieldModel("plant_hue", "gaussian", 2800, nugget=0.02),
    FieldModel("plant_kind", "exponential", 2400, nugget=0.05),
    FieldModel("plant_density", "exponential", 400, nugget=0.15),
    FieldModel("crop_hue", "matern", 350, nugget=0.05),
    FieldModel("wall_hue", "matern", 1900, nugget=0.02),
    FieldModel("wall_light", "exponential", 1300, nugget=0.05),
    FieldModel("roof_hue", "matern", 2200, nugget=0.02),
    FieldModel("roof_pitch", "gaussian", 1500, nugget=0.02),
    FieldModel("storeys", "exponential", 500, nugget=0.2),
    FieldModel("window_shape", "exponential", 900, nugget=0.05),
)
"""The fields of every planet; each of variance 1 beside its nugget."""


@dataclass(frozen=True)
class Place:
    """What is where a photo is taken.

    Attributes:
        lat_deg, lon_deg: the position.
        country, region: of the nearest town: code and name.
        values: by field, its value (:meth:`RandomField.at`), which all looks come from.
        share: by field, the share of the Earth that has less of it, 0 to 1.
        urban: 1 in a town, towards 0 far from it.
        coast_km: to the nearest coast.
        warmth: mean temperature, 0 (ice) to 1 (tropics).
        wet: 0 (desert) to 1.
        climate, soil, land_cover: in words.
    """

    lat_deg: float
    lon_deg: float
    country: str
    region: str
    values: dict[str, float]
    share: dict[str, float]
    urban: float
    coast_km: float
    warmth: float
    wet: float
    climate: str
    soil: str
    land_cover: str


@lru_cache(maxsize=4)
def fields_of(seed: int) -> dict[str, RandomField]:
    """The fields of the planet with this seed, typical all over the Earth and where photos are taken."""
    rng = np.random.default_rng(0)
    anywhere = rng.standard_normal((500, 3))
    visited = [towns().pick(lot) for lot in rng.random(500)]
    places = np.concatenate([
        anywhere / np.linalg.norm(anywhere, axis=1, keepdims=True),
        to_unit(towns().lat_deg[visited], towns().lon_deg[visited]),
    ])  # fmt: skip
    return {model.name: model.draw_typical((seed, 1), places) for model in FIELD_MODELS}


def look_at(fields: Mapping[str, RandomField], lat_deg: Values, lon_deg: Values) -> list[Place]:
    """The places at positions (n,) of the planet with these fields; each the same alone or among others."""
    known = {name: field.at(lat_deg, lon_deg) for name, field in fields.items()}
    shares = {
        name: ndtr(known[name] / np.sqrt(field.model.sill + field.model.nugget)) for name, field in fields.items()
    }
    coast, names = _coast_km(lat_deg, lon_deg), places_of(lat_deg, lon_deg)
    places = []
    for k, name in enumerate(names):
        values = {field: float(column[k]) for field, column in known.items()}
        share = {field: float(column[k]) for field, column in shares.items()}
        warmth = _warmth(float(lat_deg[k]), share["elevation"])
        belt = 0.25 * np.cos(np.radians(6 * lat_deg[k]))  # wet equator, dry horse latitudes, wet at 60 degrees
        wet = float(np.clip(0.12 + 0.72 * share["moisture"] + belt + 0.08 * np.exp(-coast[k] / 80), 0, 1))
        urban = float(np.exp(-((name.distance_km / 2.5) ** 2)))
        climate = _climate(warmth, wet)
        places.append(
            Place(
                float(lat_deg[k]),
                float(lon_deg[k]),
                name.country_code,
                name.region,
                values,
                share,
                urban,
                float(coast[k]),
                warmth,
                wet,
                climate,
                _soil(share, wet),
                _cover(urban, climate, wet, share["plant_density"]),
            )
        )
    return places


def _warmth(lat_deg: float, elevation: float) -> float:
    """Warm at the equator, cold at the poles and on mountains (which reach 4 km)."""
    return float(np.clip(1.08 - (abs(lat_deg) / 72) ** 1.6 - 0.45 * max(0.0, elevation - 0.55) ** 1.3, 0, 1))


def _climate(warmth: float, wet: float) -> str:
    """Köppen's main groups, by warmth and wetness."""
    if warmth < 0.22:
        return "polar"
    if wet < 0.22:
        return "desert"
    if wet < 0.38:
        return "steppe"
    if warmth > 0.8:
        return "tropical wet" if wet > 0.68 else "tropical dry"
    if warmth > 0.5:
        return "oceanic" if wet > 0.6 else "mediterranean"
    return "boreal" if warmth < 0.36 else "continental"


def _soil(share: dict[str, float], wet: float) -> str:
    if wet < 0.22:
        return "sand"
    light, hue = share["soil_light"], share["soil_hue"]
    if light > 0.8:
        return "chalk"
    if light < 0.2:
        return "black earth"
    return "red clay" if hue > 0.66 else "loam" if hue > 0.33 else "grey podzol"


def _cover(urban: float, climate: str, wet: float, density: float) -> str:
    if urban > 0.45:
        return "urban"
    if climate == "polar":
        return "snow" if density < 0.5 else "tundra"
    if climate == "desert":
        return "bare" if density < 0.6 else "shrubland"
    if 0.35 < density < 0.62 and urban > 0.02:
        return "cropland"
    if density * wet > 0.3:
        return "forest"
    return "grassland" if density > 0.3 else "shrubland"


@cache
def _coast() -> cKDTree:
    """Points of all coasts, at most 15 km apart."""
    points = []
    for ring in coastline():
        xyz = to_unit(ring[:, 0], ring[:, 1])
        step = np.linalg.norm(np.diff(xyz, axis=0), axis=1) * 6371
        parts = np.maximum(1, np.ceil(step / 15)).astype(int)
        edge = np.repeat(np.arange(len(parts)), parts)
        along = (np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[edge]
        points.append(xyz[edge] + along[:, None] * (xyz[edge + 1] - xyz[edge]))
    return cKDTree(np.concatenate(points))


def _coast_km(lat_deg: Values, lon_deg: Values) -> Values:
    return km_from_chord(_coast().query(to_unit(lat_deg, lon_deg))[0])

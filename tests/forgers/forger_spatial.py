"""Small records of spatial statistics, for figures and pages."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from periplus.spatial.clouds.cloud import SimilarityCloud, SimilaritySettings
from periplus.spatial.clouds.similarity import similarity_against_distance
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.fitting.models import VariogramModel
from periplus.spatial.pairs.tiles import PassSettings
from periplus.spatial.variograms.variogram import Variogram
from periplus.spatial.vectors.collapse import Collapse, CollapseSettings, measure_collapse

MODEL = VariogramModel("exponential", 0.2, 0.8, 700.0)
INTERVALS = {
    "nugget": (0.15, 0.27),
    "partial_sill": (0.7, 0.9),
    "sill": (0.95, 1.06),
    "length_scale_km": (600.0, 830.0),
    "effective_range_km": (1797.0, 2486.0),
    "shape": (1.0, 1.0),
}


def forge_variogram(label: str = "", *, sampled: bool = False) -> Variogram:
    """Ten lags of a known model: the first has 12 pairs, the second none, the third no standard error."""
    edges = np.array([0.0, 10, 20, 50, 100, 250, 500, 1000, 2000, 3000, 5000])
    distance = (edges[1:] + edges[:-1]) / 2
    count = np.array([12, 0, 40, 90, 200, 400, 900, 2000, 3000, 5000])
    gamma = MODEL(distance) * (1 + 0.05 * np.cos(np.arange(10)))
    error = np.linspace(0.06, 0.02, 10)
    gamma[1] = distance[1] = error[1] = np.nan
    error[2] = np.nan
    return Variogram(
        estimator="matheron",
        edges_km=edges,
        distance_km=distance,
        gamma=gamma,
        count=count,
        standard_error=error,
        sampling_error=np.full(10, 0.01) if sampled else np.zeros(10),
        n=160,
        dim=8,
        n_pairs=count * (7.0 if sampled else 1.0),
        label=label,
    )


def forge_fit(label: str = "", model: VariogramModel = MODEL, aic: float = -40.0) -> Fit:
    """A fit with intervals."""
    return Fit(model, "cressie", 3000.0, 9, aic, 0.02, INTERVALS, label=label)


def forge_vectors(n: int = 160, dim: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places in some clusters and unit vectors that follow them a little."""
    rng = np.random.default_rng(5)
    cluster = rng.integers(0, 12, n)
    lat = np.clip(rng.uniform(-60, 60, 12)[cluster] + rng.normal(size=n) * 10.0 ** rng.uniform(-3, 1, n), -89, 89)
    lon = rng.uniform(-170, 170, 12)[cluster] + rng.normal(size=n) * 0.1
    vectors = 1.0 + rng.normal(size=(12, dim))[cluster] + 0.7 * rng.normal(size=(n, dim))
    return lat, lon, (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float32)


@lru_cache
def forge_cloud(label: str = "") -> SimilarityCloud:
    """A cloud of 160 photos in few classes."""
    settings = SimilaritySettings(distance_classes=60, similarity_classes=64, lags=20, worst=6)
    return replace(similarity_against_distance(*forge_vectors(), settings, PassSettings(blocks=8)), label=label)


@lru_cache
def forge_collapse(label: str = "") -> Collapse:
    """A space of 160 vectors."""
    return measure_collapse(forge_vectors()[2], np.array([[0, 1], [2, 3]]), CollapseSettings(hubs=5, label=label))

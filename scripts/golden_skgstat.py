"""Makes tests/spatial/golden/skgstat.json: what scikit-gstat and GSTools' Rust core find in one small scalar field.

    python -m benchmarks.spatial_peers                  # makes the environment that has both, and prints its Python
    .venv-peers/bin/python scripts/golden_skgstat.py

Positions and values are drawn from a seed and rounded, so that the file holds them exactly. Great circles are
scikit-gstat's with a distance function of ours; chords are everybody's own Euclidean distance of unit vectors.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TARGET = Path(__file__).resolve().parents[1] / "tests/spatial/golden/skgstat.json"
EARTH_RADIUS_KM = 6371.0088
EDGES_KM = [0.0, 60.0, 150.0, 400.0, 1000.0, 2500.0, 5000.0, 9000.0, 14000.0, 20000.0]
ESTIMATORS = ("matheron", "cressie", "dowd")
Values = NDArray[np.float64]


def main() -> None:
    """Draw, ask, store."""
    skgstat, gstools = importlib.import_module("skgstat"), importlib.import_module("gstools")
    degrees, values, other = field()
    edges = np.array(EDGES_KM)
    chords = 2 * np.sin(edges / (2 * EARTH_RADIUS_KM))
    xyz = to_unit(degrees)
    found: dict[str, Any] = {}
    for name in ESTIMATORS:
        found[f"scikit-gstat great-circle {name}"] = asked(skgstat, degrees, values, name, edges, great_circle_km)
        found[f"scikit-gstat chord {name}"] = asked(skgstat, xyz, values, name, chords, "euclidean")
    both = np.stack([values, other], axis=1)
    found["scikit-gstat great-circle cross"] = asked(skgstat, degrees, both, "matheron", edges, great_circle_km)
    assert gstools.config.USE_GSTOOLS_CORE
    for name in ("matheron", "cressie"):
        _, gamma, count = gstools.vario_estimate(xyz.T, values, chords.copy(), estimator=name, return_counts=True)
        found[f"gstools-core chord {name}"] = {"gamma": gamma.tolist(), "count": [int(n) for n in count]}
    versions = {name: importlib.metadata.version(name) for name in ("scikit-gstat", "gstools", "gstools-core")}
    given = {"lat_deg": degrees[:, 0].tolist(), "lon_deg": degrees[:, 1].tolist()}
    given |= {"values": values.tolist(), "other": other.tolist(), "edges_km": EDGES_KM}
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps({"versions": versions, **given, "found": found}, indent=1) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(values)} places, {len(found)} curves")  # noqa: T201


def field() -> tuple[Values, Values, Values]:
    """Positions (150, 2) in degrees, near ones and far ones, and two variables there, with outliers."""
    rng = np.random.default_rng(20)
    towns = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 15))), rng.uniform(-180, 180, 15)], axis=1)
    spread = rng.normal(0, 1.0, (150, 2))
    degrees = np.repeat(towns, 10, axis=0) + spread
    degrees[:, 0] = np.clip(degrees[:, 0], -90, 90)
    degrees[:, 1] = (degrees[:, 1] + 180) % 360 - 180
    degrees = np.round(degrees, 5)
    xyz = to_unit(degrees)
    values = np.sin(3 * xyz[:, 0]) + xyz[:, 1] * xyz[:, 2] + 0.2 * rng.standard_normal(150)
    values[::29] += 4
    other = values * xyz[:, 0] + 0.3 * rng.standard_normal(150)
    return degrees, np.round(values, 8), np.round(other, 8)


def asked(skgstat: Any, places: Values, values: Values, name: str, edges: Values, distance: Any) -> dict[str, Any]:
    """Scikit-gstat's experimental semivariogram; its lags start at 0 and are named by their upper edges."""
    upper = edges[1:].tolist()
    curve = skgstat.Variogram(places, values, estimator=name, dist_func=distance, bin_func=upper, fit_method=None)
    return {"gamma": curve.experimental.tolist(), "count": [int(n) for n in curve.bin_count]}


def great_circle_km(a: Values, b: Values) -> float:
    """The haversine formula for two positions in degrees."""
    (lat1, lon1), (lat2, lon2) = np.radians(a), np.radians(b)
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(min(h, 1.0))))


def to_unit(degrees: Values) -> Values:
    """Unit vectors (n, 3)."""
    lat, lon = np.radians(degrees).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


if __name__ == "__main__":
    main()

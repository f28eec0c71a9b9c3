"""What a peer makes of one scalar field: runs alone, in the environment that has the peer.

    python spatial_peer_worker.py FOLDER --way WAY [--estimator matheron] [--threads 2] [--warm-up 300]

FOLDER holds ``lat_deg.npy``, ``lon_deg.npy``, ``values.npy`` (n,) and ``edges_km.npy`` (m + 1,). Prints one JSON
object: ``gamma`` and ``count`` (m,), ``seconds`` of the one call, ``warm_up_s`` of a first small one, ``peak_mb``,
``version``. Nothing of periplus is imported, so that no environment needs both.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS_KM = 6371.0088
Values = NDArray[np.float64]
Curve = tuple[Values, Values]
Work = Callable[[Values, Values, Values, Values], Curve]


def main() -> None:
    """Read, warm up, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--estimator", choices=("matheron", "cressie", "dowd"), default="matheron")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm-up", type=int, default=300, help="points of a first call, which pays for compiling")
    chosen = parser.parse_args()
    names = ("lat_deg", "lon_deg", "values", "edges_km")
    lat_deg, lon_deg, values, edges_km = (np.load(chosen.folder / f"{name}.npy") for name in names)
    work = prepared(chosen.way, chosen.estimator, chosen.threads)
    few = slice(None, chosen.warm_up)
    warm_up_s = timed(lambda: work(lat_deg[few], lon_deg[few], values[few], edges_km))[1]
    (gamma, count), seconds = timed(lambda: work(lat_deg, lon_deg, values, edges_km))
    found = {"gamma": gamma.tolist(), "count": count.tolist(), "seconds": seconds, "warm_up_s": warm_up_s}
    print(json.dumps(found | {"peak_mb": peak_mb(), "version": version(chosen.way)}))


def prepared(way: str, estimator: str, threads: int) -> Work:
    """A way's function of latitudes, longitudes, values and edges; imports the peer."""
    if way.startswith("scikit-gstat"):
        return with_scikit_gstat(estimator)
    gstools = importlib.import_module("gstools")
    gstools.config.NUM_THREADS = threads
    gstools.config.USE_GSTOOLS_CORE = "core" in way
    positions = {"great-circle": None, "chord": to_unit, "plane": lambda lat, lon: np.stack([lat, lon])}
    return with_gstools(gstools, estimator, positions[way.rpartition(" ")[2]])


def with_gstools(gstools: Any, estimator: str, positions: Callable[[Values, Values], Values] | None) -> Work:
    """``vario_estimate`` on great circles, or on Euclidean distance of some coordinates."""

    def work(lat_deg: Values, lon_deg: Values, values: Values, edges_km: Values) -> Curve:
        # It divides the edges that it is given in place.
        common: dict[str, Any] = {"estimator": estimator, "return_counts": True}
        if positions is None:
            places, edges = np.stack([lat_deg, lon_deg]), edges_km.copy()
            common |= {"latlon": True, "geo_scale": EARTH_RADIUS_KM}
        else:
            places = positions(lat_deg, lon_deg)
            edges = chords(edges_km) if len(places) == 3 else np.degrees(edges_km / EARTH_RADIUS_KM)
        _, gamma, count = gstools.vario_estimate(places, values, edges, **common)
        return np.asarray(gamma), np.asarray(count)

    return work


def with_scikit_gstat(estimator: str) -> Work:
    """``Variogram`` on the chords of unit vectors, without a model."""
    skgstat = importlib.import_module("skgstat")

    def work(lat_deg: Values, lon_deg: Values, values: Values, edges_km: Values) -> Curve:
        # Its lags start at 0 and are named by their upper edges.
        upper = chords(edges_km)[1:].tolist()
        coordinates = to_unit(lat_deg, lon_deg).T
        found = skgstat.Variogram(coordinates, values, estimator=estimator, bin_func=upper, fit_method=None)
        return np.asarray(found.experimental), np.asarray(found.bin_count)

    return work


def to_unit(lat_deg: Values, lon_deg: Values) -> Values:
    """Unit vectors (3, n): their Euclidean distance is the chord."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def chords(distance_km: Values) -> Values:
    """Chords of the unit sphere under great-circle distances."""
    return np.asarray(2 * np.sin(distance_km / (2 * EARTH_RADIUS_KM)))


def timed(work: Callable[[], Curve]) -> tuple[Curve, float]:
    """What came of work, and how many seconds it took."""
    begun = time.perf_counter()
    done = work()
    return done, time.perf_counter() - begun


def peak_mb() -> float:
    """The largest resident memory of this process, MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6


def version(way: str) -> str:
    """The peer's own name and version."""
    package = {"scikit-gstat": "scikit-gstat", "gstools-core": "gstools-core"}.get(way.split()[0], "gstools")
    return f"{package} {importlib.metadata.version(package)}"


WAYS = (
    "gstools great-circle",
    "gstools chord",
    "gstools-core great-circle",
    "gstools-core chord",
    "gstools-core plane",
    "scikit-gstat chord",
)

if __name__ == "__main__":
    main()

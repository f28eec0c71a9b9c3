"""Our exact semivariogram in a process of its own, so that its memory can be told: the twin of the peers' worker.

    python -m benchmarks.spatial_ours FOLDER [--workers 2] [--rounds 3] [--estimator matheron]

FOLDER holds ``lat_deg.npy``, ``lon_deg.npy``, ``values.npy`` ((n,) or (n, d)) and ``edges_km.npy``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import ROOT, peak_mb
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import given_lags
from periplus.spatial.pairs.tiles import PassSettings
from periplus.spatial.variograms.exact import exact_variograms
from periplus.spatial.variograms.variogram import Estimator, Variogram

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ours:
    """What we found, and what it took.

    Attributes:
        gamma, count: of each lag, (m,).
        seconds: the best round of a whole call of :func:`exact_variograms`.
        first_s: the first round.
        given_mb: the largest memory of the process when it had its arrays and had done nothing yet.
        peak_mb: at the end.
    """

    gamma: Values
    count: Values
    seconds: float
    first_s: float
    given_mb: float
    peak_mb: float

    @property
    def growth_mb(self) -> float:
        """What the work itself took."""
        return self.peak_mb - self.given_mb


def main() -> None:
    """Read, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--estimator", choices=("matheron", "cressie", "dowd"), default="matheron")
    chosen = parser.parse_args()
    names = ("lat_deg", "lon_deg", "values", "edges_km")
    lat_deg, lon_deg, values, edges_km = (np.load(chosen.folder / f"{name}.npy") for name in names)
    observations, given_mb = Observations(lat_deg, lon_deg, values), peak_mb()
    spent, curve = [], None
    for _ in range(chosen.rounds):
        begun = time.perf_counter()
        curve = exact(observations, edges_km, chosen.workers, chosen.estimator)
        spent.append(time.perf_counter() - begun)
    assert curve is not None
    found = {"gamma": curve.gamma.tolist(), "count": curve.count.tolist(), "seconds": min(spent), "first_s": spent[0]}
    print(json.dumps(found | {"given_mb": given_mb, "peak_mb": peak_mb()}))


def exact(observations: Observations, edges_km: Values, workers: int, estimator: Estimator = "matheron") -> Variogram:
    """The one curve of all directions."""
    (curve,) = exact_variograms(observations, given_lags(edges_km), estimator, how=PassSettings(workers=workers))
    return curve


def measure(observations: Observations, edges_km: Values, workers: int, rounds: int) -> Ours:
    """Run in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"lat_deg": observations.lat_deg, "lon_deg": observations.lon_deg, "values": observations.values}
        for name, array in (given | {"edges_km": edges_km}).items():
            np.save(Path(folder) / f"{name}.npy", array)
        command = [sys.executable, "-m", "benchmarks.spatial_ours", folder]
        command += ["--workers", str(workers), "--rounds", str(rounds)]
        quiet = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=quiet)
    found = json.loads(done.stdout)
    return Ours(np.array(found.pop("gamma"), float), np.array(found.pop("count"), float), **found)


if __name__ == "__main__":
    main()

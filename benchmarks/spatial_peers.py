"""The peers of the spatial statistics, in an environment of their own.

scikit-gstat holds SciPy back and brings numba and pandas, and GSTools changes its way when its Rust core is installed:
none of them may live beside what is measured. ``python -m benchmarks.spatial_peers`` makes ``.venv-peers``; the
variable ``PERIPLUS_PEERS`` names another environment that has the same packages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import ROOT

PACKAGES = ("scikit-gstat==1.0.26", "gstools==1.7.0", "gstools-core==1.3.0")
WORKER = Path(__file__).with_name("spatial_peer_worker.py")
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a peer found, and what it took.

    Attributes:
        gamma: semivariance of each lag, (m,).
        count: pairs of each lag, (m,).
        seconds: of the one call; warm_up_s: of a small call before it, which pays for compiling.
        peak_mb: resident memory of the peer's process.
        version: the peer's name and version.
    """

    gamma: Values
    count: Values
    seconds: float
    warm_up_s: float
    peak_mb: float
    version: str


@dataclass(frozen=True, eq=False)
class ScalarTask:
    """A scalar field and the lags that everybody is asked for."""

    lat_deg: Values
    lon_deg: Values
    values: Values
    edges_km: Values


def main() -> None:
    """Make the environment."""
    print(peers_python())


def peers_python() -> str:
    """The interpreter of the peers' environment, which is made where there is none."""
    folder = Path(os.environ.get("PERIPLUS_PEERS", ROOT / ".venv-peers"))
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if "PERIPLUS_PEERS" not in os.environ and not (ready.exists() and ready.read_text().split() == list(PACKAGES)):
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        ready.write_text("\n".join(PACKAGES))
    if not python.exists():
        raise SystemExit(f"{python} is missing; point PERIPLUS_PEERS to an environment with {', '.join(PACKAGES)}.")
    return str(python)


def ask(way: str, task: ScalarTask, threads: int = 2, estimator: str = "matheron") -> Answer:
    """Let a peer run in a process of its own; plain GSTools in this environment, whose GSTools has no Rust core."""
    python = sys.executable if way.startswith("gstools ") else peers_python()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lat_deg", "lon_deg", "values", "edges_km"):
            np.save(Path(folder) / f"{name}.npy", getattr(task, name))
        options = ["--way", way, "--threads", str(threads), "--estimator", estimator]
        command = [python, str(WORKER), folder, *options]
        allowed = os.environ | {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=allowed)
    found = json.loads(done.stdout)
    return Answer(np.array(found.pop("gamma"), float), np.array(found.pop("count"), float), **found)


if __name__ == "__main__":
    main()

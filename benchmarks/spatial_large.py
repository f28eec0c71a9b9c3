"""All pairs of 210,122 x 768 exactly: seconds, share of the bare products, memory, and going on after being killed.

    python -m benchmarks.spatial_large [--interrupt]                                       # two cores
    python -m benchmarks.spatial_large --n 1000000 --backend torch --device cuda

The vectors are a float16 file, made block by block and mapped. The pass runs in a process of its own with a checkpoint;
with ``--interrupt`` that process is killed half way and a second one goes on. A small pass is killed in any case, and
what its successor finds must equal an unbroken pass bit for bit (on a GPU, whose sums have no fixed order, nearly).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import spatial_data
from benchmarks.harness import ROOT, peak_mb, report
from benchmarks.spatial_floor import Floor, bare_products, bare_products_torch
from periplus.spatial.observations import Observations
from periplus.spatial.pairs import checkpoint
from periplus.spatial.pairs.lags import linear_lags
from periplus.spatial.pairs.tiles import COLUMNS, ROWS, PassSettings
from periplus.spatial.variograms.exact import exact_variograms

_FLOOR_ROWS = 20_000
_DEVICE_TILE = 8192
_TOLD_S = 1.0


@dataclass(frozen=True)
class Job:
    """One pass.

    Attributes:
        n, dim, lags: its size.
        workers, backend, device: how it is done.
        folder: for the vectors and the checkpoint.
        save_every_s: of the checkpoint.
    """

    n: int
    dim: int
    lags: int
    workers: int
    backend: str
    device: str
    folder: str
    save_every_s: float

    @property
    def vectors(self) -> NDArray[np.float16]:
        """The mapped file of vectors."""
        path = Path(self.folder) / f"vectors-{self.n}-{self.dim}.npy"
        return spatial_data.vector_file(path, spatial_data.towns(self.n), self.dim)

    @property
    def kept(self) -> Path:
        """The checkpoint."""
        return Path(self.folder) / f"pass-{self.n}-{self.dim}.npz"

    @property
    def pairs(self) -> float:
        """Of places."""
        return self.n * (self.n - 1) / 2


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a pass found and took.

    Attributes:
        gamma: of each lag, (m,).
        seconds: of the passing itself, all processes of a broken one together.
        began_at: the share that the last process found done.
        peak_mb: resident memory, pages of the mapped file included; own_mb: without them.
    """

    gamma: NDArray[np.float64]
    seconds: float
    began_at: float
    peak_mb: float
    own_mb: float


def main() -> None:
    """Measure and report; with ``--pass`` do one pass, as the process that may be killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=210_122)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--lags", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--backend", choices=("numpy", "torch"), default="numpy")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--interrupt", action="store_true", help="kill the large pass half way and go on")
    parser.add_argument("--small-n", type=int, default=6000, help="of the pass that is always killed")
    parser.add_argument("--peak-tflops", type=float, help="of the device's data sheet, float32")
    parser.add_argument("--save-every", type=float, default=checkpoint.EVERY_S, help="s, the large pass's checkpoint")
    parser.add_argument("--folder", type=Path, help="where vectors are kept for another time")
    parser.add_argument("--name", default="spatial_large", help="of the file of results")
    parser.add_argument("--pass", dest="job", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.job is not None:
        one_pass(Job(**json.loads(chosen.job)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = str(chosen.folder or scratch)
        how = (chosen.lags, chosen.workers, chosen.backend, chosen.device, folder)
        small = Job(chosen.small_n, chosen.dim, *how, save_every_s=0.1)
        large = Job(chosen.n, chosen.dim, *how, save_every_s=chosen.save_every)
        report(chosen.name, [broken_and_whole(small), measured(large, chosen.interrupt, chosen.peak_tflops)])


def broken_and_whole(job: Job) -> dict[str, object]:
    """Whether a pass that was killed half way ends as one that was not."""
    whole, broken = passed(job, kill_at=None), passed(job, kill_at=0.5)
    same = whole.gamma.tobytes() == broken.gamma.tobytes()
    off = float(np.nanmax(np.abs(broken.gamma / whole.gamma - 1)))
    line = {"way": "killed half way, gone on", "equal_to_unbroken": same, "difference_to_unbroken": off}
    return described(job, broken) | line


def measured(job: Job, interrupt: bool, peak_tflops: float | None) -> dict[str, object]:
    """The large pass beside the bare products, which are measured before and after it."""
    floors = [floor_of(job)]
    outcome = passed(job, kill_at=0.5 if interrupt else None)
    floors.append(floor_of(job))
    floor = min(floors, key=lambda one: one.seconds)
    gflop_per_s = 2 * job.pairs * job.dim / outcome.seconds / 1e9
    line = described(job, outcome) | {
        "way": "killed half way, gone on" if interrupt else "in one go",
        "gflop_per_s": gflop_per_s,
        "floor_gflop_per_s": floor.gflop_per_s,
        "share_of_floor": gflop_per_s / floor.gflop_per_s,
        "share_of_peak": None if peak_tflops is None else gflop_per_s / (1000 * peak_tflops),
    }
    if (job.n, job.dim, job.backend) == (210_122, 768, "numpy"):
        line |= {"bar": "seconds < 1800", "held": outcome.seconds < 1800}
    return line


def floor_of(job: Job) -> Floor:
    """The bare products: our tiles' on the same workers, or large ones on the device."""
    some = np.asarray(job.vectors[: min(job.n, _FLOOR_ROWS)], np.float32)
    if job.backend == "torch":
        return bare_products_torch(some, min(_DEVICE_TILE, len(some) // 2), job.device)
    return bare_products(some, (ROWS, COLUMNS), job.workers)


def described(job: Job, outcome: Outcome) -> dict[str, object]:
    """What a pass took, in numbers that compare."""
    return {
        "what": f"{job.n} x {job.dim}",
        "way": "",
        "backend": f"{job.backend} {job.device}, {job.workers} workers",
        "lags": job.lags,
        "seconds": outcome.seconds,
        "went_on_at": outcome.began_at,
        "million_pairs_per_s": job.pairs / outcome.seconds / 1e6,
        "peak_mb": outcome.peak_mb,
        "own_mb": outcome.own_mb,
    }


def passed(job: Job, kill_at: float | None) -> Outcome:
    """One pass in a process of its own; killed when so much is done and kept, then gone on."""
    assert job.vectors is not None  # made here, so that its making is not measured
    job.kept.unlink(missing_ok=True)
    spent = 0.0 if kill_at is None else started(job, kill_at)[0]
    more, last = started(job, None)
    return Outcome(np.array(last.pop("gamma"), np.float64), spent + more, **last)


def started(job: Job, kill_at: float | None) -> tuple[float, dict[str, float]]:
    """Run the process until it is done or to be killed: seconds since it began to pass, and what it said last."""
    command = [sys.executable, "-m", "benchmarks.spatial_large", "--pass", json.dumps(vars(job))]
    begun, said, killed = time.perf_counter(), {}, False
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            if said.get("begins"):
                begun = time.perf_counter()
            if "share" in said and sys.stderr.isatty():
                told(job, said["share"], time.perf_counter() - begun)
            if kill_at is not None and said.get("share", 0.0) >= kill_at and job.kept.exists():
                process.kill()
                killed = True
                break
    if killed != (kill_at is not None) or (not killed and "gamma" not in said):
        raise SystemExit(f"The pass ended with {process.returncode}, before it could be killed or without a curve.")
    return time.perf_counter() - begun, said


def told(job: Job, share: float, seconds: float) -> None:
    """The bar, on a terminal."""
    bar = "#" * round(40 * share)
    end = "\n" if share == 1 else ""
    print(f"\r{job.n:,} x {job.dim} [{bar:40}] {100 * share:5.1f} %  {seconds:7.1f} s", end=end, file=sys.stderr)


def one_pass(job: Job) -> None:
    """The process that may be killed: says on each line of its output how far it is, and at the end what it found."""
    checkpoint.EVERY_S = job.save_every_s  # type: ignore[misc]
    places, vectors = spatial_data.towns(job.n), job.vectors
    own, last = [own_mb()], [0.0]
    shares: list[float] = []

    def progress(done: int, total: int) -> None:
        if not shares:
            shares.append(done / total)
        if done == total or time.monotonic() - last[0] >= min(_TOLD_S, job.save_every_s):
            last[0] = time.monotonic()
            own.append(own_mb())
            print(json.dumps({"share": done / total}), flush=True)

    print(json.dumps({"begins": True}), flush=True)
    how = PassSettings(
        workers=job.workers,
        backend="torch" if job.backend == "torch" else "numpy",
        device=job.device,
        checkpoint=job.kept,
        progress=progress,
    )
    lags = linear_lags(spatial_data.half_girth_km(), job.lags)
    (curve,) = exact_variograms(Observations(places.lat_deg, places.lon_deg, vectors), lags, how=how)
    memory = {"peak_mb": peak_mb(), "own_mb": max(own)}
    print(json.dumps({"gamma": curve.gamma.tolist(), "began_at": shares[0], **memory}), flush=True)


def own_mb() -> float:
    """Resident memory that is not of mapped files, MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) * 1024 / 1e6


if __name__ == "__main__":
    main()

"""How long ``import periplus`` takes, and how large the core installation is.

Each import is a process of its own; the time is the interpreter's own, inside it, so that starting Python does not
count. With ``--install`` the wheel is built and installed without extras into a fresh environment by pip (it needs the
network and minutes) and everything in site-packages but pip is weighed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import ROOT, report

_TIMED = "import time; begun = time.perf_counter(); import {module}; print(time.perf_counter() - begun)"
MODULES = ("periplus", "periplus.cli", "periplus.pipeline")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--install", action="store_true", help="also weigh a fresh installation")
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = [
        {"what": f"import {module}, median of {chosen.runs}", "value": import_s(module, chosen.runs), "unit": "s"}
        for module in MODULES
    ]
    if chosen.install:
        rows += [{"what": what, "value": size, "unit": "MiB"} for what, size in installed_mib().items()]
    report("imports", rows)


def import_s(module: str, runs: int) -> float:
    """The median time of importing a module in a fresh process, s; one run before warms the disk's cache."""
    command = [sys.executable, "-c", _TIMED.format(module=module)]
    spent = [float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(runs + 1)]
    return statistics.median(spent[1:])


def installed_mib() -> dict[str, int]:
    """Disk space of a fresh installation without extras: all of it and the largest packages, MiB."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        _run(sys.executable, "-m", "venv", str(environment))
        python = str(environment / "bin" / "python")
        constraints = ROOT / "constraints.txt"
        pinned = ["--constraint", str(constraints)] if constraints.exists() else []
        _run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT))
        wheel = next(Path(folder).glob("periplus-*.whl"))
        _run(python, "-m", "pip", "install", "--quiet", *pinned, str(wheel))
        _run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", "pip")
        packages = next((environment / "lib").glob("python*")) / "site-packages"
        sizes = {part.name: _mib(part) for part in packages.iterdir() if part.is_dir()}
        largest = sorted(sizes, key=lambda name: -sizes[name])[:8]
        return {"core installation": _mib(packages), **{f"of it {name}": sizes[name] for name in largest}}


def _mib(path: Path) -> int:
    return int(_run("du", "-sm", str(path)).split()[0])


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()

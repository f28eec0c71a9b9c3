"""What every benchmark needs: the shared photos, a table on the screen and in a file, the memory of a process."""

from __future__ import annotations

import csv
import datetime
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from periplus.pipeline import IndexConfig, IndexResult, index
from periplus.sources import Scan, read_folder, read_table

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"

Row = Mapping[str, object]


def shared_data() -> Path:
    """The folder of real photographs."""
    folder = (ROOT / os.environ.get("PERIPLUS_SHARED", "../shared")).resolve() / "data"
    if not folder.is_dir():
        raise SystemExit(f"No shared data at {folder}; set PERIPLUS_SHARED to the folder that holds data/.")
    return folder


def san_francisco() -> Scan:
    """702 photographs of San Francisco with surveyed positions, and when their cameras say they were taken."""
    folder = shared_data() / "san-francisco"
    scan = read_table(folder / "photos.csv")
    taken = read_folder(folder / "photos").catalog
    when = {f"photos/{photo}": time for photo, time in zip(taken.ids, taken.column("taken_at"), strict=True)}
    table = scan.catalog.table
    place = table.column_names.index("taken_at")
    column = [[None if when.get(photo) is None else str(when[photo]) for photo in scan.catalog.ids]]
    times = table.set_column(place, table.schema.field("taken_at"), column)
    return replace(scan, catalog=replace(scan.catalog, table=times))


def subset(scan: Scan, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Scan:
    """The scan of some rows."""
    return replace(scan, catalog=scan.catalog.select(rows), skipped=(), notes=())


def build(scan: Scan, path: Path, jobs: int, calibration_photos: int = 200) -> IndexResult:
    """Index a scan with every default."""
    return index(scan, path, IndexConfig(jobs=jobs, calibration_photos=calibration_photos))


def peak_mb(pid: int | str = "self") -> float:
    """The largest resident memory that a process has had, MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1024 / 1e6


def report(name: str, rows: Sequence[Row]) -> None:
    """Print a table, and write it as ``results/<name>.csv`` with the date and the machine on every line."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, *([_text(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    signed = {"date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(), "machine": machine()}
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, *signed])
        writer.writerows([*line, *signed.values()] for line in lines[1:])


def machine() -> str:
    """Cores, processor and system in a few words."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    model = next((line.partition(": ")[2] for line in text.splitlines() if line.startswith("model name")), "")
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model or platform.processor()}; Python {platform.python_version()}"
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

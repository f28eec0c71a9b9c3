"""The demonstration: make a town (or take a folder of photographs), index it, locate photos it has never seen.

After the town, photos of a made planet are located by a gallery of bare positions.

    python scripts/demo.py --out demo
    python scripts/demo.py --out demo --photos ~/Pictures

Of one's own photographs every fifth with a position (40 at most) is held back and asked; so are up to 20 without one.
Nothing outside the output folder is written.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from demo_world import run_world
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from periplus.errors import EmptyInputError, PeriplusError, PhotoError
from periplus.evaluate import protocol_named, report_lines
from periplus.pipeline import (
    EvaluateConfig,
    default_jobs,
    evaluate_elsewhere,
    evaluate_source,
    index,
    locate,
    open_for_search,
)
from periplus.plots import ReportEntry, write_report
from periplus.sources import Scan, open_source
from periplus.synth import TownConfig, make_town

_EVERY = 5
_MOST_QUERIES = 40
_MOST_UNPLACED = 20
_IN_REPORT = 24


def main() -> int:
    """Run the demonstration; returns the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--out", type=Path, default=Path("demo"))
    options.add_argument("--photos", type=Path)
    options.add_argument("--gallery-photos", type=int, default=TownConfig.gallery, help="of the made town")
    given = options.parse_args()
    console = Console()
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        run(given.out, given.photos, given.gallery_photos, console)
    except PeriplusError as error:
        console.print(str(error), markup=False)
        return error.exit_status
    return 0


def run(out: Path, photos: Path | None, gallery_photos: int, console: Console) -> None:
    """Make or take photos, index, evaluate, report."""
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tell = told_by(bars)
        if photos is None:
            gallery_scan, known, unknown = _town(out, gallery_photos, tell)
        else:
            gallery_scan, known, unknown = _own(photos)
        target = out / "demo.gallery"
        shutil.rmtree(target, ignore_errors=True)
        result = index(gallery_scan, target, progress=tell)
        ask = EvaluateConfig(jobs=default_jobs())
        evaluation = evaluate_source(known, target, protocol_named("periplus-fix"), ask, tell)
        strangers = evaluate_elsewhere(unknown, target, ask) if photos is None else None
        opened = open_for_search(target)
        entries = []
        for path in [*known.catalog.column("path")[:_IN_REPORT], *unknown.catalog.column("path")]:
            try:
                answer = locate(str(path), opened, ignore_exif=photos is None)
            except PhotoError as error:
                console.print(f"Skipped: {error}", markup=False)
                continue
            entries.append(ReportEntry(answer.query_path, answer.fix, answer.seconds))
    page = out / "report.html"
    write_report(page, entries, opened.gallery.catalog.positions)
    total = sum(result.seconds.values())
    console.print(f"\nIndexed {result.photos} photos in {total:.0f} s; {len(result.skipped)} skipped.")
    console.print("Located photos that the gallery has never seen:")
    for line in report_lines(evaluation.report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if strangers is not None:
        console.print("Photos of another town (none should be answered):")
        for line in report_lines(strangers.report):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    pages = [page]
    if photos is None:
        with Progress(*columns, console=Console(stderr=True)) as bars:
            pages.append(run_world(out, told_by(bars), console))
    console.print("\nOpen the evidence in a browser:")
    for one in pages:
        console.print(f"{one.resolve()}", markup=False, highlight=False, soft_wrap=True)


def told_by(bars: Progress) -> Callable[[str, int, int], None]:
    """Shows how far each stage is, a bar a stage."""
    told: dict[str, TaskID] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in told:
            told[stage] = bars.add_task(stage, total=total)
        bars.update(told[stage], completed=done)

    return tell


def _town(out: Path, gallery_photos: int, tell: object) -> tuple[Scan, Scan, Scan]:
    """The made town's gallery, its queries with their true positions, and the strangers."""
    config = TownConfig(gallery=gallery_photos, jobs=default_jobs())
    total = config.gallery + config.queries + config.strangers
    town = make_town(out / f"town-{gallery_photos}", config, lambda done: tell("town", done, total))  # type: ignore[operator]
    truth = open_source(f"table:{town.truth}")
    stranger = np.array([kind == "stranger" for kind in truth.catalog.column("kind")])
    known = replace(truth, catalog=truth.catalog.select(~stranger))
    return open_source(str(town.gallery)), known, replace(truth, catalog=truth.catalog.select(stranger))


def _own(photos: Path) -> tuple[Scan, Scan, Scan]:
    """One's own photographs: those kept in the gallery, those held back, and some without a position."""
    scan = open_source(str(photos))
    placed = np.flatnonzero(scan.catalog.has_position)
    if len(placed) < 2 * _EVERY:
        raise EmptyInputError(
            f"{photos} has {len(placed)} photos with a position; the demonstration needs {2 * _EVERY}. "
            "Run make demo without PHOTOS to see it on a made town."
        )
    held_back = placed[::_EVERY][:_MOST_QUERIES]
    unplaced = np.flatnonzero(~scan.catalog.has_position)[:_MOST_UNPLACED]
    kept = np.setdiff1d(placed, held_back)
    return tuple(replace(scan, catalog=scan.catalog.select(rows)) for rows in (kept, held_back, unplaced))  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())

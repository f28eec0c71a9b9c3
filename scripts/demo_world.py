"""The second half of the demonstration: photos of the made planet, located by a gallery of bare positions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from periplus.evaluate import protocol_named, report_lines
from periplus.pipeline import EvaluateConfig, default_jobs, evaluate_source, locate, open_any
from periplus.pipeline.world import calibrate_world_gallery, choose_spec, index_world
from periplus.plots import ReportEntry, write_report
from periplus.sources import Scan, open_source
from periplus.synth import PlanetConfig, make_planet

_PHOTOS = 2000
_FIRST = 50_000
"""The model that is shipped learnt from photographers of the photos before."""
_GRID = "grid:100"
_EVERY = 3
_IN_REPORT = 12


def run_world(out: Path, tell: Callable[[str, int, int], None], console: Console) -> Path:
    """Make a planet, a gallery of positions, calibrate it, ask it; returns the page that shows the answers."""
    config = PlanetConfig(photos=_PHOTOS, first=_FIRST, jobs=default_jobs())
    planet = make_planet(out / "planet", config, lambda done: tell("planet", done, _PHOTOS))
    calibration, queries = _halves(open_source(f"table:{planet.table}"))
    target = out / "world.gallery"
    shutil.rmtree(target, ignore_errors=True)
    positions = open_source(_GRID)
    index_world(positions, target, choose_spec(positions, "planet"))
    calibrate_world_gallery(calibration, target, progress=tell)
    evaluation = evaluate_source(
        queries, target, protocol_named("im2gps"), EvaluateConfig(jobs=default_jobs()), progress=tell
    )
    opened = open_any(target)
    answers = [locate(str(path), opened) for path in queries.catalog.column("path")[:_IN_REPORT]]
    page = out / "world.html"
    write_report(page, [ReportEntry(a.query_path, a.fix, a.seconds) for a in answers], opened.gallery.catalog.positions)
    console.print(f"\nThe made planet, {len(opened):,} bare positions, photographers that the toy model never saw:")
    for line in report_lines(evaluation.report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return page


def _halves(scan: Scan) -> tuple[Scan, Scan]:
    """Photos of one half of the photographers to calibrate on, and some of the other half's to ask."""
    authors = np.array(scan.catalog.column("author"), dtype=str)
    first = np.isin(authors, np.unique(authors)[::2])
    asked = np.flatnonzero(~first)[::_EVERY]
    return tuple(replace(scan, catalog=scan.catalog.select(rows)) for rows in (first, asked))  # type: ignore[return-value]

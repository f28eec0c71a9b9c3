"""The shipped planet model on photographers that it never saw: accuracy, calibrated regions and radii, time.

    python -m benchmarks.planet_model [--work DIR] [--photos 15000] [--queries 5000] [--gallery grid:50]

Photos of the shipped planet from number 50,000 on are made: the model learnt from photographers of the first 50,000. Of
half of the photographers all photos calibrate the gallery; of the others so many are asked as ``--queries``. Bars:
country accuracy at least 5 times chance, median error less than a third of a random guess's, 88 to 92 % of the truths
in their 90 % regions, a heat map and the top places of a photo in under 1 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import report
from periplus.evaluate import protocol_named, report_lines
from periplus.geo import distance_km
from periplus.photos import DEFAULT_LIMITS
from periplus.pipeline import EvaluateConfig, evaluate_source, locate
from periplus.pipeline.workers import workers
from periplus.pipeline.world import WorldConfig, believe, calibrate_world_gallery, choose_spec, index_world, open_world
from periplus.pipeline.world.calibrating import CalibrateConfig, encode_photos
from periplus.pipeline.world.opened import kept_world
from periplus.plots import world_figure
from periplus.position import mass_before
from periplus.sources import Scan, open_source
from periplus.synth import PlanetConfig, make_planet

FIRST = 50_000
"""The number of the first photo that the shipped model's training never drew from."""


def main() -> None:
    """Make, index, calibrate, ask, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--photos", type=int, default=15_000)
    parser.add_argument("--queries", type=int, default=5_000)
    parser.add_argument("--gallery", default="grid:50")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = chosen.work or Path(temporary)
        planet = make_planet(work / "planet", PlanetConfig(photos=chosen.photos, first=FIRST, jobs=chosen.jobs))
        calibration, queries = halves(open_source(f"table:{planet.table}"), chosen.queries)
        target = work / f"{chosen.gallery.partition(',')[0].replace(':', '-').replace('/', '-')}.gallery"
        positions = open_source(chosen.gallery)
        index_world(positions, target, choose_spec(positions, "planet", positions=True))
        calibrate_world_gallery(calibration, target, CalibrateConfig(photos=chosen.photos, jobs=chosen.jobs))
        ask = EvaluateConfig(jobs=chosen.jobs)
        found = evaluate_source(queries, target, protocol_named("world"), ask).report
        for line in report_lines(found):
            print(line)
        inside = regions(queries, target, chosen.jobs)
        lines = [{"gallery": chosen.gallery, "measure": name, "value": value} for name, value in found_lines(found)]
        lines += [{"gallery": chosen.gallery, "measure": name, "value": value} for name, value in
                  [*chances(queries), *shares(inside), *times(queries, target)]]  # fmt: skip
        report("planet_model", lines)


def halves(scan: Scan, queries: int) -> tuple[Scan, Scan]:
    """All photos of every other photographer, and so many of the others', drawn with seed 0."""
    authors = np.array(scan.catalog.column("author"), dtype=str)
    first = np.isin(authors, np.unique(authors)[::2])
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(~first))[:queries]
    return (
        replace(scan, catalog=scan.catalog.select(first)),
        replace(scan, catalog=scan.catalog.select(np.sort(drawn).astype(np.int64))),
    )


def regions(queries: Scan, gallery: Path, jobs: int) -> NDArray[np.bool_]:
    """Which truths lie in their 50 % and 90 % region, (q, 2)."""
    opened = open_world(gallery)
    catalog, vectors, _, _ = encode_photos(queries.catalog, opened, jobs, DEFAULT_LIMITS, lambda *_: None)
    lat, lon = catalog.positions
    with workers(str(gallery), _before, jobs) as spread:
        before = np.array(list(spread(list(zip(vectors, lat.tolist(), lon.tolist(), strict=True)))))
    return before[:, None] <= np.array(opened.calibration.levels)


def _before(gallery: str, question: tuple[NDArray[np.float32], float, float]) -> float:
    vector, lat, lon = question
    belief = believe(vector, kept_world(gallery), WorldConfig())
    return float(mass_before(belief.p[None], belief.rows, belief.rows.nearest(lat, lon))[0])


def shares(inside: NDArray[np.bool_]) -> list[tuple[str, float]]:
    """How many truths lie in their regions."""
    return [("in the 50 % region", float(inside[:, 0].mean())), ("in the 90 % region", float(inside[:, 1].mean()))]


def found_lines(found: object) -> list[tuple[str, float]]:
    """Every value of the report by name, with the ends of its interval."""
    values = getattr(found, "values")  # noqa: B009 - a report, whatever its kind
    return [(name, one.value) for name, one in values.items()]


def chances(queries: Scan) -> list[tuple[str, float]]:
    """What knowing nothing earns: the commonest country, a country drawn by its share, another photo's position."""
    countries = np.array(queries.catalog.column("country"), dtype=str)
    part = np.unique(countries, return_counts=True)[1] / len(countries)
    lat, lon = queries.catalog.positions
    other = np.random.default_rng(0).permutation(len(lat))
    return [
        ("chance: the commonest country", float(part.max())),
        ("chance: countries by their shares", float((part**2).sum())),
        ("median km of another photo's position", float(np.median(distance_km(lat, lon, lat[other], lon[other])))),
    ]


def times(queries: Scan, gallery: Path, asked: int = 30) -> list[tuple[str, float]]:
    """Seconds a photo from the file to the answer with its top places, and for its heat map; one thread, warm."""
    opened = open_world(gallery)
    paths = [str(path) for path in queries.catalog.column("path")[: asked + 1]]
    seconds = []
    with threadpool_limits(1):
        for path in paths:
            begun = time.perf_counter()
            fix = locate(path, opened, ignore_exif=True).fix
            located = time.perf_counter()
            world_figure(fix)
            seconds.append((located - begun, time.perf_counter() - located))
    answer, heat = np.median(np.array(seconds[1:]), axis=0)
    return [("seconds: answer and top places", float(answer)), ("seconds: heat map of it", float(heat))]


if __name__ == "__main__":
    main()

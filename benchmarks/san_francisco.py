"""How well photographs of San Francisco are located, and how often strangers are answered.

Protocols, EXIF ignored in all of them:

* ``held-back``: for each seed 100 of the 702 photos are drawn as queries; the other 602 are the gallery.
* ``streets``: the photos are split by 200 m street cells into halves A and B; 100 queries of one half (B: thresholds
  were chosen on A), the gallery is every other photo.
* ``time``: the last 100 photos by the time their cameras wrote are the queries; the others are the gallery.

Each gallery learns its own codebook and calibrates itself, so that nothing of a query is in it. Strangers are the urban
and natural photos of world-yfcc.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.harness import build, report, san_francisco, shared_data, subset
from periplus.errors import PhotoError
from periplus.evaluate import protocol_named, wilson_interval
from periplus.geo import distance_km
from periplus.pipeline import EvaluateConfig, OpenedGallery, evaluate_elsewhere, evaluate_source, open_for_search
from periplus.pipeline.query import global_scores, read_query
from periplus.pipeline.workers import workers
from periplus.records import Interval
from periplus.search import rank, search_flat
from periplus.sources import Scan, read_table

QUERIES = 100
THRESHOLDS_KM = (0.025, 0.05, 0.1)
_CELL_M, _M_PER_DEG, _CELL_SEED = 200, 111_195, 7

Measures = dict[str, tuple[Interval, int]]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocols", nargs="+", choices=("held-back", "streets", "time"), default=["streets"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the drawn queries")
    parser.add_argument("--part", choices=("A", "B"), default="B", help="the half whose photos streets asks")
    parser.add_argument("--strangers", type=int, default=551, help="photos from elsewhere asked of each gallery")
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args()
    scan = san_francisco()
    for protocol in chosen.protocols:
        rows: list[dict[str, object]] = []
        for seed, asked in query_sets(scan, protocol, chosen.seeds, chosen.part):
            measures = measure(scan, asked, chosen.strangers, chosen.jobs)
            rows += [
                {"protocol": protocol, "seed": seed, "measure": name, **_columns(value, n)}
                for name, (value, n) in measures.items()
            ]
        report(f"san_francisco-{protocol}" + ("-A" if protocol == "streets" and chosen.part == "A" else ""), rows)


def query_sets(scan: Scan, protocol: str, seeds: list[int], part: str) -> Iterator[tuple[int | str, NDArray[np.int64]]]:
    """The rows that are asked, by seed."""
    count = len(scan.catalog)
    if protocol == "time":
        taken = [str(time) for time in scan.catalog.column("taken_at")]
        yield "-", np.array(sorted(range(count), key=taken.__getitem__)[-QUERIES:], np.int64)
        return
    pool = np.arange(count) if protocol == "held-back" else street_half(scan, part)
    for seed in seeds:
        yield seed, np.sort(np.random.default_rng(seed).choice(pool, QUERIES, replace=False)).astype(np.int64)


def street_half(scan: Scan, part: str) -> NDArray[np.int64]:
    """Rows of one half of the street cells."""
    lat, lon = scan.catalog.positions
    east_m = (lon - lon.mean()) * _M_PER_DEG * math.cos(math.radians(lat.mean()))
    north_m = (lat - lat.mean()) * _M_PER_DEG
    cell = np.floor(east_m / _CELL_M).astype(int) * 1000 + np.floor(north_m / _CELL_M).astype(int)
    cells, of = np.unique(cell, return_inverse=True)
    half = np.random.default_rng(_CELL_SEED).permutation(len(cells)) % 2
    return np.flatnonzero(half[of] == (0 if part == "A" else 1)).astype(np.int64)


def measure(scan: Scan, asked: NDArray[np.int64], strangers: int, jobs: int) -> Measures:
    """Build a gallery without the asked photos and ask them."""
    queries = subset(scan, asked)
    others = subset(scan, np.setdiff1d(np.arange(len(scan.catalog)), asked).astype(np.int64))
    config = EvaluateConfig(jobs=jobs)
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "g.gallery"
        build(others, gallery, jobs)
        found = evaluate_source(queries, gallery, protocol_named("periplus-fix"), config).report
        measures = {name: (value, found.n) for name, value in found.values.items() if not _is_far(name)}
        answered = round(found.values["answered"].value * found.n)
        for name in measures:
            if "answered/" in name or name.startswith("coverage"):
                measures[name] = (measures[name][0], answered)
        measures |= unverified(queries, gallery, jobs)
        measures["nearest gallery photo, km/0.1"] = nearest(queries, others, 0.1)
        if strangers:
            false = evaluate_elsewhere(elsewhere(strangers), gallery, config).report
            measures["false answers to strangers"] = (false.values["answered"], false.n)
    return measures


def unverified(queries: Scan, gallery: Path, jobs: int) -> Measures:
    """How often the first photo of a ranking without geometry stands close enough."""
    lat, lon = queries.catalog.positions
    at_lat, at_lon = opened_once(str(gallery)).gallery.catalog.positions
    with workers(str(gallery), first_rows, jobs) as spread:
        rows = np.array(list(spread([str(path) for path in queries.catalog.column("path")])), np.int64)
    measures: Measures = {}
    for column, name in enumerate(("ASMK", "VLAD")):
        first = rows[:, column]
        away = np.where(first >= 0, distance_km(lat, lon, at_lat[first], at_lon[first]), np.inf)
        measures |= {f"{name} alone, within_km/{t}": share(away <= t) for t in THRESHOLDS_KM}
    return measures


def first_rows(gallery: str, path: str) -> tuple[int, int]:
    """The best row by words and the best by vector; -1 where the photo cannot be used."""
    opened = opened_once(gallery)
    try:
        query = read_query(path, opened)
    except PhotoError:
        return -1, -1
    words = rank(global_scores(query, opened), 1)
    vector = search_flat(query.vector[None], opened.gallery.vectors_blocks(), 1)
    return int(words.rows[0, 0]), int(vector.rows[0, 0])


@lru_cache(maxsize=1)
def opened_once(gallery: str) -> OpenedGallery:
    """The gallery, opened once a process."""
    return open_for_search(gallery)


def nearest(queries: Scan, others: Scan, within_km: float) -> tuple[Interval, int]:
    """How many queries have any gallery photo so near: no first photo of a ranking can be right more often."""
    lat, lon = queries.catalog.positions
    at_lat, at_lon = others.catalog.positions
    return share(distance_km(lat[:, None], lon[:, None], at_lat[None], at_lon[None]).min(axis=1) <= within_km)


def elsewhere(count: int) -> Scan:
    """Outdoor photos of the whole world, evenly taken."""
    scan = read_table(shared_data() / "world-yfcc" / "photos.csv")
    outdoor = pc.is_in(scan.catalog.table.column("note"), value_set=pa.array(["urban", "natural"])).to_numpy()
    rows = np.flatnonzero(outdoor)
    return subset(scan, rows[np.unique(np.linspace(0, len(rows) - 1, count).astype(int))].astype(np.int64))


def share(hits: NDArray[np.bool_]) -> tuple[Interval, int]:
    """A share with Wilson's interval."""
    k, n = int(hits.sum()), len(hits)
    return Interval(k / n, *wilson_interval(k, n)), n


def _is_far(name: str) -> bool:
    return name.endswith(("/1", "/25"))


def _columns(value: Interval, n: int) -> dict[str, object]:
    return {"value": value.value, "low": value.low, "high": value.high, "n": n}


if __name__ == "__main__":
    main()

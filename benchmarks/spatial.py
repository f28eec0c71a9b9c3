"""Semivariograms of 20,000 places: all pairs of vectors beside the thesis's way and beside bare matrix products, all
pairs of a scalar beside GSTools, its Rust core and scikit-gstat, and the stratified sample beside the exact curve.

All in one run on the same made places (:mod:`benchmarks.spatial_data`). Ours runs in fresh processes of single-threaded
workers, which tells its memory; the peers run in processes of their own too, after a small first call that pays for
compiling. Everybody has the same lags, which reach to the antipodes, so that no pair may be passed over. All may use
as many threads, but GSTools' own wheel is built without OpenMP and uses one; its Rust core uses all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import spatial_data, spatial_ours, spatial_peers, thesis_variogram
from benchmarks.harness import report
from benchmarks.spatial_floor import bare_products
from periplus.spatial.observations import Observations
from periplus.spatial.pairs.lags import given_lags, log_lags
from periplus.spatial.pairs.tiles import COLUMNS, ROWS
from periplus.spatial.variograms.sampled import sampled_variograms

Line = dict[str, object]
Values = NDArray[np.float64]
_LARGE_TILE = (1024, 1024)
_VECTOR_LAGS = 50
_SAMPLE_LAGS = 20
_PEERS = (
    "gstools great-circle",
    "gstools chord",
    "gstools-core great-circle",
    "gstools-core chord",
    "gstools-core plane",
    "scikit-gstat chord",
)
_BARS = {"gstools great-circle": 20.0, "gstools-core chord": 1.0, "gstools-core plane": 1.0, "scikit-gstat chord": 1.0}


@dataclass(frozen=True)
class Sizes:
    """What is measured, and with how much patience.

    Attributes:
        n: places; dim: numbers a vector.
        workers: threads of everybody.
        rounds: of ours and of the floor; the best counts.
        thesis_lags: how many of its lags the thesis's way really runs.
        scalar_lags: of the scalar comparison; GSTools' time grows with them.
        seeds: of the stratified sample.
    """

    n: int
    dim: int
    workers: int
    rounds: int
    thesis_lags: int
    scalar_lags: int
    seeds: int


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="of ours and of the floor; the best one counts")
    parser.add_argument("--thesis-lags", type=int, default=12, help="of its 3,142, run in full; the rest is scaled")
    parser.add_argument("--all-lags", action="store_true", help="run every lag of the thesis's way, which takes long")
    parser.add_argument("--scalar-lags", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=20, help="of the stratified sample")
    parser.add_argument("--only", choices=("vectors", "scalars", "sample"), nargs="+", help="default: all")
    parser.add_argument("--name", default="spatial", help="of the file of results")
    chosen = parser.parse_args()
    run = thesis_variogram.N_LAGS if chosen.all_lags else chosen.thesis_lags
    sizes = Sizes(chosen.n, chosen.dim, chosen.workers, chosen.rounds, run, chosen.scalar_lags, chosen.seeds)
    places = spatial_data.towns(sizes.n)
    parts = {"vectors": of_vectors, "scalars": of_scalars, "sample": of_sample}
    report(chosen.name, [line for part in chosen.only or parts for line in parts[part](places, sizes)])


def of_vectors(places: spatial_data.Places, sizes: Sizes) -> Iterator[Line]:
    """Ours with 50 lags and with the thesis's, the floor, and the thesis's way."""
    what = f"{sizes.n} x {sizes.dim}"
    vectors = spatial_data.vectors(places, sizes.dim)
    observations = Observations(places.lat_deg, places.lon_deg, vectors)
    pairs = sizes.n * (sizes.n - 1) / 2
    with threadpool_limits(sizes.workers):
        lags = thesis_variogram.spread_lags(sizes.thesis_lags)
        thesis = thesis_variogram.thesis_variogram(places.lat_deg, places.lon_deg, vectors, lags)
    few = spatial_ours.measure(observations, linear_edges(_VECTOR_LAGS), sizes.workers, sizes.rounds)
    many = spatial_ours.measure(observations, thesis_variogram.edges_km(), sizes.workers, sizes.rounds)
    floors = [bare_products(vectors, shape, sizes.workers, sizes.rounds) for shape in ((ROWS, COLUMNS), _LARGE_TILE)]
    same, large = (floor.for_pairs(pairs) for floor in floors)
    yield {"what": what, "way": "thesis: matrices", "seconds": thesis.matrices_s, "peak_mb": thesis.peak_mb}
    yield {
        "what": what,
        "way": "thesis: matrices and a mask a lag",
        "lags": thesis_variogram.N_LAGS,
        "seconds": thesis.scaled_s,
        "times_ours": thesis.scaled_s / many.seconds,
        "difference": largest(thesis.gamma, many.gamma[thesis.lags]),
        "note": f"{len(thesis.lags)} lags run in {thesis.lags_s:.2f} s, scaled to {thesis_variogram.N_LAGS}",
        "bar": "times_ours >= 50",
        "held": thesis.scaled_s / many.seconds >= 50,
    }
    yield {"what": what, "way": f"bare products, tiles {ROWS} x {COLUMNS}", "seconds": same}
    yield {"what": what, "way": "bare products, tiles 1024 x 1024", "seconds": large}
    for ours, number in ((few, _VECTOR_LAGS), (many, thesis_variogram.N_LAGS)):
        yield {
            "what": what,
            "way": f"ours, {sizes.workers} workers",
            "lags": number,
            "seconds": ours.seconds,
            "times_floor": ours.seconds / same,
            "times_large_floor": ours.seconds / large,
            "peak_mb": ours.peak_mb,
            "growth_mb": ours.growth_mb,
            "bar": "times_floor <= 4, peak_mb < 1000",
            "held": ours.seconds <= 4 * same and ours.peak_mb < 1000,
        }


def of_scalars(places: spatial_data.Places, sizes: Sizes) -> Iterator[Line]:
    """Ours and the peers on one field with the same lags."""
    what, edges = f"{sizes.n} scalars", linear_edges(sizes.scalar_lags)
    values = spatial_data.scalar(places)
    ours = spatial_ours.measure(
        Observations(places.lat_deg, places.lon_deg, values), edges, sizes.workers, sizes.rounds
    )
    yield {
        "what": what,
        "way": f"ours, {sizes.workers} workers",
        "lags": sizes.scalar_lags,
        "seconds": ours.seconds,
        "peak_mb": ours.peak_mb,
        "growth_mb": ours.growth_mb,
    }
    task = spatial_peers.ScalarTask(places.lat_deg, places.lon_deg, values, edges)
    for way in _PEERS:
        peer = spatial_peers.ask(way, task, sizes.workers)
        alike = not way.endswith("plane")
        ratio = peer.seconds / ours.seconds
        line = {"what": what, "way": way, "lags": sizes.scalar_lags, "seconds": peer.seconds, "times_ours": ratio}
        line |= {"peak_mb": peer.peak_mb, "note": f"{peer.version}; first call {peer.warm_up_s:.2f} s"}
        if alike:
            line |= {"difference": largest(peer.gamma, ours.gamma)}
            line |= {"pairs_elsewhere": float(np.abs(peer.count - ours.count).max())}
        if way in _BARS:
            held = ratio >= _BARS[way] and (not alike or largest(peer.gamma, ours.gamma) < 1e-6)
            line |= {"bar": f"times_ours >= {_BARS[way]:g}", "held": held}
        yield line


def of_sample(places: spatial_data.Places, sizes: Sizes) -> Iterator[Line]:
    """The stratified sample against the exact curve: differences in its own standard errors."""
    made: dict[str, NDArray[np.floating]] = {
        f"{sizes.n} x {sizes.dim}": spatial_data.vectors(places, sizes.dim),
        f"{sizes.n} scalars": spatial_data.scalar(places),
    }
    lags = log_lags(1.0, spatial_data.half_girth_km(), _SAMPLE_LAGS)
    for what, values in made.items():
        observations = Observations(places.lat_deg, places.lon_deg, values)
        exact = spatial_ours.exact(observations, lags.edges_km, sizes.workers)
        spent, z = [], []
        for seed in range(sizes.seeds):
            begun = time.perf_counter()
            (drawn,) = sampled_variograms(observations, given_lags(lags.edges_km), seed=seed)
            spent.append(time.perf_counter() - begun)
            sampled = drawn.has_pairs & (drawn.sampling_error > 0)
            z.append((drawn.gamma - exact.gamma)[sampled] / drawn.sampling_error[sampled])
            whole = drawn.has_pairs & (drawn.sampling_error == 0)
            np.testing.assert_allclose(drawn.gamma[whole], exact.gamma[whole], rtol=1e-5)
        scores = np.concatenate(z)
        yield {
            "what": what,
            "way": f"stratified sample, {sizes.seeds} seeds",
            "lags": _SAMPLE_LAGS,
            "seconds": min(spent),
            "z_mean": float(scores.mean()),
            "z_rms": float(np.sqrt(np.mean(scores**2))),
            "z_within_2": float((np.abs(scores) < 2).mean()),
            "z_largest": float(np.abs(scores).max()),
            "note": f"of {len(scores)}: 1, 0.954, about {expected_largest(len(scores)):.1f} expected",
            "bar": "z_within_2 > 0.92, z_largest < 4.5",
            "held": bool((np.abs(scores) < 2).mean() > 0.92 and np.abs(scores).max() < 4.5),
        }


def linear_edges(number: int) -> Values:
    """Lags of one width from 0 to the antipodes."""
    return np.linspace(0, spatial_data.half_girth_km(), number + 1)


def largest(gamma: Values, other: Values) -> float:
    """The largest relative difference where both have pairs."""
    both = (other > 0) & np.isfinite(gamma) & np.isfinite(other)
    return float(np.abs(gamma[both] / other[both] - 1).max())


def expected_largest(n: int) -> float:
    """About what the largest of ``n`` standard normal numbers is, without sign."""
    return float(np.sqrt(2 * np.log(2 * n)))


if __name__ == "__main__":
    main()

"""Scoring the predictions of a whole test set: ours against the loop that GeoCLIP's package evaluates with.

The loop is that of ``geoclip.train.eval.distance_accuracy`` (MIT): for each of five distances it asks geopy for the
geodesic of every picture anew, and counts. Ours gives the same shares and the mean distance, and GeoScore, median,
rounded GeoScore, and whether continent, country, region and city are right by names of both positions. As many queries
as OSV-5M tests with; predictions are rows of GeoCLIP's gallery, truths lie around rows of it, half of them around the
predicted one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from geopy.distance import geodesic
from numpy.typing import NDArray

from benchmarks.harness import report, shared_data
from periplus.evaluate import PROTOCOLS, FixProtocol, score_positions
from periplus.geo.regions import place_codes

Positions = NDArray[np.float64]

_QUERIES = 210_122
_THRESHOLDS_KM = (2500, 750, 200, 25, 1)
_ROUNDS = 7


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=_QUERIES, help="ask the loop only so many, and reckon up")
    sample = min(parser.parse_args().sample, _QUERIES)
    gallery = np.loadtxt(shared_data() / "tables" / "geoclip_gallery_100k.csv", delimiter=",", skiprows=1)
    predicted, truth = made(np.unique(gallery, axis=0), np.random.default_rng(0))
    begun = time.perf_counter()
    place_codes([0.0], [0.0]).of("city")
    load = time.perf_counter() - begun
    world, world_s = timed(predicted, truth, PROTOCOLS["world"])
    _, distances_s = timed(predicted, truth, PROTOCOLS["im2gps"])
    begun = time.perf_counter()
    shares, mean_km = loop(predicted[:sample].astype(np.float32), truth[:sample].astype(np.float32))
    loop_s = (time.perf_counter() - begun) * _QUERIES / sample
    if sample == _QUERIES:
        apart = max(abs(shares[t] - world[f"within_km/{t}"]) for t in _THRESHOLDS_KM)
        print(f"shares differ by at most {apart:.5f}, mean distances by {abs(mean_km / world['mean_km'] - 1):.5f}")
    line = {"queries": _QUERIES, "asked": _QUERIES}
    report(
        "scoring",
        [
            {"way": "geopy's geodesic in a loop, 5 distances", **line, "asked": sample, "s": loop_s}
            | {"times_world": loop_s / world_s},
            {"way": "Periplus, protocol world: distances, GeoScore, places", **line, "s": world_s, "times_world": 1.0},
            {"way": "Periplus, protocol im2gps: distances", **line, "s": distances_s}
            | {"times_world": distances_s / world_s},
            {"way": "Periplus, reading the gazetteer, once a process", "s": load, "times_world": load / world_s},
        ],
    )


def made(gallery: Positions, rng: np.random.Generator) -> tuple[Positions, Positions]:
    """Predicted and true positions, (n, 2) degrees each."""
    around = rng.integers(0, len(gallery), _QUERIES)
    predicted = np.where(rng.uniform(size=_QUERIES) < 0.5, around, rng.integers(0, len(gallery), _QUERIES))
    truth = gallery[around] + rng.normal(0, 0.05, (_QUERIES, 2))
    truth[:, 0] = np.clip(truth[:, 0], -90, 90)
    truth[:, 1] = (truth[:, 1] + 180) % 360 - 180
    return gallery[predicted], truth


def timed(predicted: Positions, truth: Positions, protocol: FixProtocol) -> tuple[dict[str, float], float]:
    """What a protocol gives, and the median seconds of some rounds."""
    guess, true = tuple(predicted.T.copy()), tuple(truth.T.copy())
    values = score_positions(guess, true, protocol).values
    return values, median_s(lambda: score_positions(guess, true, protocol).values)


def median_s(work: Callable[[], object]) -> float:
    """The median seconds of some rounds."""
    spent = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return float(np.median(spent))


def loop(predicted: NDArray[np.float32], truth: NDArray[np.float32]) -> tuple[dict[float, float], float]:
    """The share within each distance and the mean distance, as the package computes them."""
    shares, mean_km = {}, 0.0
    for threshold in _THRESHOLDS_KM:
        correct, total = 0, 0.0
        for i in range(len(truth)):
            km = geodesic(predicted[i], truth[i]).km
            total += km
            if km <= threshold:
                correct += 1
        shares[float(threshold)] = correct / len(truth)
        mean_km = total / len(truth)
    return shares, mean_km


if __name__ == "__main__":
    main()

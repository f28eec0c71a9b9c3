"""The gallery part of a world-wide prediction: vectors that are kept, beside GeoCLIP's, which it makes anew each time.

GeoCLIP's way is its own code from its installed package: 100,000 positions through the location encoder, normalised,
multiplied with the photo's vector, softmax, the best five. Ours multiplies the photo's vector with what the gallery
holds (positions merged, the same numbers), and does the same with their masses. The photo's vector is given to both: a
gallery's vector with noise. The floor is one pass over the same bytes in memory. Rounds of our ways alternate and
each way's best one counts; GeoCLIP's takes so long that one round says enough.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import tempfile
import time
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.harness import report
from periplus.gallery import Gallery, GalleryWriter, create_gallery, open_gallery
from periplus.geo import cell_areas_km2, same_positions
from periplus.position import WorldRows, posterior
from periplus.search import all_scores, widened
from periplus.search.flat import Block
from periplus.sources import read_points

_BATCH, _TOP = 64, 5
T = TypeVar("T")
Vectors = NDArray[np.float32]
STREAM, SCORES, ANSWER = "one pass", "scores", "answer"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="of our ways")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of either side")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    with threadpool_limits(chosen.threads), tempfile.TemporaryDirectory() as folder:
        report("world", measure(Path(folder) / "world.gallery", chosen.rounds))


def measure(path: Path, rounds: int) -> list[dict[str, object]]:
    """One line a way; the first is GeoCLIP's."""
    peer = Peer()
    vectors, peer_encode_s = timed(peer.vectors)
    photos = queries(vectors)
    (_, probabilities), peer_rest_s = timed(lambda: peer.choose(photos[:1], vectors))
    world = keep(peer, vectors, path)
    ways = ways_of(world, peer.scale)
    best = alternate({name: partial(way.run, photos[: way.photos]) for name, way in ways.items()}, rounds)
    group = same_positions(*peer.coordinates.T)[1]
    expected = np.bincount(group, weights=probabilities[0], minlength=len(world.rows))
    lines: list[dict[str, object]] = []
    peer_ms = (peer_encode_s + peer_rest_s) * 1000
    for name, way in ways.items():
        ms, one = best[name] * 1000 / way.photos, best[f"{way.kind}: {way.what} of 1"] * 1000
        line = {"way": name, "ms_per_photo": ms, "mb": way.megabytes, "times_streaming": best[name] / best[way.floor]}
        if way.what != STREAM:
            line |= {"faster_than_geoclip": peer_ms / ms, "faster_than_one_by_one": one / ms}
        if way.what == ANSWER:
            p = way.run(photos[: way.photos])
            line |= {"largest_difference": float(np.abs(p[0] - expected).max())}
        lines.append(line)
    return [{"way": "geoclip: answer of 1", "ms_per_photo": peer_ms}, *lines]


class Peer:
    """GeoCLIP's location encoder and gallery, from the installed package.

    The package itself imports pandas and torchvision's company; the one file that is measured needs neither.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("geoclip")
        if spec is None or spec.submodule_search_locations is None:
            raise SystemExit("This benchmark needs the package geoclip: pip install --no-deps geoclip")
        folder = Path(spec.submodule_search_locations[0]) / "model"
        package, misc = types.ModuleType("geoclip_model"), types.ModuleType("geoclip_model.misc")
        package.__path__ = [str(folder)]
        misc.file_dir = str(folder)  # type: ignore[attr-defined]
        sys.modules |= {"geoclip_model": package, "geoclip_model.misc": misc}
        self._encoder = importlib.import_module("geoclip_model.location_encoder").LocationEncoder().eval()
        self.table = folder / "gps_gallery" / "coordinates_100K.csv"
        self.coordinates = np.loadtxt(self.table, delimiter=",", skiprows=1)
        scale = torch.load(folder / "weights" / "logit_scale_weights.pth", map_location="cpu", weights_only=True)
        self.scale = float(scale.exp())

    def vectors(self) -> torch.Tensor:
        """As ``GeoCLIP.forward`` makes them on each call."""
        with torch.no_grad():
            features = self._encoder(torch.tensor(self.coordinates, dtype=torch.float32))
            return torch.nn.functional.normalize(features, dim=1)

    def choose(self, photos: Vectors, vectors: torch.Tensor) -> tuple[Vectors, Vectors]:
        """The rest of ``GeoCLIP.predict``: the best five, and all probabilities."""
        with torch.no_grad():
            probabilities = (self.scale * (torch.from_numpy(photos) @ vectors.t())).softmax(dim=-1)
            return torch.topk(probabilities, _TOP, dim=1).values.numpy(), probabilities.numpy()


@dataclass(frozen=True)
class World:
    """A gallery of the peer's positions and vectors, as it is opened."""

    gallery: Gallery
    rows: WorldRows


def keep(peer: Peer, vectors: torch.Tensor, path: Path) -> World:
    """Write the peer's gallery as ours, its equal positions merged, and open it."""
    catalog = read_points(peer.table).catalog
    first, _ = same_positions(*peer.coordinates.T)
    create_gallery(path, encoder={"name": "geoclip"}, fingerprint="geoclip", dim=vectors.shape[1])
    with GalleryWriter(path) as writer:
        _, spent = timed(lambda: writer.extend(catalog.table, vectors.numpy()[first]))
    gallery, opened = timed(lambda: open_gallery(path))
    print(f"{len(gallery)} rows written in {spent:.2f} s, opened in {opened:.3f} s")
    mass = gallery.catalog.table.column("prior_mass").to_numpy()
    lat, lon = gallery.catalog.positions
    return World(gallery, WorldRows(lat, lon, mass / mass.sum(), cell_areas_km2(lat, lon)))


@dataclass(frozen=True)
class Way:
    """What is done with photos, and with which bytes.

    Attributes:
        kind: how the vectors are held.
        what: :data:`STREAM`, :data:`SCORES` or :data:`ANSWER`.
        photos: how many at once.
        run: does it; an answer's is the probabilities (q, n).
        megabytes: of the vectors.
    """

    kind: str
    what: str
    photos: int
    run: Callable[[Vectors], NDArray[np.float32]]
    megabytes: float

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.kind}: {self.what} of {self.photos}"

    @property
    def floor(self) -> str:
        """The name of one pass over the same bytes."""
        return f"{self.kind}: {STREAM} of 1"


def ways_of(world: World, scale: float) -> dict[str, Way]:
    """Float32 in memory and float16 as the gallery maps it: a pass over them, the scores alone, and the answer."""
    half = world.gallery.vectors
    ways: list[Way] = []
    for kind, block in (("float32", widened(half)), ("float16", half)):
        words, size = block.reshape(-1).view(np.int64), block.nbytes / 1e6
        scores, answer = partial(scored, block), partial(answered, block, world.rows, scale)
        ways.append(Way(kind, STREAM, 1, lambda _, words=words: words.max(), size))  # type: ignore[misc]
        ways += [Way(kind, SCORES, photos, scores, size) for photos in (1, _BATCH)]
        ways += [Way(kind, ANSWER, photos, answer, size) for photos in (1, _BATCH)]
    return {way.name: way for way in ways}


def scored(block: Block, photos: Vectors) -> Vectors:
    """All scores."""
    return all_scores(photos, [(0, block)], len(block))


def answered(block: Block, rows: WorldRows, scale: float, photos: Vectors) -> Vectors:
    """All probabilities, and the best rows, as GeoCLIP tells them."""
    p = posterior(scored(block, photos), scale, rows)
    best = np.argpartition(p, -_TOP, axis=1)[:, -_TOP:]
    np.take_along_axis(best, np.argsort(-np.take_along_axis(p, best, axis=1), axis=1), axis=1)
    return p


def queries(vectors: torch.Tensor) -> Vectors:
    """Vectors of photos: of gallery rows, with noise, of length 1."""
    rng = np.random.default_rng(0)
    chosen = vectors.numpy()[rng.choice(len(vectors), _BATCH, replace=False)]
    noisy = chosen + rng.normal(0, 0.5 / np.sqrt(chosen.shape[1]), chosen.shape)
    return np.asarray(noisy / np.linalg.norm(noisy, axis=1, keepdims=True), np.float32)


def alternate(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The best of some rounds of each, in turn, in seconds."""
    best = dict.fromkeys(work, np.inf)
    for _ in range(rounds + 1):
        for name, one in work.items():
            best[name] = min(best[name], timed(one)[1])
    return best


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What came of work, and how many seconds it took."""
    begun = time.perf_counter()
    done = work()
    return done, time.perf_counter() - begun


if __name__ == "__main__":
    main()

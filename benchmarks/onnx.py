"""Deep encoders on a CPU: eager torch beside ONNX Runtime, the same weights and pixels in one run.

Weights are random: they cost the same time as trained ones, and say nothing of what a vector is good for. Rounds of
the ways alternate, so that whatever else the machine does falls on all of them; each way's best round counts. Only the
model is timed, not the reading and resizing of pictures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import report
from periplus.encode.models import ARCHITECTURES, build_embedder, save_embedder
from periplus.encode.onnx import MODEL_FILE, export_onnx, open_session
from periplus.encode.picture_encoder import ModelSpec
from periplus.encode.preprocess import Preprocess
from periplus.encode.transformers import TransformersEncoder
from periplus.encode.whitening import unit_rows

Pixels = NDArray[np.float32]
Way = Callable[[Pixels], NDArray[np.float32]]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["efficientnet_b0"], choices=[*ARCHITECTURES])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=224, help="side of the pictures in pixels")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of either engine")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    pixels = np.random.default_rng(0).normal(size=(chosen.batch, 3, chosen.size, chosen.size)).astype(np.float32)
    rows: list[dict[str, object]] = []
    for model in chosen.models:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(model, ways(model, Path(folder), chosen.size, chosen.threads), pixels, chosen.rounds)
    report("onnx", rows)


def ways(model: str, folder: Path, size: int, threads: int) -> dict[str, Way]:
    """How pixels become vectors, by name; the first is what the others are compared with."""
    embedder = build_embedder(model, weights="random", pooling="mean").eval()
    save_embedder(embedder, Preprocess((size, size)), folder / "model", {})
    spec = ModelSpec(str(folder / "model"))
    ours, half = TransformersEncoder(spec), TransformersEncoder(ModelSpec(spec.name, precision="bfloat16"))
    session = open_session(export_onnx(ours, folder / "exported") / MODEL_FILE, threads)

    def eager(pixels: Pixels) -> NDArray[np.float32]:
        with torch.inference_mode():
            vectors: NDArray[np.float32] = embedder(torch.from_numpy(pixels)).numpy()
        return vectors

    def exported(pixels: Pixels) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = session.run(["vectors"], {"pixels": pixels})[0]
        return vectors

    return {
        "torch, eager, float32": eager,
        "Periplus, torch, float32": ours.vectors,
        "Periplus, torch, bfloat16": half.vectors,
        "Periplus, ONNX Runtime, float32": exported,
    }


def measure(model: str, ways: dict[str, Way], pixels: Pixels, rounds: int) -> list[dict[str, object]]:
    """One row a way: images a second in its best round, how often eager's, and the least cosine to its vectors."""
    vectors = {name: unit_rows(way(pixels)) for name, way in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            way(pixels)
            seconds[name].append(time.perf_counter() - begun)
    eager = next(iter(ways))
    return [
        {
            "model": model,
            "px": pixels.shape[-1],
            "batch": len(pixels),
            "threads": torch.get_num_threads(),
            "way": name,
            "images_per_s": len(pixels) / min(seconds[name]),
            "median_images_per_s": len(pixels) / float(np.median(seconds[name])),
            "times_eager": min(seconds[eager]) / min(seconds[name]),
            "least_cosine": f"{(vectors[name] * vectors[eager]).sum(axis=1).min():.6f}",
        }
        for name in ways
    ]


if __name__ == "__main__":
    main()

"""The pass over all pairs with torch, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from periplus.errors import CannotRunError, MissingExtraError, UsageError
from periplus.spatial.pairs.blocks import gaps
from periplus.spatial.pairs.tiles import CLOSE, Consumer, PassSettings, Plan, Sums
from periplus.spatial.pairs.workspace import Workspace
from periplus.spatial.variograms.estimators import LagSums
from periplus.spatial.variograms.histograms import CoarseHistogram, FineHistogram
from periplus.spatial.variograms.values import (
    CentredVectors,
    Differences,
    ScalarDifferences,
    ScalarProducts,
    VectorDifferences,
    VectorProducts,
)

if TYPE_CHECKING:
    from torch import Tensor

_CELLS: Final = {"cpu": 1 << 17, "cuda": 1 << 24}
"""Pairs in a tile."""

Pairwise = Callable[[slice, slice, bool], "Tensor"]


def torch_walk(plan: Plan, consumer: Consumer, how: PassSettings, start: int = 0) -> Iterator[Sums]:
    """As :func:`~periplus.spatial.pairs.tiles.walk`; sums equal NumPy's but for rounding.

    Geometry and sums are float64, products of vectors float32 without TF32, float64 for near blocks. On a GPU sums
    are added in no fixed order, so their last bits vary.

    Raises:
        MissingExtraError: torch is not installed.
        CannotRunError: torch cannot work on the device.
        UsageError: a consumer that has no torch form.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("The torch backend", "learn") from error
    try:
        torch.empty(1, device=how.device)
    except (RuntimeError, AssertionError) as error:
        raise CannotRunError(f"torch cannot work on the device {how.device!r} ({error}); choose cpu.") from error
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(how.workers)
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            job = _TorchPass(torch, plan, consumer, how.device)
        done, total = int(plan.weights[:start].sum()), int(plan.weights.sum())
        for k in range(start, len(plan)):
            with torch.inference_mode():
                sums = job.pair(k)
            yield sums
            done += int(plan.weights[k])
            if how.progress is not None:
                how.progress(done, total)
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


class _TorchPass:
    """One pass: works off pairs of blocks."""

    def __init__(self, torch: Any, plan: Plan, consumer: Consumer, device: str) -> None:
        if not isinstance(consumer, LagSums | CoarseHistogram | FineHistogram):
            raise UsageError(f"{type(consumer).__name__} works with the numpy backend alone.")
        self.torch, self.plan, self.consumer, self.device = torch, plan, consumer, device
        self.xyz, self.edges = self.to(plan.xyz), self.to(plan.lags.arcs)
        self.values = _on_device(self, consumer.differences)
        self.cells = _CELLS["cpu" if torch.device(device).type == "cpu" else "cuda"]
        centres, radii = plan.blocks.centres, plan.blocks.radii
        self.near = gaps(centres, radii, centres, radii)[0]

    def to(self, array: Any) -> Tensor:
        """A copy on the device."""
        tensor: Tensor = self.torch.tensor(array, device=self.device)
        return tensor

    def pair(self, k: int) -> Sums:
        """The sums of the k-th pair of blocks."""
        first, second = (int(b) for b in self.plan.pairs[k])
        starts, sums = self.plan.blocks.starts, self.consumer.empty()
        across = slice(int(starts[second]), int(starts[second + 1]))
        step = max(1, self.cells // (across.stop - across.start))
        close = first == second or bool(self.near[first, second] < CLOSE)
        for low in range(int(starts[first]), int(starts[first + 1]), step):
            rows = slice(low, min(low + step, int(starts[first + 1])))
            arc = self._arc(rows, across, close)
            classes = self._classes(rows, across, arc, diagonal=first == second)
            value = self.values(rows, across, close)
            for name, found in self._reduced(classes.ravel(), arc.ravel(), value.ravel()).items():
                grown = name == "cells"
                sums[name] = np.concatenate([sums[name], found]) if grown else sums[name] + found
        return sums

    def _arc(self, rows: slice, across: slice, close: bool) -> Tensor:
        a, b = self.xyz[rows], self.xyz[across]
        if not close:
            return (a @ b.T).clamp_(-1, 1).arccos_()
        chord: Tensor = self.torch.sqrt(sum((a[:, axis, None] - b[:, axis]) ** 2 for axis in range(3)))
        return 2 * (0.5 * chord).clamp_(max=1).arcsin_()

    def _classes(self, rows: slice, across: slice, arc: Tensor, diagonal: bool) -> Tensor:
        torch, m = self.torch, len(self.plan.lags)
        lag: Tensor = torch.bucketize(arc, self.edges, right=True) - 1
        lag = torch.where(lag < 0, m, lag.clamp(max=m))
        if diagonal:
            down, right = (torch.arange(run.start, run.stop, device=self.device) for run in (rows, across))
            lag[right <= down[:, None]] = m
        if self.consumer.directions is None:
            return lag
        a, b, sectors = self.xyz[rows, :, None], self.xyz[across].T, self.consumer.directions.sectors
        east = a[:, 0] * (b[1] - a[:, 1]) - a[:, 1] * (b[0] - a[:, 0])
        azimuth = torch.atan2(east, torch.cos(arc / 2) * (b[2] - a[:, 2]))
        number: Tensor = torch.floor(azimuth * (sectors / np.pi) + sectors + 0.5).long() % sectors
        return number * (m + 1) + lag

    def _reduced(self, classes: Tensor, arc: Tensor, value: Tensor) -> dict[str, Any]:
        consumer = self.consumer
        if isinstance(consumer, LagSums):
            value = (2 * value).sqrt_().sqrt_() if consumer.rooted else value
            shape = consumer.sectors, consumer.lags + 1
            of = {"count": None, "arc": arc, "total": value}
            found = {name: self._binned(classes, weights, shape[0] * shape[1]) for name, weights in of.items()}
            return {name: array.reshape(shape)[:, :-1] for name, array in found.items()}
        if isinstance(consumer, CoarseHistogram):
            bins = consumer.bins
            at = (value.view(self.torch.int64) >> int(bins.shift)) - int(bins.first)
            cells = classes * bins.number + at.clamp_(0, bins.number - 1)
            counted = self._binned(cells, None, consumer.classes * bins.number)
            return {"histogram": counted, "arc": self._binned(classes, arc, consumer.classes)}
        assert isinstance(consumer, FineHistogram)
        # Few pairs lie in brackets: only they leave the device.
        low, high = (self.to(of)[:, classes] for of in (consumer.brackets.low, consumer.brackets.high))
        chosen = ((value >= low) & (value <= high)).any(dim=0)
        return {"cells": np.concatenate(consumer.cells(classes[chosen].cpu().numpy(), value[chosen].cpu().numpy()))}

    def _binned(self, classes: Tensor, weights: Tensor | None, number: int) -> Any:
        return self.torch.bincount(classes, weights, minlength=number).cpu().numpy()


def _on_device(job: _TorchPass, of: Differences) -> Pairwise:
    """The half squared differences, or half products of differences, of two runs of places as a tensor."""
    if isinstance(of, ScalarDifferences):
        scaled = job.to(of.scaled)
        return lambda rows, across, _: (scaled[rows, None] - scaled[across]) ** 2
    if isinstance(of, ScalarProducts):
        one, two = job.to(of.first), job.to(of.second)
        return lambda rows, across, _: (one[rows, None] - one[across]) * (two[rows, None] - two[across])
    if isinstance(of, VectorDifferences):
        half, vectors = job.to(of.vectors.half), _runs(job, of.vectors)

        def squared(rows: slice, across: slice, close: bool) -> Tensor:
            product = _product(vectors(rows), vectors(across), close)
            return (half[rows, None] + half[across] - product).clamp_(min=0)

        return squared
    if not isinstance(of, VectorProducts):
        raise UsageError(f"{type(of).__name__} works with the numpy backend alone.")
    own, first, second = job.to(of.half), _runs(job, of.first), _runs(job, of.second)

    def products(rows: slice, across: slice, close: bool) -> Tensor:
        product = _product(first(rows), second(across), close) + _product(second(rows), first(across), close)
        return own[rows, None] + own[across] - 0.5 * product

    return products


def _runs(job: _TorchPass, vectors: CentredVectors) -> Callable[[slice], Tensor]:
    if vectors.held is not None:
        held = job.torch.from_numpy(vectors.held).to(job.device)
        return lambda rows: held[rows]
    space = Workspace()
    return lambda rows: job.torch.from_numpy(vectors.rows(rows, space)).to(job.device)


def _product(a: Tensor, b: Tensor, close: bool) -> Tensor:
    return a.double() @ b.double().T if close else (a @ b.T).double()

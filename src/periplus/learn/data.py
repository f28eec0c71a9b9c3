"""The photos of a training: pixels in memory where they fit, else read when they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from periplus.encode.preprocess import Preprocess
from periplus.errors import EmptyInputError, PhotoError, UsageError
from periplus.learn.randomness import numpy_generator
from periplus.photos import DEFAULT_LIMITS, Limits, read_rgb
from periplus.records import Catalog, Skip

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""
Fit = Literal["exact", "shortest"]
"""How a photo becomes a square: both sides squeezed, or the shorter side fitted and the middle cut out."""
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class TrainingPhotos:
    """Labelled photos, training and validation together.

    Attributes:
        paths: of the n photos that can be read.
        labels: int64 (n,), numbers into ``classes``.
        classes: the landmarks' names, sorted.
        validation: bool (n,), which are held out.
        size_px: side s of the stored square.
        fit: how a photo became that square.
        stored: uint8 (n, 3, s, s) RGB; None where they are read when needed.
        skipped: photos that cannot be used.
        damaged: photos that turned out to be unreadable when they were needed, by path; filled as they are met.
    """

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    validation: NDArray[np.bool_]
    size_px: int
    fit: Fit
    stored: Tensor | None
    skipped: tuple[Skip, ...] = ()
    damaged: dict[str, Skip] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.paths)

    def batches(self, plan: Sequence[NDArray[np.int64]], workers: int) -> Iterator[Tensor]:
        """The pixels of rows after rows, uint8 (b, 3, s, s), read ahead where they are not in memory.

        The next photo of its landmark stands in for one that cannot be read.

        Raises:
            PhotoError: no photo of a landmark can be read.
        """
        if self.stored is not None:
            yield from (self.stored[torch.from_numpy(rows)] for rows in plan)
            return
        with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
            ahead = [self._submit(pool, rows) for rows in plan[:2]]
            for k in range(len(plan)):
                done = ahead.pop(0)
                if k + 2 < len(plan):
                    ahead.append(self._submit(pool, plan[k + 2]))
                yield torch.from_numpy(np.stack([one.result() for one in done]))

    def _submit(self, pool: ThreadPoolExecutor, rows: NDArray[np.int64]) -> list[Future[NDArray[np.uint8]]]:
        return [pool.submit(self._read, row) for row in rows.tolist()]

    def _read(self, row: int) -> NDArray[np.uint8]:
        try:
            return read_square(self.paths[row], self.size_px, self.fit)
        except PhotoError as error:
            self.damaged[error.path] = Skip(error.path, error.kind, error.reason)
            alike = (self.labels == self.labels[row]) & (self.validation == self.validation[row])
            same = np.flatnonzero(alike)
            place = int(np.searchsorted(same, row))
            for stand_in in (*same[place + 1 :], *same[:place]):
                with suppress(PhotoError):
                    return read_square(self.paths[stand_in], self.size_px, self.fit)
            raise


def read_training_photos(
    catalog: Catalog,
    *,
    size_px: int,
    label: str = "landmark",
    fit: Fit = "shortest",
    budget_bytes: int = 4 << 30,
    workers: int = 0,
    progress: Progress | None = None,
) -> TrainingPhotos:
    """Read a catalog's photos for training.

    Rows whose ``split`` is ``"validation"`` are held out. Rows without photo or label are skipped and listed, and so
    are photos that cannot be read; above the budget that shows only when a photo is needed.

    Args:
        catalog: the photos; ``path`` and the label's column are used.
        size_px: side of the square that is kept.
        label: the column that is learnt.
        fit: how a photo becomes that square.
        budget_bytes: what the squares may take in memory.
        workers: threads; 0 for one a core.
        progress: told of every photo that is read.

    Raises:
        UsageError: there is no such column, or all training photos show the same landmark.
        EmptyInputError: no photo is left.
    """
    if label not in catalog.table.column_names:
        raise UsageError(f"data.label {label!r}: the catalog has the columns {', '.join(catalog.table.column_names)}.")
    names, paths, splits = catalog.column(label), catalog.column("path"), catalog.column("split")
    skipped = [
        Skip(str(paths[i] or catalog.ids[i]), "no-label" if paths[i] else "no-photo", "the catalog has none for it")
        for i in range(len(catalog))
        if names[i] is None or paths[i] is None
    ]
    rows = [i for i in range(len(catalog)) if names[i] is not None and paths[i] is not None]
    keep = len(rows) * 3 * size_px**2 <= budget_bytes
    stored = np.empty((len(rows) if keep else 0, 3, size_px, size_px), np.uint8)
    good = [] if keep else rows
    for i, square in _read_all([str(paths[i]) for i in rows] if keep else [], size_px, fit, workers, progress):
        if isinstance(square, Skip):
            skipped.append(square)
            continue
        stored[len(good)] = square
        good.append(rows[i])
    return _labelled(
        [str(paths[i]) for i in good],
        [str(names[i]) for i in good],
        np.array([splits[i] == "validation" for i in good], np.bool_),
        torch.from_numpy(stored[: len(good)]) if keep else None,
        (size_px, fit, tuple(skipped)),
    )


def hold_out(photos: TrainingPhotos, validation: float, seed: int) -> TrainingPhotos:
    """Hold out validation photos, at random: a share of each landmark's (below 1), or about so many in all.

    A landmark keeps at least one training photo.
    """
    share = validation if validation < 1 else min(1.0, validation / max(1, len(photos)))
    generator = numpy_generator(seed, "hold_out")
    mask = np.zeros(len(photos), np.bool_)
    for one in range(len(photos.classes)):
        members = generator.permutation(np.flatnonzero(photos.labels == one))
        mask[members[: min(len(members) - 1, round(share * len(members)))]] = True
    kept = {name: getattr(photos, name) for name in photos.__dataclass_fields__}
    return TrainingPhotos(**{**kept, "validation": mask})


def read_square(path: str, size_px: int, fit: Fit, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Read a photo as an upright RGB square, uint8 (3, s, s).

    Raises:
        PhotoError: it cannot be read.
    """
    # Twice the size leaves enough for the short side of a picture of 2:1; longer ones are enlarged a little.
    pixels = read_rgb(path, size_px * 2 if fit == "shortest" else size_px, limits).pixels
    if pixels.shape[:2] == (size_px, size_px):
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return np.rint(squaring(size_px, fit, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).apply(pixels) * 255).astype(np.uint8)


def squaring(size_px: int, fit: Fit, mean: Colour, std: Colour) -> Preprocess:
    """The preprocessing that makes the squares of a training, for the encoder that comes of it."""
    return Preprocess((size_px, size_px), fit, (size_px, size_px) if fit == "shortest" else None, mean=mean, std=std)


def _read_all(
    paths: list[str], size_px: int, fit: Fit, workers: int, progress: Progress | None
) -> Iterator[tuple[int, NDArray[np.uint8] | Skip]]:
    def read(path: str) -> NDArray[np.uint8] | Skip:
        try:
            return read_square(path, size_px, fit)
        except PhotoError as error:
            return Skip(path, error.kind, error.reason)

    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
        for start in range(0, len(paths), 256):  # in parts, so that no more than these are held twice
            for i, square in enumerate(pool.map(read, paths[start : start + 256]), start):
                if progress:
                    progress("read", i + 1, len(paths))
                yield i, square


def _labelled(
    paths: list[str],
    names: list[str],
    validation: NDArray[np.bool_],
    stored: Tensor | None,
    rest: tuple[int, Fit, tuple[Skip, ...]],
) -> TrainingPhotos:
    if not paths:
        raise EmptyInputError(f"No photo can be used for training: {len(rest[2])} were skipped.")
    classes = tuple(sorted(set(names)))
    if len(classes) < 2:
        raise UsageError(f"All training photos show {classes[0]!r}: there is nothing to tell apart.")
    number = {name: i for i, name in enumerate(classes)}
    labels = np.array([number[name] for name in names], np.int64)
    return TrainingPhotos(tuple(paths), labels, classes, validation, rest[0], rest[1], stored, rest[2])

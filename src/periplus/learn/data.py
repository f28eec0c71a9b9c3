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
from periplus.learn.settings import VALIDATION
from periplus.photos import DEFAULT_LIMITS, Limits, read_rgb
from periplus.records import Catalog, Skip

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""
Fit = Literal["exact", "shortest"]
"""How a photo becomes a square: both sides squeezed, or the shorter side fitted and the middle cut out."""
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class TrainingPhotos:
    """Photos with labels, positions or both, training and validation together.

    Attributes:
        paths: of the n photos that can be read.
        labels: int64 (n,), numbers into ``classes``.
        classes: the landmarks' names, sorted.
        validation: bool (n,), which are held out.
        size_px: side s of the stored square.
        fit: how a photo became that square.
        stored: uint8 (n, 3, s, s) RGB; None where they are read when needed.
        skipped: photos that cannot be used.
        lat_lon_deg: float64 (n, 2), where they were taken, NaN where unknown; None where nobody asked.
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
    lat_lon_deg: NDArray[np.float64] | None = None
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
    needs: Literal["label", "position"] = "label",
    fit: Fit = "shortest",
    budget_bytes: int = 4 << 30,
    workers: int = 0,
    progress: Progress | None = None,
) -> TrainingPhotos:
    """Read a catalog's photos for training.

    Rows whose ``split`` is ``"validation"`` are held out. Rows without photo, or without the label or position that is
    needed, are skipped and listed, and so are photos that cannot be read; above the budget that shows only when a
    photo is needed.

    Args:
        catalog: the photos; ``path`` and the label's column are used.
        size_px: side of the square that is kept.
        label: the column that is learnt; where positions are, it is only watched, and may be empty.
        needs: what is learnt.
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
    known = catalog.has_position if needs == "position" else np.array([name is not None for name in names], np.bool_)
    rows = [i for i in range(len(catalog)) if known[i] and paths[i] is not None]
    skipped = _unusable(catalog, rows, f"no-{needs}")
    keep = len(rows) * 3 * size_px**2 <= budget_bytes
    stored = np.empty((len(rows) if keep else 0, 3, size_px, size_px), np.uint8)
    good = [] if keep else rows
    for i, square in _read_all([str(paths[i]) for i in rows] if keep else [], size_px, fit, workers, progress):
        if isinstance(square, Skip):
            skipped.append(square)
            continue
        stored[len(good)] = square
        good.append(rows[i])
    found = [str(paths[i]) for i in good]
    if not found:
        raise EmptyInputError(f"No photo can be used for training: {len(skipped)} were skipped.")
    labels, classes = _labelled(["" if names[i] is None else str(names[i]) for i in good], needs == "label")
    return TrainingPhotos(
        paths=tuple(found),
        labels=labels,
        classes=classes,
        validation=np.array([splits[i] == VALIDATION for i in good], np.bool_),
        size_px=size_px,
        fit=fit,
        stored=torch.from_numpy(stored[: len(good)]) if keep else None,
        skipped=tuple(skipped),
        lat_lon_deg=np.stack(catalog.positions, 1)[good],
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


def hold_out_groups(groups: Sequence[str], validation: float, seed: int) -> NDArray[np.bool_]:
    """Which of n photos are held out, bool (n,): whole groups (an author's photos), at random.

    As many groups as fit into a share of the photos (below 1), or into so many; at least one is left to train on.
    """
    wanted = validation * len(groups) if validation < 1 else validation
    names, members = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    order = numpy_generator(seed, "hold_out_groups").permutation(len(names))
    held = np.cumsum(np.bincount(members)[order]) <= wanted
    held[-1:] = False
    return np.isin(members, order[held])


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


def _unusable(catalog: Catalog, usable: list[int], what: str) -> list[Skip]:
    paths = catalog.column("path")
    return [
        Skip(str(paths[i] or catalog.ids[i]), what if paths[i] else "no-photo", "the catalog has none for it")
        for i in sorted(set(range(len(catalog))) - set(usable))
    ]


def _labelled(names: list[str], several: bool) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Numbers of names, int64 (n,), and the names."""
    classes = tuple(sorted(set(names)))
    if several and len(classes) < 2:
        raise UsageError(f"All training photos show {classes[0]!r}: there is nothing to tell apart.")
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number[name] for name in names], np.int64), classes

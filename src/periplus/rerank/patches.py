"""Re-ranking by patches: the cells of a network's last feature map, each a unit vector.

All candidates' patches are stacked, so one matrix product compares a query with all of them. Patches are stored when
photos are indexed, as signed bytes: a unit row is its direction, so its scale need not be kept.

Two-sided scores of query patches x (p) and candidate patches y (m), s_ij their cosines:

    chamfer = (mean_i max_j s_ij + mean_j max_i s_ij) / 2
    mutual  = sum over pairs that are each other's nearest of max(0, s_ij)^power / sqrt(p m)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import GalleryError, UsageError

VERSION = 1
_HEAD = struct.Struct("<BxHH")
_STEPS = 127


def pack_patches(patches: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The bytes of one photo's patches (m, c): a 6-byte head (version, m, c), then int8 (m, c), little endian.

    A component x of a row whose largest is x_max becomes sign(x) sqrt(|x| / x_max) 127, rounded: activations have many
    small components and few large ones, and the root keeps both (cosines move by less than 0.002 where plain steps
    move them by 0.007). 49 patches of 1280 components take 61 KiB.

    Raises:
        UsageError: the array is no (m, c) of finite numbers, or too large.
    """
    if patches.ndim != 2 or max(patches.shape) > 0xFFFF or not np.isfinite(patches).all():
        raise UsageError(f"Patches of shape {patches.shape} cannot be packed: (m, c) of finite numbers, at most 65535.")
    largest = np.abs(patches).max(axis=1, keepdims=True, initial=0.0).astype(np.float64)
    roots = np.sqrt(np.divide(np.abs(patches), largest, out=np.zeros(patches.shape), where=largest > 0))
    steps = np.sign(patches) * np.rint(roots * _STEPS)
    head = np.frombuffer(_HEAD.pack(VERSION, *patches.shape), np.uint8)
    return np.concatenate([head, steps.astype(np.int8).view(np.uint8).reshape(-1)])


def unpack_patches(blob: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Read one photo's patches: float32 (m, c), unit rows (or 0, as they were).

    Raises:
        GalleryError: the bytes are not what :func:`pack_patches` writes.
    """
    version, m, c = _HEAD.unpack(blob[: _HEAD.size].tobytes()) if len(blob) >= _HEAD.size else (0, 0, 0)
    if version != VERSION or len(blob) != _HEAD.size + m * c:
        raise GalleryError(
            f"Stored patches of version {version} with {len(blob)} bytes are not version {VERSION} with "
            f"{_HEAD.size + m * c}. Index the photos again."
        )
    rows = blob[_HEAD.size :].view(np.int8).reshape(m, c).astype(np.float32)
    rows *= np.abs(rows)
    norms = np.sqrt(np.einsum("mc,mc->m", rows, rows))[:, None]
    return np.asarray(rows / np.maximum(norms, 1), np.float32)


@dataclass(frozen=True)
class PatchStack:
    """The patches of many photos, one below the other.

    Attributes:
        rows: float32 (t, c), unit rows.
        starts: int64 (n + 1,), where each photo's patches begin, and t.
    """

    rows: NDArray[np.float32]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many patches each photo has, int64 (n,)."""
        return np.diff(self.starts)

    def cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """All patches with those of a query (p, c): float32 (t, p), one product.

        Raises:
            UsageError: the query's patches have another dimension.
        """
        if not len(self.rows) or not len(query):
            return np.zeros((len(self.rows), len(query)), np.float32)
        if query.shape[1] != self.rows.shape[1]:
            raise UsageError(
                f"Query patches of {query.shape[1]} dimensions cannot be compared with candidates' of "
                f"{self.rows.shape[1]}. Encode both by one model."
            )
        return self.rows @ query.T

    def best(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """The largest of each photo's lines of cosines (t, p): float32 (n, p); 0 for a photo without patches."""
        best = np.zeros((len(self), cosines.shape[1]), np.float32)
        full = self.counts > 0
        if full.any():
            best[full] = np.maximum.reduceat(cosines, self.starts[:-1][full], axis=0)
        return best


def stack_patches(photos: Sequence[NDArray[np.float32]]) -> PatchStack:
    """Stack the patches (m, c) of some photos; a photo may have none.

    Raises:
        UsageError: photos have patches of different dimension.
    """
    filled = [photo for photo in photos if len(photo)]
    widths = {photo.shape[1] for photo in filled}
    if len(widths) > 1:
        raise UsageError(f"Patches of {sorted(widths)} dimensions cannot be compared. Encode them by one model.")
    rows = np.concatenate(filled) if filled else np.zeros((0, 0), np.float32)
    return PatchStack(rows, np.cumsum([0, *(len(photo) for photo in photos)], dtype=np.int64))


def chamfer_scores(query: NDArray[np.float32], candidates: PatchStack) -> NDArray[np.float32]:
    """The symmetric Chamfer similarity of a query's patches (p, c) to each candidate's: float32 (n,) in [-1, 1].

    0 where either has no patches.
    """
    cosines = candidates.cosines(query)
    if not cosines.size:
        return np.zeros(len(candidates), np.float32)
    there = candidates.best(cosines).mean(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(cosines.max(axis=1), dtype=np.float64)])
    back = np.diff(sums[candidates.starts]) / np.maximum(candidates.counts, 1)
    return np.asarray((there + back) / 2, np.float32)


@dataclass(frozen=True)
class MutualConfig:
    """How mutual nearest patches count.

    Attributes:
        power: of their cosine; the larger, the less a weak pair counts for.
        grid_width: cells in a row of the feature map, the same for query and candidates; needed with ``shift_cells``.
        shift_cells: only pairs whose displacement is within so many cells of one pair's, in rows and in columns, count:
            of the pair with the most weight around it. None for no geometry.
    """

    power: float = 3.0
    grid_width: int | None = None
    shift_cells: float | None = None

    def __post_init__(self) -> None:
        """Check bounds."""
        if self.power <= 0 or (self.grid_width is not None and self.grid_width < 1) or (self.shift_cells or 0) < 0:
            raise UsageError(f"{self} is out of range.")
        if self.shift_cells is not None and self.grid_width is None:
            raise UsageError("To compare displacements, the feature map's grid_width must be given.")


def mutual_scores(
    query: NDArray[np.float32], candidates: PatchStack, config: MutualConfig | None = None
) -> NDArray[np.float32]:
    """The weight of mutual nearest patches of a query (p, c) and each candidate: float32 (n,) in [0, 1]."""
    config = config or MutualConfig()
    cosines = candidates.cosines(query)
    scores = np.zeros(len(candidates), np.float32)
    if not cosines.size:
        return scores
    to_query = cosines.argmax(axis=1)
    for at in np.flatnonzero(candidates.counts):
        part = slice(candidates.starts[at], candidates.starts[at + 1])
        to_patch = cosines[part].argmax(axis=0)
        i = np.flatnonzero(to_query[part][to_patch] == np.arange(len(query)))
        j = to_patch[i]
        weights = np.maximum(cosines[part][j, i], 0) ** config.power
        if config.grid_width is not None and config.shift_cells is not None:
            shifts = np.stack(np.divmod(j, config.grid_width)) - np.stack(np.divmod(i, config.grid_width))
            apart = np.abs(shifts[:, :, None] - shifts[:, None, :]).max(axis=0)
            weights = ((apart <= config.shift_cells) * weights).sum(axis=1).max(initial=0.0)
        scores[at] = weights.sum() / np.sqrt(len(query) * candidates.counts[at])
    return scores

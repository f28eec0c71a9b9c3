"""Exact and near duplicates of pictures: signatures, similar pairs, groups.

The signature is the cosine transform of a small grey thumbnail, each frequency weighted by its distance from zero. The
spectrum of photographs falls as 1/f (Field, JOSA A 4(12), 1987), so this whitens it: skies and soft pictures, whose
plain thumbnails all resemble one another, no longer do. A taper keeps frames and captions at the border from counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.signal.windows import tukey
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from periplus.errors import UsageError

NEAR: Final = 0.8
"""Similarity from which two pictures count as the same: it survives JPEG quality 10, half the size, a gamma of 0.6,
a mirror and a border of 3 % cut away. Of 8,750 photos of 44 landmarks it pairs 46, each the same view to the eye."""

_SIDE_PX: Final = 32
_BAND: Final = (2.5, 20.0)  # half cycles a picture: slower is light and shade, faster is noise
_FAINT: Final = 1.0  # grey levels: with less detail than this (RMS) a picture has nothing to compare
_BLOCK: Final = 2048


def signature(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a picture looks like, small, whatever its size, quality, brightness or contrast.

    Args:
        picture: uint8 (h, w) grey or (h, w, 3) RGB, upright.

    Returns:
        float32 (:data:`DIM`,) of length 1; all 0 for a picture without detail. The columns that are even from left to
        right come first, the odd ones, which a mirror negates, after them.

    Raises:
        UsageError: the array is no picture.
    """
    if picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)) or not picture.size:
        raise UsageError(f"A picture is (h, w) or (h, w, 3), not {picture.shape}.")
    grey = picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    small = _thumbnail(grey)
    plan = _plan()
    level = float((small * plan.taper).sum() / plan.taper.sum())
    waves = dctn((small - level) * plan.taper, norm="ortho").ravel()[plan.chosen]
    if min(_detail(small, plan), float(np.linalg.norm(waves) / np.linalg.norm(plan.taper))) < _FAINT:
        return np.zeros(DIM, np.float32)
    waves *= plan.weights
    return np.asarray(waves / np.linalg.norm(waves), np.float32)


def near_duplicates(
    signatures: NDArray[np.float32], threshold: float = NEAR
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """All pairs of pictures that look the same, also when one is mirrored.

    With e and o the products of the even and of the odd columns the correlation is e + o, with the mirror image e - o:
    both cost one product. Blocks bound the memory; 100,000 pictures are 1.6 million million multiplications.

    Args:
        signatures: float32 (n, d) of :func:`signature`.
        threshold: least similarity, in (0, 1].

    Returns:
        Pairs int64 (m, 2), the smaller row first, in the order of their rows; similarities float32 (m,).

    Raises:
        UsageError: the shape or the threshold cannot be.
    """
    if signatures.ndim != 2 or signatures.shape[1] != DIM:
        raise UsageError(f"Signatures are (n, {DIM}), not {signatures.shape}.")
    if not 0 < threshold <= 1:
        raise UsageError(f"A similarity threshold lies in (0, 1], not at {threshold}.")
    even = _plan().even
    pairs, similarities = [np.zeros((0, 2), np.int64)], [np.zeros(0, np.float32)]
    for first in range(0, len(signatures), _BLOCK):
        a = signatures[first : first + _BLOCK]
        for second in range(first, len(signatures), _BLOCK):
            b = signatures[second : second + _BLOCK]
            alike = a[:, :even] @ b[:, :even].T
            alike += np.abs(a[:, even:] @ b[:, even:].T)
            i, j = np.nonzero(alike >= threshold)
            later = i + first < j + second
            i, j = i[later], j[later]
            pairs.append(np.stack([i + first, j + second], axis=1))
            similarities.append(alike[i, j])
    found, alike = np.concatenate(pairs), np.concatenate(similarities)
    order = np.lexsort((found[:, 1], found[:, 0]))
    return found[order], np.minimum(alike[order], 1)


def exact_duplicates(hashes: Sequence[str | None]) -> NDArray[np.int64]:
    """Pairs (m, 2) that link every row with the first one of the same content; None is like nothing."""
    first: dict[str, int] = {}
    linked = [
        (first[one], row) for row, one in enumerate(hashes) if one is not None and first.setdefault(one, row) != row
    ]
    return np.asarray(linked, np.int64).reshape(-1, 2)


def groups(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of n rows are linked by pairs (m, 2), also through others.

    Returns:
        int64 (n,): one number a group, numbered from 0 in the order of their first rows.
    """
    if len(pairs) and (pairs.min() < 0 or pairs.max() >= n):
        raise UsageError(f"Pairs name rows 0 to {n - 1}; found {pairs.min()} and {pairs.max()}.")
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(links, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], np.int64)


def _thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(grey.astype(np.float32), (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _detail(small: NDArray[np.float32], plan: _Plan) -> float:
    """RMS in grey levels, under the taper, of what the best parabola leaves: light and shade are no detail."""
    tapered = small.ravel() * plan.root_taper
    rest = tapered - plan.shades @ (tapered @ plan.shades)
    return float(np.linalg.norm(rest) / np.linalg.norm(plan.root_taper))


@dataclass(frozen=True)
class _Plan:
    """What is the same for all signatures.

    Attributes:
        taper: float32 (32, 32), 1 within, falling to 0 at the border.
        root_taper: float32 (1024,), its square root.
        shades: float32 (1024, 6), the parabolas under that, orthonormal columns.
        chosen: int64 (d,), the frequencies that are kept, those even from left to right first.
        weights: float32 (d,), their distances from zero.
        even: how many are even.
    """

    taper: NDArray[np.float32]
    root_taper: NDArray[np.float32]
    shades: NDArray[np.float32]
    chosen: NDArray[np.int64]
    weights: NDArray[np.float32]
    even: int


@cache
def _plan() -> _Plan:
    edge = tukey(_SIDE_PX + 2, 0.5)[1:-1]
    taper = np.outer(edge, edge)
    root = np.sqrt(taper.ravel())
    row, column = np.divmod(np.arange(_SIDE_PX**2), _SIDE_PX)
    y, x = (2 * place / (_SIDE_PX - 1) - 1 for place in (row, column))
    shades, _ = np.linalg.qr(root[:, None] * np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1))
    radius = np.hypot(row, column)
    kept = (radius > _BAND[0]) & (radius <= _BAND[1])
    even, odd = (np.flatnonzero(kept & (column % 2 == rest)) for rest in (0, 1))
    chosen = np.concatenate([even, odd]).astype(np.int64)
    return _Plan(
        taper.astype(np.float32),
        root.astype(np.float32),
        shades.astype(np.float32),
        chosen,
        radius[chosen].astype(np.float32),
        len(even),
    )


DIM: Final = len(_plan().chosen)
"""The length of a signature."""

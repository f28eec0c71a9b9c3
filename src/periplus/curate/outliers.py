"""How unlike the rest of its collection a picture is."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError

FEWEST: Final = 30
"""Photos below which nothing can be said of what is usual."""

_SIDE_PX: Final = 64
_PARTS: Final = 3
_COLOUR_EDGES: Final = np.asarray([-np.inf, -30, -10, -3, 3, 10, 30, np.inf])
_SLOPE_EDGES: Final = np.asarray([0, 0.5, 1, 2, 4, 8, 16, np.inf])
_WAVE_EDGES: Final = (1, 2, 4, 8, 16, 32)
_LARGEST_SAMPLE: Final = 20_000
_BLOCK: Final = 1024
_RIDGE: Final = 0.03
_SPREAD: Final = (0.8, 0.27, 2.7, 0.57, 1.6)
"""How much each family of statistics varies over photographs (root of its total variance): all count alike."""


def picture_statistics(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """150 plain statistics of a picture, shrunk to 64 x 64 px.

    Square roots (Hellinger) of: lightness in 8 steps, colour in 7 x 7 fields of a*b*, steepness of edges in 7 steps,
    and for each of 3 x 3 parts the steepness summed over 8 directions; then the mean lightness of these parts and the
    logarithm of the power spectrum in 5 octaves. Each family is divided by how much it varies over photographs.

    Args:
        picture: uint8 (h, w, 3) RGB.

    Returns:
        float32 (150,).
    """
    small = cv2.resize(picture, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    lab = np.asarray(cv2.cvtColor(small / 255, cv2.COLOR_RGB2LAB), np.float32)
    light = lab[..., 0]
    lightness = np.histogram(light, 8, (0, 100.001))[0] / light.size
    colour = np.histogram2d(lab[..., 1].ravel(), lab[..., 2].ravel(), [_COLOUR_EDGES] * 2)[0].ravel() / light.size
    right, down = (cv2.Sobel(light, cv2.CV_32F, *way, borderType=cv2.BORDER_REFLECT) / 8 for way in ((1, 0), (0, 1)))
    steep = np.hypot(right, down)
    slopes = np.histogram(steep, _SLOPE_EDGES)[0] / light.size
    turn = np.minimum(np.mod(np.arctan2(down, right), np.pi) * (8 / np.pi), 7).astype(np.int64)
    part = np.arange(_SIDE_PX) * _PARTS // _SIDE_PX
    cell = part[:, None] * _PARTS + part
    edges = np.bincount((cell * 8 + turn).ravel(), steep.ravel(), 8 * _PARTS**2) * _PARTS**2 / light.size
    layout = np.bincount(cell.ravel(), light.ravel()) / np.bincount(cell.ravel()) / 100
    parts = (np.sqrt(np.concatenate([lightness, colour])), np.sqrt(slopes), np.sqrt(edges), layout, _octaves(light))
    return np.concatenate([part / usual for part, usual in zip(parts, _SPREAD, strict=True)]).astype(np.float32)


def strangeness(vectors: NDArray[np.float32], neighbours: int = 10) -> NDArray[np.float32]:
    """How far every picture is from its neighbours, in units of what is usual: 1 is the median.

    The distance to the 10th nearest other picture (Ramaswamy et al., SIGMOD 2000) in coordinates that are whitened
    over the collection, so that what all its pictures share counts little. On :func:`picture_statistics`, without any
    model, this is a hint: of 150 indoor photos hidden among 8,750 of landmarks it ranks 84 % above a landmark photo
    (area under the curve), but a bold colour or an odd angle also scores high. Embeddings of an encoder do better.

    Args:
        vectors: float32 (n, d), of any kind.
        neighbours: which neighbour; copies fewer than this do not hide each other.

    Returns:
        float32 (n,); NaN for all where there are fewer than :data:`FEWEST` pictures.

    Raises:
        UsageError: the vectors are not (n, d).
    """
    if vectors.ndim != 2:
        raise UsageError(f"Vectors are (n, d), not {vectors.shape}.")
    n = len(vectors)
    if n < FEWEST:
        return np.full(n, np.nan, np.float32)
    # Evenly spaced, not drawn: the same collection scores the same.
    sample = np.unique(np.linspace(0, n - 1, min(n, _LARGEST_SAMPLE)).astype(np.int64))
    white = _whitened(vectors.astype(np.float64), sample).astype(np.float32)
    others, squares = white[sample], (white[sample] ** 2).sum(axis=1)
    nth = min(neighbours, len(sample) - 1) - 1
    distance = np.empty(n, np.float32)
    for first in range(0, n, _BLOCK):
        block = white[first : first + _BLOCK]
        apart = (block**2).sum(axis=1)[:, None] + squares - 2 * (block @ others.T)
        place = np.searchsorted(sample, np.arange(first, first + len(block)))
        own = sample[np.minimum(place, len(sample) - 1)] == np.arange(first, first + len(block))
        apart[np.flatnonzero(own), place[own]] = np.inf
        distance[first : first + len(block)] = np.sqrt(np.maximum(np.partition(apart, nth, axis=1)[:, nth], 0))
    usual = float(np.median(distance))
    return distance / np.float32(usual) if usual > 0 else np.ones(n, np.float32)


def _whitened(vectors: NDArray[np.float64], sample: NDArray[np.int64]) -> NDArray[np.float64]:
    """Coordinates of variance 1 over the sample; directions that hardly vary are held down by a ridge."""
    vectors = vectors - vectors[sample].mean(axis=0)
    variance, axes = np.linalg.eigh(np.atleast_2d(np.cov(vectors[sample].T)))
    return np.asarray(vectors @ axes / np.sqrt(np.maximum(variance, 0) + _RIDGE * max(float(variance.mean()), 1e-12)))


def _octaves(light: NDArray[np.float32]) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft2(light - light.mean())) ** 2
    across, along = np.fft.rfftfreq(_SIDE_PX) * _SIDE_PX, np.fft.fftfreq(_SIDE_PX) * _SIDE_PX
    radius = np.hypot(along[:, None], across)
    bands = pairwise(_WAVE_EDGES)
    return np.log1p([power[(radius >= low) & (radius < high)].mean() for low, high in bands])

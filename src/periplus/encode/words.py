"""From local descriptors to binarised visual words (ASMK*).

Descriptors are assigned to the nearest words of a codebook, the residuals of each word are added up, and only
their signs are kept: one 128-bit code a word. The nearest words are sought among principal components, a third of
the work with the same ranking (measured: docs/log.md); residuals are taken of whole descriptors.

Reference: Tolias, Avrithis and Jegou, To aggregate or not to aggregate, ICCV 2013, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import GalleryError, UsageError
from periplus.records import Words

_BYTES_PER_WORD = 4


@dataclass(frozen=True)
class Codebook:
    """Visual words.

    Attributes:
        centres: float32 (K, c), in components, where the nearest word is sought.
        means: float32 (K, d), the same words as descriptors, which residuals are taken from; d a multiple of 64.
    """

    centres: NDArray[np.float32]
    means: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check shapes."""
        if self.centres.ndim != 2 or self.means.ndim != 2 or len(self.centres) != len(self.means):
            raise UsageError(f"Centres {self.centres.shape} and means {self.means.shape} are not K words.")
        if self.means.shape[1] % 64:
            raise UsageError(f"Words of {self.means.shape[1]} dimensions do not fill codes of 64 bits.")

    def __len__(self) -> int:
        return len(self.centres)


def pack_words(words: Words) -> NDArray[np.uint8]:
    """The bytes of words: all numbers (uint32), then all codes (uint64), little endian."""
    numbers, codes = words.words.astype("<u4"), words.codes.astype("<u8").reshape(-1)
    return np.concatenate([numbers.view(np.uint8), codes.view(np.uint8)])


def unpack_words(blob: NDArray[np.uint8], columns: int) -> Words:
    """Read :func:`pack_words`'s bytes, given how many uint64 a code has.

    Raises:
        GalleryError: the bytes are not what :func:`pack_words` writes.
    """
    each = _BYTES_PER_WORD + 8 * columns
    if len(blob) % each:
        raise GalleryError(f"Stored words of {len(blob)} bytes are not a multiple of {each}. Index the photos again.")
    m = len(blob) // each
    # Copied out: a view into the arena need not be aligned.
    words = blob[: m * _BYTES_PER_WORD].copy().view("<u4")
    codes = blob[m * _BYTES_PER_WORD :].copy().view("<u8").reshape(m, columns)
    if (words[1:] <= words[:-1]).any():
        raise GalleryError("Stored words do not ascend. Index the photos again.")
    return Words(words, codes)


def quantise(
    descriptors: NDArray[np.float32], components: NDArray[np.float32], codebook: Codebook, assignments: int = 1
) -> Words:
    """Describe a photo by binarised aggregated words.

    Args:
        descriptors: float32 (n, d).
        components: float32 (n, c), the same descriptors in the codebook's components.
        codebook: the words.
        assignments: to how many nearest words each descriptor goes: 1 in the gallery, 5 for a query.

    Returns:
        Each word that got a descriptor, once.
    """
    columns = descriptors.shape[1] // 64
    if len(descriptors) == 0:
        return Words(np.zeros(0, np.uint32), np.zeros((0, columns), np.uint64))
    nearest = nearest_words(components, codebook.centres, min(assignments, len(codebook)))
    word = nearest.ravel()
    source = np.repeat(np.arange(len(descriptors)), nearest.shape[1])
    order = np.argsort(word, kind="stable")
    words, starts = np.unique(word[order], return_index=True)
    residuals = descriptors[source[order]] - codebook.means[word[order]]
    sums = np.add.reduceat(residuals, starts, axis=0)
    codes = np.packbits(sums > 0, axis=1, bitorder="little").view(np.uint64)
    return Words(words.astype(np.uint32), codes)


def nearest_words(points: NDArray[np.float32], centres: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The k nearest centres (K, c) of each point (n, c) by Euclidean distance, int64 (n, k), in no order among the k.

    One matrix product: 2 n K c operations, which bounds the time.
    """
    # |x - c|^2 = |x|^2 - 2 x.c + |c|^2; the first term does not change the order.
    distance = points @ (-2 * centres.T)
    distance += np.einsum("kc,kc->k", centres, centres)
    if k == 1:
        return np.asarray(distance.argmin(axis=1)[:, None], np.int64)
    return np.asarray(np.argpartition(distance, k - 1, axis=1)[:, :k], np.int64)

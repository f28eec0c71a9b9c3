"""From local descriptors to binarised visual words (ASMK*).

Descriptors are assigned to the nearest words of a codebook, the residuals of each word are added up, and only
their signs are kept: one 128-bit code a word.

Reference: Tolias, Avrithis and Jegou, To aggregate or not to aggregate, ICCV 2013, section 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.errors import GalleryError
from periplus.records import Words

_BYTES_PER_WORD = 4


def pack_words(words: Words) -> NDArray[np.uint8]:
    """The bytes of words: all numbers (uint32), then all codes (uint64), little endian."""
    numbers, codes = words.words.astype("<u4"), words.codes.astype("<u8").reshape(-1)
    return np.concatenate([numbers.view(np.uint8), codes.view(np.uint8)])


def unpack_words(blob: NDArray[np.uint8], columns: int) -> Words:
    """Read :func:`pack_words`'s bytes, given how many uint64 a code has.

    Raises:
        GalleryError: the bytes have another length than a whole number of words.
    """
    each = _BYTES_PER_WORD + 8 * columns
    if len(blob) % each:
        raise GalleryError(f"Stored words of {len(blob)} bytes are not a multiple of {each}. Index the photos again.")
    m = len(blob) // each
    # Copied out: a view into the arena need not be aligned.
    words = blob[: m * _BYTES_PER_WORD].copy().view("<u4")
    codes = blob[m * _BYTES_PER_WORD :].copy().view("<u8").reshape(m, columns)
    return Words(words, codes)


def quantise(descriptors: NDArray[np.float32], codebook: NDArray[np.float32], assignments: int = 1) -> Words:
    """Describe a photo by binarised aggregated words.

    Args:
        descriptors: float32 (n, d), unit rows; d a multiple of 64.
        codebook: float32 (K, d).
        assignments: to how many nearest words each descriptor goes: 1 in the gallery, 5 for a query.

    Returns:
        Each word that got a descriptor, once.
    """
    columns = descriptors.shape[1] // 64
    if len(descriptors) == 0:
        return Words(np.zeros(0, np.uint32), np.zeros((0, columns), np.uint64))
    nearest = nearest_words(descriptors, codebook, min(assignments, len(codebook)))
    word = nearest.ravel()
    source = np.repeat(np.arange(len(descriptors)), nearest.shape[1])
    order = np.argsort(word, kind="stable")
    words, starts = np.unique(word[order], return_index=True)
    residuals = descriptors[source[order]] - codebook[word[order]]
    sums = np.add.reduceat(residuals, starts, axis=0)
    codes = np.packbits(sums > 0, axis=1, bitorder="little").view(np.uint64)
    return Words(words.astype(np.uint32), codes)


def nearest_words(descriptors: NDArray[np.float32], codebook: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The k nearest words of each descriptor by Euclidean distance, int64 (n, k), in no order among the k.

    One matrix product: 2 n K d operations, which bounds the time.
    """
    # |x - c|^2 = |x|^2 - 2 x.c + |c|^2; the first term does not change the order.
    distance = descriptors @ (-2 * codebook.T)
    distance += np.einsum("kd,kd->k", codebook, codebook)
    if k == 1:
        return distance.argmin(axis=1)[:, None]
    return np.argpartition(distance, k - 1, axis=1)[:, :k]

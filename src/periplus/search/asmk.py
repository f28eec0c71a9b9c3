"""Search by binarised visual words in an inverted file (ASMK*).

Similarity of two photos over the words W that both have, with codes b of D bits each:

    S = sum over w in W of idf(w)^2 * s_w^3,  s_w = 1 - 2 hamming(b_w, b'_w) / D,  words with s_w < 0 left out,

divided by the norms sqrt(sum of idf(w)^2) of both photos.

Reference: Tolias, Avrithis and Jegou, ICCV 2013, equations 5 and 14 with alpha = 3, tau = 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.records import Words

_ALPHA = 3
_POSTINGS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class InvertedFile:
    """All words of a gallery, sorted by word.

    Attributes:
        starts: int64 (K + 1,), where each word's postings begin.
        rows: int32 (p,), the gallery row of each posting.
        codes: uint64 (p, b), its code.
        weights: float32 (K,), idf squared of each word.
        norms: float32 (n,), of each gallery row.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    codes: NDArray[np.uint64]
    weights: NDArray[np.float32]
    norms: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.norms)

    def scores(self, query: Words) -> NDArray[np.float32]:
        """The similarity of a query to every gallery row, float32 (n,).

        Touches only the postings of the query's words: 8 b + 4 bytes each, which bounds the time.
        """
        bits = 64 * self.codes.shape[1]
        powers = np.maximum(1 - 2 * np.arange(bits + 1) / bits, 0) ** _ALPHA
        lengths = self.starts[query.words + 1] - self.starts[query.words]
        total = np.zeros(len(self), np.float64)
        for part in _parts(lengths):
            places = np.repeat(part, lengths[part])
            first = np.repeat(self.starts[query.words[part]], lengths[part])
            offset = np.arange(len(places)) - np.repeat(np.cumsum(lengths[part]) - lengths[part], lengths[part])
            posting = first + offset
            distance = np.bitwise_count(self.codes[posting] ^ query.codes[places]).sum(axis=1, dtype=np.int64)
            gains = powers[distance] * self.weights[query.words[places]]
            total += np.bincount(self.rows[posting], weights=gains, minlength=len(self))
        norm = float(np.sqrt(self.weights[query.words].sum()))
        return np.asarray(total / np.maximum(self.norms * norm, 1e-9), np.float32)


def _parts(lengths: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """Cut the query's words so that no part reads much more than :data:`_POSTINGS_AT_ONCE` postings."""
    if len(lengths) == 0:
        return []
    parts = np.cumsum(lengths) // _POSTINGS_AT_ONCE
    return np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(parts)) + 1)


def build_inverted_file(photos: Iterable[Words], codebook_size: int, columns: int) -> InvertedFile:
    """Sort the words of a gallery's photos, in row order, into an inverted file.

    Args:
        photos: the words of each gallery row.
        codebook_size: K, how many words there are.
        columns: b, how many uint64 a code has.
    """
    collected = list(photos)
    n = len(collected)
    none = [np.zeros(0, np.uint32)]
    words = np.concatenate([p.words for p in collected] or none)
    codes = np.concatenate([p.codes for p in collected] or [np.zeros((0, columns), np.uint64)])
    rows = np.repeat(np.arange(n, dtype=np.int32), [len(p) for p in collected])
    order = np.argsort(words, kind="stable")
    frequency = np.bincount(words, minlength=codebook_size)
    weights = np.log(max(n, 1) / np.maximum(frequency, 1)) ** 2
    # In a gallery of one photo, or for a word that every photo has, idf is 0: such words still say a little.
    weights = np.maximum(weights, 1e-3).astype(np.float32)
    norms = np.sqrt(np.bincount(rows, weights=weights[words], minlength=n)).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(frequency)]).astype(np.int64)
    return InvertedFile(starts, rows[order], codes[order], weights, norms)

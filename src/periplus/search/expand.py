"""Query expansion from verified photos only.

Unverified expansion lets one wrong neighbour pull in its friends; a photo that passed the geometry is the same
place seen again, so its words say what else is to be seen there.

Reference: Chum, Philbin, Sivic, Isard and Zisserman, Total recall, ICCV 2007.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.records import Words
from periplus.search.asmk import InvertedFile


def expanded_scores(index: InvertedFile, query: Words, verified: Sequence[tuple[Words, float]]) -> NDArray[np.float32]:
    """Scores (n,) of the query joined by verified photos: the weighted mean of the single scores.

    Args:
        index: the gallery's words.
        query: the query's words, weight 1.
        verified: words of verified gallery photos, each with its weight in [0, 1].
    """
    total = index.scores(query)
    for words, weight in verified:
        total = total + np.float32(weight) * index.scores(words)
    return total / np.float32(1 + sum(weight for _, weight in verified))

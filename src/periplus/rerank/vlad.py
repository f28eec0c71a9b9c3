"""Local scores by VLAD, one more vector of each photo.

The vectors are made and stored when photos are indexed (intra-normalised, whitened, unit length: ``encode.vlad``), so
a query costs one dot product a candidate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.rerank.order import Vectors


def vlad_scores(query: Vectors, candidates: Vectors) -> NDArray[np.float32]:
    """The cosines of a query's VLAD and each candidate's, float32 (m,); equal for copies wherever they stand.

    Args:
        query: (d,), unit length, or 0 for a photo without features.
        candidates: (m, d), likewise.

    Raises:
        UsageError: the vectors have different lengths.
    """
    if candidates.shape[1:] != query.shape:
        raise UsageError(f"A VLAD of {query.shape} numbers cannot be compared with {candidates.shape} candidates.")
    # float32 products differ in the last digit with the place of a row; these are rounded to it.
    return np.asarray(candidates.astype(np.float64) @ query.astype(np.float64), np.float32)

"""One score from two: global similarity and verified geometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fuse(
    global_scores: NDArray[np.float32], local_scores: NDArray[np.float32], weight: float, cap: float = 30.0
) -> NDArray[np.float32]:
    """The score weight * global + (1 - weight) * min(local, cap) / cap, float32 (k,).

    Args:
        global_scores: (k,), scaled by their largest here, what is negative to 0, so that both parts lie in [0, 1].
        local_scores: (k,), distinct inliers.
        weight: v in [0, 1]; 1 keeps the global ranking.
        cap: so many inliers are enough.
    """
    largest = float(np.max(global_scores, initial=0.0))
    scaled = np.maximum(global_scores, 0) / largest if largest > 0 else np.zeros_like(global_scores)
    return (weight * scaled + (1 - weight) * np.minimum(local_scores, cap) / cap).astype(np.float32)

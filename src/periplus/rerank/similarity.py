"""The cheap first look at a pair: does one similarity transformation explain many matches?

Every tentative match of SIFT points brings scale and orientation, so one match alone is a hypothesis of the whole
transformation. All are tried; nothing is drawn at random.

Reference: Philbin, Chum, Isard, Sivic and Zisserman, Object retrieval with large vocabularies and fast spatial
matching, CVPR 2007, section 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from periplus.records import LocalFeatures
from periplus.rerank.match import Tentative

_TOLERANCE_PX = 12.0
_TOLERANCE_SLOPE = 0.05
_SMALLEST_SCALE = 0.3
_SCALE_AGREEMENT = 0.8
_ANGLE_AGREEMENT = 0.75


def similarity_inliers(query: LocalFeatures, gallery: LocalFeatures, matches: Tentative) -> NDArray[np.int64]:
    """The matches that agree with the best one-match hypothesis: rows of ``matches``, int64 (k,).

    The tolerance grows with the distance from the hypothesis' own point, since scale and orientation of one point
    are only roughly known and the scene is not flat; scales must agree within a factor exp(0.8), orientations
    within 41 degrees.
    """
    if len(matches) < 2:
        return np.arange(len(matches))
    p, q = query.points[matches.query], gallery.points[matches.gallery]
    scale = gallery.scales[matches.gallery] / np.maximum(query.scales[matches.query], 1e-6)
    angle = np.deg2rad(gallery.angles[matches.gallery] - query.angles[matches.query])
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    dx, dy = p[None, :, 0] - p[:, None, 0], p[None, :, 1] - p[:, None, 1]
    error_x = cosine[:, None] * dx - sine[:, None] * dy + q[:, None, 0] - q[None, :, 0]
    error_y = sine[:, None] * dx + cosine[:, None] * dy + q[:, None, 1] - q[None, :, 1]
    reach = np.sqrt(dx * dx + dy * dy) * np.maximum(scale, _SMALLEST_SCALE)[:, None]
    agree = error_x**2 + error_y**2 < (_TOLERANCE_SLOPE * reach + _TOLERANCE_PX) ** 2
    logs = np.log(np.maximum(scale, 1e-6))
    agree &= np.abs(logs[:, None] - logs[None]) < _SCALE_AGREEMENT
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    agree &= unit @ unit.T > _ANGLE_AGREEMENT
    return np.flatnonzero(agree[agree.sum(axis=1).argmax()])


def distinct_pairs(p: NDArray[np.float32], q: NDArray[np.float32], cell_px: float = 4.0) -> NDArray[np.int64]:
    """Rows of the pairs p (m, 2), q (m, 2) that are left when each cell on either side is used once, first come.

    A point with two orientations, or a cluster of points on one logo, must not count as many witnesses.
    """
    keys = np.concatenate([np.floor(p / cell_px), np.floor(q / cell_px)], axis=1).astype(np.int64)
    left: set[tuple[int, int]] = set()
    right: set[tuple[int, int]] = set()
    kept = []
    for row, (a, b, c, d) in enumerate(keys.tolist()):
        if (a, b) not in left and (c, d) not in right:
            left.add((a, b))
            right.add((c, d))
            kept.append(row)
    return np.array(kept, np.int64)

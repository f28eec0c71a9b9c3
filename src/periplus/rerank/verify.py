"""The careful look at a pair: MAGSAC++ homography and fundamental matrix.

A homography explains a facade, a fundamental matrix a whole scene with depth; with few points the latter fits
nearly anything, so it must win clearly. OpenCV's answers are not trusted as they come: its mask may be missing or
contradict its own model (opencv#25546), so the error is computed again here.

Reference: Barath, Noskova, Ivashechkin and Matas, MAGSAC++, CVPR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.records import LocalFeatures, Match
from periplus.rerank.match import Tentative
from periplus.rerank.similarity import distinct_pairs, similarity_inliers

Model = NDArray[np.float64]
Kind = Literal["none", "similarity", "homography", "fundamental"]


@dataclass(frozen=True)
class VerifyConfig:
    """When a model counts.

    Attributes:
        homography_px: largest reprojection error of an inlier of a homography.
        fundamental_px: largest distance of an inlier from its epipolar line.
        fewest: models with fewer distinct inliers are none.
        fundamental_gain: how many times the homography's inliers a fundamental matrix needs to replace it.
        iterations: of MAGSAC++, at most.
    """

    homography_px: float = 6.0
    fundamental_px: float = 3.0
    fewest: int = 5
    fundamental_gain: float = 1.5
    iterations: int = 1000


def verify(row: int, query: LocalFeatures, gallery: LocalFeatures, matches: Tentative, config: VerifyConfig) -> Match:
    """Verify one pair: the similarity's support as score, and the model that best explains the matches.

    Args:
        row: the gallery row, for the record.
        query: features of the query.
        gallery: features of the gallery photo.
        matches: their tentative matches.
        config: thresholds.
    """
    p, q = query.points[matches.query], gallery.points[matches.gallery]
    first = similarity_inliers(query, gallery, matches)
    first = first[distinct_pairs(p[first], q[first])]
    model, kind, kept = None, "none", np.zeros(0, np.int64)
    if len(first) >= config.fewest:
        model, kind, kept = _best_model(p, q, first, config)
    return Match(
        row=row,
        points=np.stack([p[kept], q[kept]], axis=1).astype(np.float32),
        model=model,
        kind=kind,  # type: ignore[arg-type]
        coverage=coverage(p[kept], query.size),
        score=float(len(first)),
        query_size=query.size,
        gallery_size=gallery.size,
    )


def _best_model(
    p: NDArray[np.float32], q: NDArray[np.float32], first: NDArray[np.int64], config: VerifyConfig
) -> tuple[Model | None, Kind, NDArray[np.int64]]:
    unique = distinct_pairs(p, q)
    a, b = p[unique], q[unique]
    homography = _fit_homography(a, b, config)
    best: tuple[Model | None, Kind, NDArray[np.int64]] = (None, "none", np.zeros(0, np.int64))
    if homography is not None:
        inside = np.flatnonzero(transfer_error(homography, a, b) <= config.homography_px)
        if len(inside) >= config.fewest:
            best = (homography, "homography", unique[inside])
    fundamental = _fit_fundamental(a, b, config)
    if fundamental is not None:
        near = np.flatnonzero(epipolar_error(fundamental, a, b) <= config.fundamental_px)
        if len(near) >= max(2 * config.fewest, config.fundamental_gain * len(best[2])):
            best = (fundamental, "fundamental", unique[near])
    if best[0] is None:
        similarity, _ = cv2.estimateAffinePartial2D(p[first], q[first], ransacReprojThreshold=config.homography_px)
        if similarity is not None and np.isfinite(similarity).all():
            best = (np.vstack([similarity, [0, 0, 1]]).astype(np.float64), "similarity", first)
    return best


def _fit_homography(p: NDArray[np.float32], q: NDArray[np.float32], config: VerifyConfig) -> Model | None:
    if len(p) < 4:
        return None
    model, _ = cv2.findHomography(
        p, q, cv2.USAC_MAGSAC, config.homography_px / 2, maxIters=config.iterations, confidence=0.99
    )
    if model is None or not is_sane(np.asarray(model, np.float64), p):
        return None
    return np.asarray(model, np.float64)


def _fit_fundamental(p: NDArray[np.float32], q: NDArray[np.float32], config: VerifyConfig) -> Model | None:
    if len(p) < 8:
        return None
    try:
        model, _ = cv2.findFundamentalMat(
            p, q, cv2.USAC_MAGSAC, config.fundamental_px / 2, confidence=0.99, maxIters=config.iterations
        )
    except cv2.error:  # degenerate points; OpenCV raises instead of returning None
        return None
    if model is None or model.shape != (3, 3) or not np.isfinite(model).all():
        return None
    return np.asarray(model, np.float64)


def is_sane(model: Model, p: NDArray[np.float32]) -> bool:
    """Whether a homography keeps the orientation and a plausible size around every point p (m, 2).

    MAGSAC may return one that folds the plane or throws many points onto one; the local area scale det(J) must be
    positive and within 1/400 to 400 at most points.
    """
    if model.shape != (3, 3) or not np.isfinite(model).all():
        return False
    depth = p @ model[2, :2] + model[2, 2]
    # det of the Jacobian of x -> Hx / depth is det(H) / depth^3.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        area = np.linalg.det(model) / depth.astype(np.float64) ** 3
    return bool(np.mean((area > 1 / 400) & (area < 400)) > 0.5)


def transfer_error(model: Model, p: NDArray[np.float32], q: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance in px, (m,), between H p and q; infinite where p goes behind the camera."""
    mapped = np.column_stack([p, np.ones(len(p))]) @ model.T
    depth = mapped[:, 2]
    front = depth * np.sign(np.linalg.det(model)) > 1e-9
    safe = np.where(front, depth, 1.0)
    return np.where(front, np.linalg.norm(mapped[:, :2] / safe[:, None] - q, axis=1), np.inf)


def epipolar_error(model: Model, p: NDArray[np.float32], q: NDArray[np.float32]) -> NDArray[np.float64]:
    """The larger of the distances in px, (m,), of p and q from their epipolar lines."""
    a, b = np.column_stack([p, np.ones(len(p))]), np.column_stack([q, np.ones(len(q))])
    right, left = a @ model.T, b @ model
    algebraic = np.abs(np.einsum("mi,mi->m", right, b))
    norms = np.minimum(np.hypot(right[:, 0], right[:, 1]), np.hypot(left[:, 0], left[:, 1]))
    return np.asarray(algebraic / np.maximum(norms, 1e-12), np.float64)


def coverage(points: NDArray[np.float32], size: tuple[int, int]) -> float:
    """The share of a picture that the convex hull of points (m, 2) spans, 0 to 1."""
    if len(points) < 3:
        return 0.0
    # OpenCV 5 misreads a non-contiguous view here.
    hull = cv2.convexHull(np.ascontiguousarray(points, np.float32)[:, None])
    return float(min(1.0, cv2.contourArea(hull) / max(size[0] * size[1], 1)))

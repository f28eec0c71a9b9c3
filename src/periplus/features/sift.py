"""RootSIFT: the local features that need no downloaded weights."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.records import LocalFeatures

DESCRIPTOR_DIM = 128


@dataclass(frozen=True)
class SiftConfig:
    """How features are found; part of every fingerprint that rests on them.

    Attributes:
        long_side_px: pictures are shrunk to this long side first, never enlarged.
        max_points: the strongest so many points are kept.
        contrast_threshold: OpenCV's; lower than its 0.04 so that shaded facades keep points.
    """

    long_side_px: int = 640
    max_points: int = 1500
    contrast_threshold: float = 0.015

    def __post_init__(self) -> None:
        """Check bounds."""
        if not 32 <= self.long_side_px <= 4096 or not 1 <= self.max_points <= 20_000:
            raise UsageError(
                f"SIFT needs a long side of 32 to 4096 px and 1 to 20000 points, not {self.long_side_px} and "
                f"{self.max_points}."
            )


def extract_sift(pixels: NDArray[np.uint8], config: SiftConfig) -> LocalFeatures:
    """Find SIFT points and describe them by RootSIFT.

    Args:
        pixels: uint8 (h, w), the upright gray working picture.
        config: how many points, how weak they may be.

    Returns:
        At most ``config.max_points`` features with 128-d unit descriptors, strongest first; none in a blank picture.
    """
    # One thread here: the work is spread over processes, and OpenCV's own threads gain 6 % (measured).
    cv2.setNumThreads(1)
    sift = cv2.SIFT_create(nfeatures=config.max_points, contrastThreshold=config.contrast_threshold)  # type: ignore[attr-defined]
    keypoints, raw = sift.detectAndCompute(pixels, None)
    size = (pixels.shape[1], pixels.shape[0])
    if not keypoints:
        empty = np.zeros(0, np.float32)
        return LocalFeatures(empty.reshape(0, 2), empty, empty, np.zeros((0, DESCRIPTOR_DIM), np.float32), size)
    response = np.array([k.response for k in keypoints])
    # Ties let OpenCV return more points than asked for; the stable order makes the cut repeatable.
    order = np.argsort(-response, kind="stable")[: config.max_points]
    points = np.array([keypoints[i].pt for i in order], np.float32)
    scales = np.array([keypoints[i].size for i in order], np.float32)
    angles = np.array([keypoints[i].angle for i in order], np.float32) % np.float32(360)
    return LocalFeatures(points, scales, angles, root_sift(raw[order]), size)


def root_sift(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn SIFT histograms (n, 128) into RootSIFT: their dot product is the Hellinger kernel.

    Reference: Arandjelovic and Zisserman, Three things everyone should know to improve object retrieval, CVPR 2012.
    """
    histograms = descriptors.astype(np.float32)
    histograms /= np.maximum(histograms.sum(axis=1, keepdims=True), 1e-9)
    return np.sqrt(histograms, out=histograms)

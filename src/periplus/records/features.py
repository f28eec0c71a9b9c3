"""Local features of one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError


@dataclass(frozen=True)
class LocalFeatures:
    """Points of a picture and what they look like, strongest first.

    Attributes:
        points: float32 (n, 2), x and y in pixels of the upright working picture.
        scales: float32 (n,), diameter in pixels.
        angles: float32 (n,), degrees in [0, 360), clockwise from the x axis as OpenCV has it.
        descriptors: float32 (n, d), unit rows.
        size: width and height of the upright working picture in pixels.
    """

    points: NDArray[np.float32]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        """Check that the parts have the same length."""
        n = len(self.points)
        if self.points.shape != (n, 2) or self.scales.shape != (n,) or self.angles.shape != (n,):
            raise RecordError(f"{self.points.shape}, {self.scales.shape}, {self.angles.shape} are not n features.")
        if self.descriptors.ndim != 2 or len(self.descriptors) != n:
            raise RecordError(f"{n} points have descriptors of shape {self.descriptors.shape}.")

    def __len__(self) -> int:
        return len(self.points)

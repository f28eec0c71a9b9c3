"""One pair of pictures that was verified by geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError


@dataclass(frozen=True)
class Match:
    """A geometric transformation that many points of two pictures obey.

    Attributes:
        row: the gallery row.
        points: float32 (m, 2, 2): m inlier pairs, [i, 0] in the query and [i, 1] in the gallery picture, x and y
            in pixels of the upright working pictures.
        model: float64 (3, 3), query to gallery; None where nothing was found.
        kind: which transformation ``model`` is.
        coverage: the part of the query picture that the inliers span, 0 to 1.
        score: how strongly the pair is verified; larger is better, comparable between pairs.
        query_size: width and height in pixels of the query's working picture.
        gallery_size: the same of the gallery photo.
    """

    row: int
    points: NDArray[np.float32]
    model: NDArray[np.float64] | None
    kind: Literal["none", "similarity", "homography", "fundamental"]
    coverage: float
    score: float
    query_size: tuple[int, int]
    gallery_size: tuple[int, int]

    def __post_init__(self) -> None:
        """Check shapes and bounds."""
        if self.points.ndim != 3 or self.points.shape[1:] != (2, 2):
            raise RecordError(f"Inlier pairs are (m, 2, 2), not {self.points.shape}.")
        if (self.model is None) != (self.kind == "none") or not 0 <= self.coverage <= 1:
            raise RecordError(f"A {self.kind} match with model {self.model!r} and coverage {self.coverage}.")

    @property
    def inliers(self) -> int:
        """How many point pairs obey the model."""
        return len(self.points)

"""What is looked at: places, and what was observed there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from periplus.errors import EmptyInputError, UsageError


@dataclass(frozen=True, eq=False)
class Observations:
    """Values at places.

    Attributes:
        lat_deg, lon_deg: float64 (n,) degrees, finite.
        values: a number each, float64 (n,), or a vector each, float32 or float16 (n, d).
        other: a second variable of the same shape at the same places, for the cross-variogram; None for one alone.

    Raises:
        UsageError: shapes disagree, or a number is not finite.
        EmptyInputError: fewer than two places.
    """

    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    values: NDArray[np.floating]
    other: NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        """Check shapes and numbers."""
        n = len(self.lat_deg)
        if self.lat_deg.shape != (n,) or self.lon_deg.shape != (n,) or self.values.shape[:1] != (n,):
            raise UsageError(
                f"{self.lat_deg.shape} latitudes, {self.lon_deg.shape} longitudes and {self.values.shape} values "
                "do not belong together; give one of each a place."
            )
        if self.values.ndim not in (1, 2) or (self.other is not None and self.other.shape != self.values.shape):
            raise UsageError("Values are (n,) numbers or (n, d) vectors, and a second variable has the same shape.")
        if n < 2:
            raise EmptyInputError(f"Spatial statistics need two places at least; of these there are {n}.")
        arrays = [self.lat_deg, self.lon_deg, self.values] + ([] if self.other is None else [self.other])
        if not all(_finite(array) for array in arrays):
            raise UsageError("A position or a value is not finite; leave such rows out.")

    def __len__(self) -> int:
        return len(self.lat_deg)

    @property
    def dim(self) -> int:
        """Numbers a value."""
        return 1 if self.values.ndim == 1 else int(self.values.shape[1])

    def rows(self, rows: NDArray[np.int64]) -> Observations:
        """Some of the places, in the order of ``rows``."""
        other = None if self.other is None else self.other[rows]
        return Observations(self.lat_deg[rows], self.lon_deg[rows], self.values[rows], other)


def _finite(array: NDArray[np.floating]) -> bool:
    """Whether all numbers are finite, a block at a time."""
    return all(bool(np.isfinite(array[start : start + 4096]).all()) for start in range(0, len(array), 4096))

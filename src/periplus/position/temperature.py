"""How wide a belief must be so that it is neither too sure nor too shy: the temperature, block by block."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError
from periplus.position.world import WorldRows, posterior

TEMPERATURES: Final = tuple(np.geomspace(0.125, 8, 25).tolist())
"""What is tried; the best is then sought between its neighbours."""
_LEAST: Final = 1e-26
"""No single truth counts for more: one wrong position must not decide for all."""


class TemperatureSearch:
    """Sums of log densities at the truths, for each of several temperatures.

    Args:
        scale: the model's logit scale.
        rows: of the world.
        temperatures: what is tried, rising.

    Attributes:
        queries: how many truths were seen.
        log_densities: (t,), the sum over truths of log(p_i / A_i), of the row i nearest to the truth.
    """

    def __init__(self, scale: float, rows: WorldRows, temperatures: tuple[float, ...] = TEMPERATURES) -> None:
        self.queries = 0
        self.log_densities = np.zeros(len(temperatures))
        self._temperatures = temperatures
        self._scale = scale
        self._rows = rows

    def add(self, scores: NDArray[np.float32], lat_deg: ArrayLike, lon_deg: ArrayLike) -> None:
        """Take a block of scores (q, n) and the truths (q,); only the sums are kept."""
        if not len(scores):
            return
        truth = self._rows.nearest(lat_deg, lon_deg)
        area = np.log(self._rows.cell_km2[truth])
        for i, temperature in enumerate(self._temperatures):
            p = self._rows.pooled(posterior(scores, self._scale, self._rows, temperature))
            own = np.maximum(p[np.arange(len(p)), truth], _LEAST).astype(np.float64)
            self.log_densities[i] += (np.log(own) - area).sum()
        self.queries += len(scores)

    def best(self) -> float:
        """The temperature with the highest mean log density, by a parabola through the best tried and its neighbours.

        Raises:
            EmptyInputError: no truth was seen.
        """
        if not self.queries:
            raise EmptyInputError("There is no best temperature without held-back photos.")
        best = int(self.log_densities.argmax())
        if not 0 < best < len(self._temperatures) - 1:
            return float(self._temperatures[best])
        x, y = np.log(self._temperatures[best - 1 : best + 2]), self.log_densities[best - 1 : best + 2]
        left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
        if not left > right:
            return float(self._temperatures[best])
        # The slope falls linearly from the middle of one gap to the middle of the next.
        middles = (x[0] + x[1]) / 2, (x[1] + x[2]) / 2
        return float(np.exp(middles[0] + (middles[1] - middles[0]) * left / (left - right)))

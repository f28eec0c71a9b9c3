"""The world as rows: what a gallery of positions believes when it has given every row a score.

The sphere is cut into the cells that are nearest to each row. Row i has the prior probability pi_i and the area A_i
of its cell; from its score s_i follow the belief p_i = softmax_i(scale * s_i / temperature + log pi_i) and, in its
cell, the density p_i / A_i per km². Rows that stand at one place share its cell: whatever is asked of a belief, they
answer as one row with the sum of their beliefs, priors and areas would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.errors import EmptyInputError, RecordError, UsageError
from periplus.geo import Neighbours, cell_of, km_from_chord, to_unit


@dataclass(frozen=True, eq=False)
class WorldRows:
    """Positions that share the sphere among them.

    Attributes:
        lat_deg, lon_deg: float64 (n,), longitudes in [-180, 180).
        prior: float64 (n,), the probability of each row's cell before anything is seen: above 0, sum 1.
        area_km2: float64 (n,), of each row's cell, above 0.

    Raises:
        RecordError: shapes differ, a position is not on the globe, the prior is none, or a cell has no area.
    """

    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    prior: NDArray[np.float64]
    area_km2: NDArray[np.float64]
    _cells: dict[float, tuple[NDArray[np.int64], int]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check shapes, positions, probabilities and areas."""
        parts = {"lat_deg": self.lat_deg, "lon_deg": self.lon_deg, "prior": self.prior, "area_km2": self.area_km2}
        shapes = {name: np.shape(part) for name, part in parts.items()}
        if len(set(shapes.values())) != 1 or len(shapes["prior"]) != 1 or not len(self.prior):
            raise RecordError(f"The rows of a world must all be (n,), n at least 1; they are {shapes}.")
        on_globe = (np.abs(self.lat_deg) <= 90) & (self.lon_deg >= -180) & (self.lon_deg < 180)
        sized = (self.prior > 0) & (self.area_km2 > 0) & np.isfinite(self.area_km2)
        if not (on_globe & sized).all():
            row = int(np.flatnonzero(~(on_globe & sized))[0])
            raise RecordError(f"Row {row} of a world cannot be: { {k: float(v[row]) for k, v in parts.items()} }.")
        if abs(self.prior.sum() - 1) > 1e-6:
            raise RecordError(f"The prior of a world sums to {self.prior.sum()}, not to 1.")

    def __len__(self) -> int:
        return len(self.prior)

    @cached_property
    def xyz(self) -> NDArray[np.float64]:
        """Unit vectors, (3, n): a row of this array an axis."""
        return np.ascontiguousarray(to_unit(self.lat_deg, self.lon_deg).T)

    @cached_property
    def log_prior(self) -> NDArray[np.float32]:
        """Logarithm of the prior, (n,)."""
        return np.log(self.prior).astype(np.float32)

    @cached_property
    def place(self) -> NDArray[np.int64] | None:
        """Which place each row stands at, numbered from 0, (n,); None where no two rows stand at one place."""
        at = (self.lat_deg + 0.0) + 1j * np.where(np.abs(self.lat_deg) < 90, self.lon_deg + 0.0, 0)
        # One number a place, quickly sorted: none twice means that no place is there twice.
        keys = np.sort(1e3 * at.real + at.imag)
        if (keys[1:] > keys[:-1]).all():
            return None
        names, codes = np.unique(at, return_inverse=True)
        return None if len(names) == len(codes) else codes.astype(np.int64)

    @cached_property
    def cell_km2(self) -> NDArray[np.float64]:
        """Area of the cell of each row's place, (n,): what the rows that stand there have together."""
        if self.place is None:
            return self.area_km2
        return np.asarray(np.bincount(self.place, self.area_km2)[self.place], np.float64)

    @cached_property
    def per_km2(self) -> NDArray[np.float32]:
        """1 / area of the place's cell, (n,)."""
        return (1 / self.cell_km2).astype(np.float32)

    @cached_property
    def sigma_km(self) -> NDArray[np.float64]:
        """Spread of a place's cell, (n,): a disc of radius r has the standard deviation r / 2 along either axis."""
        return np.sqrt(self.cell_km2 / math.pi) / 2

    def pooled(self, p: NDArray[np.floating]) -> NDArray[np.floating]:
        """The belief (..., n) in each row's place: that of all rows that stand there, beside each of them."""
        if self.place is None:
            return p
        if p.ndim > 1:
            return np.stack([self.pooled(one) for one in p])
        return np.bincount(self.place, p)[self.place].astype(p.dtype)

    def density(self, p: NDArray[np.floating]) -> NDArray[np.floating]:
        """The density per km² in each row's cell, of beliefs (..., n)."""
        return self.pooled(p) * self.per_km2

    @cached_property
    def neighbours(self) -> Neighbours:
        """Who is near."""
        return Neighbours(self.lat_deg, self.lon_deg)

    def nearest(self, lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.int64]:
        """The row in whose cell each place (q,) lies, int64 (q,)."""
        return self.neighbours.nearest(lat_deg, lon_deg, 1)[0][:, 0]

    def distance_km(self, lat_deg: float, lon_deg: float) -> NDArray[np.float64]:
        """Great-circle distance of every row from one place, (n,), from chords: right to a decimetre."""
        x, y, z = self.xyz - to_unit(lat_deg, lon_deg)[:, None]
        return km_from_chord(np.sqrt(x * x + y * y + z * z))

    def cells(self, side_km: float) -> tuple[NDArray[np.int64], int]:
        """Which cell of equal area each row lies in, numbered from 0, (n,), and how many cells; kept once asked for."""
        if side_km not in self._cells:
            names, codes = np.unique(cell_of(self.lat_deg, self.lon_deg, side_km), return_inverse=True)
            self._cells[side_km] = (codes.astype(np.int64), len(names))
        return self._cells[side_km]


@dataclass(frozen=True, eq=False)
class WorldBelief:
    """What is believed of one photo.

    Attributes:
        p: (n,), sum 1.
        rows: n rows of the world, those of the gallery or finer ones.
        gallery_row: int64 (n,), the gallery row that each stands for.

    Raises:
        RecordError: the shapes differ.
    """

    p: NDArray[np.floating]
    rows: WorldRows
    gallery_row: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check shapes."""
        if not np.shape(self.p) == np.shape(self.gallery_row) == (len(self.rows),):
            raise RecordError(
                f"A belief {np.shape(self.p)} and gallery rows {np.shape(self.gallery_row)} need {len(self.rows)} rows."
            )


def belief_of(p: NDArray[np.floating], rows: WorldRows) -> WorldBelief:
    """A belief over the gallery's own rows."""
    return WorldBelief(p, rows, np.arange(len(rows), dtype=np.int64))


def posterior(
    scores: NDArray[np.float32], scale: float, rows: WorldRows, temperature: float = 1.0
) -> NDArray[np.float32]:
    """What scores make one believe: softmax(scale * score / temperature + log prior), float32 (q, n).

    Args:
        scores: (q, n), larger is better; -inf where a row must not answer.
        scale: the model's logit scale.
        rows: n rows of the world.
        temperature: above 1 the belief is wider than the model's own, below 1 narrower.

    Raises:
        UsageError: shapes do not fit, a score is NaN, or scale or temperature is not positive.
        EmptyInputError: no row may answer a query.
    """
    if scores.ndim != 2 or scores.shape[1] != len(rows):
        raise UsageError(f"Scores of shape {scores.shape} are not (queries, {len(rows)} rows).")
    factor = sharpness(scale, temperature)
    logits = scores * np.float32(factor)
    logits += rows.log_prior
    top = logits.max(axis=1, keepdims=True)
    if np.isnan(top).any() or np.isposinf(top).any():
        raise UsageError(f"Query {int(np.flatnonzero(~(top[:, 0] < np.inf))[0])} has a score that is no number.")
    if np.isneginf(top).any():
        raise EmptyInputError(
            f"No row may answer query {int(np.flatnonzero(np.isneginf(top[:, 0]))[0])}: exclude fewer rows."
        )
    logits -= top
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits


def sharpness(scale: float, temperature: float) -> float:
    """What scores are multiplied by.

    Raises:
        UsageError: scale or temperature is not a positive number.
    """
    if not (0 < scale < math.inf and 0 < temperature < math.inf):
        raise UsageError(f"A scale of {scale} and a temperature of {temperature} must both be positive numbers.")
    return scale / temperature

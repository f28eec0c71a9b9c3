"""Positions in training: where the photos were taken, the noise on it, and a queue of past batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from periplus.geo import chord_from_km, destination, to_unit


@dataclass(frozen=True)
class TrainingPositions:
    """Where the training photos were taken; nothing of the others is known here.

    Attributes:
        lat_deg, lon_deg: float64 (n,), NaN in the rows that are held out.
    """

    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]

    @classmethod
    def of(cls, lat_lon_deg: NDArray[np.float64], held_out: NDArray[np.bool_]) -> TrainingPositions:
        """Of positions (n, 2) in degrees, without the held-out rows, bool (n,)."""
        known = np.where(held_out[:, None], np.nan, lat_lon_deg)
        return cls(known[:, 0].copy(), known[:, 1].copy())

    def scattered(self, rows: Tensor, sigma_m: float) -> Tensor:
        """Positions of rows (k,) under Gaussian noise: degrees, float64 (k, 2), on the rows' device.

        Each is moved along a great circle by a vector of the tangent plane, both parts of which are N(0, sigma_m^2):
        exact at the poles and across the date line. What is drawn comes from torch's own generator.
        """
        at = rows.cpu().numpy()
        lat, lon = self.lat_deg[at], self.lon_deg[at]
        if sigma_m:
            east, north = torch.randn(2, len(at), dtype=torch.float64).numpy() * sigma_m
            lat, lon = destination(lat, lon, np.degrees(np.arctan2(east, north)), np.hypot(east, north) / 1000)
        return torch.from_numpy(np.stack([lat, lon], 1)).to(rows.device)

    def near(self, rows: Tensor, others: Tensor, radius_km: float) -> Tensor:
        """Which of the rows (m,) ``others`` lie at most so far from each of ``rows`` (k,): bool (k, m)."""
        a, b = (to_unit(self.lat_deg[at], self.lon_deg[at]) for at in (rows.cpu().numpy(), others.cpu().numpy()))
        cosine = 1 - float(chord_from_km(radius_km)) ** 2 / 2
        return torch.from_numpy(a @ b.T >= cosine).to(rows.device)


class PositionQueue(nn.Module):
    """The last rows that were trained on, first in first out; part of a training's state.

    Args:
        rows: int64 (q,), what it is filled with at the start: real training rows.
    """

    rows: Tensor
    place: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows.clone())
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.rows)

    @torch.no_grad()
    def push(self, rows: Tensor) -> None:
        """Put rows (b,) in the place of the oldest; of more than the queue holds, the last ones stay."""
        size = len(self)
        if not size:
            return
        kept = rows[-size:]
        at = (self.place + torch.arange(len(kept), device=kept.device)) % size
        self.rows[at] = kept
        self.place.copy_((self.place + len(kept)) % size)

"""One belief from several kinds of evidence, and which of them carried it.

Positions, neighbours and texts are experts. Expert e gives a density D_e, has the trust w_e and is beside the point
with probability f_e; with U = 1 / (4 pi R²) the fused belief is the product

    B(x) ∝ prod_e ((1 - f_e) D_e(x) / U + f_e) ^ w_e,

so that an expert that sees nothing somewhere can veto no other. It is taken at the union of the experts' centres:
kernel c of expert e with weight v_c gets the weight v_c B(x_c) / M(x_c), with M the mean of the densities — importance
weighting, under which one expert alone comes out as it went in. Verified landmarks, whose confidence c is calibrated,
are no opinion among others: the whole is c L(x) + (1 - c) B(x).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import EARTH_RADIUS_KM, distance_km
from periplus.position.guess import Bell, Position, best_place
from periplus.position.kernels import density_at
from periplus.position.world import WorldBelief, WorldRows
from periplus.records import Density, Fix

LANDMARKS: Final = "landmarks"
_SMOOTH: Final = 1.6
"""Densities are compared with kernels so much wider: those of cells side by side leave hollows between them."""
_UNIFORM: Final = 1 / (4 * np.pi * EARTH_RADIUS_KM**2)


@dataclass(frozen=True)
class Expert:
    """An opinion on where the camera stood.

    Attributes:
        kind: ``"positions"``, ``"photos"`` or ``"texts"``.
        density: the opinion.
        trust: its exponent, above 0; experts that repeat one another deserve less than 1 each.
        beside: the probability that it says nothing about this photo, above 0 and at most 1.

    Raises:
        UsageError: trust or doubt is impossible, or the density is empty.
    """

    kind: str
    density: Density
    trust: float = 1.0
    beside: float = 0.1

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not (self.trust > 0 and 0 < self.beside <= 1 and len(self.density.weights)):
            raise UsageError(
                f"Expert {self.kind!r}: a trust of {self.trust}, beside the point with {self.beside}, "
                f"{len(self.density.weights)} kernels; the first must be positive, the second in (0, 1]."
            )


@dataclass(frozen=True)
class Fused:
    """What all evidence together says.

    Attributes:
        density: the belief.
        lat_deg, lon_deg: where it concentrates.
        carried_by: the share of each kind in the belief there; empty where there is only one kind.
    """

    density: Density
    lat_deg: float
    lon_deg: float
    carried_by: Mapping[str, float]


def fuse(experts: Sequence[Expert], landmark: Fix | None = None, radius_km: float = 25.0) -> Fused:
    """Combine experts and a verified landmark.

    Args:
        experts: none, one or several; several of one kind deserve less trust each.
        landmark: with its density and its confidence; one without a density says nothing.
        radius_km: what counts as one place when the guess is chosen and shares are told. A landmark that carries
            the guess keeps its own position, which is much finer than that.

    Raises:
        EmptyInputError: there is no evidence at all.
        UsageError: an expert calls itself a landmark.
    """
    if LANDMARKS in (expert.kind for expert in experts):
        raise UsageError(f"{LANDMARKS!r} is the verified evidence, no expert's kind.")
    seen = landmark if landmark is not None and landmark.density is not None else None
    if seen is None and not experts:
        raise EmptyInputError("There is nothing to fuse: no expert, and no verified landmark with a density.")
    sure = 0.0 if seen is None else seen.confidence if experts else 1.0
    opinion = _product(experts) if experts else None
    parts = [(weight, part) for weight, part in ((sure, seen and seen.density), (1 - sure, opinion)) if part and weight]
    density = _mixture(parts)
    guess = best_place(density, Bell(radius_km))
    carried = _carried(experts, opinion, seen, sure, guess, radius_km)
    if seen is not None and (not carried or carried.get(LANDMARKS, 0.0) >= 0.5):
        guess = (seen.lat_deg, seen.lon_deg)
    return Fused(density, *guess, carried)


def belief_from(density: Density) -> WorldBelief:
    """A density as a belief over rows: each kernel a cell as wide as itself, where kernels hardly overlap."""
    area = 4 * np.pi * density.sigma_km**2
    rows = WorldRows(density.lat_deg, density.lon_deg, area / area.sum(), area)
    return WorldBelief(density.weights, rows, np.arange(len(area), dtype=np.int64))


def _product(experts: Sequence[Expert]) -> Density:
    lat, lon, sigma = (
        np.concatenate([getattr(expert.density, name) for expert in experts])
        for name in ("lat_deg", "lon_deg", "sigma_km")
    )
    own = np.concatenate([expert.density.weights for expert in experts])
    smooth = [replace(e.density, sigma_km=_SMOOTH * e.density.sigma_km) for e in experts]
    dense = np.stack([density_at(density, lat, lon) / _UNIFORM for density in smooth])
    doubt, trust = (np.array([[getattr(e, name)] for e in experts]) for name in ("beside", "trust"))
    logs = (trust * np.log((1 - doubt) * dense + doubt)).sum(axis=0) - np.log(dense.mean(axis=0))
    weights = own * np.exp(logs - logs[own > 0].max())
    return Density(lat, lon, weights / weights.sum(), sigma)


def _mixture(parts: Sequence[tuple[float, Density]]) -> Density:
    lat, lon, sigma = (
        np.concatenate([getattr(part, name) for _, part in parts]) for name in ("lat_deg", "lon_deg", "sigma_km")
    )
    weights = np.concatenate([weight * part.weights for weight, part in parts])
    return Density(lat, lon, weights / weights.sum(), sigma)


def _carried(
    experts: Sequence[Expert],
    opinion: Density | None,
    seen: Fix | None,
    sure: float,
    guess: Position,
    radius_km: float,
) -> dict[str, float]:
    """Landmarks by their share of the mixture near the guess, experts by what their logs add to the rest."""
    if len(experts) + (seen is not None) < 2:
        return {}
    verified = 0.0 if seen is None or seen.density is None else sure * _near(seen.density, guess, radius_km)
    rest = 0.0 if opinion is None else (1 - sure) * _near(opinion, guess, radius_km)
    share = verified / (verified + rest) if verified > 0 else 0.0
    # What a belief without any opinion has there.
    chance = radius_km**2 / (2 * EARTH_RADIUS_KM**2)
    ratios = np.array([_near(e.density, guess, radius_km) / chance for e in experts])
    doubt, trust = (np.array([getattr(e, name) for e in experts]) for name in ("beside", "trust"))
    logs = np.maximum(trust * np.log((1 - doubt) * ratios + doubt), 0)
    parts = logs / logs.sum() if logs.sum() > 0 else np.full(len(experts), 1 / max(1, len(experts)))
    told = {} if seen is None else {LANDMARKS: share}
    for expert, part in zip(experts, parts, strict=True):
        told[expert.kind] = told.get(expert.kind, 0.0) + float((1 - share) * part)
    return told if len(told) > 1 else {}


def _near(density: Density, guess: Position, radius_km: float) -> float:
    """The belief near a place, by a bell."""
    apart: NDArray[np.float64] = distance_km(*guess, density.lat_deg, density.lon_deg)
    return float(Bell(radius_km)(apart, density.sigma_km) @ density.weights)

"""World-wide beliefs straight from their formulas: one row at a time, in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from periplus.geo import EARTH_RADIUS_KM, cell_of, distance_km, from_unit, to_unit
from periplus.position import WorldRows
from periplus.records import Density

SPHERE_KM2 = 4 * math.pi * EARTH_RADIUS_KM**2


def spiral(n: int, seed: int = 0) -> WorldRows:
    """n rows spread evenly (Fibonacci's spiral, turned at random), with uneven priors."""
    rng = np.random.default_rng(seed)
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(n) + rng.uniform(0, 7)
    lat, lon = from_unit(np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1))
    prior = rng.gamma(2.0, size=n) + 0.1
    return WorldRows(lat, lon, prior / prior.sum(), np.full(n, SPHERE_KM2 / n))


def permuted(rows: WorldRows, order: NDArray[np.int64]) -> WorldRows:
    """The same rows in another order."""
    return WorldRows(rows.lat_deg[order], rows.lon_deg[order], rows.prior[order], rows.area_km2[order])


def doubled(rows: WorldRows, which: NDArray[np.int64]) -> WorldRows:
    """Some rows replaced by two halves: the second halves follow all others."""
    share = np.ones(len(rows))
    share[which] = 0.5
    parts = [rows.lat_deg, rows.lon_deg, rows.prior * share, rows.area_km2 * share]
    return WorldRows(*(np.concatenate([part, part[which]]) for part in parts))


def posterior(scores: Sequence[float], scale: float, prior: Sequence[float], temperature: float) -> list[float]:
    """p_i = pi_i exp(scale s_i / T) / sum."""
    logs = [scale * s / temperature + math.log(q) for s, q in zip(scores, prior, strict=True)]
    weights = [math.exp(v - max(logs)) for v in logs]
    return [w / math.fsum(weights) for w in weights]


def kernel(kappa: float, theta: float) -> float:
    """The density per steradian of von Mises and Fisher's kernel, for kappa that sinh can take."""
    return kappa / (4 * math.pi * math.sinh(kappa)) * math.exp(kappa * math.cos(theta))


def density_at(density: Density, lat_deg: float, lon_deg: float) -> float:
    """Per km²."""
    total = 0.0
    parts = (density.lat_deg, density.lon_deg, density.weights, density.sigma_km)
    for lat, lon, weight, sigma in zip(*(part.tolist() for part in parts), strict=True):
        theta = float(distance_km(lat, lon, lat_deg, lon_deg)) / EARTH_RADIUS_KM
        total += weight * kernel((EARTH_RADIUS_KM / sigma) ** 2, theta) / EARTH_RADIUS_KM**2
    return total


def integral(density: Density, lines: int, columns: int) -> float:
    """Of a density per km² over the sphere: Gauss and Legendre's nodes in sin latitude, even ones in longitude."""
    from periplus.position import density_at as fast

    z, weight = np.polynomial.legendre.leggauss(lines)
    lon = np.arange(columns) * 360 / columns - 180
    values = fast(density, np.degrees(np.arcsin(z))[:, None], lon[None])
    return float((values.mean(axis=1) * weight).sum() * 2 * np.pi * EARTH_RADIUS_KM**2)


def region(p: Sequence[float], area: Sequence[float], level: float) -> set[int]:
    """Rows that have at most ``level`` on denser ones."""
    dense = [a / b for a, b in zip(p, area, strict=True)]
    return {i for i in range(len(p)) if math.fsum(q for q, d in zip(p, dense, strict=True) if d > dense[i]) <= level}


def radius(p: Sequence[float], rows: WorldRows, at: tuple[float, float], share: float) -> float:
    """The distance within which rows hold the share, and the size of the last one's cell."""
    away = [float(distance_km(*at, a, b)) for a, b in zip(rows.lat_deg, rows.lon_deg, strict=True)]
    held, reach = 0.0, 0.0
    for i in sorted(range(len(p)), key=lambda i: away[i]):
        held += p[i]
        reach = math.hypot(away[i], math.sqrt(float(rows.area_km2[i]) / math.pi))
        if held >= share * math.fsum(p):
            break
    return reach


def expected(at: tuple[float, float], density: Density, gain: Callable[[float], float]) -> float:
    """sum_i w_i g(d_i), of centres."""
    away = distance_km(*at, density.lat_deg, density.lon_deg).tolist()
    return math.fsum(w * gain(d) for w, d in zip(density.weights.tolist(), away, strict=True))


def votes(
    scores: Sequence[float], lat: Sequence[float], lon: Sequence[float], temperature: float, side_km: float
) -> dict[int, float]:
    """Each cell's share of the votes."""
    best = max(scores)
    weights = [math.exp((s - best) / temperature) for s in scores]
    shares: dict[int, float] = {}
    for weight, cell in zip(weights, cell_of(lat, lon, side_km).tolist(), strict=True):
        shares[cell] = shares.get(cell, 0.0) + weight / sum(weights)
    return shares


def inside_cells(rows: WorldRows, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nearest row of each place, by all distances."""
    return np.asarray((to_unit(lat, lon) @ to_unit(rows.lat_deg, rows.lon_deg).T).argmax(axis=1), np.int64)


def fused(experts: Sequence[tuple[Density, float, float]], smooth: float) -> list[float]:
    """The weights of the product of (density, trust, beside) at the union of the centres."""
    weights = []
    wide = [Density(d.lat_deg, d.lon_deg, d.weights, smooth * d.sigma_km) for d, _, _ in experts]
    for own, _, _ in experts:
        for lat, lon, weight in zip(own.lat_deg, own.lon_deg, own.weights, strict=True):
            dense = [density_at(d, float(lat), float(lon)) * SPHERE_KM2 for d in wide]
            product = math.prod(((1 - f) * v + f) ** w for v, (_, w, f) in zip(dense, experts, strict=True))
            weights.append(float(weight) * product / (sum(dense) / len(dense)))
    return [w / sum(weights) for w in weights]

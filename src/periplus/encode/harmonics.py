"""Real spherical harmonics: smooth functions of position, alike everywhere on the sphere."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from periplus.geo import to_unit


def real_harmonics(lat_deg: ArrayLike, lon_deg: ArrayLike, degree: int) -> NDArray[np.float64]:
    """Orthonormal real spherical harmonics float64 (n, (L + 1)²) up to degree L = ``degree``.

    Column l² + l + m holds Y_lm: for m = 0 N_l0 P_l(z), for m > 0 √2 N_lm Q_lm(z) Re (x + iy)^m, for m < 0 the same of
    |m| with Im, where (x, y, z) is the position as a unit vector, N_lm = √((2l + 1)/4π (l - m)!/(l + m)!) and
    Q_lm = d^m P_l / dz^m. They come by the recurrence of the normalised Q̄_lm = N_lm Q_lm in l,
    Q̄_lm = a_lm z Q̄_(l-1)m - b_lm Q̄_(l-2)m, which divides by no sine: poles are points like any other.

    Reference: Holmes and Featherstone, A unified approach to the Clenshaw summation, J. Geodesy 76 (2002), eq. 11-13.
    """
    x, y, z = np.atleast_2d(to_unit(lat_deg, lon_deg)).T
    columns = np.empty((len(z), (degree + 1) ** 2))
    power = np.ones(len(z), np.complex128)
    turn = x + 1j * y
    for m in range(degree + 1):
        below, here = np.zeros(len(z)), np.full(len(z), _sectoral(m))
        for order in range(m, degree + 1):
            if order > m:
                a, b = _steps(order, m)
                below, here = here, a * z * here - b * below
            middle = order * order + order
            if m == 0:
                columns[:, middle] = here
            else:
                columns[:, middle + m] = np.sqrt(2) * here * power.real
                columns[:, middle - m] = np.sqrt(2) * here * power.imag
        power = power * turn
    return columns


@cache
def _sectoral(m: int) -> float:
    """Q̄_mm: √(1/4π) times √((2k + 1)/2k) for k from 1 to m."""
    k = np.arange(1, m + 1)
    return float(np.sqrt(np.prod((2 * k + 1) / (2 * k)) / (4 * np.pi)))


@cache
def _steps(order: int, m: int) -> tuple[float, float]:
    """a_lm and b_lm of the recurrence for l = ``order``."""
    square = order * order - m * m
    a = np.sqrt((4 * order * order - 1) / square)
    b = np.sqrt((2 * order + 1) * ((order - 1) ** 2 - m * m) / ((2 * order - 3) * square)) if order > m + 1 else 0.0
    return float(a), float(b)

"""Matérn's correlation, exact for every smoothness and distance."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, kve

Values = NDArray[np.float64]
_LARGE: Final = 50.0
"""From this order on Bessel's function overflows where the correlation does not; its uniform expansion takes over."""
_FARTHEST: Final = 1e8
_DEBYE: Final[tuple[tuple[float, ...], ...]] = (
    (3 / 24, -5 / 24),
    (81 / 1152, -462 / 1152, 385 / 1152),
    (30375 / 414720, -369603 / 414720, 765765 / 414720, -425425 / 414720),
    (4465125 / 39813120, -94121676 / 39813120, 349922430 / 39813120, -446185740 / 39813120, 185910725 / 39813120),
)


def matern_correlation(h: Values, nu: float) -> Values:
    """2^(1-ν) / Γ(ν) u^ν K_ν(u) with u = √(2ν) h, in [0, 1]; 1 at h = 0.

    ν = 1/2 is exp(-h), 3/2 is (1 + √3 h) exp(-√3 h), and ν → ∞ is exp(-h²/2): the Gaussian family with √2 times the
    length scale (Rasmussen, Williams, Gaussian Processes for Machine Learning, 2006, eq. 4.14). Absolute errors stay
    below 1e-11.

    Args:
        h: distance in length scales, not negative.
        nu: smoothness, positive.
    """
    u = np.minimum(np.sqrt(2 * nu) * h, _FARTHEST)
    if nu >= _LARGE:
        return np.minimum(np.exp(_log_large(u / nu, nu)), 1.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        bessel = (1 - nu) * np.log(2) - gammaln(nu) + nu * np.log(u) + np.log(kve(nu, u)) - u
        # Where K overflows, u is so small that the correlation is 1 to the last digits.
        return np.asarray(np.where(np.isinf(kve(nu, u)), 1.0, np.minimum(np.exp(bessel), 1.0)))


@lru_cache(maxsize=4096)
def matern_reach(nu: float, left: float) -> float:
    """The distance in length scales at which the correlation has fallen to ``left``."""

    def over(log_h: float) -> float:
        return float(matern_correlation(np.array(np.exp(log_h)), nu)) - left

    return float(np.exp(brentq(over, -700, 10, xtol=1e-13)))


def _log_large(z: Values, nu: float) -> Values:
    """Logarithm of the correlation for a large order, z = u / ν.

    Debye's uniform expansion of K (NIST Digital Library of Mathematical Functions, 10.41.4) over Stirling's of Γ
    (5.11.1), in which all that grows with ν cancels beforehand.
    """
    s = np.sqrt(1 + z**2)
    over = z**2 / (1 + s)
    p2 = 1 / s**2
    series = np.ones_like(s)
    for k, terms in enumerate(_DEBYE, 1):
        series += (-1 / (s * nu)) ** k * np.polynomial.polynomial.polyval(p2, np.array(terms))
    stirling = 1 / (12 * nu) - 1 / (360 * nu**3) + 1 / (1260 * nu**5)
    return np.asarray(nu * (np.log1p(over / 2) - over) - np.log(s) / 2 + np.log(series) - stirling)

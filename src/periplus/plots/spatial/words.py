"""Numbers of spatial statistics as people read them."""

from __future__ import annotations

import math

from periplus.spatial.clouds.correlation import Correlation
from periplus.spatial.pairs.lags import HALF_GIRTH_KM
from periplus.spatial.variograms.variogram import Variogram


def correlation_words(correlation: Correlation) -> str:
    """A correlation with its interval: ``"−0.225 (−0.241 to −0.209)"``; the reason where there is none."""
    if not math.isfinite(correlation.value):
        return f"unknown: {correlation.reason}" if correlation.reason else "unknown"
    value = signed(correlation.value)
    if not math.isfinite(correlation.low):
        return value
    return f"{value} ({signed(correlation.low)} to {signed(correlation.high)})"


def signed(value: float, decimals: int = 3) -> str:
    """A number with a minus that is one; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def digits(value: float, number: int = 3) -> str:
    """A number with so many digits that count: ``"0.0123"``, ``"2,310"``; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    value = float(f"{value:.{number}g}")
    if not value:
        return "0"
    decimals = max(0, number - 1 - math.floor(math.log10(abs(value))))
    return (f"{value:,.{decimals}f}" if decimals <= 6 else f"{value:.{number - 1}e}").replace("-", "−")


def km_words(km: float) -> str:
    """A distance in km for a table: ``"0.31"``, ``"2,310"``."""
    return digits(km)


def whole(count: float) -> str:
    """A count, thousands parted."""
    return f"{count:,.0f}"


def photos_words(n: int) -> str:
    """So many photos."""
    return "1 photo" if n == 1 else f"{n:,} photos"


def percent(share: float, number: int = 2) -> str:
    """A share: ``"41 %"``, ``"3.2 %"``, ``"0.04 %"``; a dash where there is none."""
    return f"{digits(100 * share, number)} %" if math.isfinite(share) else "–"


def between(low: float, high: float, unit: str = "") -> str:
    """An interval: ``"0.41 to 0.52"``; in km one that ends beyond the Earth is open; empty where it is unknown."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if unit == "km" and high > HALF_GIRTH_KM:
        return f"{digits(low)} {unit} or more"
    return f"{digits(low)} to {digits(high)} {unit}".rstrip()


def name_of(variogram: Variogram) -> str:
    """Its label and its sector, ``"StreetCLIP, 45° ± 22.5°"``; empty where it has neither.

    A label that ends in degrees names its sector already.
    """
    if variogram.sector_deg is None or variogram.label.endswith("°"):
        return variogram.label
    start, end = variogram.sector_deg
    sector = f"{(start + end) / 2:g}° ± {(end - start) / 2:g}°"
    return f"{variogram.label}, {sector}" if variogram.label else sector

"""Positions, distances and probabilities as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from periplus.records import Area, Fix

CARRIERS: Final = {
    "landmarks": "verified photos of the place",
    "photos": "photos that look alike",
    "positions": "the world model",
    "texts": "names of places",
}
"""The kinds of evidence of :attr:`periplus.records.Fix.carried_by` in words."""


def position_words(lat_deg: float, lon_deg: float, radius_km: float = 0.0) -> str:
    """A position with as many decimals as its radius bears: ``"37.79210° N 122.40012° W"``."""
    decimals = position_decimals(radius_km)
    north, east = "N" if lat_deg >= 0 else "S", "E" if lon_deg >= 0 else "W"
    return f"{abs(lat_deg):.{decimals}f}° {north} {abs(lon_deg):.{decimals}f}° {east}"


def position_decimals(radius_km: float) -> int:
    """Decimals of degrees that a radius bears, 1 to 5; 5 where it is 0 or unknown."""
    if not (math.isfinite(radius_km) and radius_km > 0):
        return 5
    return min(5, max(1, math.ceil(-math.log10(radius_km / 1110))))


def distance_words(km: float) -> str:
    """A distance with two digits that count: ``"30 m"``, ``"1.2 km"``, ``"12,000 km"``."""
    if not math.isfinite(km):
        return "an unknown distance"
    metres = km * 1000
    if metres < 1:
        return "under 1 m"
    digits = 1 - math.floor(math.log10(metres))
    metres = round(metres, digits)
    if metres < 1000:
        return f"{metres:.0f} m"
    return f"{metres / 1000:.1f} km" if metres < 10_000 else f"{metres / 1000:,.0f} km"


def percent_words(probability: float) -> str:
    """A probability that is never certain: ``"93 %"``, ``"over 99 %"``, ``"under 1 %"``."""
    if probability < 0.005:
        return "under 1 %"
    return "over 99 %" if probability >= 0.995 else f"{100 * probability:.0f} %"


def answer_words(fix: Fix) -> str:
    """The answer in one sentence.

    ``"Camera position: 37.79210° N 122.40012° W, near San Francisco, California, United States, within 30 m (50 %)
    / 90 m (90 %), confidence 93 %."`` or ``"No answer: REASON (best guess ...)."``
    """
    if not math.isfinite(fix.lat_deg) or not math.isfinite(fix.lon_deg):
        return f"No answer: {_bare(fix.abstained or 'there is no guess')}."
    parts = [position_words(fix.lat_deg, fix.lon_deg, fix.radius_km_90)]
    if fix.place:
        parts.append(f"near {fix.place}")
    if math.isfinite(fix.radius_km_90):
        parts.append(f"within {distance_words(fix.radius_km_50)} (50 %) / {distance_words(fix.radius_km_90)} (90 %)")
    parts.append(f"confidence {percent_words(fix.confidence)}")
    if fix.abstained is None:
        return f"Camera position: {', '.join(parts)}."
    return f"No answer: {_bare(fix.abstained)} (best guess {', '.join(parts)})."


def areas_words(areas: Sequence[Area], kind: str, most: int = 3) -> str:
    """The most probable areas of a kind: ``"France 34 %, Spain 12 %, Italy 8 %"``; empty where none is known."""
    shown = [area for area in areas if area.kind == kind][:most]
    return ", ".join(f"{area.name} {percent_words(area.probability)}" for area in shown)


def carried_words(carried_by: Mapping[str, float]) -> str:
    """What carried a belief, the most first: ``"the world model 80 %, photos that look alike 20 %"``."""
    told = sorted(carried_by.items(), key=lambda item: -item[1])
    return ", ".join(f"{CARRIERS.get(kind, kind)} {percent_words(share)}" for kind, share in told)


def _bare(sentence: str) -> str:
    return sentence.strip().rstrip(".")

"""A belief in words and bars: the most probable areas, what carried it, and the positions that speak for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from periplus.geo import describe, places_of
from periplus.plots.bars import stripe
from periplus.plots.svg import Markup, join, tag
from periplus.plots.words import CARRIERS, distance_words, percent_words, position_words
from periplus.records import Area, Evidence

MOST_AREAS: Final = 6
MOST_POSITIONS: Final = 8
_KINDS: Final = {"country": "Countries", "region": "Regions", "city": "Cities"}
_GRID_KM: Final = 12.0


def area_bars(areas: Sequence[Area]) -> Markup:
    """Countries, regions and cities with the probability that the camera stood in them, on one scale."""
    if not areas:
        return Markup()
    full = max(max(area.probability for area in areas), 1e-9)
    columns = []
    for kind, name in _KINDS.items():
        shown = [area for area in areas if area.kind == kind][:MOST_AREAS]
        if shown:
            rows = [_area(area, full) for area in shown]
            rest = 1 - sum(area.probability for area in shown)
            if rest > 0.005:
                rows += [tag("dt", "elsewhere", class_="soft"), tag("dd"), tag("dd", percent_words(rest), class_="n")]
            columns.append(tag("div", tag("h4", name), tag("dl", *rows, class_="bars")))
    return join([tag("h3", "Most probable places"), tag("div", *columns, class_="areas")])


def _area(area: Area, full: float) -> Markup:
    first, _, rest = area.name.partition(", ")
    name = tag("bdi", first, tag("small", rest) if rest else "")
    share = tag("dd", percent_words(area.probability), class_="n")
    return join([tag("dt", name), tag("dd", stripe(area.probability / full)), share])


def carried_bar(carried_by: Mapping[str, float]) -> Markup:
    """How much each kind of evidence brought to the belief at the guess, as one bar in parts with their names."""
    if not carried_by:
        return Markup()
    x, parts, names = 0.0, [], []
    for kind, share in sorted(carried_by.items(), key=lambda item: -item[1]):
        sign = kind if kind in CARRIERS else "other"
        parts.append(tag("rect", x=f"{100 * x:.2f}", width=f"{100 * share:.2f}", height=1, class_=sign))
        swatch = tag(
            "svg", tag("rect", width=12, height=12, rx=3, class_=sign), viewBox="0 0 12 12", aria_hidden="true"
        )
        names.append(tag("li", swatch, f"{CARRIERS.get(kind, kind)} {percent_words(share)}"))
        x += share
    bar = tag("svg", *parts, viewBox="0 0 100 1", preserveAspectRatio="none", class_="carried", aria_hidden="true")
    return join([tag("h3", "What carried it"), bar, tag("ul", *names, class_="legend carriers")])


def position_rows(evidence: Sequence[tuple[int, Evidence]]) -> Markup:
    """Bare positions of the gallery that speak for the estimate, as a list with numbers; empty where there is none."""
    if not evidence:
        return Markup()
    shown = evidence[:MOST_POSITIONS]
    lat, lon = (np.asarray([getattr(e, name) for _, e in shown]) for name in ("lat_deg", "lon_deg"))
    rows = [
        _position(number, item, describe(place))
        for (number, item), place in zip(shown, places_of(lat, lon), strict=True)
    ]
    more = len(evidence) - len(shown)
    note = tag("p", f"{more:,} more {'position speaks' if more == 1 else 'positions speak'} for it.", class_="soft")
    listed = tag("ol", *rows, class_="positions")
    return join([tag("h3", "Positions in the gallery"), listed, note if more else ""])


def _position(number: int, item: Evidence, place: str) -> Markup:
    spot = position_words(item.lat_deg, item.lon_deg, _GRID_KM)
    told = f"{spot} · {distance_words(item.distance_km)} away · score {item.score:.2g}"
    words = tag("span", tag("bdi", place), tag("small", told))
    return tag("li", tag("span", str(number), class_="badge"), words, title=item.id)

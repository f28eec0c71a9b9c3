"""The maps of an answer with their legends: of the ground around it, or of the whole world."""

from __future__ import annotations

import math
from typing import Final

from periplus.geo import Neighbours
from periplus.plots.evidence import photos_and_positions
from periplus.plots.heat import WORLD_WIDE_KM, heat
from periplus.plots.map import local_map, region_map, world_map
from periplus.plots.page import legend
from periplus.plots.places import area_bars, carried_bar, position_rows
from periplus.plots.svg import Markup, join, tag
from periplus.plots.tint import Tint, scale_bands, times_words, tint_of
from periplus.plots.world import heat_map
from periplus.records import Fix

_AROUND_KM: Final = 1500.0


def guessed(fix: Fix) -> bool:
    """Whether a fix has at least a guess."""
    return math.isfinite(fix.lat_deg) and math.isfinite(fix.lon_deg)


def near_maps(fix: Fix, gallery: Neighbours) -> Markup:
    """The ground around the estimate, its region and its place on the world; of the world alone without a guess."""
    if not guessed(fix):
        return tag("div", world_map(fix), class_="maps alone")
    insets = [part for part in (region_map(fix), world_map(fix)) if part is not None]
    names = ["estimate" if fix.answered else "best guess (not offered as an answer)", "50 % and 90 %"]
    signs = (
        ("belief", fix.density is not None),
        ("evidence", bool(fix.evidence)),
        ("gallery photos", len(gallery) > 0),
        ("next best place", fix.runner_up is not None),
        ("recorded in the file", fix.recorded is not None),
    )
    names += [name for name, there in signs if there]
    maps = tag("div", local_map(fix, gallery), tag("div", *insets, class_="insets"), class_="maps")
    return join([tag("h3", "Map"), maps, legend(names)])


def world_maps(fix: Fix, gallery: Neighbours) -> Markup:
    """The belief on the world, the most probable places, the ground around the estimate, and what carried it.

    Args:
        fix: world-wide, with a density.
        gallery: the positions of the gallery's photos, shown around an answer of at most 200 km.
    """
    assert fix.density is not None
    belief = heat(fix.density)
    tint = tint_of(belief)
    parts = [
        tag("h3", "Where in the world"),
        heat_map(fix, belief, tint),
        _world_legend(fix, tint),
        area_bars(fix.areas),
    ]
    beside = [carried_bar(fix.carried_by), position_rows(photos_and_positions(fix)[1])]
    if guessed(fix):
        dots = gallery if fix.radius_km_90 <= WORLD_WIDE_KM else Neighbours([], [])
        around = join([tag("h3", "Around the estimate"), local_map(fix, dots, _AROUND_KM)])
        parts.append(tag("div", tag("div", around), tag("div", *beside), class_="around"))
    else:
        parts += beside
    return join(parts)


def _world_legend(fix: Fix, tint: Tint) -> Markup:
    bands = tag("svg", scale_bands(0, 0, 120, 11), viewBox="0 0 120 11", preserveAspectRatio="none", aria_hidden="true")
    scale = tag("span", f"{times_words(tint.low)}×", bands, f"{times_words(tint.high)}×", class_="scale")
    told = tag("li", scale, "the world’s average probability per area")
    signs = (
        ("estimate" if fix.answered else "best guess (not offered as an answer)", guessed(fix)),
        ("smallest region with 50 %", True),
        ("with 90 %", True),
        ("next best place", fix.runner_up is not None),
        ("recorded in the file", fix.recorded is not None),
        ("evidence positions", bool(fix.evidence)),
    )
    return tag("div", legend([name for name, there in signs if there], told), class_="wide-key")

"""The maps of an answer: the world, the region and the ground around the estimate."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from periplus.geo import Neighbours
from periplus.plots import layers
from periplus.plots.furniture import graticule, north_arrow, scale_bar
from periplus.plots.land import WORLD_HEIGHT_PX, WORLD_WIDTH_PX, land_data, world_px
from periplus.plots.svg import Markup, dots_data, tag
from periplus.plots.view import View
from periplus.records import Fix

_SMALLEST_KM: Final = 0.1
_LARGEST_KM: Final = 5000.0
_COAST_FROM_KM: Final = 60.0
"""The coastline is right to a few kilometres: a smaller map does without it."""
_MOST_DOTS: Final = 6000


def half_extent_km(fix: Fix) -> float:
    """How far the local map reaches to the north: three times the 90 % radius, and what is near that.

    Evidence and the recorded position count if they are at most eight times as far away; what is farther lies beside
    the map. At least 0.1 km, at most 5,000 km.
    """
    base = 3 * fix.radius_km_90 if math.isfinite(fix.radius_km_90) else 0.0
    base = max(base, _SMALLEST_KM)
    limits = [(e.distance_km, 8 * base) for e in fix.evidence]
    if fix.recorded is not None and fix.recorded.distance_km is not None:
        limits.append((fix.recorded.distance_km, 8 * base))
    reach = max((km for km, limit in limits if km <= limit), default=0.0)
    return min(max(base, 1.15 * reach), _LARGEST_KM)


def local_map(fix: Fix, gallery: Neighbours, most_km: float = _LARGEST_KM) -> Markup:
    """The ground around the estimate, azimuthal equidistant, as an SVG element.

    Args:
        fix: has at least a guess.
        gallery: the positions of the gallery's photos.
        most_km: the map reaches no farther to the north.
    """
    view = View(fix.lat_deg, fix.lon_deg, min(half_extent_km(fix), most_km))
    centre = np.asarray([view.width_px, view.height_px]) / 2
    lines, names = graticule(view)
    parts: list[str] = [*_ground(view), lines]
    if fix.density is not None and len(fix.density.weights):
        parts.append(layers.shading(view, fix.density))
    parts += [_dots(view, gallery), names, layers.circles(view, fix), _rivals(view, fix)]
    parts += [layers.pins(view, fix.evidence, centre), layers.estimate(view, fix)]
    parts += [scale_bar(view), north_arrow(view)]
    return _picture(view, f"Map around the estimated camera position, {2 * view.half_height_km:.4g} km high", parts)


def region_map(fix: Fix) -> Markup | None:
    """The region around the local map, with coastline; None where the local map shows a region already."""
    local = half_extent_km(fix)
    if local > 150:
        return None
    view = View(fix.lat_deg, fix.lon_deg, min(max(40 * local, 150.0), 2000.0), 360, 240)
    lines, _ = graticule(view)
    return _picture(view, "The region", [*_ground(view), lines, layers.estimate(view, fix), scale_bar(view)])


def world_map(fix: Fix) -> Markup:
    """The estimate on the world in Equal Earth; needs the symbol ``world`` of :func:`world_symbol` in its page."""
    parts: list[str] = [tag("use", href="#world", width=WORLD_WIDTH_PX + 2, height=WORLD_HEIGHT_PX + 2)]
    if math.isfinite(fix.lat_deg) and math.isfinite(fix.lon_deg):
        x, y = (world_px(np.asarray(fix.lat_deg), np.asarray(fix.lon_deg)) + 1).tolist()
        parts += [
            tag("circle", cx=x, cy=y, r=17.0, class_="world-ring"),
            tag("circle", cx=x, cy=y, r=6.5, class_="estimate" if fix.answered else "estimate unsure"),
        ]
    box = f"0 0 {WORLD_WIDTH_PX + 2:.0f} {WORLD_HEIGHT_PX + 2:.0f}"
    return tag("svg", *parts, viewBox=box, role="img", aria_label="The estimate on the world", class_="world")


def _ground(view: View) -> list[str]:
    if view.half_height_km < _COAST_FROM_KM:
        return [tag("rect", width=view.width_px, height=view.height_px, class_="ground")]
    return [
        tag("rect", width=view.width_px, height=view.height_px, class_="sea"),
        tag("path", d=land_data(view), fill_rule="evenodd", class_="land"),
    ]


def _dots(view: View, gallery: Neighbours) -> Markup:
    (rows,) = gallery.within_km(view.lat_deg, view.lon_deg, view.reach_km)
    points = view.to_px(gallery.lat_deg[rows], gallery.lon_deg[rows])
    points = points[view.holds(points)]
    if len(points) > _MOST_DOTS:
        points = points[np.random.default_rng(0).choice(len(points), _MOST_DOTS, replace=False)]
    return tag("path", d=dots_data(points), class_="dots")


def _rivals(view: View, fix: Fix) -> Markup:
    parts: list[str] = []
    if (other := fix.runner_up) is not None:
        parts.append(layers.rival(view, other.lat_deg, other.lon_deg, "runner-up", f"Next best place: {other.name}"))
    if (said := fix.recorded) is not None:
        title = f"Position recorded in the file ({said.source})"
        parts.append(layers.rival(view, said.lat_deg, said.lon_deg, "recorded", title))
    return tag("g", *parts)


def _picture(view: View, label: str, parts: list[str]) -> Markup:
    box = f"0 0 {view.width_px:.0f} {view.height_px:.0f}"
    return tag("svg", *parts, viewBox=box, role="img", aria_label=label)

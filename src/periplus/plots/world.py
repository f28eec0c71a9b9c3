"""The belief on the world: for a page, and as a figure of its own."""

from __future__ import annotations

import math
import textwrap
from dataclasses import replace
from importlib import resources
from typing import Final

import numpy as np

from periplus.errors import UsageError
from periplus.plots.heat import Heat, heat
from periplus.plots.land import WORLD_HEIGHT_PX, WORLD_WIDTH_PX, world_ground, world_px, world_rim
from periplus.plots.regions import SHARES, region_path
from periplus.plots.svg import Markup, join, tag
from periplus.plots.tint import Tint, heat_image, scale_bands, times_words, tint_of
from periplus.plots.words import answer_words, areas_words, distance_words
from periplus.records import Fix
from periplus.store.exports.values import xml_text

_WIDTH: Final = 1080.0
_DIAMOND: Final = "M-4.5,0l4.5,-4.5l4.5,4.5l-4.5,4.5z"
_SCALE: Final = _WIDTH / (WORLD_WIDTH_PX + 2)


def heat_map(fix: Fix, belief: Heat, tint: Tint) -> Markup:
    """The belief on the world in Equal Earth, as an SVG element.

    Its page holds the symbol of :func:`~periplus.plots.land.world_symbol` and the clip path of
    :func:`~periplus.plots.land.world_rim`.

    Args:
        fix: whose belief it is.
        belief: its density on the raster.
        tint: the scale.
    """
    size = {"width": WORLD_WIDTH_PX + 2, "height": WORLD_HEIGHT_PX + 2}
    world = tag("use", href="#world", x=-1, y=-1, **size)
    box = f"-1 -1 {size['width']:.0f} {size['height']:.1f}"
    label = f"Where on the world the camera may have stood: {answer_words(fix)}"
    return tag("svg", world, _belief(fix, belief, tint), viewBox=box, role="img", aria_label=label, class_="world wide")


def world_figure(fix: Fix, title: str = "Where the photo was taken") -> str:
    """The belief on the world as a figure: an SVG file of its own with title, legend and scale, on white.

    Args:
        fix: has a density.
        title: of the figure.

    Raises:
        UsageError: the fix has no density, so there is nothing to draw.
    """
    if fix.density is None or not len(fix.density.weights):
        raise UsageError("This answer has no density to draw a map of; there is none where no place is believed in.")
    belief = heat(fix.density)
    tint = tint_of(belief)
    lines = textwrap.wrap(xml_text(answer_words(fix)), 145)[:2]
    if countries := areas_words(fix.areas, "country"):
        lines.append(xml_text(countries))
    style = resources.files("periplus.plots").joinpath("figure.css").read_text(encoding="utf-8")
    top = 46.0 + 20 * len(lines)
    head = [tag("text", xml_text(title), x=6.0, y=28.0, class_="title")]
    head += [tag("text", line, x=6.0, y=50.0 + 20 * i, class_="small") for i, line in enumerate(lines)]
    width, height = WORLD_WIDTH_PX + 2, WORLD_HEIGHT_PX + 2
    drawn = [tag("defs", world_rim()), world_ground(fine=True), _belief(replace(fix, evidence=()), belief, tint)]
    ground = tag("svg", *drawn, y=top, width=_WIDTH, height=height * _SCALE, viewBox=f"-1 -1 {width:.0f} {height:.1f}")
    below = top + height * _SCALE + 12
    whole = below + 52
    figure = tag(
        "svg",
        tag("title", xml_text(title)),
        tag("style", Markup(style)),
        tag("rect", width=_WIDTH, height=whole, fill="#ffffff"),
        *head,
        ground,
        _key(fix, tint, below),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH:.0f} {whole:.0f}",
        width=_WIDTH,
        height=whole,
        **{"xmlns:xlink": "http://www.w3.org/1999/xlink"},
    )
    # Programs that set papers know links by their older name only. In text, quotation marks are escaped.
    return figure.replace(' href="', ' xlink:href="')


def _belief(fix: Fix, belief: Heat, tint: Tint) -> Markup:
    """Tint, coasts over it, outlines and marks, in pixels of the world map."""
    outlines = [
        tag("path", d=region_path(belief, share, WORLD_WIDTH_PX), class_=f"outline o{100 * share:.0f}")
        for share in SHARES
    ]
    image = heat_image(belief, tint, WORLD_WIDTH_PX, WORLD_HEIGHT_PX)
    coasts = tag("use", href="#coasts", class_="coast")
    return join([tag("g", image, coasts, *outlines, clip_path="url(#rim)"), _marks(fix)])


def _marks(fix: Fix) -> Markup:
    """Evidence, rivals and the estimate, the estimate on top."""
    parts = [
        _mark(item.lat_deg, item.lon_deg, "foot", f"Evidence {number}: {distance_words(item.distance_km)} away")
        for number, item in enumerate(fix.evidence, 1)
    ]
    if (other := fix.runner_up) is not None:
        parts.append(_mark(other.lat_deg, other.lon_deg, "runner-up", f"Next best place: {other.name}"))
    if (said := fix.recorded) is not None:
        title = f"Position recorded in the file ({said.source})"
        parts.append(_mark(said.lat_deg, said.lon_deg, "recorded", title))
    if math.isfinite(fix.lat_deg) and math.isfinite(fix.lon_deg):
        sign = "estimate" if fix.answered else "estimate unsure"
        parts.append(_mark(fix.lat_deg, fix.lon_deg, sign, "Estimated camera position"))
    return join(parts)


def _mark(lat_deg: float, lon_deg: float, sign: str, title: str) -> Markup:
    """A mark at a place. It stands in a group of its own, so that a style sheet can draw it larger."""
    x, y = world_px(np.asarray(lat_deg), np.asarray(lon_deg)).tolist()
    if sign == "foot":
        drawn = tag("circle", r=1.4, class_=sign)
    elif sign in ("runner-up", "recorded"):
        drawn = tag("path", d=_DIAMOND, class_=sign)
    else:
        drawn = tag("g", tag("circle", r=5.7, class_="halo"), tag("circle", r=4.2, class_=sign))
    place = f"translate({x:.1f},{y:.1f})"
    return tag("g", tag("title", xml_text(title)), drawn, transform=place, class_="mark")


def _key(fix: Fix, tint: Tint, y: float) -> Markup:
    """Scale and signs under the figure."""
    low, high = times_words(tint.low), times_words(tint.high)
    parts: list[str] = [
        tag("text", f"{low}×", x=8.0, y=y + 12, class_="key"),
        scale_bands(52, y, 200, 15),
        tag("text", f"{high}×", x=258.0, y=y + 12, class_="key"),
        tag("text", "the world’s average probability per area", x=8.0, y=y + 34, class_="small"),
    ]
    estimate = "estimate" if fix.answered else "estimate unsure"
    signs = [("smallest region with 50 %", _line("o50")), ("with 90 %", _line("o90"))]
    if math.isfinite(fix.lat_deg):
        signs.append(("estimate" if fix.answered else "best guess, no answer", tag("circle", r=7.0, class_=estimate)))
    for name, kind, there in (("next best place", "runner-up", fix.runner_up), ("recorded", "recorded", fix.recorded)):
        if there is not None:
            signs.append((name, tag("path", d=_DIAMOND, transform="scale(1.6)", class_=kind)))
    x = 345.0
    for name, sign in signs:
        parts.append(tag("g", sign, transform=f"translate({x + 14:.0f},{y + 7.5:.1f})"))
        parts.append(tag("text", name, x=x + 34, y=y + 12, class_="key"))
        x += 34 + 7.4 * len(name) + 18
    source = "Equal Earth projection. Coastline: Natural Earth."
    parts.append(tag("text", source, x=_WIDTH - 6, y=y + 34, class_="small", text_anchor="end"))
    return join(parts)


def _line(kind: str) -> Markup:
    return tag("path", d="M-14,0h28", class_=f"outline {kind}")

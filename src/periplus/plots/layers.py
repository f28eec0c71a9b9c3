"""What a map of an answer shows: belief, circles, gallery photos, evidence, the estimate and its rivals."""

from __future__ import annotations

import base64
import io
import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from periplus.geo import EARTH_RADIUS_KM, distance_km, to_unit
from periplus.plots.svg import Markup, join, tag
from periplus.plots.view import View
from periplus.plots.words import distance_words
from periplus.records import Density, Evidence, Fix

MOST_PINS: Final = 9
_GRID: Final = (90, 120)  # rows and columns of the shading
_MOST_KERNELS: Final = 300
_TINT: Final = (214, 84, 48)
_PIN_PX: Final = 10.0
_APART_PX: Final = 23.0


def shading(view: View, density: Density) -> Markup:
    """The belief as a tint, strongest where it is densest: the mixture of kernels on a grid of 120 x 90 cells."""
    rows, columns = _GRID
    cell_px = view.width_px / columns
    # A kernel narrower than a cell would fall between the cells.
    least = 0.8 * cell_px / view.px_per_km
    wide = density.sigma_km > least
    belief = _wide(view, density, wide) + _narrow(view, density, ~wide, least)
    alpha = 0.62 * np.sqrt(belief / max(belief.max(), 1e-300))
    pixels = np.empty((rows, columns, 4), np.uint8)
    pixels[..., :3] = _TINT
    pixels[..., 3] = np.round(255 * alpha.reshape(rows, columns))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=True)
    uri = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
    return tag(
        "image", href=uri, width=view.width_px, height=view.height_px, preserveAspectRatio="none", class_="belief"
    )


def _wide(view: View, density: Density, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Chosen kernels at the cells' centres (rows x columns,), the heaviest 300 of those that reach the view."""
    away = distance_km(density.lat_deg, density.lon_deg, view.lat_deg, view.lon_deg)
    weights = np.where(chosen & (away < view.reach_km + 4 * density.sigma_km), density.weights, 0.0)
    heavy = np.argsort(weights)[::-1][: min(_MOST_KERNELS, int((weights > 0).sum()))]
    rows, columns = _GRID
    x, y = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
    grid = to_unit(*view.from_px(x.ravel() * view.width_px, y.ravel() * view.height_px))
    sigma = density.sigma_km[heavy] / EARTH_RADIUS_KM
    squares = np.maximum(2 - 2 * (grid @ to_unit(density.lat_deg[heavy], density.lon_deg[heavy]).T), 0)
    return np.asarray(np.exp(-squares / (2 * sigma**2)) @ (weights[heavy] / sigma**2))


def _narrow(view: View, density: Density, chosen: NDArray[np.bool_], sigma_km: float) -> NDArray[np.float64]:
    """Chosen kernels, all made ``sigma_km`` wide, as :func:`_wide` has them; any number, counted by cells first."""
    rows, columns = _GRID
    place = view.to_px(density.lat_deg[chosen], density.lon_deg[chosen]) / (view.width_px, view.height_px)
    row, column = place[:, 1] * rows, place[:, 0] * columns
    edges = (np.arange(rows + 1), np.arange(columns + 1))
    held, _, _ = np.histogram2d(row, column, edges, weights=density.weights[chosen])
    blur = sigma_km * view.px_per_km / (view.width_px / columns)
    # A sum of 1 over cells, where the wide ones have a peak of 1 / sigma².
    held *= 2 * np.pi * blur**2 / (sigma_km / EARTH_RADIUS_KM) ** 2
    return np.asarray(cv2.GaussianBlur(held, (0, 0), blur, borderType=cv2.BORDER_CONSTANT), np.float64).ravel()


def circles(view: View, fix: Fix) -> Markup:
    """The circles that hold the truth with 50 % and 90 % probability, as far as the picture reaches."""
    parts: list[str] = []
    x, y = view.to_px(fix.lat_deg, fix.lon_deg)
    for radius_km, name in ((fix.radius_km_90, "90 %"), (fix.radius_km_50, "50 %")):
        radius = radius_km * view.px_per_km
        if not 2 < radius < 4 * view.width_px:
            continue
        parts.append(tag("circle", cx=float(x), cy=float(y), r=radius, class_=f"ring p{name[:2]}"))
        if radius < view.height_px / 2 - 14 and radius > 24:
            parts.append(tag("text", name, x=float(x), y=float(y - radius - 4), class_="label ringlabel middle"))
    return join(parts)


def estimate(view: View, fix: Fix) -> Markup:
    """The best guess."""
    x, y = (float(v) for v in view.to_px(fix.lat_deg, fix.lon_deg))
    return tag(
        "g",
        tag("title", "Estimated camera position"),
        tag("circle", cx=x, cy=y, r=8.5, class_="halo"),
        tag("circle", cx=x, cy=y, r=6.5, class_="estimate" if fix.answered else "estimate unsure"),
    )


def pins(view: View, evidence: tuple[Evidence, ...], centre: NDArray[np.float64]) -> Markup:
    """Numbered pins of evidence photos within the picture, their heads moved apart; only dots from the tenth on."""
    if not evidence:
        return Markup()
    points = view.to_px([e.lat_deg for e in evidence], [e.lon_deg for e in evidence])
    shown = np.flatnonzero(view.holds(points))
    numbered = shown[:MOST_PINS]
    dots = [tag("circle", cx=x, cy=y, r=3.2, class_="foot") for x, y in points[shown].tolist()]
    heads = apart(points[numbered], centre, view)
    parts: list[str] = []
    for row, (x, y) in zip(numbered.tolist(), heads.tolist(), strict=True):
        foot_x, foot_y = points[row].tolist()
        line = tag("line", x1=foot_x, y1=foot_y, x2=x, y2=y, class_="leader")
        head = tag("circle", cx=x, cy=y, r=_PIN_PX, class_="pin")
        number = tag("text", str(row + 1), x=x, y=y + 4, class_="number")
        title = tag(
            "title", f"Evidence {row + 1}: {evidence[row].id}, {distance_words(evidence[row].distance_km)} away"
        )
        parts.append(tag("g", title, line, head, number))
    return join([*dots, *parts])


def apart(points: NDArray[np.float64], centre: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """Places for labels (n, 2) near their points, away from each other and from the centre, within the picture."""
    turn = np.arange(len(points)) * math.pi * (3 - math.sqrt(5))
    outward = points - centre
    length = np.hypot(*outward.T)[:, None]
    somewhere = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    outward = np.where(length > 1, outward / np.maximum(length, 1e-9), somewhere)
    heads = points + 20 * outward + somewhere
    for _ in range(80):
        gap = heads[:, None] - heads[None]
        distance = np.hypot(gap[..., 0], gap[..., 1]) + np.eye(len(heads)) * 1e9
        push = np.clip(_APART_PX - distance, 0, None)[..., None] * gap / np.maximum(distance, 1e-9)[..., None]
        away = heads - centre
        far = np.hypot(*away.T)[:, None]
        heads = heads + 0.5 * push.sum(axis=1) + np.clip(_APART_PX - far, 0, None) * away / np.maximum(far, 1e-9)
        heads = np.clip(heads, _PIN_PX + 4, np.asarray([view.width_px, view.height_px]) - _PIN_PX - 4)
    return np.asarray(heads)


def rival(view: View, lat_deg: float, lon_deg: float, kind: str, title: str) -> Markup:
    """A marker of ``recorded`` or ``runner-up``; beside the picture an arrow at its edge with the distance."""
    point = view.to_px(lat_deg, lon_deg)
    if view.holds(point[None])[0]:
        x, y = point.tolist()
        return tag("g", tag("title", title), tag("path", d=f"M{x:.1f},{y:.1f}m-8,0l8,-8l8,8l-8,8z", class_=kind))
    middle = np.asarray([view.width_px, view.height_px]) / 2
    away = point - middle
    x, y = (middle + away * ((middle - 18) / np.maximum(np.abs(away), 1e-9)).min()).tolist()
    turn = math.degrees(math.atan2(away[1], away[0]))
    km = distance_words(float(np.hypot(*away)) / view.px_per_km)
    side = "end" if x > middle[0] else "start"
    arrow = tag("path", d="M9,0l-14,-7v14z", class_=kind, transform=f"translate({x:.1f},{y:.1f}) rotate({turn:.0f})")
    label_x = x + (-14 if side == "end" else 14)
    return tag("g", tag("title", title), arrow, tag("text", km, x=label_x, y=y + 4, class_="label", text_anchor=side))

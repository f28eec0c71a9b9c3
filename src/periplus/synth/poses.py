"""Where photographers stand, and where they look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from periplus.errors import UsageError
from periplus.synth.camera import Array, Pose
from periplus.synth.materials import Rng
from periplus.synth.streets import STREET_M, Edge, Plan

APART_M = 1.0
"""Queries stand at least this far from every gallery photo."""


@dataclass(frozen=True)
class View:
    """A camera before its light.

    Attributes:
        pose: where it stands and looks.
        fov_deg: horizontal field of view.
    """

    pose: Pose
    fov_deg: float


def gallery_views(plan: Plan, count: int) -> list[View]:
    """Views along all block sides, evenly spread: mostly across the street, some along it."""
    rng = np.random.default_rng([*plan.seed, 2])
    shares = (np.arange(count) + rng.uniform(0.2, 0.8, count)) / max(count, 1)
    return [_view(rng, *_locate(plan, share), slant_deg=60 if k % 6 == 5 else 32) for k, share in enumerate(shares)]


def query_views(plan: Plan, count: int, avoid_m: Array) -> list[View]:
    """Views from anywhere else.

    Args:
        plan: the town.
        count: how many.
        avoid_m: (n, 2) positions that none comes nearer than APART_M.

    Raises:
        UsageError: the streets are too full of gallery photos.
    """
    rng = np.random.default_rng([*plan.seed, 3])
    views: list[View] = []
    for _ in range(100 * count + 100):
        if len(views) == count:
            return views
        view = _view(rng, *_locate(plan, rng.uniform(0, 1)), slant_deg=40)
        here = np.array([view.pose.x_m, view.pose.y_m])
        if not len(avoid_m) or np.linalg.norm(avoid_m - here, axis=1).min() >= APART_M:
            views.append(view)
    raise UsageError(
        f"Only {len(views)} of {count} queries found a place {APART_M} m from each of {len(avoid_m)} gallery photos. "
        "Ask for fewer gallery photos or more blocks."
    )


def _locate(plan: Plan, share: float) -> tuple[Edge, float]:
    """The block side, and the metres along it, at a share of the length of all sides."""
    ends = np.cumsum([edge.length_m for edge in plan.edges])
    walked = share * ends[-1]
    k = min(int(np.searchsorted(ends, walked)), len(ends) - 1)
    return plan.edges[k], float(walked - ends[k] + plan.edges[k].length_m)


def _view(rng: Rng, edge: Edge, metres: float, slant_deg: float) -> View:
    """Look at a point of a front from the street before it, at most ``slant_deg`` from straight on."""
    target = edge.start_m + edge.along * float(np.clip(metres, 2.5, edge.length_m - 2.5))
    away = rng.uniform(9.5, STREET_M - 1.2)
    slant = np.radians(rng.uniform(-slant_deg, slant_deg))
    stand = target + edge.out * away + edge.along * away * np.tan(slant)
    look = target - stand
    heading = np.degrees(np.arctan2(look[0], look[1])) + rng.normal(0, 2.5)
    pose = Pose(
        x_m=float(stand[0]),
        y_m=float(stand[1]),
        z_m=float(rng.normal(1.6, 0.05)),
        heading_deg=float(heading % 360),
        pitch_deg=float(np.clip(rng.normal(8, 3.5), 0, 17)),
        roll_deg=float(rng.normal(0, 1.2)),
    )
    return View(pose, float(rng.uniform(56, 70)))

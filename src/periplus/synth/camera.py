"""The pinhole camera: where it stands, and where a point of the world falls in its picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEAR_M = 0.15


@dataclass(frozen=True)
class Pose:
    """Where a camera stands and looks, in the town's frame (x east, y north, z up).

    Attributes:
        x_m, y_m, z_m: position in metres.
        heading_deg: clockwise from north.
        pitch_deg: upwards positive.
        roll_deg: clockwise as the photographer sees it.
    """

    x_m: float
    y_m: float
    z_m: float
    heading_deg: float
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    @property
    def point_m(self) -> Array:
        """Position as an array (3,)."""
        return np.array([self.x_m, self.y_m, self.z_m])


@dataclass(frozen=True)
class Camera:
    """A distortion-free pinhole: pixel = K R (X - C), pixel centres at whole numbers.

    Attributes:
        pose: position and direction.
        fov_deg: horizontal field of view, edge to edge.
        size_px: width and height.
    """

    pose: Pose
    fov_deg: float
    size_px: tuple[int, int]

    @property
    def focal_px(self) -> float:
        """Focal length: half the width over the tangent of half the field of view."""
        return self.size_px[0] / 2 / float(np.tan(np.radians(self.fov_deg) / 2))

    @cached_property
    def rotation(self) -> Array:
        """World to camera (3, 3): rows point right, down and forward."""
        h, p, r = np.radians([self.pose.heading_deg, self.pose.pitch_deg, self.pose.roll_deg])
        forward = np.array([np.sin(h) * np.cos(p), np.cos(h) * np.cos(p), np.sin(p)])
        right = np.array([np.cos(h), -np.sin(h), 0.0])
        down = np.cross(forward, right)
        return np.stack([np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right, forward])

    @cached_property
    def intrinsics(self) -> Array:
        """K (3, 3): square pixels, principal point in the middle."""
        f, (w, h) = self.focal_px, self.size_px
        return np.array([[f, 0, (w - 1) / 2], [0, f, (h - 1) / 2], [0, 0, 1.0]])

    def scaled(self, factor: int) -> Camera:
        """The same view with ``factor`` times the pixels along each side."""
        return Camera(self.pose, self.fov_deg, (self.size_px[0] * factor, self.size_px[1] * factor))

    def to_camera(self, points_m: Array) -> Array:
        """World points (..., 3) in the camera's frame: right, down, forward, in metres."""
        return (points_m - self.pose.point_m) @ self.rotation.T

    def project(self, points_m: Array) -> tuple[Array, Array]:
        """World points (n, 3) to pixels (n, 2) and depths (n,) in metres; depth <= 0 lies behind."""
        local = self.to_camera(points_m)
        depth = local[:, 2]
        image = local @ self.intrinsics.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return image[:, :2] / depth[:, None], depth

    def homography(self, origin_m: Array, step_s: Array, step_t: Array) -> Array:
        """H (3, 3): plane coordinates (s, t, 1) of origin + s step_s + t step_t to pixels."""
        columns = [self.rotation @ step_s, self.rotation @ step_t, self.to_camera(origin_m)]
        return np.asarray(self.intrinsics @ np.stack(columns, axis=1))


def clip_polygon(polygon: Array, normal: Array, offset: float) -> Array:
    """The part of a convex polygon (n, 3) where normal . x >= offset (Sutherland-Hodgman), (m, 3)."""
    side = polygon @ normal - offset
    if (side >= 0).all():
        return polygon
    kept: list[Array] = []
    for i in range(len(polygon)):
        a, b = side[i - 1], side[i]
        if (a >= 0) != (b >= 0):
            kept.append(polygon[i - 1] + (polygon[i] - polygon[i - 1]) * (a / (a - b)))
        if b >= 0:
            kept.append(polygon[i])
    return np.array(kept).reshape(-1, 3)

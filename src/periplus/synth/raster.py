"""Flat surfaces to pixels: one homography a strip, a depth buffer between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.synth.camera import NEAR_M, Array, Camera, clip_polygon
from periplus.synth.materials import Colour
from periplus.synth.texture import Image, Texture

DOWN = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True, eq=False)
class Surface:
    """A rectangle in space.

    Attributes:
        corner_m: its left upper corner, (3,).
        along, down: unit vectors (3,) of its picture's x and y.
        width_m, height_m: its size.
        paint: its picture, asked for only if any of it is seen, or one colour.
        sun: share of the sun that it gets, 0 to 1.
        shadow: uint8 picture of where the sun reaches it, None for everywhere.
        cutout: whether the picture's alpha says where it is.
    """

    corner_m: Array
    along: Array
    down: Array
    width_m: float
    height_m: float
    paint: Callable[[], Texture] | Colour
    sun: float
    shadow: Callable[[], Image] | None = None
    cutout: bool = False


class Canvas:
    """What a camera sees: colour, sun and inverse depth of each pixel.

    Args:
        camera: at the size of the canvas.
    """

    def __init__(self, camera: Camera) -> None:
        w, h = camera.size_px
        self.camera = camera
        self.albedo: Image = np.zeros((h, w, 3), np.uint8)
        self.sun: Image = np.zeros((h, w), np.uint8)
        self.inverse_depth: NDArray[np.float32] = np.zeros((h, w), np.float32)
        self._inverse_k = np.linalg.inv(camera.intrinsics)

    def draw(self, surface: Surface) -> None:
        """Draw a surface where it is nearer than what was drawn before; of equals the first stays."""
        corner = self.camera.to_camera(surface.corner_m)
        along = self.camera.rotation @ surface.along
        down = self.camera.rotation @ surface.down
        normal = _cross(along, down)
        offset = normal @ corner
        if abs(offset) < 1e-6:
            return
        plane = (normal @ self._inverse_k) / offset
        level = abs(down[2]) > 0.5  # the ground comes in squares of growing size instead of strips
        for start, end in [(0.0, surface.width_m)] if level else _strips(corner[2], along[2], surface.width_m):
            sides = [(start, 0.0), (end, 0.0), (end, surface.height_m), (start, surface.height_m)]
            self._draw_strip(surface, np.array([corner + a * along + b * down for a, b in sides]), plane)

    def _draw_strip(self, surface: Surface, polygon: Array, plane: Array) -> None:
        polygon = clip_polygon(polygon, np.array([0.0, 0.0, 1.0]), NEAR_M)
        outline = self._outline(polygon)
        if outline is None:
            return
        w, h = self.camera.size_px
        x0, y0 = (max(0, int(v)) for v in np.floor(outline.min(axis=0)))
        right, bottom = (int(v) + 1 for v in np.ceil(outline.max(axis=0)))
        x1, y1 = min(w, right), min(h, bottom)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillConvexPoly(mask, np.round((outline - [x0, y0]) * 16).astype(np.int32), 1, cv2.LINE_8, 4)
        rows = (plane[1] * np.arange(y0, y1) + plane[2]).astype(np.float32)[:, None]
        inverse = rows + (plane[0] * np.arange(x0, x1)).astype(np.float32)
        part = (slice(y0, y1), slice(x0, x1))
        seen = mask.view(np.bool_) & (inverse > self.inverse_depth[part] * np.float32(1.000001))
        bx, by, bw, bh = cv2.boundingRect(seen.view(np.uint8))
        if bw:
            inner = (slice(by, by + bh), slice(bx, bx + bw))
            part = (slice(y0 + by, y0 + by + bh), slice(x0 + bx, x0 + bx + bw))
            shrink = _shrink(self.camera, surface, polygon)
            self._fill(surface, part, np.ascontiguousarray(seen[inner]), np.ascontiguousarray(inverse[inner]), shrink)

    def _outline(self, polygon: Array) -> Array | None:
        """Pixels (m, 2) of a polygon in the camera's frame, cut to the neighbourhood of the canvas."""
        if len(polygon) < 3:
            return None
        w, h = self.camera.size_px
        f = self.camera.focal_px
        for normal in ((f, 0, w / 2 + 2), (-f, 0, w / 2 + 2), (0, f, h / 2 + 2), (0, -f, h / 2 + 2)):
            polygon = clip_polygon(polygon, np.array(normal, np.float64), 0.0)
            if len(polygon) < 3:
                return None
        image = polygon @ self.camera.intrinsics.T
        return np.asarray(image[:, :2] / image[:, 2:])

    def _fill(
        self,
        surface: Surface,
        part: tuple[slice, slice],
        seen: NDArray[np.bool_],
        inverse: NDArray[np.float32],
        shrink: Callable[[Texture], tuple[float, float]],
    ) -> None:
        if callable(surface.paint):
            texture = surface.paint()
            level, _, _ = texture.level(*shrink(texture))
            picture = self._warp(surface, level, part)
            if surface.cutout:
                seen &= picture[..., 3] > 127
                picture = np.ascontiguousarray(picture[..., :3])
            cv2.copyTo(picture, seen.view(np.uint8), self.albedo[part])
        else:
            self.albedo[part][seen] = surface.paint
        light = np.uint8(round(255 * min(1.0, surface.sun)))
        if surface.shadow is not None and light:
            lit = self._warp(surface, surface.shadow(), part)
            cv2.copyTo(cv2.convertScaleAbs(lit, alpha=float(light) / 255), seen.view(np.uint8), self.sun[part])
        else:
            self.sun[part][seen] = light
        cv2.copyTo(inverse, seen.view(np.uint8), self.inverse_depth[part])

    def _warp(self, surface: Surface, picture: Image, part: tuple[slice, slice]) -> Image:
        h, w = picture.shape[:2]
        step_s, step_t = surface.along * (surface.width_m / w), surface.down * (surface.height_m / h)
        matrix = self.camera.homography(surface.corner_m + (step_s + step_t) / 2, step_s, step_t)
        y0, x0 = part[0].start, part[1].start
        shift = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]])
        size = (part[1].stop - x0, part[0].stop - y0)
        warped = cv2.warpPerspective(
            picture, shift @ matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(warped, np.uint8)


def _cross(a: Array, b: Array) -> Array:
    """np.cross of two (3,), ten times faster."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _strips(depth: float, slope: float, width_m: float) -> Iterator[tuple[float, float]]:
    """Cut a width so that depth grows by at most about 1.6 within each strip: one level of detail fits it."""
    near, far = sorted((depth, depth + slope * width_m))
    far = max(far, NEAR_M)
    first = max(near, 1.0)
    count = int(np.clip(np.ceil(np.log(max(far / first, 1.0)) / np.log(1.6)), 1, 8))
    if count == 1 or abs(slope) < 1e-9:
        yield 0.0, width_m
        return
    depths = np.geomspace(first, far, count + 1)
    cuts = np.sort(np.clip((depths - depth) / slope, 0, width_m))
    cuts[0], cuts[-1] = 0.0, width_m
    yield from zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)


def _shrink(camera: Camera, surface: Surface, polygon: Array) -> Callable[[Texture], tuple[float, float]]:
    """How many texels fall on one pixel along x and along y in the middle of a polygon in the camera's frame."""
    x, y, z = polygon.mean(axis=0)
    scale = camera.focal_px / max(z, NEAR_M)

    def density(direction: Array) -> float:
        dx, dy, dz = camera.rotation @ direction
        return float(scale * np.hypot(dx - x / z * dz, dy - y / z * dz)) + 1e-6

    per_m = density(surface.along), density(surface.down)

    def texels(texture: Texture) -> tuple[float, float]:
        h, w = texture.base.shape[:2]
        return w / surface.width_m / per_m[0], h / surface.height_m / per_m[1]

    return texels

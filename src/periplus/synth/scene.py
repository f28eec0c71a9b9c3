"""A town ready to be photographed: its surfaces as one camera at one moment meets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from periplus.synth.camera import Array, Camera
from periplus.synth.cars import CAR_LENGTH_M, CAR_WIDTH_M, Car
from periplus.synth.facade import front, party
from periplus.synth.ground import draw_ground, ground_tile
from periplus.synth.light import Light, ground_shadow, sunlit, wall_shadow
from periplus.synth.materials import Rng
from periplus.synth.props import TREE_SHAPE, draw_person, draw_tree, sprite
from periplus.synth.raster import DOWN, Surface
from periplus.synth.streets import FRONT, PAVEMENT_M, Plan
from periplus.synth.texture import Image, Texture, TextureCache

FAR_M = 320.0
T = TypeVar("T")
SQUARES = ((24.0, 768), (72.0, 576), (176.0, 704), (1600.0, 400))
"""Length in metres and pixels of the nested squares of ground, the finest first."""


class Scene:
    """A town with its textures.

    Args:
        plan: the map.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._fronts = TextureCache(self._make_wall)
        self._tile = ground_tile(np.random.default_rng([*plan.seed, 4]))
        along, size = plan.walls_m[:, 1], plan.walls_m[:, 2]
        rise = np.stack([np.zeros(len(size)), np.zeros(len(size)), size[:, 1]], axis=1)
        left = plan.walls_m[:, 0]
        right = left + along * size[:, :1]
        self._corners = np.stack([left, right, right - rise, left - rise], axis=1)
        self._normals = np.stack([along[:, 1], -along[:, 0], np.zeros(len(along))], axis=1)

    def _make_wall(self, index: int) -> Texture:
        width, height, kind = self.plan.walls_m[index, 2]
        rng = np.random.default_rng([*self.plan.seed, 100 + index])
        return Texture((front if kind == FRONT else party)(rng, float(width), float(height)))

    def surfaces(self, camera: Camera, light: Light, rng: Rng) -> list[Surface]:
        """What a camera may see, nearest first.

        Args:
            camera: of the photo.
            light: of the photo.
            rng: of the photo: decides which cars and people pass.
        """
        cars = self._cars(camera, rng)
        trees = self._near_trees(camera)
        found = self._props(camera, light, cars, trees, rng)
        found += self._walls(camera, light)
        eye = camera.pose.point_m
        found.sort(key=lambda s: float(np.linalg.norm(_middle(s) - eye)))
        return found + self._ground(camera, light, cars, trees)

    def _walls(self, camera: Camera, light: Light) -> list[Surface]:
        eye = camera.pose.point_m
        towards = eye - self._corners[:, 0]
        local = camera.to_camera(self._corners)
        tan = camera.size_px[0] / 2 / camera.focal_px * 1.05
        x, z = local[..., 0], local[..., 2]
        ahead = (z > 0.1).any(axis=1) & ~(x > z * tan).all(axis=1) & ~(-x > z * tan).all(axis=1)
        near = np.linalg.norm(towards[:, :2], axis=1) < FAR_M
        facing = (towards * self._normals).sum(axis=1) > 0.02
        walls = []
        for k in np.flatnonzero(ahead & near & facing):
            corner, along, (width, height, _) = self.plan.walls_m[k]
            cosine = float(max(0.0, self._normals[k] @ light.to_sun)) if light.sun.any() else 0.0
            shadow = self._shadow_of(int(k), light) if cosine else None
            walls.append(Surface(corner, along, DOWN, width, height, self._paint_of(int(k)), cosine, shadow))
        return walls

    def _paint_of(self, wall: int) -> Callable[[], Texture]:
        return lambda: self._fronts(wall)

    def _shadow_of(self, wall: int, light: Light) -> Callable[[], Image]:
        return _once(lambda: wall_shadow(self.plan.walls_m[wall], self.plan.boxes_m, light.to_sun))

    def _ground(self, camera: Camera, light: Light, cars: list[Car], trees: Array) -> list[Surface]:
        eye, forward = camera.pose.point_m[:2], camera.rotation[2, :2]
        boxes = np.concatenate([self.plan.boxes_m, np.array([car.box_m for car in cars]).reshape(-1, 5)])
        crowns = np.stack([trees[:, 0], trees[:, 1], trees[:, 2] * 0.68, trees[:, 2] * 0.24], axis=1)
        squares = []
        for side, pixels in SQUARES:
            corner = eye + forward * side * 0.42 + np.array([-side, side]) / 2
            paint = _once(self._ground_paint(corner, side, pixels, cars))
            shadow = _once(_ground_shadow(corner, side, pixels, boxes, crowns, light))
            origin = np.array([*corner, 0.0])
            sun = float(light.to_sun[2]) if light.sun.any() else 0.0
            east, south = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
            squares.append(Surface(origin, east, south, side, side, paint, sun, shadow))
        return squares

    def _ground_paint(self, corner: Array, side: float, pixels: int, cars: list[Car]) -> Callable[[], Texture]:
        def make() -> Texture:
            image = draw_ground(self.plan, self._tile, corner, side, pixels)
            for car in cars:
                x0, y0, x1, y1, _ = car.box_m
                spot = (np.array([x0, x1, y1, y0]) - corner[[0, 0, 1, 1]]) * pixels / side * [1, 1, -1, -1]
                left, right, top, bottom = np.clip(spot, 0, pixels).astype(int)
                dark = image[top:bottom, left:right]
                dark[:] = (dark * 0.4).astype(np.uint8)
            return Texture(image)

        return make

    def _cars(self, camera: Camera, rng: Rng) -> list[Car]:
        """Cars along the kerbs near the camera, none so near that it hides everything."""
        eye, cars = camera.pose.point_m[:2], []
        full = rng.uniform(0.05, 0.4)
        for edge in self.plan.kerbs:
            middle = edge.start_m + edge.along * edge.length_m / 2
            if np.linalg.norm(middle - eye) > 90:
                continue
            for a in np.arange(5.0, edge.length_m - 9, 5.6):
                draw = rng.random(3)
                corner = edge.start_m + edge.along * (a + draw[0]) + edge.out * (PAVEMENT_M + 0.25)
                centre = corner + edge.along * CAR_LENGTH_M / 2 + edge.out * CAR_WIDTH_M / 2
                if draw[1] > full or np.linalg.norm(centre - eye) < 4.5:
                    continue
                seed = (int(draw[2] * 2**31),)
                if draw[2] < 0.5:
                    cars.append(Car(corner, edge.along, edge.out, seed))
                else:
                    cars.append(Car(corner + edge.along * CAR_LENGTH_M, -edge.along, edge.out, seed))
        return cars

    def _near_trees(self, camera: Camera) -> Array:
        away = np.linalg.norm(self.plan.trees_m[:, :2] - camera.pose.point_m[:2], axis=1)
        return np.asarray(self.plan.trees_m[(away > 3.5) & (away < 120)])

    def _props(self, camera: Camera, light: Light, cars: list[Car], trees: Array, rng: Rng) -> list[Surface]:
        eye, found = camera.pose.point_m, list[Surface]()
        boxes, to_sun = self.plan.boxes_m, light.to_sun

        def sun_at(x_m: float, y_m: float, z_m: float) -> bool:
            return sunlit(np.array([x_m, y_m, z_m]), boxes, to_sun)

        for car in cars:
            centre = car.corner_m + car.along * CAR_LENGTH_M / 2
            if _in_view(camera, np.array([*centre, 0.7]), 3.0):
                found += car.surfaces(to_sun, sun_at(centre[0], centre[1], 1.6))
        for x, y, height in trees:
            if _in_view(camera, np.array([x, y, height / 2]), 3.0):
                paint = _sprite_paint(draw_tree, int(rng.integers(2**31)))
                size = (height * TREE_SHAPE, height)
                found.append(sprite(np.array([x, y]), eye, size, paint, 0.7 * sun_at(x, y, height)))
        for _ in range(int(rng.poisson(2.2))):
            spot = eye[:2] + camera.rotation[2, :2] * rng.uniform(5, 30) + rng.normal(0, 5, 2)
            inside = (
                (boxes[:, 0] < spot[0]) & (spot[0] < boxes[:, 2]) & (boxes[:, 1] < spot[1]) & (spot[1] < boxes[:, 3])
            )
            if not inside.any() and np.linalg.norm(spot - eye[:2]) > 4:
                paint = _sprite_paint(draw_person, int(rng.integers(2**31)))
                found.append(
                    sprite(spot, eye, (0.8, rng.uniform(1.6, 1.88)), paint, 0.7 * sun_at(spot[0], spot[1], 1.5))
                )
        return found


def _sprite_paint(draw: Callable[[Rng], Image], seed: int) -> Callable[[], Texture]:
    return _once(lambda: Texture(draw(np.random.default_rng(seed))))


def _once(make: Callable[[], T]) -> Callable[[], T]:
    made: list[T] = []

    def get() -> T:
        if not made:
            made.append(make())
        return made[0]

    return get


def _ground_shadow(
    corner: Array, side: float, pixels: int, boxes: Array, crowns: Array, light: Light
) -> Callable[[], Image]:
    return lambda: ground_shadow((corner, side, pixels // 2), boxes, crowns, light.to_sun)


def _middle(surface: Surface) -> Array:
    return np.asarray(surface.corner_m + surface.along * surface.width_m / 2 + surface.down * surface.height_m / 2)


def _in_view(camera: Camera, point_m: Array, radius_m: float) -> bool:
    x, _, z = camera.to_camera(point_m)
    tan = camera.size_px[0] / 2 / camera.focal_px
    return bool(z > -radius_m and abs(x) < max(z, 0) * tan + radius_m * 1.5)

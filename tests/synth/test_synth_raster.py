from __future__ import annotations

import numpy as np

from periplus.synth.camera import Camera, Pose
from periplus.synth.raster import Canvas, Surface
from periplus.synth.texture import Texture, TextureCache

EAST, DOWN = np.array([1.0, 0, 0]), np.array([0, 0, -1.0])
RED, BLUE = (200, 10, 10), (10, 10, 200)


def wall(y: float, left: float, width: float, paint: tuple[int, int, int]) -> Surface:
    return Surface(np.array([left, y, 50.0]), EAST, DOWN, width, 100.0, paint, 0.5)


def canvas() -> Canvas:
    return Canvas(Camera(Pose(0, 0, 0, 0), 90, (200, 100)))


def test_the_nearer_wall_hides_the_farther_in_either_order() -> None:
    near, far = wall(10, -5, 10, RED), wall(20, -40, 80, BLUE)
    one, two = canvas(), canvas()
    for surface in (near, far):
        one.draw(surface)
    for surface in (far, near):
        two.draw(surface)
    assert (one.albedo == two.albedo).all()
    assert tuple(one.albedo[50, 100]) == RED
    assert tuple(one.albedo[50, 20]) == BLUE
    assert (one.sun[one.inverse_depth > 0] == 128).all()


def test_depth_is_exact_and_edges_fall_where_projected() -> None:
    picture = canvas()
    picture.draw(wall(10, -5, 10, RED))
    columns = np.flatnonzero(picture.inverse_depth[50] > 0)
    # f = 100 px: the wall of +-5 m at 10 m spans +-50 px around 99.5.
    assert columns.min() in (49, 50)
    assert columns.max() in (149, 150)
    assert np.allclose(picture.inverse_depth[50, 60:140], 0.1, atol=1e-6)


def test_a_wall_behind_leaves_no_trace_and_one_through_the_camera_no_error() -> None:
    picture = canvas()
    picture.draw(wall(-10, -5, 10, RED))
    assert not picture.albedo.any()
    picture.draw(Surface(np.array([0.5, -50.0, 5.0]), np.array([0, 1.0, 0]), DOWN, 100, 10, RED, 1.0))
    assert picture.albedo[50, 199].tolist() == list(RED)


def test_ground_is_seen_in_every_direction() -> None:
    for heading in range(0, 360, 45):
        picture = Canvas(Camera(Pose(0, 0, 1.6, heading), 60, (64, 48)))
        picture.draw(Surface(np.array([-100.0, 100, 0]), EAST, np.array([0, -1.0, 0]), 200, 200, RED, 1.0))
        assert (picture.inverse_depth[30:] > 0).all()
        assert not picture.inverse_depth[:23].any()


def test_shrunk_levels_keep_the_mean_and_stop_in_time() -> None:
    texture = Texture(np.random.default_rng(0).integers(0, 255, (40, 96, 3), dtype=np.uint8))
    level, w, h = texture.level(8.0, 2.0)
    assert (w, h) == (12, 20) == (level.shape[1], level.shape[0])
    assert abs(float(level.mean()) - float(texture.base.mean())) < 1
    assert texture.level(1e9, 1e9)[1:] == (2, 1)
    assert texture.level(0.2, 0.2)[0] is texture.base


def test_a_cache_forgets_but_makes_again_alike() -> None:
    made: list[int] = []

    def make(key: int) -> Texture:
        made.append(key)
        return Texture(np.full((10, 10, 3), key, np.uint8))

    cache = TextureCache(make, limit_bytes=650)
    for key in (1, 2, 1, 3, 1, 2):
        assert cache(key).base[0, 0, 0] == key
    assert made == [1, 2, 3, 2]

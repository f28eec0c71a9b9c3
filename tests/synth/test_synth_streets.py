from __future__ import annotations

import numpy as np
import pytest

from periplus.synth.light import draw_light, ground_shadow, sunlit, wall_shadow
from periplus.synth.poses import APART_M, gallery_views, query_views
from periplus.synth.streets import STREET_M, make_plan


def inside(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    x, y = points[:, :1], points[:, 1:2]
    hit = (boxes[:, 0] < x) & (x < boxes[:, 2]) & (boxes[:, 1] < y) & (y < boxes[:, 3])
    return np.asarray(hit.any(axis=1))


def test_blocks_keep_their_streets_and_houses_their_blocks() -> None:
    plan = make_plan((5, 0), (3, 2))
    assert len(plan.blocks_m) == 5 * 4
    assert len(plan.edges) == 3 * 2 * 4
    xs = np.unique(plan.blocks_m[:, 0])
    ends = np.unique(plan.blocks_m[:, 2])
    assert xs[1:] - ends[:-1] == pytest.approx(STREET_M)
    area = ((plan.boxes_m[:, 2] - plan.boxes_m[:, 0]) * (plan.boxes_m[:, 3] - plan.boxes_m[:, 1])).sum()
    blocks = ((plan.blocks_m[:, 2] - plan.blocks_m[:, 0]) * (plan.blocks_m[:, 3] - plan.blocks_m[:, 1])).sum()
    assert area == pytest.approx(blocks)
    widths = plan.boxes_m[:, 2] - plan.boxes_m[:, 0]
    assert widths.min() > 7
    assert widths.max() < 21


def test_walls_look_away_from_their_houses() -> None:
    plan = make_plan((1, 0), (1, 1))
    corner, along, size = plan.walls_m[:, 0], plan.walls_m[:, 1], plan.walls_m[:, 2]
    middle = corner + along * size[:, :1] / 2
    out = np.stack([along[:, 1], -along[:, 0]], axis=1)
    behind = middle[:, :2] - 0.1 * out
    assert inside(behind, plan.boxes_m).all()


def test_photographers_stand_in_streets_and_queries_apart_from_the_gallery() -> None:
    plan = make_plan((2, 0), (2, 2))
    gallery = np.array([[v.pose.x_m, v.pose.y_m] for v in gallery_views(plan, 80)])
    queries = np.array([[v.pose.x_m, v.pose.y_m] for v in query_views(plan, 60, gallery)])
    assert not inside(gallery, plan.boxes_m).any()
    assert not inside(queries, plan.boxes_m).any()
    assert np.linalg.norm(queries[:, None] - gallery[None], axis=2).min() >= APART_M


def test_the_sun_is_a_direction_and_rises_in_the_east() -> None:
    for hour in (7.0, 12.5, 18.0):
        light = draw_light(np.random.default_rng(0), hour, hour)
        assert np.linalg.norm(light.to_sun) == pytest.approx(1)
        assert np.sign(round(light.to_sun[0], 1)) == np.sign(12.5 - hour) or hour == 12.5
        assert light.to_sun[2] > 0.1


def test_a_house_throws_its_shadow_where_geometry_says() -> None:
    # A house 10 m high, the sun 45 degrees high in the south: the shadow reaches 10 m to the north.
    box = np.array([[-5.0, 0.0, 5.0, 10.0, 10.0]])
    sun = np.array([0, -1, 1]) / np.sqrt(2)
    mask = ground_shadow((np.array([-20.0, 40.0]), 40.0, 400), box, np.empty((0, 4)), sun)
    column = mask[:, 200] < 128
    north = 40 - np.flatnonzero(column) / 10
    assert north.max() == pytest.approx(20, abs=0.3)
    assert north.min() < 1
    assert mask[250, 20] == 255
    assert not sunlit(np.array([0.0, 19.0, 0.0]), box, sun)
    assert sunlit(np.array([0.0, 21.0, 0.0]), box, sun)
    # A wall 5 m behind it, facing south, is dark up to 5 m.
    wall = np.array([[-10.0, 15.0, 20.0], [1.0, 0, 0], [20.0, 20.0, 1]])
    shade = wall_shadow(wall, box, sun)
    lit_m = 20 - np.flatnonzero(shade[:, shade.shape[1] // 2] < 128)[0] / 5
    assert lit_m == pytest.approx(5, abs=0.4)
    assert shade[0].min() == 255

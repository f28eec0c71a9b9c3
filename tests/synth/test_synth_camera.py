from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.synth.camera import Camera, Pose, clip_polygon

angles = st.floats(-180, 180)
small = st.floats(-40, 40)


def test_a_known_point_falls_where_the_formula_says() -> None:
    # 10 m north of a camera that looks north: 2 m to the right, 1 m above. Focal: 320 / tan 30 deg.
    camera = Camera(Pose(3.0, 4.0, 1.6, heading_deg=0.0), 60.0, (640, 480))
    focal = 320 / np.tan(np.radians(30))
    pixel, depth = camera.project(np.array([[5.0, 14.0, 2.6]]))
    assert camera.focal_px == pytest.approx(focal)
    assert depth[0] == pytest.approx(10)
    assert pixel[0] == pytest.approx([319.5 + focal * 0.2, 239.5 - focal * 0.1])


def test_the_edge_of_the_field_of_view_is_the_edge_of_the_picture() -> None:
    camera = Camera(Pose(0, 0, 0, heading_deg=90.0), 60.0, (640, 480))
    pixel, _ = camera.project(np.array([[10.0, -10 * np.tan(np.radians(30)), 0.0]]))
    assert pixel[0] == pytest.approx([639.5, 239.5])


@pytest.mark.parametrize(
    ("pose", "column"),
    [
        (Pose(0, 0, 0, 0, 0, 0), [0, 1, 0]),
        (Pose(0, 0, 0, 90, 0, 0), [1, 0, 0]),
        (Pose(0, 0, 0, 0, 90, 0), [0, 0, 1]),
        (Pose(0, 0, 0, 180, -90, 0), [0, 0, -1]),
    ],
)
def test_heading_and_pitch_turn_the_axis(pose: Pose, column: list[float]) -> None:
    assert Camera(pose, 60, (64, 48)).rotation[2] == pytest.approx(column, abs=1e-12)


def test_a_camera_rolled_clockwise_sees_the_upper_right_at_the_top() -> None:
    camera = Camera(Pose(0, 0, 0, 0, 0, roll_deg=45), 60, (641, 481))
    pixel, _ = camera.project(np.array([[1.0, 10.0, 1.0]]))
    assert pixel[0, 0] == pytest.approx(320)
    assert pixel[0, 1] < 240


@given(heading=angles, pitch=small, roll=small)
def test_rotations_are_rotations(heading: float, pitch: float, roll: float) -> None:
    rotation = Camera(Pose(0, 0, 0, heading, pitch, roll), 60, (640, 480)).rotation
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


@given(heading=angles, pitch=small, roll=small, s=st.floats(-3, 3), t=st.floats(-3, 3))
def test_the_homography_of_a_plane_agrees_with_the_projection(
    heading: float, pitch: float, roll: float, s: float, t: float
) -> None:
    camera = Camera(Pose(1, 2, 1.6, heading, pitch, roll), 65, (640, 480))
    origin = camera.pose.point_m + camera.rotation[2] * 12
    step_s, step_t = np.array([0.8, 0.6, 0.0]), np.array([0.0, 0.0, -1.0])
    h = camera.homography(origin, step_s, step_t) @ [s, t, 1]
    pixel, depth = camera.project((origin + s * step_s + t * step_t)[None])
    assert h[2] == pytest.approx(depth[0])
    assert h[:2] / h[2] == pytest.approx(pixel[0])


def test_twice_the_pixels_keep_pixel_centres_in_place() -> None:
    camera = Camera(Pose(0, 0, 1.6, 20, 5, 1), 60, (640, 480))
    points = np.array([[3.0, 12.0, 4.0], [-1.0, 20.0, 0.0]])
    once, _ = camera.project(points)
    twice, _ = camera.scaled(2).project(points)
    assert (twice + 0.5) / 2 - 0.5 == pytest.approx(once)


def test_clipping_cuts_a_square_in_half() -> None:
    square = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])
    half = clip_polygon(square, np.array([1.0, 0, 0]), 1.0)
    assert sorted(map(tuple, half)) == [(1, 0, 0), (1, 2, 0), (2, 0, 0), (2, 2, 0)]
    assert len(clip_polygon(square, np.array([1.0, 0, 0]), 3.0)) == 0
    assert clip_polygon(square, np.array([1.0, 0, 0]), -1.0) is square

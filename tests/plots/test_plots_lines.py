from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from periplus.errors import PhotoError
from periplus.plots.lines import draw_match, spread
from periplus.records import Match


def _match(points: NDArray[np.float64], size: tuple[int, int] = (100, 80)) -> Match:
    return Match(0, points.astype(np.float32), np.eye(3), "homography", 0.5, 9.0, size, size)


def _photo(path: Path, size: tuple[int, int]) -> Path:
    Image.new("RGB", size, (128, 128, 128)).save(path, quality=95)
    return path


def _drawn(jpeg: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.int64)


def test_points_lie_where_they_should_at_any_scale(tmp_path: Path) -> None:
    query, gallery = _photo(tmp_path / "q.jpg", (200, 160)), _photo(tmp_path / "g.jpg", (400, 320))
    # Working pictures of 100 x 80: the query is drawn twice as large, the gallery photo likewise.
    pixels = _drawn(draw_match(query, gallery, _match(np.asarray([[[20, 10], [70, 60]]])), side_px=200))
    assert pixels.shape == (160, 200 + 10 + 200, 3)
    away = np.abs(pixels - 128).max(axis=2)
    for x, y in ((40, 20), (210 + 140, 120)):
        assert away[y - 2 : y + 3, x - 2 : x + 3].min() > 25  # a filled point
    assert away[100:, :190].max() < 12  # nothing below the line on the left
    assert away[20:120, 195:198].max() > 25  # the line crosses


def test_pictures_of_other_shapes_get_one_height(tmp_path: Path) -> None:
    wide, tall = _photo(tmp_path / "w.jpg", (300, 100)), _photo(tmp_path / "t.jpg", (100, 300))
    pixels = _drawn(draw_match(wide, tall, _match(np.zeros((0, 2, 2))), side_px=300))
    assert pixels.shape == (100, 300 + 10 + 33, 3)


def test_points_beside_the_picture_do_no_harm(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "p.jpg", (50, 50))
    points = np.asarray([[[-1e5, 2], [3, 1e5]], [[1, 1], [2, 2]]])
    assert _drawn(draw_match(photo, photo, _match(points))).shape == (50, 110, 3)


def test_a_missing_photo_is_a_photo_error(tmp_path: Path) -> None:
    photo = _photo(tmp_path / "p.jpg", (50, 50))
    with pytest.raises(PhotoError, match="no such file"):
        draw_match(photo, tmp_path / "gone.jpg", _match(np.zeros((0, 2, 2))))


def test_chosen_points_are_spread() -> None:
    rng = np.random.default_rng(0)
    crowd = rng.normal(0, 0.01, (500, 2))
    points = np.concatenate([crowd, [[10, 0], [0, 10], [-10, 0]]])
    chosen = spread(points, 4)
    assert chosen[0] == 0
    assert sorted(chosen[1:].tolist()) == [500, 501, 502]
    assert len(set(spread(points, 60).tolist())) == 60
    assert sorted(spread(np.zeros((3, 2)), 60).tolist()) == [0, 1, 2]
    assert len(spread(np.zeros((0, 2)), 60)) == 0

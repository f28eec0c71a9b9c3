"""The proof in one picture: query and gallery photo side by side, their matching points joined."""

from __future__ import annotations

import os
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from periplus.photos import read_rgb
from periplus.records import Match

MOST_LINES: Final = 60
_GAP_PX: Final = 10
_GAP_GREY: Final = 236
_SHIFT: Final = 4  # cv2 takes coordinates in sixteenths of a pixel
Pixels = NDArray[np.uint8]


def draw_match(
    query_path: str | os.PathLike[str], gallery_path: str | os.PathLike[str], match: Match, side_px: int = 560
) -> bytes:
    """Draw the inliers of a verified pair.

    Both pictures get the same height, query left. Up to 60 inliers are drawn, chosen to be spread over the query;
    the colour tells where in the query a point lies, from left to right.

    Args:
        query_path: the query photo.
        gallery_path: the gallery photo.
        match: their inliers, in pixels of working pictures of ``match.query_size`` and ``match.gallery_size``.
        side_px: the longer side of each picture, before heights are made equal.

    Returns:
        A JPEG.

    Raises:
        PhotoError: one of the photos cannot be read.
    """
    left, right = read_rgb(query_path, side_px).pixels, read_rgb(gallery_path, side_px).pixels
    height = min(left.shape[0], right.shape[0])
    left, right = _of_height(left, height), _of_height(right, height)
    gap = np.full((height, _GAP_PX, 3), _GAP_GREY, np.uint8)
    canvas = np.ascontiguousarray(np.concatenate([left, gap, right], axis=1))
    start = _scaled(match.points[:, 0], match.query_size, left)
    end = _scaled(match.points[:, 1], match.gallery_size, right)
    end[:, 0] += left.shape[1] + _GAP_PX
    chosen = spread(start, MOST_LINES)
    if len(chosen):
        _draw(canvas, start[chosen], end[chosen], left.shape[1])
    done, jpeg = cv2.imencode(".jpg", canvas[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG.")
    return jpeg.tobytes()


def spread(points: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Up to ``most`` rows of points (n, 2), each as far as can be from those before it; the first is row 0."""
    chosen = np.zeros(min(most, len(points)), np.int64)
    if not len(chosen):
        return chosen
    away = np.hypot(*(points - points[0]).T)
    away[0] = -1.0
    for place in range(1, len(chosen)):
        chosen[place] = np.argmax(away)
        away = np.minimum(away, np.hypot(*(points - points[chosen[place]]).T))
        away[chosen[place]] = -1.0
    return chosen


def _draw(canvas: Pixels, start: NDArray[np.float64], end: NDArray[np.float64], width: int) -> None:
    position = np.clip(start[:, 0] / width * 255, 0, 255).astype(np.uint8)
    colours = cv2.applyColorMap(position[:, None], cv2.COLORMAP_TURBO)[:, 0, ::-1]
    sixteenths = 1 << _SHIFT
    pairs = np.round(np.stack([start, end], axis=1) * sixteenths).astype(np.int64).tolist()
    lines = canvas.copy()
    for (a, b), colour in zip(pairs, colours.tolist(), strict=True):
        cv2.line(lines, a, b, colour, 2, cv2.LINE_AA, _SHIFT)
    # Lines let the pictures shine through; points do not.
    cv2.addWeighted(lines, 0.75, canvas, 0.25, 0, dst=canvas)
    for (a, b), colour in zip(pairs, colours.tolist(), strict=True):
        for point in (a, b):
            cv2.circle(canvas, point, 4 * sixteenths, (255, 255, 255), -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(canvas, point, 3 * sixteenths, colour, -1, cv2.LINE_AA, _SHIFT)


def _of_height(pixels: Pixels, height: int) -> Pixels:
    if pixels.shape[0] == height:
        return pixels
    width = max(1, round(pixels.shape[1] * height / pixels.shape[0]))
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _scaled(points: NDArray[np.float32], size: tuple[int, int], drawn: Pixels) -> NDArray[np.float64]:
    """Points of a working picture in pixels of the drawn one; pixel centres stay pixel centres."""
    scale = np.asarray([drawn.shape[1] / size[0], drawn.shape[0] / size[1]])
    return np.asarray((points.astype(np.float64) + 0.5) * scale - 0.5)

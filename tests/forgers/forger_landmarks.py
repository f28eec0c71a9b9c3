"""A small collection of made landmarks: a drawn facade each, seen in many views, with positions and a table."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LANDMARKS = ("arch", "bridge", "church", "dome", "fort", "gate")
VIEWS = 10
SIDE_PX = 96
TABLE = "photos.csv"


def facade(seed: int, side_px: int = 192) -> NDArray[np.uint8]:
    """uint8 (s, s, 3) RGB: soft colours under rectangles, circles and lines."""
    rng = np.random.default_rng(seed)
    soft = rng.uniform(40, 210, (5, 5, 3)).astype(np.float32)
    canvas = np.asarray(cv2.resize(soft, (side_px, side_px), interpolation=cv2.INTER_CUBIC)).clip(0, 255)
    picture = np.ascontiguousarray(canvas.astype(np.uint8))
    for _ in range(45):
        x, y, w, h = (int(v) for v in rng.integers(0, side_px, 4))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        if rng.random() < 0.6:
            cv2.rectangle(picture, (x, y), (x + w // 5 + 3, y + h // 5 + 3), colour, -1)
        else:
            cv2.circle(picture, (x, y), 3 + w // 12, colour, -1)
    return picture


def view(picture: NDArray[np.uint8], rng: np.random.Generator, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """What a visitor's camera sees of a facade: nearer or farther, turned, shifted, lighter or darker, with noise."""
    whole = len(picture)
    scale = side_px / whole * rng.uniform(1.15, 1.9)
    turn = cv2.getRotationMatrix2D((whole / 2, whole / 2), rng.uniform(-18, 18), scale)
    shift = side_px / 2 - whole / 2 + rng.uniform(-0.16, 0.16, 2) * side_px
    turn = np.asarray(turn, np.float64) + np.pad(shift[:, None], ((0, 0), (2, 0)))
    seen = cv2.warpAffine(picture, turn, (side_px, side_px), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    lit = seen.astype(np.float32) * rng.uniform(0.75, 1.15) + rng.uniform(-15, 15) + rng.normal(0, 3, seen.shape)
    return lit.clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def made_landmarks(session: Path) -> Path:
    """The table of 60 photos of 6 landmarks, each photo with a position; made once a session, read only."""
    root = session / "landmarks"
    root.mkdir()
    rng = np.random.default_rng(7)
    rows: list[tuple[object, ...]] = []
    for number, landmark in enumerate(LANDMARKS):
        picture = facade(number)
        for each in range(VIEWS):
            name = f"{landmark}_{each}.jpg"
            cv2.imwrite(str(root / name), view(picture, rng)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            rows.append((name, 48 + number / 10 + each / 1e5, 2 + each / 1e5, landmark))
    with (root / TABLE).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("file", "lat", "lon", "landmark"), *rows])
    return root / TABLE

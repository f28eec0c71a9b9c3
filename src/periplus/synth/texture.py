"""Pictures that cover surfaces, with pre-shrunk levels against aliasing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
DEEPEST = 6


class Texture:
    """A picture with a rip-map: every combination of halvings along x and along y, made when first asked for.

    Args:
        base: uint8 (h, w, 3) RGB or (h, w, 4) with cut-out alpha.
    """

    def __init__(self, base: Image) -> None:
        self.base = base
        self._levels: dict[tuple[int, int], Image] = {(0, 0): base}

    @property
    def bytes_held(self) -> int:
        """Memory of all levels made so far."""
        return sum(level.nbytes for level in self._levels.values())

    def level(self, shrink_x: float, shrink_y: float) -> tuple[Image, int, int]:
        """The level for a picture that shows ``shrink`` texels a pixel along each axis.

        Returns:
            the picture, and its width and height in texels.
        """
        key = (_halvings(shrink_x, self.base.shape[1]), _halvings(shrink_y, self.base.shape[0]))
        if key not in self._levels:
            h, w = self.base.shape[:2]
            size = (max(1, round(w / 2 ** key[0])), max(1, round(h / 2 ** key[1])))
            self._levels[key] = np.asarray(cv2.resize(self.base, size, interpolation=cv2.INTER_AREA), np.uint8)
        image = self._levels[key]
        return image, image.shape[1], image.shape[0]


def _halvings(shrink: float, length: int) -> int:
    wanted = int(np.floor(np.log2(max(shrink, 1.0)) + 0.4))
    return min(wanted, DEEPEST, int(np.log2(max(length, 1))))


class TextureCache:
    """Textures by key, the least recently used forgotten first; whatever is forgotten can be made again alike.

    Args:
        make: makes the texture of a key; must always make the same.
        limit_bytes: what is held at most (one texture may exceed it).
    """

    def __init__(self, make: Callable[[int], Texture], limit_bytes: int = 160 * 2**20) -> None:
        self._make = make
        self._limit = limit_bytes
        self._held: OrderedDict[int, Texture] = OrderedDict()

    def __call__(self, key: int) -> Texture:
        """The texture of a key."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        texture = self._held[key] = self._make(key)
        while len(self._held) > 1 and sum(t.bytes_held for t in self._held.values()) > self._limit:
            self._held.popitem(last=False)
        return texture

"""The map of a town: a grid of streets, blocks between them, houses in rows, trees on the pavements."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from periplus.synth.materials import Rng

Array = NDArray[np.float64]
STREET_M = 16.0
"""From front to front: two pavements of PAVEMENT_M, the carriageway between them."""
PAVEMENT_M = 3.0
PARTY, FRONT = 0, 1


@dataclass(frozen=True)
class Edge:
    """One side of a block, as seen from its street.

    Attributes:
        start_m: its left end on the ground, (2,).
        along: unit vector to the right, (2,).
        out: unit vector into the street, (2,).
        length_m: of the side.
    """

    start_m: Array
    along: Array
    out: Array
    length_m: float


@dataclass(frozen=True)
class Plan:
    """Where everything stands, in metres around the town's centre (x east, y north).

    Attributes:
        seed: of the town; with a wall's number it decides that wall's looks.
        gaps_x_m, gaps_y_m: middle lines of the streets that run north and east.
        blocks_m: (b, 4), x0, y0, x1, y1 of each block.
        boxes_m: (n, 5), x0, y0, x1, y1 and height of each house.
        walls_m: (w, 3, 3), left upper corner, unit vector to the right, (width, height, kind) of each wall.
        edges: block sides that photographers look at.
        kerbs: every block side, the outskirts too.
        trees_m: (t, 3), foot and height of each tree.
    """

    seed: tuple[int, ...]
    gaps_x_m: Array
    gaps_y_m: Array
    blocks_m: Array
    boxes_m: Array
    walls_m: Array
    edges: tuple[Edge, ...]
    kerbs: tuple[Edge, ...]
    trees_m: Array


def make_plan(seed: tuple[int, ...], blocks: tuple[int, int]) -> Plan:
    """Lay out a town of ``blocks`` (east, north) blocks with one ring of outskirts around them."""
    rng = np.random.default_rng([*seed, 1])
    cols, rows = blocks[0] + 2, blocks[1] + 2
    widths, depths = rng.uniform(54, 74, cols), rng.uniform(30, 40, rows)
    xs, ys = _starts(widths), _starts(depths)
    boxes: list[Array] = []
    walls: list[Array] = []
    edges: list[Edge] = []
    kerbs: list[Edge] = []
    outlines = []
    for j in range(rows):
        for i in range(cols):
            outline = np.array([xs[i], ys[j], xs[i] + widths[i], ys[j] + depths[j]])
            outlines.append(outline)
            houses = _houses(rng, outline)
            boxes.extend(houses)
            for out in (-1, 1):
                walls.extend(_row_walls([b for b in houses if (b[1] > outline[1]) == (out > 0)], out))
            sides = _edges(outline)
            kerbs.extend(sides)
            if 0 < i < cols - 1 and 0 < j < rows - 1:
                edges.extend(sides)
    return Plan(
        seed,
        xs[1:] - STREET_M / 2,
        ys[1:] - STREET_M / 2,
        np.array(outlines),
        np.array(boxes),
        np.array(walls),
        tuple(edges),
        tuple(kerbs),
        _trees(rng, kerbs),
    )


def _starts(lengths: Array) -> Array:
    ends = np.cumsum(lengths + STREET_M)
    return np.asarray(ends - lengths - STREET_M - (ends[-1] - STREET_M) / 2)


def _houses(rng: Rng, outline: Array) -> list[Array]:
    """Two rows back to back; each row cut into houses 8 to 20 m wide and 8 to 24 m high."""
    x0, y0, x1, y1 = outline
    middle = (y0 + y1) / 2
    houses = []
    for low, high in ((y0, middle), (middle, y1)):
        parts = rng.uniform(9, 18, round((x1 - x0) / 13))
        cuts = x0 + (x1 - x0) * np.concatenate([[0], np.cumsum(parts) / parts.sum()])
        for a, b in pairwise(cuts):
            houses.append(np.array([a, low, b, high, rng.uniform(8, 24)]))
    return houses


def _row_walls(row: list[Array], facing: int) -> list[Array]:
    """Fronts of a row (facing south, -1, or north, 1), its two ends, and what rises above a lower neighbour."""
    walls = []
    for k, (x0, y0, x1, y1, height) in enumerate(row):
        corner = (x0, y0, height) if facing < 0 else (x1, y1, height)
        walls.append(_wall(corner, (-facing, 0), (x1 - x0, height, FRONT)))
        corner = (x1, y1, height) if facing < 0 else (x0, y0, height)
        walls.append(_wall(corner, (facing, 0), (x1 - x0, height, PARTY)))
        for other, x, out in ((k - 1, x0, -1), (k + 1, x1, 1)):
            inside = 0 <= other < len(row)
            rise = height - (row[other][4] if inside else 0)
            if rise > 0.3:
                start = (x, y1 if out < 0 else y0, height)
                walls.append(_wall(start, (0, out), (y1 - y0, rise, PARTY if inside else FRONT)))
    return walls


def _wall(corner: tuple[float, float, float], along: tuple[float, float], size: tuple[float, float, int]) -> Array:
    return np.array([corner, (*along, 0.0), size], np.float64)


def _edges(outline: Array) -> list[Edge]:
    x0, y0, x1, y1 = outline
    sides = (((x0, y0), (1, 0)), ((x1, y0), (0, 1)), ((x1, y1), (-1, 0)), ((x0, y1), (0, -1)))
    edges = []
    for start, along in sides:
        u = np.array(along, np.float64)
        length = x1 - x0 if along[0] else y1 - y0
        edges.append(Edge(np.array(start), u, np.array([u[1], -u[0]]), float(length)))
    return edges


def _trees(rng: Rng, kerbs: list[Edge]) -> Array:
    trees = []
    for edge in kerbs:
        planted = rng.random() < 0.4
        for a in np.arange(6, edge.length_m - 4, 11):
            if rng.random() < (0.6 if planted else 0.06):
                foot = edge.start_m + edge.along * (a + rng.uniform(-2, 2)) + edge.out * (PAVEMENT_M - 0.6)
                trees.append([*foot, rng.uniform(4.5, 7.5)])
    return np.array(trees).reshape(-1, 3)

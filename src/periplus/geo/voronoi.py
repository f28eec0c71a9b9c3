"""How much of the Earth is nearer to each point than to any other: the cells of a spherical Voronoi diagram."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree

from periplus.errors import EmptyInputError, UsageError
from periplus.geo.distance import EARTH_RADIUS_KM, wrap_lon_deg
from periplus.geo.unit import to_unit

Vectors = NDArray[np.float64]
_FLAT: Final = 1e-14
"""Vectors so near to a plane are in it: their coordinates are known to 1e-16."""
_FLAT_SHARE: Final = 1e-12
"""So are those that leave it by so little of the square of their extent, of which the sphere's own bulge is 1/8."""
_CLOSEST: Final = (0.0, 1e-7, 1e-6, 1e-5, 1e-4)
"""Chords below which points may be taken for one, 0.6 m to 600 m: as large as the hull needs, and mostly 0."""
_EXCESS: Final = 1e-7
"""So far may the sum of areas be off before a hull is taken for broken, as a share of the sphere. What rounding costs
is 1e-15 on the globe and 1e-9 in a cluster of a kilometre, where cells reach to the antipodes."""


def cell_areas_km2(lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.float64]:
    """The area in km² that is nearer to each point than to any other, float64 (n,); the sum is that of the Earth.

    The convex hull of unit vectors is their Delaunay triangulation on the sphere (K. Q. Brown: Voronoi diagrams from
    convex hulls. Information Processing Letters 9, 1979), also where all points lie in one hemisphere: the outward
    normal of a facet is a corner of three cells. A cell is the fan of triangles from its point to its edges, with
    signed areas, so that rounding moves area between neighbours and never makes or loses any. Points in one plane
    (three or fewer; all on one circle) have lunes for cells. 100,000 points take a second.

    Points too near to each other for float64 to triangulate (about 0.1 m, seen from the Earth's centre) share their
    common cell in equal parts; what each should have is then right to some m².

    Raises:
        EmptyInputError: there is no point.
        UsageError: a position is not finite, or two are the same (:func:`merge_duplicates` makes them one).
    """
    lat, lon = _positions(lat_deg, lon_deg)
    if not len(lat):
        raise EmptyInputError("There are no cells of no points: give at least one.")
    first, group = same_positions(lat, lon)
    if len(first) < len(lat):
        raise UsageError(
            f"{len(lat) - len(first)} of {len(lat)} points stand at the place of another, such as row "
            f"{_a_repeated_row(group)}; merge them first (merge_duplicates)."
        )
    return np.asarray(_areas(to_unit(lat, lon)) * EARTH_RADIUS_KM**2)


def merge_duplicates(
    lat_deg: ArrayLike, lon_deg: ArrayLike, mass: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Exact duplicates made one: the rows that stay, ascending int64 (m,), and their mass, float64 (m,).

    The first of equal positions stays and has the mass of all; without ``mass`` each row weighs 1. Longitudes 180 and
    -180 are equal, and so are all at a pole.

    Raises:
        UsageError: a position or a mass is not finite, a mass is negative, or the shapes differ.
    """
    first, group = same_positions(lat_deg, lon_deg)
    weight = np.ones(len(group)) if mass is None else np.atleast_1d(np.asarray(mass, np.float64))
    if weight.shape != group.shape or not np.isfinite(weight).all() or (weight < 0).any():
        raise UsageError(f"{len(group)} positions need as many masses, finite and not negative; got {weight.shape}.")
    return first, np.asarray(np.bincount(group, weights=weight, minlength=len(first)), np.float64)


def same_positions(lat_deg: ArrayLike, lon_deg: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows stand at one place: the first row of each, ascending int64 (m,), and every row's number there, (n,).

    Raises:
        UsageError: a position is not finite, or the shapes differ.
    """
    lat, lon = _positions(lat_deg, lon_deg)
    _, first, inverse = np.unique(lat + 1j * lon, return_index=True, return_inverse=True)
    order = np.argsort(first)
    number = np.empty(len(first), np.int64)
    number[order] = np.arange(len(first))
    return first[order].astype(np.int64), number[inverse]


def _positions(lat_deg: ArrayLike, lon_deg: ArrayLike) -> tuple[Vectors, Vectors]:
    lat, lon = np.atleast_1d(np.asarray(lat_deg, np.float64)), np.atleast_1d(np.asarray(lon_deg, np.float64))
    if lat.ndim != 1 or lat.shape != lon.shape:
        raise UsageError(f"Latitudes {lat.shape} and longitudes {lon.shape} must both be (n,).")
    wrong = ~(np.abs(lat) <= 90) | ~np.isfinite(lon)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise UsageError(f"Row {row} is no position (lat {lat[row]}, lon {lon[row]}); leave such rows out.")
    # Adding 0 makes -0 and 0 one.
    return lat + 0.0, np.where(np.abs(lat) == 90, 0.0, wrap_lon_deg(lon)) + 0.0


def _a_repeated_row(group: NDArray[np.int64]) -> int:
    return int(np.flatnonzero(np.diff(np.maximum.accumulate(group), prepend=-1) == 0)[0])


def _areas(xyz: Vectors) -> Vectors:
    """Areas on the unit sphere of cells of distinct points (n, 3)."""
    for chord in _CLOSEST:
        group = _groups(xyz, chord)
        members = np.bincount(group)
        _, first = np.unique(group, return_index=True)
        areas = _cells(xyz[first])
        total = float(areas.sum()) / (4 * np.pi)
        if abs(total - 1) < _EXCESS and areas.min() > 0:
            return np.asarray((areas / total / members)[group])
    raise UsageError(f"The {len(xyz)} points lie too near to each other: they must be some metres apart.")


def _groups(xyz: Vectors, chord: float) -> NDArray[np.int64]:
    """A number for each point; points that are linked by steps of at most ``chord`` have the same."""
    if chord == 0:
        return np.arange(len(xyz))
    # Hardly ever needed, and slow to import.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = cKDTree(xyz).query_pairs(chord, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(xyz), len(xyz)))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _cells(xyz: Vectors) -> Vectors:
    """Areas of the cells of points (n, 3), as far as their hull is right."""
    centred = xyz - xyz.mean(axis=0)
    normal = np.linalg.svd(centred.T @ centred)[2][-1]
    extent = np.ptp(centred, axis=0).max()
    if len(xyz) <= 3 or np.ptp(xyz @ normal) <= _FLAT + _FLAT_SHARE * extent**2:
        return _lunes(xyz)
    try:
        hull = ConvexHull(xyz)
    except QhullError:
        # Qhull, too, finds them flat.
        return _lunes(xyz)
    areas = _fans(xyz, hull)
    # A point that rounding put inside the hull shares the cell of the nearest.
    inside = np.setdiff1d(np.arange(len(xyz)), hull.vertices)
    if len(inside):
        host = hull.vertices[cKDTree(xyz[hull.vertices]).query(xyz[inside])[1]]
        guests = np.bincount(host, minlength=len(xyz)) + 1.0
        areas /= guests
        areas[inside] = areas[host]
    return areas


def _fans(xyz: Vectors, hull: ConvexHull) -> Vectors:
    corners, beyond, normals = hull.simplices, hull.neighbors, hull.equations[:, :3]
    a, b, c = (xyz[corners[:, i]] for i in range(3))
    clockwise = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals) < 0
    areas = np.zeros(len(xyz))
    for k in range(3):
        # Seen from outside, the edge from the next corner to the one after it has its facet on the left.
        first, second = corners[:, k - 1], corners[:, (k + 1) % 3]
        start, end = np.where(clockwise, first, second), np.where(clockwise, second, first)
        triangle = _fan_area(xyz[start], xyz[end], normals[beyond[:, k]], normals)
        areas += np.bincount(start, weights=triangle, minlength=len(xyz))
    return areas


def _fan_area(here: Vectors, there: Vectors, a: Vectors, b: Vectors) -> Vectors:
    """The part of a cell between its point and its edge from a to b, which divides it from the cell of another."""
    long = np.einsum("ij,ij->i", a, b) < 0
    area = np.empty(len(a))
    area[~long] = _signed_area(here[~long], a[~long], b[~long])
    # Nearly half circles, as round a cluster, say badly where they go; they turn round the line from there to here.
    here, there, a, b = here[long], there[long], a[long], b[long]
    middle = np.cross(here - there, a - b)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    area[long] = _signed_area(here, a, middle) + _signed_area(here, middle, b)
    return area


def _signed_area(a: Vectors, b: Vectors, c: Vectors) -> Vectors:
    """tan(E/2) = a·(b×c) / (1 + a·b + b·c + c·a) (van Oosterom, Strackee 1983), unit vectors (m, 3)."""
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    cosines = sum(np.einsum("ij,ij->i", p, q) for p, q in ((a, b), (b, c), (c, a)))
    return np.asarray(2 * np.arctan2(volume, 1 + cosines))


def _lunes(xyz: Vectors) -> Vectors:
    """Cells of points in one plane: lunes between the half circles midway, from pole to pole of the plane."""
    n = len(xyz)
    if n <= 2:
        return np.full(n, 4 * np.pi / n)
    _, _, axes = np.linalg.svd(xyz - xyz.mean(axis=0), full_matrices=False)
    # Round the axis of their circle, not round their mean.
    turn = np.arctan2(xyz @ axes[1], xyz @ axes[0])
    order = np.argsort(turn, kind="stable")
    gaps = np.diff(turn[order], append=turn[order[0]] + 2 * np.pi)
    areas = np.empty(n)
    areas[order] = gaps + np.roll(gaps, 1)
    return areas

"""Two stages: the coarse rows say which cells, finer positions inside them say where.

A chosen cell is filled with positions whose nearest coarse row is the cell's. What was believed of all of it by the
look at its row alone is believed of each part by its own: with the logit scale * score / temperature,

    p_child ∝ p_parent / children * exp(logit_child - logit_parent),

and the whole is made to sum to 1 again: the posterior of the finer rows. So a cell gains whose row hid its best place,
and accuracy is not bounded by the gallery's spacing. Where a row is on land, its children are: cameras are, and the
cells of coasts and islands reach far out to sea.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from periplus.errors import RecordError, UsageError
from periplus.geo import EARTH_RADIUS_KM, Neighbours, from_local_km, on_land
from periplus.position.world import WorldBelief, WorldRows, belief_of

Logits = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.floating]]
"""Positions, (m,) latitudes and (m,) longitudes in degrees, to their scale * score / temperature, (m,)."""
_REACH: Final = 3.0
"""How far a cell is searched, in radii of a disc of its area: cells beside seas and deserts are long."""

_MOST_GAIN: Final = 300.0
"""Of a logit; e to the power of more is no number."""

_SINGLE: Final = np.float32(1e-6)
"""More than cosines lose in single precision."""
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Plan:
    """How a belief is refined.

    Attributes:
        share: of the belief; the heaviest cells that hold it are refined.
        most_cells: a round refines at most.
        factor: children a cell, about.
        spacing_km: cells with sides no longer than that are fine enough.
        rounds: how often, at most.

    Raises:
        RecordError: a value is impossible.
    """

    share: float = 0.9
    most_cells: int = 64
    factor: int = 16
    spacing_km: float = 1.0
    rounds: int = 2

    def __post_init__(self) -> None:
        """Check that every value is possible."""
        if not (0 < self.share <= 1 and self.most_cells > 0 and self.factor > 1 and self.spacing_km > 0):
            raise RecordError(f"A plan of refinement has impossible values: {self}.")


@dataclass(frozen=True, eq=False)
class Children:
    """Positions inside cells, those of one parent side by side.

    Attributes:
        parent: int64 (m,), the row whose cell each lies in.
        lat_deg, lon_deg: float64 (m,).
        area_km2: float64 (m,); those of one parent sum to its area, without what lies at sea.
        own: bool (m,), which stand where their parent does.
    """

    parent: NDArray[np.int64]
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    area_km2: NDArray[np.float64]
    own: NDArray[np.bool_]


def refine(p: NDArray[np.floating], rows: WorldRows, logits: Logits, plan: Plan | None = None) -> WorldBelief:
    """The same belief on finer rows where it is heavy; the other rows stay.

    Args:
        p: (n,), the belief.
        rows: n rows of the gallery.
        logits: tells how well any position fits the photo: sharp * (encode(lat, lon) @ query), with sharp the
            model's scale over the calibrated temperature.
        plan: how far; by default two rounds of about 64 x 16 positions.
    """
    plan, belief = plan or Plan(), belief_of(p, rows)
    for _ in range(plan.rounds):
        chosen = top_cells(belief, plan)
        if not len(chosen):
            break
        children = children_of(chosen, belief.rows, plan.factor)
        told = np.asarray(logits(children.lat_deg, children.lon_deg), np.float64)
        belief = divided(belief, chosen, children, told)
    return belief


def top_cells(belief: WorldBelief, plan: Plan) -> NDArray[np.int64]:
    """The heaviest cells that hold the plan's share and are not fine yet, in the order of rows."""
    p = np.asarray(belief.p, np.float64)
    some = min(plan.most_cells, len(p))
    heavy = np.argpartition(p, len(p) - some)[len(p) - some :]
    heavy = heavy[np.lexsort((heavy, -p[heavy]))]
    before = np.cumsum(p[heavy]) - p[heavy]
    heavy = heavy[before < plan.share * p.sum()]
    return np.sort(heavy[belief.rows.cell_km2[heavy] > plan.spacing_km**2])


def children_of(chosen: NDArray[np.int64], rows: WorldRows, factor: int) -> Children:
    """A square grid of about ``factor`` positions in each chosen cell, the row's own position always among them.

    Args:
        chosen: int64 (c,), rows, each once, rising.
        rows: of the world.
        factor: 2 or more.

    Raises:
        UsageError: the rows are not in order, or the factor is too small.
    """
    if factor < 2 or (np.diff(chosen) <= 0).any():
        raise UsageError(f"Cells are divided by 2 or more (not {factor}), and chosen in the order of their rows.")
    side = np.sqrt(rows.cell_km2[chosen] / factor)
    most = math.ceil(_REACH * math.sqrt(factor / math.pi))
    steps = np.arange(-most, most + 1)
    east, north = (grid.ravel() for grid in np.meshgrid(steps, steps))
    near = np.hypot(east, north) <= _REACH * math.sqrt(factor / math.pi)
    east, north = east[near], north[near]
    lat0, lon0 = rows.lat_deg[chosen, None], rows.lon_deg[chosen, None]
    lat, lon = from_local_km(side[:, None] * east, side[:, None] * north, lat0, lon0)
    own = (east == 0) & (north == 0)
    lat[:, own], lon[:, own] = lat0, lon0
    nearest = _nearest(lat, lon, rows, chosen, _REACH * np.sqrt(rows.cell_km2[chosen] / math.pi))
    inside = nearest == chosen[:, None] if rows.place is None else rows.place[nearest] == rows.place[chosen, None]
    # Farther than the antipode is nearer again.
    inside &= side[:, None] * np.hypot(east, north) < math.pi * EARTH_RADIUS_KM
    area = rows.area_km2[chosen] / (inside | own).sum(axis=1)
    at_sea = inside & on_land(rows.lat_deg[chosen], rows.lon_deg[chosen])[:, None]
    at_sea[at_sea] = ~on_land(lat[at_sea], lon[at_sea])
    inside = (inside & ~at_sea) | own
    counts = inside.sum(axis=1)
    itself = np.broadcast_to(own, inside.shape)[inside]
    return Children(np.repeat(chosen, counts), lat[inside], lon[inside], np.repeat(area, counts), itself)


def _nearest(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    rows: WorldRows,
    chosen: NDArray[np.int64],
    reach_km: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The row nearest to each place (c, m) within reach of its parent.

    None is farther from its nearest row than from its parent: only rows within twice the reach need be asked, and a
    tree of the whole world, which finer rows would need anew, is never made.
    """
    near = np.zeros(len(rows), np.bool_)
    xyz = rows.xyz.astype(np.float32)
    least = np.cos(np.minimum(2 * reach_km / EARTH_RADIUS_KM, math.pi)).astype(np.float32) - _SINGLE
    for start in range(0, len(chosen), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        near |= (xyz[:, chosen[some]].T @ xyz >= least[some, None]).any(axis=0)
    asked = np.flatnonzero(near)
    found, _ = Neighbours(rows.lat_deg[asked], rows.lon_deg[asked]).nearest(lat.ravel(), lon.ravel(), 1)
    return np.asarray(asked[found[:, 0]].reshape(lat.shape), np.int64)


def divided(
    belief: WorldBelief, chosen: NDArray[np.int64], children: Children, logits: NDArray[np.float64]
) -> WorldBelief:
    """The belief with the chosen rows (c,), rising, replaced by their children; kept rows come first.

    Args:
        belief: about one photo.
        chosen: the children's parents, each once.
        children: m positions.
        logits: (m,), scale * score / temperature of each.
    """
    rows, parent = belief.rows, children.parent
    seen = np.zeros(len(rows))
    seen[parent[children.own]] = logits[children.own]
    share = 1 / np.bincount(parent, minlength=len(rows))[parent]
    gain = share * np.exp(np.minimum(logits - seen[parent], _MOST_GAIN))
    kept = np.ones(len(rows), np.bool_)
    kept[chosen] = False
    finer = WorldRows(
        np.concatenate([rows.lat_deg[kept], children.lat_deg]),
        np.concatenate([rows.lon_deg[kept], children.lon_deg]),
        np.concatenate([rows.prior[kept], rows.prior[parent] * share]),
        np.concatenate([rows.area_km2[kept], children.area_km2]),
    )
    p = np.concatenate([np.asarray(belief.p, np.float64)[kept], belief.p[parent] * gain])
    return WorldBelief(p / p.sum(), finer, np.concatenate([belief.gallery_row[kept], belief.gallery_row[parent]]))

"""The pass over all pairs: every pair once, blocks that cannot matter left out."""

from __future__ import annotations

import numpy as np
import pytest

from periplus.geo import EARTH_RADIUS_KM, distance_km
from periplus.spatial.pairs.lags import HALF_GIRTH_KM, Lags, given_lags
from periplus.spatial.pairs.tiles import PassSettings, Plan, Sums, Tile, make_plan, walk


class _Seen:
    """Keeps which pairs were within the lags, and their distances."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def empty(self) -> Sums:
        return {"pairs": np.empty((0, 2), np.int64), "km": np.empty(0)}

    def take(self, tile: Tile, sums: Sums) -> None:
        i, j = np.nonzero(tile.lag < len(self.plan.lags))
        order = self.plan.blocks.order
        pairs = np.stack([order[tile.rows][i], order[tile.columns][j]], axis=1)
        sums["pairs"] = np.concatenate([sums["pairs"], np.sort(pairs, axis=1)])
        sums["km"] = np.concatenate([sums["km"], tile.arc[i, j] * EARTH_RADIUS_KM])


def _places(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)


@pytest.mark.parametrize("blocks", [1, 5, 64])
@pytest.mark.parametrize("lags", [given_lags([0, HALF_GIRTH_KM]), given_lags([0, 800]), given_lags([6000, 7000, 9000])])
def test_every_pair_within_the_lags_once(blocks: int, lags: Lags) -> None:
    lat, lon = _places(700)
    plan = make_plan(lat, lon, lags, blocks)
    sums = list(walk(plan, _Seen(plan), PassSettings(workers=2)))
    pairs = np.concatenate([one["pairs"] for one in sums])
    first, second = np.triu_indices(700, 1)
    apart = distance_km(lat[first], lon[first], lat[second], lon[second])
    wanted = lags.assign(apart)
    within = (wanted >= 0) & (wanted < len(lags))
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    np.testing.assert_array_equal(pairs[order], np.stack([first, second], axis=1)[within])
    np.testing.assert_allclose(np.concatenate([one["km"] for one in sums])[order], apart[within], rtol=1e-10, atol=1e-6)


def test_far_blocks_are_left_out() -> None:
    lat, lon = _places(700)
    whole, near = (make_plan(lat, lon, given_lags([0, km]), 64) for km in (HALF_GIRTH_KM, 500))
    assert len(whole) == 64 * 65 // 2
    assert whole.weights.sum() == 700 * 699 // 2
    assert len(near) < len(whole) / 2


def test_a_pass_goes_on_from_any_pair_of_blocks() -> None:
    lat, lon = _places(200)
    plan = make_plan(lat, lon, given_lags([0, HALF_GIRTH_KM]), 8)
    whole = list(walk(plan, _Seen(plan), PassSettings()))
    rest = list(walk(plan, _Seen(plan), PassSettings(workers=3), start=30))
    assert len(whole) == 36
    for one, two in zip(whole[30:], rest, strict=True):
        assert one["km"].tobytes() == two["km"].tobytes()


def test_an_error_of_a_consumer_comes_out() -> None:
    class Broken(_Seen):
        def take(self, tile: Tile, sums: Sums) -> None:
            raise ZeroDivisionError

    lat, lon = _places(100)
    plan = make_plan(lat, lon, given_lags([0, 100]), 4)
    with pytest.raises(ZeroDivisionError):
        list(walk(plan, Broken(plan), PassSettings(workers=2)))


def test_leaving_early_stops_the_workers() -> None:
    lat, lon = _places(300)
    plan = make_plan(lat, lon, given_lags([0, HALF_GIRTH_KM]), 16)
    walking = walk(plan, _Seen(plan), PassSettings(workers=2))
    next(walking)
    walking.close()  # type: ignore[attr-defined]

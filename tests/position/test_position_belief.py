"""The consensus of positions: closed forms, the slow sum, and the round Earth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_belief import support

from periplus.geo import destination, distance_km, wrap_lon_deg
from periplus.position import Kernel, Peak, find_peak
from periplus.position.belief import _LARGEST_BELIEF as MOST
from periplus.position.belief import settle

KERNEL = Kernel(wide_km=0.1, narrow_km=0.01, share=0.2)
ROUND = Kernel(wide_km=0.1, narrow_km=0.01, share=0.0)
CENTRES = [
    (0.0, 0.0),
    (48.8867, 2.3431),
    (-33.86, 179.9999),
    (12.0, -180.0),
    (89.9999, 30.0),
    (90.0, 0.0),
    (-90.0, -7.0),
]


def around(
    centre: tuple[float, float], east_north_km: list[tuple[float, float]]
) -> tuple[np.typing.NDArray[np.float64], np.typing.NDArray[np.float64]]:
    east, north = np.array(east_north_km, np.float64).T
    return destination(*centre, np.degrees(np.arctan2(east, north)), np.hypot(east, north))


def peak_of(
    beliefs: list[float],
    places: list[tuple[float, float]],
    centre: tuple[float, float] = (45.0, 7.0),
    kernel: Kernel = KERNEL,
) -> Peak:
    return find_peak(np.array(beliefs), *around(centre, places), kernel)


def off_km(peak: Peak, centre: tuple[float, float]) -> float:
    return float(distance_km(peak.lat_deg, peak.lon_deg, *centre))


@given(st.floats(1e-3, 10), st.floats(1e-4, 1e-3), st.floats(0, 1))
def test_kernel_is_one_at_home_and_falls(wide: float, narrow: float, share: float) -> None:
    kernel = Kernel(wide, narrow, share)
    assert float(kernel(np.array(0.0))) == pytest.approx(1)
    values = kernel(np.geomspace(1e-6, 1e4, 60))
    assert (np.diff(values) <= 0).all()
    assert values[-1] < 1e-4
    at_wide = (1 - share) / 8 + share / (1 + (wide / narrow) ** 2) ** 2
    assert float(kernel(np.array(wide))) == pytest.approx(at_wide)


def test_default_kernel_has_a_broad_and_a_narrow_part() -> None:
    kernel = Kernel()
    assert 0 < kernel.narrow_km < kernel.wide_km
    assert 0 <= kernel.share <= 1
    assert float(kernel(np.array(0.0))) == pytest.approx(1)


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("belief", [0.1, 0.5, 0.9])
def test_a_single_photo_is_its_own_peak(centre: tuple[float, float], belief: float) -> None:
    peak = find_peak(np.array([belief]), np.array([centre[0]]), np.array([centre[1]]), KERNEL)
    assert (peak.lat_deg, peak.lon_deg) == centre
    assert peak.support == pytest.approx(np.log(1 / (1 - belief)))
    assert peak.spread_km == pytest.approx(0, abs=1e-9)
    assert peak.photos.tolist() == [0]


def test_no_photo_is_believed_entirely() -> None:
    for belief in (MOST, 0.999, 1.0):
        assert peak_of([belief], [(0, 0)]).support == pytest.approx(np.log(1 / (1 - MOST)))


def test_disbelieved_photos_support_nothing() -> None:
    peak = peak_of([0.0, 0.0], [(0, 0), (3, 0)])
    assert peak.support == 0
    assert len(peak.photos) == 0
    assert peak.spread_km == 0
    assert abs(peak.lat_deg) <= 90


@pytest.mark.parametrize("centre", CENTRES)
def test_two_photos_that_agree_add_up(centre: tuple[float, float]) -> None:
    peak = peak_of([0.8, 0.6], [(0, 0), (0, 0)], centre)
    assert off_km(peak, centre) < 1e-6
    assert peak.support == pytest.approx(np.log(1 / 0.2) + np.log(1 / 0.4), rel=1e-6)
    assert peak.photos.tolist() == [0, 1]


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("apart", [0.6, 0.9])
def test_two_strong_photos_that_disagree_a_little_meet(centre: tuple[float, float], apart: float) -> None:
    d = apart * ROUND.wide_km
    places = [(-d / 2, 0.0), (d / 2, 0.0)]
    peak = peak_of([0.95, 0.95], places, centre, ROUND)
    lat, lon = around(centre, places)
    away = distance_km(peak.lat_deg, peak.lon_deg, lat, lon)
    assert (away < 0.75 * d).all()
    assert peak.spread_km == pytest.approx(d / 2, rel=0.3)


def test_two_strong_photos_far_apart_do_not_meet() -> None:
    peak = peak_of([0.95, 0.9], [(0, 0), (1, 0)])
    assert off_km(peak, (45.0, 7.0)) < KERNEL.wide_km / 2
    assert peak.photos.tolist() == [0]
    rival = float(distance_km(peak.rival_lat_deg, peak.rival_lon_deg, peak.lat_deg, peak.lon_deg))
    assert rival == pytest.approx(1, abs=KERNEL.wide_km)
    assert 0 < peak.rival_support < peak.support


@pytest.mark.parametrize("far_km", [10.0, 5_000.0, 20_000.0])
def test_an_outlier_far_away_does_not_move_the_peak(far_km: float) -> None:
    places = [(0.0, 0.0), (0.03, 0.01), (-0.02, 0.02)]
    beliefs = [0.92, 0.9, 0.88]
    alone, disturbed = peak_of(beliefs, places), peak_of([*beliefs, 0.97], [*places, (far_km, 0.0)])
    # It alone is believed more than any of them; that changes which grids are tried, not what they show.
    there = (alone.lat_deg, alone.lon_deg)
    assert off_km(disturbed, there) < KERNEL.wide_km / 4
    assert disturbed.support == pytest.approx(alone.support, abs=0.02)
    assert disturbed.rival_support == pytest.approx(np.log(1 / (1 - MOST)), abs=0.01)


def test_many_weak_photos_do_not_outweigh_a_strong_one_but_many_fair_ones_do() -> None:
    strong, here, there = 0.95, (0.0, 0.0), (50.0, 0.0)
    assert off_km(peak_of([strong, *[0.1] * 15], [here, *[there] * 15]), (45.0, 7.0)) < 0.1
    assert off_km(peak_of([strong, *[0.6] * 15], [here, *[there] * 15]), (45.0, 7.0)) > 49


PLACES = st.lists(st.tuples(*[st.floats(-0.4, 0.4)] * 2), min_size=1, max_size=8)


def distinct_beliefs(n: int, seed: int) -> list[float]:
    return np.random.default_rng(seed).permutation(np.linspace(0.2, 0.95, n)).tolist()  # type: ignore[no-any-return]


@settings(deadline=None, max_examples=30)
@given(PLACES, st.integers(0, 99), st.sampled_from(CENTRES))
def test_support_is_the_slow_sum_at_every_tried_position(
    places: list[tuple[float, float]], seed: int, centre: tuple[float, float]
) -> None:
    beliefs = distinct_beliefs(len(places), seed)
    lat, lon = around(centre, places)
    peak = find_peak(np.array(beliefs), lat, lon, KERNEL)
    photos = list(zip(lat.tolist(), lon.tolist(), strict=True))
    assert support((peak.lat_deg, peak.lon_deg), beliefs, photos, KERNEL, MOST) == pytest.approx(peak.support, abs=1e-6)
    assert peak.support == peak.points_support.max()
    for at in range(0, len(peak.points_support), 37):
        tried = (float(peak.points_lat_deg[at]), float(peak.points_lon_deg[at]))
        assert support(tried, beliefs, photos, KERNEL, MOST) == pytest.approx(peak.points_support[at], abs=1e-6)
    for photo in photos:
        assert support(photo, beliefs, photos, KERNEL, MOST) <= peak.support + 1e-9
    assert (np.abs(peak.points_lat_deg) <= 90).all()
    assert ((peak.points_lon_deg >= -180) & (peak.points_lon_deg < 180)).all()


@settings(deadline=None, max_examples=30)
@given(PLACES, st.integers(0, 99), st.integers(0, 99))
def test_order_of_photos_does_not_matter(places: list[tuple[float, float]], seed: int, shuffle: int) -> None:
    beliefs = np.array(distinct_beliefs(len(places), seed))
    lat, lon = around((45.0, 7.0), places)
    order = np.random.default_rng(shuffle).permutation(len(places))
    a, b = find_peak(beliefs, lat, lon, KERNEL), find_peak(beliefs[order], lat[order], lon[order], KERNEL)
    assert (a.lat_deg, a.lon_deg, a.support, a.spread_km) == (b.lat_deg, b.lon_deg, b.support, b.spread_km)
    assert a.photos.tolist() == order[b.photos].tolist()


@settings(deadline=None, max_examples=30)
@given(
    PLACES, st.integers(0, 99), st.sampled_from([180.0, 179.9999, -179.9995, 90.0]), st.sampled_from([0.0, 60.0, -85.0])
)
def test_turning_the_globe_turns_the_peak(
    places: list[tuple[float, float]], seed: int, turn: float, latitude: float
) -> None:
    beliefs = np.array(distinct_beliefs(len(places), seed))
    lat, lon = around((latitude, 0.0), places)
    a, b = find_peak(beliefs, lat, lon, KERNEL), find_peak(beliefs, lat, wrap_lon_deg(lon + turn), KERNEL)
    assert b.support == pytest.approx(a.support, abs=1e-6)
    assert b.spread_km == pytest.approx(a.spread_km, abs=KERNEL.wide_km / 4)
    # Positions whose support ties to the last digit may change places.
    index = int(np.argmax(b.points_support))
    assert a.points_support[index] == pytest.approx(a.support, abs=1e-6)
    np.testing.assert_allclose(a.points_lat_deg, b.points_lat_deg, atol=1e-9)
    assert distance_km(a.points_lat_deg, a.points_lon_deg + turn, b.points_lat_deg, b.points_lon_deg).max() < 1e-6


@settings(deadline=None, max_examples=20)
@given(PLACES, st.integers(0, 99))
def test_a_pole_is_like_any_other_place(places: list[tuple[float, float]], seed: int) -> None:
    beliefs = np.array(distinct_beliefs(len(places), seed))
    peaks = [find_peak(beliefs, *around(centre, places), ROUND) for centre in [(0.0, 0.0), (90.0, 0.0), (-89.999, 5.0)]]
    # Grids are laid along each photo's north, which differs at the poles: equal up to the grid's step.
    for peak in peaks[1:]:
        assert peak.support == pytest.approx(peaks[0].support, rel=0.03)
        assert sorted(peak.photos.tolist())[:1] == sorted(peaks[0].photos.tolist())[:1] or len(places) > 1


def test_only_the_believed_photos_are_asked() -> None:
    n = 60
    beliefs = np.linspace(0.9, 0.05, n)
    lat, lon = around((10.0, 20.0), [(0.0, 0.0)] * n)
    peak = find_peak(beliefs, lat, lon, KERNEL)
    assert len(peak.photos) < n
    assert peak.photos.tolist() == sorted(peak.photos.tolist())


def settled(photos: list[tuple[float, float, float, float]], centre: tuple[float, float]) -> tuple[Peak, Peak]:
    """Peak and settled peak of photos given as belief, inliers, km to the east, km to the north."""
    beliefs, inliers, east, north = np.array(photos, np.float64).T
    lat, lon = around(centre, list(zip(east.tolist(), north.tolist(), strict=True)))
    peak = find_peak(beliefs, lat, lon, KERNEL)
    return peak, settle(peak, beliefs, inliers, lat, lon, KERNEL)


@pytest.mark.parametrize("centre", CENTRES)
def test_one_photo_settles_where_it_stands(centre: tuple[float, float]) -> None:
    for photos in ([(0.9, 30.0, 0.0, 0.0)], [(0.9, 30.0, 0.0, 0.0), (0.8, 90.0, 25.0, 0.0)]):
        assert off_km(settled(photos, centre)[1], centre) < 1e-6


@pytest.mark.parametrize("centre", CENTRES)
def test_photos_that_agree_settle_on_the_one_with_most_inliers(centre: tuple[float, float]) -> None:
    d = KERNEL.narrow_km
    _, made = settled([(0.9, 30, 0, d), (0.9, 80, 0, 0), (0.95, 20, d / 2, 0)], centre)
    assert off_km(made, centre) < 1e-6


@pytest.mark.parametrize("centre", CENTRES)
def test_photos_that_scatter_settle_between_the_strongest_and_their_mean(centre: tuple[float, float]) -> None:
    d = 0.6 * KERNEL.wide_km
    _, made = settled([(0.95, 50, -d / 2, 0), (0.94, 50, d / 2, 0)], centre)
    strongest, mean = around(centre, [(-d / 2, 0.0), (0.0, 0.0)])
    reach = [float(distance_km(made.lat_deg, made.lon_deg, strongest[i], mean[i])) for i in range(2)]
    assert 0 <= reach[1] <= reach[0] < d / 2
    assert sum(reach) == pytest.approx(d / 2, rel=1e-3), "on the line between them"


def test_disbelieved_and_distant_photos_do_not_unsettle() -> None:
    photos = [(0.9, 30.0, 0.0, 0.0), (0.01, 200.0, 0.05, 0.0), (0.85, 200.0, 3.0, 0.0)]
    assert off_km(settled(photos, (45.0, 7.0))[1], (45.0, 7.0)) < 1e-6


def test_where_nothing_is_believed_the_peak_stays() -> None:
    peak, made = settled([(0.05, 3.0, 0.0, 0.0), (0.04, 3.0, 0.03, 0.0)], (45.0, 7.0))
    assert made is peak


@settings(deadline=None, max_examples=30)
@given(PLACES, st.integers(0, 99), st.sampled_from(CENTRES))
def test_settling_moves_less_than_the_kernel_and_not_by_order(
    places: list[tuple[float, float]], seed: int, centre: tuple[float, float]
) -> None:
    rng, n = np.random.default_rng(seed), len(places)
    beliefs, inliers = np.array(distinct_beliefs(n, seed)), rng.permutation(n).astype(np.float64) + 5
    lat, lon = around(centre, places)
    peak = find_peak(beliefs, lat, lon, KERNEL)
    made = settle(peak, beliefs, inliers, lat, lon, KERNEL)
    assert off_km(made, (peak.lat_deg, peak.lon_deg)) <= KERNEL.wide_km * (1 + 1e-6)
    assert abs(made.lat_deg) <= 90
    assert -180 <= made.lon_deg < 180
    order = rng.permutation(n)
    again = settle(peak, beliefs[order], inliers[order], lat[order], lon[order], KERNEL)
    assert off_km(again, (made.lat_deg, made.lon_deg)) < 1e-6

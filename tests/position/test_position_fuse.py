"""One belief from several kinds of evidence."""

from __future__ import annotations

import numpy as np
import oracle_world as slow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import EmptyInputError, UsageError
from periplus.geo import distance_km
from periplus.position import LANDMARKS, Expert, belief_from, density_at, density_of, fuse
from periplus.records import Density, Fix


def blobs(*places: tuple[float, float, float, float]) -> Density:
    """Of latitude, longitude, weight and width."""
    lat, lon, weight, sigma = np.array(places, np.float64).T
    return Density(lat, lon, weight / weight.sum(), sigma)


def landmark(confidence: float, at: tuple[float, float] = (41.9, 12.5)) -> Fix:
    return Fix(*at, 0.02, 0.1, confidence, 0.1, None, density=blobs((*at, 1, 0.03)))


FRANCE_SPAIN = blobs((46, 2, 0.5, 300), (40, -4, 0.4, 300), (-30, 140, 0.1, 500))
MADRID_LIMA = blobs((40.4, -3.7, 0.5, 5), (-12, -77, 0.5, 5))


@settings(max_examples=30)
@given(st.integers(0, 999), st.floats(0.2, 2), st.floats(0.01, 1), st.floats(0.2, 2), st.floats(0.01, 1))
def test_the_product_is_the_formula(seed: int, w1: float, f1: float, w2: float, f2: float) -> None:
    rng = np.random.default_rng(seed)
    densities = [
        Density(rng.uniform(-90, 90, n), rng.uniform(-180, 180, n), np.full(n, 1 / n), rng.uniform(400, 5000, n))
        for n in (3, 5)
    ]
    found = fuse([Expert("positions", densities[0], w1, f1), Expert("photos", densities[1], w2, f2)])
    exact = slow.fused([(densities[0], w1, f1), (densities[1], w2, f2)], 1.6)
    assert found.density.weights == pytest.approx(np.array(exact), rel=1e-6, abs=1e-12)
    assert sum(found.carried_by.values()) == pytest.approx(1)
    assert min(found.carried_by.values()) >= 0


def test_two_weak_hints_make_a_strong_one() -> None:
    fused = fuse([Expert("positions", FRANCE_SPAIN), Expert("photos", MADRID_LIMA)])
    assert float(distance_km(fused.lat_deg, fused.lon_deg, 40.4, -3.7)) < 5
    madrid = distance_km(fused.density.lat_deg, fused.density.lon_deg, 40.4, -3.7) < 500
    assert fused.density.weights[madrid].sum() > 0.85
    assert fused.carried_by["photos"] > fused.carried_by["positions"] > 0.1


def test_one_expert_alone_comes_out_as_it_went_in() -> None:
    fused = fuse([Expert("positions", FRANCE_SPAIN, beside=1e-9)])
    assert fused.density.weights == pytest.approx(FRANCE_SPAIN.weights)
    assert fused.carried_by == {}


def test_an_expert_beside_the_point_changes_nothing() -> None:
    everywhere = density_of(np.full(500, 1 / 500), slow.spiral(500))
    for other in (Expert("photos", everywhere), Expert("photos", MADRID_LIMA, beside=1.0)):
        fused = fuse([Expert("positions", FRANCE_SPAIN, beside=1e-6), other])
        away = distance_km(fused.density.lat_deg, fused.density.lon_deg, 46, 2)
        assert fused.density.weights[away < 1000].sum() == pytest.approx(0.9, abs=0.05)
        assert float(distance_km(fused.lat_deg, fused.lon_deg, 46, 2)) < 100
        assert fused.carried_by["positions"] > 0.9


def test_a_sure_landmark_carries_it_and_keeps_its_position() -> None:
    fused = fuse([Expert("positions", FRANCE_SPAIN), Expert("photos", MADRID_LIMA)], landmark(0.95))
    assert (fused.lat_deg, fused.lon_deg) == (41.9, 12.5)
    assert fused.carried_by[LANDMARKS] > 0.99
    at_rome = distance_km(fused.density.lat_deg, fused.density.lon_deg, 41.9, 12.5) < 1
    assert fused.density.weights[at_rome].sum() == pytest.approx(0.95)


def test_an_unsure_landmark_is_outvoted_and_a_worthless_one_says_nothing() -> None:
    experts = [Expert("positions", FRANCE_SPAIN), Expert("photos", MADRID_LIMA)]
    weak = fuse(experts, landmark(0.02))
    assert float(distance_km(weak.lat_deg, weak.lon_deg, 40.4, -3.7)) < 5
    assert weak.carried_by[LANDMARKS] < 0.01
    none, without = fuse(experts, landmark(0.0)), fuse(experts)
    assert density_at(none.density, 40.0, -3.0) == pytest.approx(density_at(without.density, 40.0, -3.0))
    assert none.carried_by[LANDMARKS] == 0


def test_a_landmark_that_agrees_shares_the_credit() -> None:
    fused = fuse([Expert("photos", MADRID_LIMA)], landmark(0.5, (40.41, -3.71)))
    assert 0.4 < fused.carried_by[LANDMARKS] < 0.8
    assert fused.carried_by["photos"] == pytest.approx(1 - fused.carried_by[LANDMARKS])


def test_landmarks_alone() -> None:
    fused = fuse([], landmark(0.3))
    assert (fused.lat_deg, fused.lon_deg, dict(fused.carried_by)) == (41.9, 12.5, {})
    assert fused.density.weights.sum() == pytest.approx(1)


def test_the_order_of_experts_does_not_matter() -> None:
    one, two = Expert("positions", FRANCE_SPAIN, 0.7), Expert("photos", MADRID_LIMA)
    first, second = fuse([one, two]), fuse([two, one])
    assert (first.lat_deg, first.lon_deg) == pytest.approx((second.lat_deg, second.lon_deg))
    assert dict(first.carried_by) == pytest.approx(dict(second.carried_by))


def test_what_cannot_be_fused() -> None:
    unlocated = Fix(1.0, 2.0, 1.0, 2.0, 0.9, 0.1, None)
    for given_landmark in (None, unlocated):
        with pytest.raises(EmptyInputError, match="nothing to fuse"):
            fuse([], given_landmark)
    with pytest.raises(UsageError, match="no expert's kind"):
        fuse([Expert(LANDMARKS, MADRID_LIMA)])
    for bad in ({"trust": 0.0}, {"beside": 0.0}, {"beside": 1.1}, {"density": Density(*(np.zeros(0),) * 4)}):
        with pytest.raises(UsageError, match="Expert"):
            Expert(**({"kind": "photos", "density": MADRID_LIMA} | bad))  # type: ignore[arg-type]


def test_one_that_says_all_twice_shares_its_trust() -> None:
    once, twice = fuse([Expert("photos", MADRID_LIMA)]), fuse([Expert("photos", MADRID_LIMA, trust=0.5)] * 2)
    lat, lon = np.meshgrid(np.arange(-80, 81, 20.0), np.arange(-180, 180, 30.0))
    assert density_at(twice.density, lat, lon) == pytest.approx(density_at(once.density, lat, lon), rel=1e-9)
    assert twice.carried_by == once.carried_by == {}
    mixed = fuse([Expert("photos", MADRID_LIMA, trust=0.5)] * 2 + [Expert("positions", FRANCE_SPAIN)])
    assert set(mixed.carried_by) == {"photos", "positions"}
    assert sum(mixed.carried_by.values()) == pytest.approx(1)


def test_a_density_as_a_belief() -> None:
    belief = belief_from(FRANCE_SPAIN)
    assert belief.rows.sigma_km == pytest.approx(FRANCE_SPAIN.sigma_km)
    assert density_of(belief.p, belief.rows).weights == pytest.approx(FRANCE_SPAIN.weights)

"""GeoCLIP's objective: its loss, the queue, the noise on positions, what is validated, what is kept."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import oracle_geolocation as oracle
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from periplus.errors import UsageError
from periplus.geo import distance_km
from periplus.learn import ModelConfig, TrainConfig, TrainingPhotos
from periplus.learn.geo_settings import GeolocationConfig, LocationSettings
from periplus.learn.locating import gallery_rows, location_values
from periplus.learn.losses.geolocation import Geolocation
from periplus.learn.objectives import OBJECTIVES
from periplus.learn.optimizing import MovingAverage
from periplus.learn.positions import PositionQueue, TrainingPositions

SILENT: dict[str, Any] = {"batch_noise_m": 0, "queue_noise_m": 0}


class Linear(nn.Module):
    """A location tower that can be computed by hand."""

    def __init__(self, dim: int = 5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, 2, generator=torch.Generator().manual_seed(1)).double() / 40)

    def forward(self, lat_lon_deg: Tensor) -> Tensor:
        return (lat_lon_deg @ self.weight.T).sin()


def positions(n: int = 40) -> TrainingPositions:
    generator = np.random.default_rng(2)
    return TrainingPositions(generator.uniform(-90, 90, n), generator.uniform(-180, 180, n))


def made(first: list[int], **wanted: Any) -> Geolocation:
    config = GeolocationConfig(**{**SILENT, **wanted})
    return Geolocation(Linear(), positions(), config, torch.tensor(first, dtype=torch.int64))


def pictures(n: int = 6, dim: int = 5) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def vectors_at(loss: Geolocation, rows: list[int]) -> Tensor:
    places = np.stack([loss.positions.lat_deg[rows], loss.positions.lon_deg[rows]], 1)
    vectors: Tensor = loss.location(torch.from_numpy(places))
    return vectors.detach()


def test_the_loss_is_the_written_formula_and_geoclips_step() -> None:
    loss, rows, queue = made([9, 8, 7, 3]), [0, 1, 2, 3, 4, 5], [9, 8, 7, 3]
    value = loss(pictures(), torch.tensor(rows))
    everywhere = vectors_at(loss, rows + queue)
    slow = oracle.cross_entropy_to_positions(pictures().tolist(), everywhere.tolist(), 1 / 0.07, set())
    assert value.total.item() == pytest.approx(slow, rel=1e-6)
    assert value.total.item() == pytest.approx(
        float(oracle.geoclip_step(pictures(), everywhere, torch.tensor(math.log(1 / 0.07)))), rel=1e-6
    )
    assert float(value.parts["scale"]) == pytest.approx(1 / 0.07)
    assert loss.queue.rows.tolist() == [2, 3, 4, 5]


def test_gradients_are_geoclips() -> None:
    loss, rows, queue = made([9, 8, 7, 3]), [0, 1, 2, 3, 4, 5], [9, 8, 7, 3]
    x, other = pictures().requires_grad_(), pictures().requires_grad_()
    total: Tensor = loss(x, torch.tensor(rows)).total
    total.backward()  # type: ignore[no-untyped-call]
    twin, log_scale = Linear(), torch.tensor(math.log(1 / 0.07), requires_grad=True)
    places = np.stack([loss.positions.lat_deg[rows + queue], loss.positions.lon_deg[rows + queue]], 1)
    twins = oracle.geoclip_step(other, twin(torch.from_numpy(places)), log_scale)
    twins.backward()  # type: ignore[no-untyped-call]
    location = loss.location
    assert isinstance(location, Linear)
    for ours, theirs in ((x, other), (location.weight, twin.weight), (loss.log_scale, log_scale)):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.allclose(ours.grad, theirs.grad, rtol=1e-5, atol=1e-8)


def test_symmetric_is_the_mean_of_both_directions() -> None:
    rows = [0, 1, 2, 3, 4, 5]
    loss = made([9, 8], symmetric=True)
    value = loss(pictures(), torch.tensor(rows))
    there = oracle.cross_entropy_to_positions(
        pictures().tolist(), vectors_at(loss, [*rows, 9, 8]).tolist(), 1 / 0.07, set()
    )
    back = oracle.cross_entropy_to_positions(vectors_at(loss, rows).tolist(), pictures().tolist(), 1 / 0.07, set())
    assert value.total.item() == pytest.approx((there + back) / 2, rel=1e-6)


def test_near_positions_are_no_negatives() -> None:
    rows, queue, radius = [0, 1, 2, 0, 4, 5], [2, 7, 0], 3000.0
    loss = made(queue, near_km=radius)
    at = rows + queue
    lat, lon = loss.positions.lat_deg, loss.positions.lon_deg
    near = {
        (i, j)
        for i in range(6)
        for j in range(9)
        if i != j and float(distance_km(lat[at[i]], lon[at[i]], lat[at[j]], lon[at[j]])) <= radius
    }
    assert {(0, 3), (3, 0), (0, 8), (2, 6)} <= near
    assert len(near) < 30
    value = loss(pictures(), torch.tensor(rows))
    slow = oracle.cross_entropy_to_positions(pictures().tolist(), vectors_at(loss, at).tolist(), 1 / 0.07, near)
    assert value.total.item() == pytest.approx(slow, rel=1e-6)


def test_a_batch_of_one_place_is_no_nan() -> None:
    loss = made([4] * 5, near_km=1.0, symmetric=True, batch_noise_m=150)
    x = pictures().requires_grad_()
    value = loss(x, torch.tensor([4] * 6))
    value.total.backward()
    assert value.total.item() == pytest.approx(0)  # no negative is left
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_without_a_queue() -> None:
    loss = made([])
    value = loss(pictures(), torch.arange(6))
    slow = oracle.cross_entropy_to_positions(
        pictures().tolist(), vectors_at(loss, list(range(6))).tolist(), 1 / 0.07, set()
    )
    assert value.total.item() == pytest.approx(slow, rel=1e-6)
    assert len(loss.queue) == 0


def test_the_scale_is_held_and_can_come_back() -> None:
    loss = made([9, 8], max_scale=20)
    with torch.no_grad():
        loss.log_scale.fill_(9.0)
    value = loss(pictures(), torch.arange(6))
    assert float(value.parts["scale"]) == pytest.approx(20)
    value.total.backward()
    assert loss.log_scale.item() == pytest.approx(math.log(20))
    assert loss.log_scale.grad is not None
    assert loss.log_scale.grad.item() > 0  # random pictures: less certainty would be better


@given(st.integers(1, 23), st.lists(st.integers(0, 30), max_size=12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_queue_is_first_in_first_out(size: int, lengths: list[int], reloaded: bool) -> None:
    queue, slow, next_row = PositionQueue(torch.arange(-size, 0)), oracle.SlowQueue(range(-size, 0)), 0
    for length in lengths:
        rows = torch.arange(next_row, next_row + length)
        queue.push(rows)
        slow.push(rows.tolist())
        next_row += length
        if reloaded:
            again = PositionQueue(torch.zeros(size, dtype=torch.int64))
            again.load_state_dict(queue.state_dict())
            queue = again
        assert queue.rows.roll(-int(queue.place)).tolist() == list(slow.rows)


@pytest.mark.parametrize("lat", [0.0, 52.0, 89.9999, 90.0, -90.0])
def test_noise_has_its_width_everywhere(lat: float) -> None:
    n, sigma_m = 20_000, 1000.0
    at = TrainingPositions(np.full(n, lat), np.full(n, -180.0))
    torch.manual_seed(0)
    moved = at.scattered(torch.arange(n), sigma_m).numpy()
    km = distance_km(lat, -180.0, moved[:, 0], moved[:, 1])
    # Two Gaussians make a Rayleigh: mean sigma sqrt(pi / 2), mean square 2 sigma^2.
    assert km.mean() == pytest.approx(sigma_m / 1000 * math.sqrt(math.pi / 2), rel=0.015)
    assert (km**2).mean() == pytest.approx(2 * (sigma_m / 1000) ** 2, rel=0.03)
    assert np.abs(moved[:, 0]).max() <= 90
    assert moved[:, 1].min() >= -180
    assert moved[:, 1].max() < 180
    if abs(lat) < 80:
        north = (moved[:, 0] - lat) * 111.195
        east = ((moved[:, 1] + 180 + 180) % 360 - 180) * 111.195 * math.cos(math.radians(lat))
        for part in (north, east):
            assert part.mean() == pytest.approx(0, abs=0.03)
            assert part.std() == pytest.approx(1, rel=0.02)
        assert np.corrcoef(north, east)[0, 1] == pytest.approx(0, abs=0.03)


def test_noise_is_drawn_anew_and_by_its_seed() -> None:
    at, rows = positions(), torch.arange(40)
    torch.manual_seed(5)
    one, two = at.scattered(rows, 150), at.scattered(rows, 150)
    torch.manual_seed(5)
    assert torch.equal(at.scattered(rows, 150), one)
    assert not torch.equal(one, two)
    assert torch.equal(at.scattered(rows, 0), torch.from_numpy(np.stack([at.lat_deg, at.lon_deg], 1)))


TINY = LocationSettings(sigmas=(1.0, 4.0), features=8, width=16, layers=1)
WANTED = TrainConfig(objective="geolocation", monitor="loss", geolocation=GeolocationConfig(queue=20))


def start(photos: TrainingPhotos, **wanted: Any) -> Geolocation:
    config = dataclasses.replace(WANTED, geolocation=dataclasses.replace(WANTED.geolocation, **wanted))
    loss = OBJECTIVES["geolocation"].make(config, ModelConfig(location=TINY), 16, photos)
    assert isinstance(loss, Geolocation)
    return loss


def test_the_queue_begins_with_training_positions(photos: TrainingPhotos) -> None:
    loss = start(photos)
    assert len(set(loss.queue.rows.tolist())) == 20
    assert not photos.validation[loss.queue.rows.numpy()].any()
    assert len(start(photos, queue=500).queue) == 500
    assert loss.queue.rows.tolist() != start(photos, queue=21).queue.rows.tolist()[:20]


def test_nothing_is_known_of_held_out_positions(photos: TrainingPhotos) -> None:
    loss = start(photos)
    assert np.isnan(loss.positions.lat_deg[photos.validation]).all()
    assert np.isfinite(loss.positions.lon_deg[~photos.validation]).all()
    assert photos.lat_lon_deg is not None
    assert photos.lat_lon_deg[photos.validation][0, 0] not in loss.positions.lat_deg


def test_photos_without_position_are_refused(photos: TrainingPhotos) -> None:
    assert photos.lat_lon_deg is not None
    partly = photos.lat_lon_deg.copy()
    partly[3] = np.nan
    for unknown in (None, partly):
        with pytest.raises(UsageError, match="needs the position of every photo"):
            start(dataclasses.replace(photos, lat_lon_deg=unknown))


def test_the_average_of_the_loss_is_apart_from_it(photos: TrainingPhotos) -> None:
    loss = start(photos)
    average = MovingAverage(loss, 0.5)
    loss(torch.randn(6, 16), torch.from_numpy(np.flatnonzero(~photos.validation)[:6]))
    kept = average.network
    assert isinstance(kept, Geolocation)
    before = kept.queue.rows.clone()
    average.update(loss, 1000)
    assert not torch.equal(before, kept.queue.rows)
    assert torch.equal(kept.queue.rows, loss.queue.rows)
    assert kept.queue.rows.data_ptr() != loss.queue.rows.data_ptr()


def test_validation_is_the_slow_way(photos: TrainingPhotos) -> None:
    loss = start(photos)
    rows = np.flatnonzero(photos.validation)
    gallery = np.flatnonzero(~photos.validation)
    x = torch.randn(len(rows), 16, generator=torch.Generator().manual_seed(0))
    values = location_values(x, loss, photos, rows)
    assert photos.lat_lon_deg is not None
    towers = loss.location(torch.from_numpy(photos.lat_lon_deg)).detach().numpy().astype(np.float64)
    km, right, losses = [], [], []
    for vector, row in zip(x.numpy().astype(np.float64), rows, strict=True):
        cosine = towers @ vector / np.linalg.norm(towers, axis=1) / np.linalg.norm(vector)
        best = gallery[int(cosine[gallery].argmax())]
        km.append(float(distance_km(*photos.lat_lon_deg[best], *photos.lat_lon_deg[row])))
        right.append(photos.labels[best] == photos.labels[row])
        logits = np.append(cosine[gallery], cosine[row]) / 0.07
        losses.append(float(np.log(np.exp(logits).sum()) - logits[-1]))
    assert values["median_km"] == pytest.approx(np.median(km))
    assert values["within_2500km"] == pytest.approx(np.mean(np.array(km) <= 2500))
    assert values["accuracy"] == pytest.approx(np.mean(right))
    assert values["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert values["scale"] == pytest.approx(1 / 0.07)


def test_a_large_gallery_is_thinned(photos: TrainingPhotos) -> None:
    assert gallery_rows(photos, 72).tolist() == np.flatnonzero(~photos.validation).tolist()
    some = gallery_rows(photos, 10)
    assert len(set(some.tolist())) == 10
    assert not photos.validation[some].any()
    assert np.array_equal(some, gallery_rows(photos, 10))

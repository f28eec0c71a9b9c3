"""How much of the Earth rows stand for: measured once, kept, and renewed when rows come or go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from forger_geo import shared_geo, spread_positions
from numpy.typing import NDArray

from periplus.gallery import GalleryWriter, create_gallery, open_gallery
from periplus.geo import EARTH_RADIUS_KM
from periplus.pipeline.world import areas, choose_spec, open_world
from periplus.pipeline.world.areas import AREAS, AREAS_OF, areas_of, keep_areas, measure_areas
from periplus.sources import open_source

EARTH_KM2 = 4 * np.pi * EARTH_RADIUS_KM**2


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    spec = choose_spec(open_source("grid:3000"), str(shared_geo(tmp_path_factory.getbasetemp())))
    path = tmp_path / "g"
    create_gallery(path, encoder=spec.to_encoder(), fingerprint=spec.fingerprint, dim=spec.dim, resources={})
    add(path, spread_positions(20))
    keep_areas(path)
    return path


def add(path: Path, positions: list[tuple[float, float]]) -> None:
    with GalleryWriter(path) as writer:
        segment = writer.begin_segment()
        for lat, lon in positions:
            row = {"id": f"{lat},{lon}", "lat_deg": lat, "lon_deg": lon, "content_hash": "x"}
            segment.add(row, np.ones(16))
        writer.commit(segment)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were measured, each time."""
    times: list[int] = []

    def counting(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
        times.append(len(lat))
        return measure_areas(lat, lon)

    monkeypatch.setattr(areas, "measure_areas", counting)
    return times


def test_rows_at_one_place_share_it() -> None:
    lat, lon = np.array([0.0, 0.0, 0.0, 45.0, -0.0]), np.array([0.0, 90.0, 0.0, 180.0 - 360.0, 90.0])
    found = measure_areas(lat, lon)
    assert found.sum() == pytest.approx(EARTH_KM2)
    assert found[0] == found[2]
    assert found[1] == found[4]
    alone = measure_areas(lat[[0, 1, 3]], lon[[0, 1, 3]])
    np.testing.assert_allclose(found, [alone[0] / 2, alone[1] / 2, alone[0] / 2, alone[2], alone[1] / 2])


@pytest.mark.parametrize("positions", [[(1, 2)], [(1, 2), (1, 2)], [(90, 0), (90, 50)], [(90, 0), (-90, 5), (0, -180)]])
def test_few_rows_have_the_whole_earth(positions: list[tuple[float, float]]) -> None:
    lat, lon = np.array(positions, float).T
    found = measure_areas(lat, lon)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(EARTH_KM2)


def test_kept_and_renewed(made: Path, measured: list[int]) -> None:
    first = areas_of(open_gallery(made))
    assert first.sum() == pytest.approx(EARTH_KM2)
    keep_areas(made)
    assert measured == []
    add(made, [(1.0, 1.0)])
    assert areas_of(open_gallery(made)).shape == (21,)
    keep_areas(made)
    keep_areas(made)
    assert measured == [21, 21]
    with GalleryWriter(made) as writer:
        writer.remove(["1.0,1.0"])
    np.testing.assert_allclose(areas_of(open_gallery(made)), first)
    keep_areas(made)
    with GalleryWriter(made) as writer:
        writer.compact()
    del measured[:]
    np.testing.assert_array_equal(areas_of(open_gallery(made)), first)
    assert measured == []


@pytest.mark.parametrize(
    "forged",
    [np.ones(3), np.ones((20, 2)), np.full(20, np.nan), np.zeros(20), -np.ones(20), np.ones(20, np.int8), {"a": 1}],
    ids=str,
)
def test_forged_areas_are_measured_anew(made: Path, forged: object) -> None:
    truth = areas_of(open_gallery(made))
    with GalleryWriter(made) as writer:
        writer.put_resource(AREAS, forged)  # type: ignore[arg-type]
    np.testing.assert_array_equal(open_world(made).rows.area_km2, truth)
    with GalleryWriter(made) as writer:
        writer.put_resource(AREAS_OF, np.ones(2))
    np.testing.assert_array_equal(areas_of(open_gallery(made)), truth)

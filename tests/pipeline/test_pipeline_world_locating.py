"""What a world-wide gallery answers, checked by hand: softmax, exclusion, neighbours, refinement, the date line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from forger_geo import forge_photos, picture_at, shared_geo, spread_positions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from world_galleries import SCALE, open_sphere, sphere_gallery, vector_at

from periplus.encode import open_geo_model, open_picture_encoder
from periplus.errors import EmptyInputError, PhotoError, UsageError
from periplus.gallery import GalleryWriter
from periplus.geo import distance_km, grid_positions, to_unit
from periplus.pipeline import locate, open_any, search
from periplus.pipeline.excluding import excluded_rows_of
from periplus.pipeline.world import (
    Exclusion,
    OpenedWorld,
    WorldConfig,
    WorldIndexConfig,
    believe,
    choose_spec,
    index_world,
    locate_vector,
)
from periplus.position import WorldCalibration
from periplus.sources import open_source
from periplus.store import content_hash

PLAIN = WorldConfig(refine=False)
PLACES = spread_positions(40, seed=3)


@pytest.fixture(scope="module")
def coarse(tmp_path_factory: pytest.TempPathFactory) -> OpenedWorld:
    """A grid of 1,500 km over land and sea."""
    lat, lon, area = grid_positions(1500, land_only=False)
    places = list(zip(lat.tolist(), lon.tolist(), strict=True))
    path = tmp_path_factory.mktemp("coarse") / "g"
    return open_sphere(sphere_gallery(path, places, {"prior_mass": area.tolist()}))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> OpenedWorld:
    columns = {"author": [f"a{i // 3}" for i in range(40)], "sequence": [f"s{i // 2}" for i in range(40)]}
    path = tmp_path_factory.mktemp("photos") / "g"
    return open_sphere(sphere_gallery(path, PLACES, columns, rows="photos", scale=20.0))


def by_hand(opened: OpenedWorld, vector: np.ndarray, mass: np.ndarray) -> np.ndarray:
    logits = opened.scale * (opened.vectors.astype(np.float64) @ vector) / opened.calibration.temperature
    weights = np.exp(logits - logits.max()) * mass
    return np.asarray(weights / weights.sum())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_belief_is_a_softmax(tmp_path: Path, temperature: float) -> None:
    mass = np.arange(1.0, 41.0)
    path = sphere_gallery(tmp_path / "g", PLACES, {"prior_mass": mass.tolist()})
    with GalleryWriter(path) as writer:
        writer.put_resource("world-calibration", WorldCalibration(temperature=temperature).to_json())
    opened, vector = open_sphere(path), vector_at((12.0, 34.0))
    belief = believe(vector, opened, PLAIN)
    np.testing.assert_allclose(belief.p, by_hand(opened, vector, mass), rtol=2e-3, atol=1e-7)
    fix = locate_vector(vector, opened, WorldConfig(refine=False, guess="row"))
    assert (fix.lat_deg, fix.lon_deg) == PLACES[int(belief.p.argmax())]
    assert [e.row for e in fix.evidence] == sorted((e.row for e in fix.evidence), key=lambda row: -float(belief.p[row]))
    assert sum(a.probability for a in fix.areas if a.kind == "country") <= 1 + 1e-6


def test_duplicates_with_weights_answer_as_one_row(tmp_path: Path) -> None:
    three = open_sphere(sphere_gallery(tmp_path / "a", [(0, 0), (0, 0), (0, 60)], {"prior_mass": [1.0, 2.0, 3.0]}))
    two = open_sphere(sphere_gallery(tmp_path / "b", [(0, 0), (0, 60)], {"prior_mass": [3.0, 3.0]}))
    for at in ((0.0, 20.0), (0.0, 29.5), (10.0, 50.0)):
        p, q = (believe(vector_at(at), opened, PLAIN).p for opened in (three, two))
        np.testing.assert_allclose([p[0] + p[1], p[2]], q, rtol=1e-4, atol=1e-12)
        config = WorldConfig(refine=False, guess="row")
        a, b = (locate_vector(vector_at(at), opened, config) for opened in (three, two))
        assert (a.lat_deg, a.lon_deg) == (b.lat_deg, b.lon_deg)
        assert a.radius_km_90 == pytest.approx(b.radius_km_90, rel=1e-3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lat=st.floats(-89, 89), lon=st.floats(-180, 179.99))
def test_one_neighbour_is_the_nearest_photo(photos: OpenedWorld, lat: float, lon: float) -> None:
    config = WorldConfig(neighbours=1, guess="row")
    fix = locate_vector(vector_at((lat, lon)), photos, config)
    away = distance_km(lat, lon, *np.array(PLACES).T)
    assert (fix.lat_deg, fix.lon_deg) == PLACES[int(np.argmin(away))]
    assert len(fix.evidence) == 1
    few = believe(vector_at((lat, lon)), photos, WorldConfig(neighbours=5))
    assert np.flatnonzero(few.p).tolist() == sorted(np.argsort(away)[:5].tolist())


@pytest.mark.parametrize(
    "truth", [(51.0, 30.0), (62.0, 100.0), (75.0, -40.0), (-25.0, 133.0), (-8.0, -56.0), (-85.0, 160.0)]
)
def test_looking_between_the_rows_finds_the_place(coarse: OpenedWorld, truth: tuple[float, float]) -> None:
    """The belief should be a bell of R / sqrt(scale) = 285 km about the truth, whatever the spacing of the rows."""
    vector = vector_at(truth)
    row = locate_vector(vector, coarse, WorldConfig(refine=False, guess="row"))
    fine = locate_vector(vector, coarse, WorldConfig(guess="mode"))
    coarse_km, fine_km = (float(distance_km(fix.lat_deg, fix.lon_deg, *truth)) for fix in (row, fine))
    assert coarse_km > 150
    assert fine_km < min(200, coarse_km / 2)  # the belief is cut at coasts
    assert fine.radius_km_50 < row.radius_km_50 or fine.radius_km_50 < 600
    belief = believe(vector, coarse, WorldConfig())
    assert belief.p.sum() == pytest.approx(1, abs=1e-5)
    assert belief.rows.prior.sum() == pytest.approx(1)
    scores = to_unit(belief.rows.lat_deg, belief.rows.lon_deg) @ vector
    exact = belief.rows.prior * np.exp(coarse.scale / coarse.calibration.temperature * (scores - scores.max()))
    # Rows are kept as float16, and their finer neighbours are not.
    np.testing.assert_allclose(belief.p, exact / exact.sum(), rtol=0.3, atol=1e-4)


def test_across_the_date_line(tmp_path: Path) -> None:
    opened = open_sphere(sphere_gallery(tmp_path / "g", [(0.0, 179.0), (0.0, -179.0), (0.0, 0.0)], scale=20.0))
    fix = locate_vector(vector_at((0.0, -180.0)), opened, WorldConfig(refine=False, guess="mode"))
    assert distance_km(fix.lat_deg, fix.lon_deg, 0, 180) < 115
    assert -180 <= fix.lon_deg < 180


@pytest.mark.parametrize("places", [[(10.0, 20.0)], [(10.0, 20.0), (10.0, 20.0)], [(90.0, 0.0), (90.0, 77.0)]])
@pytest.mark.parametrize("refine", [False, True])
def test_hardly_any_rows(tmp_path: Path, places: list[tuple[float, float]], refine: bool) -> None:
    opened = open_sphere(sphere_gallery(tmp_path / "g", places))
    for guess in ("row", "mode", "score"):
        fix = locate_vector(vector_at((11.0, 21.0)), opened, WorldConfig(refine=refine, guess=guess))
        assert np.isfinite([fix.lat_deg, fix.lon_deg, fix.radius_km_50, fix.radius_km_90, fix.confidence]).all()
        if refine:
            continue
        assert distance_km(fix.lat_deg, fix.lon_deg, *places[0]) < 1e-3
        assert {e.row for e in fix.evidence} <= {0, 1}


def test_rows_that_must_not_answer(photos: OpenedWorld) -> None:
    own = {"author": "a2", "sequence": "s3", "lat_deg": PLACES[6][0], "lon_deg": PLACES[6][1]}
    away = distance_km(*PLACES[6], *np.array(PLACES).T)
    far = float(np.sort(away)[4]) + 1
    for exclusion, expected in (
        (Exclusion(), {6}),
        (Exclusion(content=False), set()),
        (Exclusion(author=True), {6, 7, 8}),
        (Exclusion(sequence=True), {6, 7}),
        (Exclusion(author=True, content=False), {6, 7, 8}),
        (Exclusion(buffer_km=far), set(np.flatnonzero(away <= far).tolist())),
        (Exclusion(author=True, sequence=True, buffer_km=1e-6), {6, 7, 8}),
    ):
        rows = excluded_rows_of(photos, own, "h6", exclusion)
        assert rows.tolist() == sorted(expected)
        fix = locate_vector(vector_at(PLACES[6]), photos, WorldConfig(guess="row"), rows)
        left = [row for row in range(40) if row not in expected]
        assert (fix.lat_deg, fix.lon_deg) == PLACES[min(left, key=lambda row: float(away[row]))]
        assert not expected & {e.row for e in fix.evidence}
    unknown = {"author": None, "sequence": "", "lat_deg": None, "lon_deg": None}
    everything = Exclusion(author=True, sequence=True, buffer_km=1000)
    assert excluded_rows_of(photos, unknown, "none", everything).tolist() == []


def test_nobody_may_answer(photos: OpenedWorld) -> None:
    fix = locate_vector(vector_at((0, 0)), photos, WorldConfig(), np.arange(40))
    assert not fix.answered
    assert np.isnan(fix.lat_deg)
    assert "all are left out" in str(fix.abstained)
    with pytest.raises(EmptyInputError):
        believe(vector_at((0, 0)), photos, WorldConfig(), np.arange(40))


@pytest.mark.parametrize("buffer_km", [-1, float("nan"), 20_040, float("inf")])
def test_no_distance(buffer_km: float) -> None:
    with pytest.raises(UsageError, match="buffer"):
        Exclusion(buffer_km=buffer_km)


@pytest.mark.parametrize("values", [{"neighbours": -1}, {"centres": 1}, {"guess": "best"}])
def test_impossible_configs(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="guess one of"):
        WorldConfig(**values)  # type: ignore[arg-type]


def test_from_the_file_to_the_fix(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    geo = shared_geo(tmp_path_factory.getbasetemp())
    scan = open_source(str(forge_photos(tmp_path, PLACES)))
    index_world(scan, tmp_path / "g", choose_spec(scan, str(geo)), WorldIndexConfig(jobs=1))
    opened = open_any(tmp_path / "g")
    assert isinstance(opened, OpenedWorld)
    query = tmp_path / "pictures/photos-007.png"
    fix = locate(query, opened, world=WorldConfig(guess="row")).fix
    assert (fix.lat_deg, fix.lon_deg) == PLACES[7]
    assert fix.evidence[0].path == str(query)
    copies = opened.rows_with_content(content_hash(query))
    other = locate(query, opened, exclude=copies, world=WorldConfig(guess="row")).fix
    assert copies.tolist() == [7]
    assert (other.lat_deg, other.lon_deg) != PLACES[7]
    # The slow twin of a search: every cosine by itself.
    seen = open_picture_encoder(open_geo_model(str(geo)).picture).encode([picture_at(*PLACES[7], 7)])[0]
    cosines = [float(np.dot(opened.gallery.vector(row).astype(np.float64), seen)) for row in range(40)]
    order = sorted(range(40), key=lambda row: -cosines[row])
    hits = search(query, opened, 12)
    assert [hit.row for hit in hits] == order[:12]
    np.testing.assert_allclose([hit.score for hit in hits], [cosines[row] for row in order[:12]], atol=1e-5)
    assert len(search(query, opened, 99, rerank="none")) == 40
    assert [hit.row for hit in search(query, opened, 3, box=(0, 0, 48, 36))] == order[:3]
    with pytest.raises(UsageError, match="keeps no local features"):
        search(query, opened, 3, rerank="sift")
    with pytest.raises(UsageError):
        search(query, opened, 3, box=(100, 100, 200, 200))
    Image.new("RGB", (1, 1)).save(tmp_path / "pixel.png")
    assert np.isfinite(locate(tmp_path / "pixel.png", opened).fix.lat_deg)
    (tmp_path / "no.png").write_bytes(b"none")
    with pytest.raises(PhotoError):
        locate(tmp_path / "no.png", opened)
    shutil.rmtree(tmp_path / "pictures")
    assert opened.scale != SCALE

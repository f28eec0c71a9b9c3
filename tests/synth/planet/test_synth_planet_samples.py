"""Values of random fields at scattered places: they are the fields' own, repeat, and lie where they are said to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.errors import PeriplusError, UsageError
from periplus.geo import distance_km, to_unit
from periplus.geo.coastline import is_land
from periplus.sources import open_source, read_table
from periplus.synth.planet import FieldModel, FieldsConfig, make_fields
from periplus.synth.planet.samples import drawn
from periplus.synth.planet.scatter import Where, scatter
from periplus.synth.planet.visits import chapter

CONFIG = FieldsConfig(points=150, families=("matern", "gaussian"), length_scale_km=900, sill=2.0, nugget=0.5, seed=4)
PLACES: tuple[Where, ...] = ("sphere", "land", "towns")


def column(path: Path, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(pq.read_table(path)[name].to_numpy())


@pytest.mark.parametrize("typical", [True, False])
def test_values_are_the_fields_own(tmp_path: Path, typical: bool) -> None:
    config = replace(CONFIG, typical=typical)
    made = make_fields(tmp_path / "f", config)
    assert sorted(path.name for path in made.root.iterdir()) == ["fields.json", "fields.parquet"]
    assert pq.read_schema(made.table).names == ["lat", "lon", "matern", "gaussian"]
    lat, lon = column(made.table, "lat"), column(made.table, "lon")
    for family in ("matern", "gaussian"):
        model = FieldModel(family, family, 900.0, 2.0, 0.5)
        seed = (4, 8, 0)
        field = model.draw_typical(seed, to_unit(lat, lon)) if typical else model.draw(seed)
        assert column(made.table, family).tolist() == field.at(lat, lon).tolist()


def test_vectors_are_the_draws_side_by_side(tmp_path: Path) -> None:
    config = replace(CONFIG, points=40, dims=3, typical=False)
    made = make_fields(tmp_path / "f", config)
    assert {name: path.name for name, path in made.vectors.items()} == {f: f"{f}.npy" for f in ("matern", "gaussian")}
    for model in config.models:
        vectors = np.load(made.vectors[model.name])
        assert (vectors.dtype, vectors.shape) == (np.float32, (40, 3))
        columns = [column(made.table, f"{model.name}_{k:02d}") for k in range(3)]
        assert (vectors == np.stack(columns, axis=1).astype(np.float32)).all()
        # Independent draws, not three copies of one.
        assert min(np.abs(columns[j] - columns[k]).max() for j in range(3) for k in range(j)) > 0.1
    alone = make_fields(tmp_path / "one", replace(config, dims=1))
    assert column(alone.table, "matern").tolist() == column(made.table, "matern_00").tolist()


def test_json_gives_the_true_models_back(tmp_path: Path) -> None:
    made = make_fields(tmp_path / "f", replace(CONFIG, dims=2))
    told = json.loads(made.about.read_text(encoding="utf-8"))
    keys = ("format", "seed", "points", "where", "typical", "dims")
    assert [told[key] for key in keys] == [1, 4, 150, "sphere", True, 2]
    names = ("name", "family", "length_scale_km", "sill", "nugget")
    assert [FieldModel(**{name: field[name] for name in names}) for field in told["fields"]] == [*CONFIG.models]
    first = told["fields"][0]
    assert (first["metric"], first["vectors"]) == ("chord", "matern.npy")
    assert first["columns"] == ["matern_00", "matern_01"]
    assert (first["vector_sill"], first["vector_nugget"]) == (4.0, 1.0)


def test_half_the_squared_distance_of_vectors_has_the_told_sill() -> None:
    # At antipodes of a short field two vectors have nothing in common: half their squared distance is the sill's.
    config = FieldsConfig(points=400, families=("gaussian",), sill=2.0, nugget=1.0, dims=60, typical=False)
    lat, lon = scatter("sphere", 400, 0)
    fields = [*drawn(config, config.models[0], to_unit(lat, lon))]
    here = np.stack([field.at(lat, lon) for field in fields])
    there = np.stack([field.at(-lat, lon - 180) for field in fields])
    half = 0.5 * ((here - there) ** 2).sum(axis=0)
    assert half.mean() == pytest.approx(60 * 3, rel=0.03)


def test_all_repeats_and_the_seed_decides(tmp_path: Path) -> None:
    first, second = make_fields(tmp_path / "a", CONFIG), make_fields(tmp_path / "b", CONFIG)
    assert first.table.read_bytes() == second.table.read_bytes()
    assert first.about.read_bytes() == second.about.read_bytes()
    other = make_fields(tmp_path / "c", replace(CONFIG, seed=5))
    assert not np.isin(column(other.table, "lat"), column(first.table, "lat")).any()
    assert not np.isin(column(other.table, "matern"), column(first.table, "matern")).any()


def test_what_is_finished_is_left_and_what_is_half_made_is_made(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    config = replace(CONFIG, dims=2, typical=False)
    made = make_fields(tmp_path / "f", config, lambda done, total: told.append((done, total)))
    assert told == [(150 * k, 600) for k in (1, 2, 3, 4)]
    whole = made.table.read_bytes()
    make_fields(tmp_path / "f", config, lambda done, total: told.append((done, total)))
    assert len(told) == 4
    made.table.unlink()
    made.vectors["gaussian"].unlink()
    make_fields(tmp_path / "f", config)
    assert made.table.read_bytes() == whole
    assert made.vectors["gaussian"].exists()


def test_a_stopped_run_leaves_no_table(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_fields(tmp_path / "f", CONFIG, stop)
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["fields.json"]


def test_foreign_folders_are_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not empty"):
        make_fields(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(UsageError, match="is a file"):
        make_fields(tmp_path / "letter.txt", CONFIG)
    made = make_fields(tmp_path / "f", CONFIG)
    with pytest.raises(UsageError, match="another sample"):
        make_fields(tmp_path / "f", replace(CONFIG, nugget=0.4))
    made.about.write_text("[", encoding="utf-8")
    with pytest.raises(PeriplusError, match=r"fields\.json"):
        make_fields(tmp_path / "f", CONFIG)


@pytest.mark.parametrize(
    ("field", "value"),
    [("points", 1), ("points", 10**12), ("families", ()), ("families", ("cubic",)), ("families", ("matern", "matern")),
     ("length_scale_km", 0.5), ("length_scale_km", 20_001), ("length_scale_km", np.nan), ("sill", 0), ("sill", np.inf),
     ("nugget", -1), ("nugget", np.nan), ("dims", 0), ("dims", 101), ("seed", -1), ("where", "moon")],
)  # fmt: skip
def test_impossible_fields_are_refused(field: str, value: object) -> None:
    with pytest.raises(UsageError, match=rf"FieldsConfig\.{field}"):
        FieldsConfig(**{field: value})  # type: ignore[arg-type]


def test_too_many_numbers_are_refused() -> None:
    with pytest.raises(UsageError, match="600,000,000 numbers"):
        FieldsConfig(points=2_000_000, dims=100)


@pytest.mark.parametrize("where", PLACES)
def test_the_first_places_are_those_of_fewer(where: Where) -> None:
    lat, lon = scatter(where, 300, 1)
    assert len({*zip(lat.tolist(), lon.tolist(), strict=True)}) == 300
    assert (np.abs(lat) <= 90).all()
    assert ((lon >= -180) & (lon < 180)).all()
    few = scatter(where, 50, 1)
    assert (few[0] == lat[:50]).all()
    assert (few[1] == lon[:50]).all()
    if where != "sphere":
        assert all(is_land(a, b) for a, b in zip(lat.tolist(), lon.tolist(), strict=True))


def test_places_are_even_on_the_sphere_and_on_land() -> None:
    lat, lon = scatter("sphere", 20_000, 0)
    assert np.abs(to_unit(lat, lon).mean(axis=0)).max() < 0.017  # four standard errors
    assert np.sin(np.radians(lat)).var() == pytest.approx(1 / 3, rel=0.03)
    lat, lon = scatter("land", 20_000, 0)
    # Antarctica is 9 % of the Earth's land (14.2 of 149 million km2).
    assert (lat < -60).mean() == pytest.approx(0.09, abs=0.01)


def test_towns_are_where_the_planet_is_photographed() -> None:
    lat, lon = scatter("towns", 200, 3)
    visits = chapter(3, 0) + chapter(3, 1)
    assert [*zip(lat, lon, strict=True)] == [*dict.fromkeys((v.lat_deg, v.lon_deg) for v in visits)][:200]
    assert np.median(distance_km(lat[:-1], lon[:-1], lat[1:], lon[1:])) < 50


@settings(max_examples=20)
@given(st.integers(0, 2**63 - 1), st.integers(2, 9000))
def test_any_number_of_places(seed: int, points: int) -> None:
    lat, lon = scatter("sphere", points, seed)
    assert lat.shape == lon.shape == (points,)


@pytest.mark.parametrize("spec", ["{}", "positions:{}"])
def test_the_table_is_a_source_of_bare_positions(tmp_path: Path, spec: str) -> None:
    made = make_fields(tmp_path / "f", replace(CONFIG, dims=2))
    scan = open_source(spec.format(made.table))
    lat, lon = scan.catalog.positions
    assert (lat.tolist(), lon.tolist()) == (column(made.table, "lat").tolist(), column(made.table, "lon").tolist())
    assert scan.catalog.column("matern_01") == column(made.table, "matern_01").tolist()
    assert not scan.skipped
    assert set(read_table(made.table).catalog.column("path")) == {None}

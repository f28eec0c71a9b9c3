"""Numbers, vectors and groups of a source."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from periplus.errors import UsageError
from periplus.pipeline.spatial import Placed
from periplus.pipeline.spatial.observing import FEWEST, groups_of, numbers_of, observed, vectors_of
from periplus.records import SCHEMA, Catalog

N = 70
NUMBERS = np.random.default_rng(3).normal(size=N)


def _catalog(lat: np.ndarray | None = None, lon: np.ndarray | None = None, **columns: object) -> Catalog:
    rng = np.random.default_rng(0)
    known = {
        "id": pa.array([f"r{k}" for k in range(N)]),
        "lat_deg": pa.array(rng.uniform(-60, 60, N) if lat is None else lat),
        "lon_deg": pa.array(rng.uniform(-180, 180, N) if lon is None else lon),
    }
    parts = [known.get(field.name, pa.nulls(N, field.type)) for field in SCHEMA]
    more = {name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()}
    return Catalog(pa.table([*parts, *more.values()], names=[*SCHEMA.names, *more]))


def _gappy(value: object) -> list[object]:
    return [value if k % 7 == 0 else float(one) for k, one in enumerate(NUMBERS)]


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pa.array(NUMBERS), NUMBERS),
        (pa.array(NUMBERS.astype(np.float32)), NUMBERS.astype(np.float32)),
        (pa.array([str(one) for one in NUMBERS]), NUMBERS),
        (pa.array([str(one) for one in NUMBERS]).dictionary_encode(), NUMBERS),
        (pa.array(np.arange(N)), np.arange(N)),
        (pa.array([2**60 + k for k in range(N)]), np.full(N, 2.0**60)),
        (pa.array([k % 2 == 0 for k in range(N)]), np.arange(N) % 2 == 0),
        (pa.array(_gappy(None)), np.where(np.arange(N) % 7, NUMBERS, np.nan)),
        (pa.array(_gappy(np.nan)), np.where(np.arange(N) % 7, NUMBERS, np.nan)),
        (pa.array(_gappy(-np.inf)), np.where(np.arange(N) % 7, NUMBERS, np.nan)),
        (pa.nulls(N), np.full(N, np.nan)),
    ],
)
def test_columns_as_numbers(column: pa.Array, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(numbers_of(_catalog(x=column), "x"), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (["water"] * N, "'x' holds no numbers.*water"),
        (["1,5"] * N, "holds no numbers"),
        ([datetime.datetime(2020, 1, 1)] * N, "holds no numbers"),
        ([[1.0, 2.0]] * N, "holds no numbers"),
        ([1e101] * N, "beyond 1e\\+100"),
    ],
)
def test_what_holds_no_numbers(column: list[object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        numbers_of(_catalog(x=column), "x")


@pytest.mark.parametrize("name", ["y", "id", "path", "", "X"])
def test_unknown_columns_are_told_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError, match=f"no column '{name}'; there are 'lat_deg'.*'x'"):
        numbers_of(_catalog(x=NUMBERS), name)


def test_rows_without_a_number_are_left_out_of_that_column_alone() -> None:
    catalog = _catalog(x=pa.array(_gappy(None)), y=NUMBERS)
    placed = Placed(catalog, None, "table")
    x, y = observed(placed, ["x", "y"])
    assert (x.label, x.unknown, len(x.rows)) == ("x", N // 7, N - N // 7)
    assert (y.label, y.unknown, len(y.rows)) == ("y", 0, N)
    np.testing.assert_array_equal(x.observations.values, NUMBERS[x.rows])
    np.testing.assert_array_equal(x.observations.lat_deg, catalog.positions[0][x.rows])
    (both,) = observed(placed, ["y"], cross="x")
    assert (both.label, both.unknown) == ("y and x", N // 7)
    np.testing.assert_array_equal(both.rows, x.rows)
    np.testing.assert_array_equal(both.observations.other, NUMBERS[x.rows])


def test_two_numbers_are_needed() -> None:
    one = pa.array([1.0, *[None] * (N - 1)])
    with pytest.raises(UsageError, match="'x' has a number at 1 place"):
        list(observed(Placed(_catalog(x=one), None, ""), ["x"]))
    with pytest.raises(UsageError, match="'y and x' has a number at 1 place"):
        list(observed(Placed(_catalog(x=one, y=NUMBERS), None, ""), ["y"], "x"))


def test_vectors_without_length_are_left_out() -> None:
    vectors = np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32)
    whole = Placed(_catalog(), vectors, "seen")
    (all_,) = observed(whole)
    assert all_.observations.values is vectors
    assert (all_.label, all_.unknown) == ("seen", 0)
    vectors[[3, 60]] = 0
    (some,) = observed(whole)
    assert some.unknown == 2
    assert set(range(N)) - set(some.rows.tolist()) == {3, 60}
    np.testing.assert_array_equal(some.observations.values, np.delete(vectors, [3, 60], axis=0))


def test_nothing_to_observe() -> None:
    bare = Placed(_catalog(x=NUMBERS), None, "")
    with pytest.raises(UsageError, match=r"no vectors to look at.*--values COLUMN"):
        vectors_of(bare)
    with pytest.raises(UsageError, match="--values ONE --cross OTHER"):
        list(observed(bare, cross="x"))


def test_groups_are_those_that_are_large_enough_the_largest_first() -> None:
    names = ["a b"] * 30 + ["c"] * 31 + ["few"] * 7 + [None] * 2
    taken, left = groups_of(_catalog(kind=names), "kind")
    assert list(taken) == ["c", "a b"]
    assert left == 9
    np.testing.assert_array_equal(taken["a b"], np.arange(30))
    with pytest.raises(UsageError, match=f"has {FEWEST} places or more"):
        groups_of(_catalog(kind=["x"] * (FEWEST - 1) + [str(k) for k in range(N - FEWEST + 1)]), "kind")
    with pytest.raises(UsageError, match="continent, country, land; 'nope' is neither"):
        groups_of(_catalog(), "nope")


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ([k % 2 == 0 for k in range(N)], {"True", "False"}),
        ([k % 2 for k in range(N)], {"0", "1"}),
        ([1.5 if k % 2 else np.nan for k in range(N)], {"1.5"}),
    ],
)
def test_groups_of_what_is_no_text(column: list[object], wanted: set[str]) -> None:
    assert set(groups_of(_catalog(kind=column), "kind")[0]) == wanted


def test_land_country_and_continent() -> None:
    lat = np.concatenate([np.full(35, 48.85), np.full(35, -15.0)]) + np.linspace(0, 0.1, N)
    lon = np.concatenate([np.full(35, 2.35), np.full(35, -25.0)])
    catalog = _catalog(lat, lon)
    assert {name: len(rows) for name, rows in groups_of(catalog, "land")[0].items()} == {"land": 35, "sea": 35}
    assert groups_of(catalog, "continent")[0]["Europe"].tolist() == list(range(35))
    (country,) = [name for name, rows in groups_of(catalog, "country")[0].items() if 0 in rows]
    assert "F" in country
    # A column of the source comes before what the Earth says.
    assert list(groups_of(_catalog(lat, lon, land=["mine"] * N), "land")[0]) == ["mine"]

"""The catalog: what it takes, what it refuses, and that a selection is a catalog."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import CatalogError
from periplus.records import SCHEMA, Catalog

LAT, LON = st.floats(-90, 90), st.floats(-180, 180, exclude_max=True)
ROWS = st.lists(st.one_of(st.none(), st.tuples(LAT, LON)), max_size=8)


def catalog(*positions: tuple[float | None, float | None] | None) -> Catalog:
    rows: list[dict[str, object]] = [
        {"id": f"p{i}", "lat_deg": position and position[0], "lon_deg": position and position[1]}
        for i, position in enumerate(positions)
    ]
    return Catalog.from_rows(rows)


@given(ROWS)
def test_positions_come_back_as_they_were(positions: list[tuple[float, float] | None]) -> None:
    made = catalog(*positions)
    lat, lon = made.positions
    assert len(made) == len(positions)
    assert made.ids == [f"p{i}" for i in range(len(positions))]
    for i, position in enumerate(positions):
        assert made.has_position[i] == (position is not None)
        if position is not None:
            assert (lat[i], lon[i]) == position


@given(ROWS)
def test_select_by_mask_and_by_rows_agree(positions: list[tuple[float, float] | None]) -> None:
    made = catalog(*positions)
    chosen = np.array([i for i in range(len(made)) if i % 3 != 1], np.int64)
    mask = np.isin(np.arange(len(made)), chosen)
    assert made.select(mask).table.equals(made.select(chosen).table)
    assert made.select(chosen[::-1].copy()).ids == [made.ids[i] for i in chosen[::-1]]
    assert len(made.select(np.zeros(len(made), np.bool_))) == 0


@pytest.mark.parametrize(
    "position",
    [
        (90.0001, 0.0),
        (-90.0001, 0.0),
        (0.0, 180.0),
        (0.0, -180.0001),
        (math.inf, 0.0),
        (0.0, -math.inf),
        (None, 3.0),
        (3.0, None),
        (math.nan, 3.0),
    ],
)
def test_impossible_positions_are_refused_by_row_and_id(position: tuple[float | None, float | None]) -> None:
    with pytest.raises(CatalogError, match=r"Row 1 \('p1'\)"):
        catalog((0.0, 0.0), position, None)


@pytest.mark.parametrize(
    ("ids", "message"), [(["a", "b", "a"], "'a' stands again at row 2"), (["a", None], "row 1 has none")]
)
def test_ids_are_there_once(ids: list[str | None], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        Catalog.from_rows([{"id": photo} for photo in ids])


def test_missing_and_mistyped_columns_are_named() -> None:
    table = catalog((1.0, 2.0)).table
    with pytest.raises(CatalogError, match="'author'"):
        Catalog(table.drop_columns(["author"]))
    at = table.column_names.index("lat_deg")
    with pytest.raises(CatalogError, match=r"'lat_deg'.*double.*float"):
        Catalog(table.set_column(at, "lat_deg", table.column("lat_deg").cast(pa.float32())))


def test_extra_columns_stay_and_missing_become_null() -> None:
    made = Catalog.from_rows([{"id": "a", "stars": 3}, {"id": "b", "landmark": "Eiffel", "note": "x"}])
    assert made.table.column_names == [*SCHEMA.names, "stars", "note"]
    assert made.column("stars") == [3, None]
    assert made.row(1) == {**dict.fromkeys(SCHEMA.names), "id": "b", "landmark": "Eiffel", "stars": None, "note": "x"}


def test_empty_catalogs() -> None:
    for made in (Catalog.empty(), Catalog.from_rows([])):
        assert len(made) == 0
        assert made.ids == []
        assert [len(part) for part in made.positions] == [0, 0]
        assert made.table.schema.names == SCHEMA.names


def test_positions_are_copies() -> None:
    made = catalog((1.0, 2.0))
    made.positions[0][0] = 50
    assert made.positions[0][0] == 1


def test_chunked_tables_are_read_whole() -> None:
    a, b = catalog((1.0, 2.0)).table, catalog((3.0, 4.0), None).table
    b = b.set_column(0, SCHEMA.field("id"), pa.array(["q0", "q1"]))
    made = Catalog(pa.concat_tables([a, b]))
    np.testing.assert_array_equal(made.positions[0], [1, 3, np.nan])
    twice = pa.concat_tables([a, a])
    with pytest.raises(CatalogError, match="'p0' stands again at row 1"):
        Catalog(twice)

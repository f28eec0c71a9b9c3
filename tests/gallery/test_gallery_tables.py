"""Segments whose catalogs have different columns."""

from __future__ import annotations

import datetime
from itertools import count
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from periplus.gallery.tables import concat, table_of
from periplus.records import SCHEMA, Catalog


def rows(**columns: list[Any]) -> list[dict[str, object]]:
    count = len(next(iter(columns.values())))
    return [{"id": "x", "content_hash": "c"} | {n: v[i] for n, v in columns.items()} for i in range(count)]


@pytest.mark.parametrize(
    ("first", "second", "type_", "expected"),
    [
        ([1, 2], [3], pa.int64(), [1, 2, 3]),
        ([1, 2], [0.5], pa.float64(), [1.0, 2.0, 0.5]),
        ([1, None], ["a"], pa.string(), ["1", None, "a"]),
        ([None, None], ["a"], pa.string(), [None, None, "a"]),
        ([None], [None], pa.null(), [None, None]),
        ([True], [2], pa.string(), ["true", "2"]),
        ([1, "a"], [2.5], pa.string(), ["1", "a", "2.5"]),
        ([[1, 2]], ["a"], pa.string(), ["[1, 2]", "a"]),
        ([[1, 2]], [[3]], pa.list_(pa.int64()), [[1, 2], [3]]),
        ([{}], [{"a": 1}], pa.string(), ["{}", '{"a": 1}']),
        ([datetime.date(2020, 1, 2)], ["x"], pa.string(), ['"2020-01-02"', "x"]),
        ([2**70], [1], pa.string(), [str(2**70), "1"]),
    ],
    ids=count(),
)
def test_types_meet(first: list[Any], second: list[Any], type_: pa.DataType, expected: list[Any]) -> None:
    table = concat([table_of(rows(n=first)), table_of(rows(n=second))])
    assert table.schema.field("n").type == type_
    assert table.column("n").to_pylist() == expected


def test_columns_that_some_lack_are_null_there() -> None:
    table = concat([table_of(rows(a=[1])), table_of(rows(b=["x", "y"])), table_of(rows(c=[None]))])
    assert table.column_names == [*SCHEMA.names, "content_hash", "a", "b", "c"]
    assert table.column("a").to_pylist() == [1, None, None, None]
    assert table.column("b").to_pylist() == [None, "x", "y", None]
    assert concat([]).column_names == [*SCHEMA.names, "content_hash"]
    assert len(Catalog(concat([]))) == 0


cells = st.one_of(
    st.none(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3), st.booleans(), st.binary(max_size=3)
)


@settings(deadline=None)
@given(parts=st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_mixture_gives_one_column_of_all_rows(parts: list[list[Any]]) -> None:
    column = concat([table_of(rows(n=part)) for part in parts]).column("n")
    flat = [value for part in parts for value in part]
    assert [v is None for v in column.to_pylist()] == [v is None for v in flat]
    if len({type(v) for v in flat} - {type(None)}) == 1 and not any(
        isinstance(v, int) and abs(v) >= 2**63 for v in flat
    ):
        assert column.to_pylist() == flat

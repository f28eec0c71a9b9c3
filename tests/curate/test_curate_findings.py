from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from periplus.curate import FINDINGS_SCHEMA, FLAGS, keep_rows, read_findings, write_findings
from periplus.errors import CannotRunError, CatalogError, UsageError
from periplus.records import Catalog


def findings(flags: dict[str, set[str]]) -> pa.Table:
    """Findings of photos by id."""
    rows = [
        {"id": photo, "group": row, **{flag: flag in found for flag in FLAGS}}
        for row, (photo, found) in enumerate(flags.items())
    ]
    return pa.Table.from_pylist(rows, schema=FINDINGS_SCHEMA)


FOUND = findings({"001": {"grey"}, "002": {"grey", "blurred"}, "003": set(), "004": {"small"}})


def catalog(*ids: str) -> Catalog:
    return Catalog.from_rows([{"id": one} for one in ids])


def test_a_filter_keeps_the_rest_and_counts() -> None:
    kept = keep_rows(catalog("004", "new", "003", "002", "001"), FOUND, ["grey", "blurred", "grey"])
    assert kept.rows.tolist() == [True, True, True, False, False]
    assert kept.dropped == {"grey": 2, "blurred": 1}
    assert kept.unaudited == 1


def test_nothing_to_drop_and_nobody_to_drop_it_from() -> None:
    assert keep_rows(catalog("001", "002"), FOUND, []).rows.all()
    empty = keep_rows(Catalog.empty(), FOUND, ["grey"])
    assert (len(empty.rows), empty.dropped, empty.unaudited) == (0, {"grey": 0}, 0)


def test_what_is_no_finding_and_whose_findings_they_are() -> None:
    with pytest.raises(UsageError, match="did you mean 'blurred'"):
        keep_rows(catalog("001"), FOUND, ["blured"])
    with pytest.raises(UsageError, match="there are unreadable, small"):
        keep_rows(catalog("001"), FOUND, ["xyz"])
    with pytest.raises(UsageError, match="another source"):
        keep_rows(catalog("elsewhere"), FOUND, ["grey"])


@pytest.mark.parametrize("name", ["f.csv", "f.parquet", "F.CSV"])
def test_there_and_back(tmp_path: Path, name: str) -> None:
    write_findings(FOUND, tmp_path / name)
    again = read_findings(tmp_path / name)
    assert again.column("id").to_pylist() == ["001", "002", "003", "004"]  # not numbers
    for column in ("id", *FLAGS, "group"):
        assert again.column(column).to_pylist() == FOUND.column(column).to_pylist()
    assert keep_rows(catalog("001", "003"), again, ["grey"]).rows.tolist() == [False, True]


def test_what_is_no_table_of_findings(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet"):
        write_findings(FOUND, tmp_path / "f.json")
    with pytest.raises(CannotRunError, match="folder does not exist"):
        write_findings(FOUND, tmp_path / "no" / "f.csv")
    with pytest.raises(UsageError, match="no table of findings at"):
        read_findings(tmp_path / "f.csv")
    hostile = {
        "bytes.csv": b"\x00\xff\x00",
        "other.csv": b"id,name\n1,a\n",
        "bytes.parquet": b"PAR1 not really",
        "gap.csv": ("id," + ",".join(FLAGS) + "\n1," + ",".join([""] * len(FLAGS)) + "\n").encode(),
        "words.csv": ("id," + ",".join(FLAGS) + "\n1," + ",".join(["maybe"] * len(FLAGS)) + "\n").encode(),
    }
    for name, data in hostile.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CatalogError, match=name):
            read_findings(tmp_path / name)
    numbers = pa.table({"id": ["a"], **{flag: np.zeros(1, np.int8) for flag in FLAGS}})
    pyarrow.parquet.write_table(numbers, tmp_path / "numbers.parquet")
    with pytest.raises(CatalogError, match="must be bool"):
        read_findings(tmp_path / "numbers.parquet")


def test_measures_may_be_left_out(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(FOUND.select(["id", *FLAGS]), tmp_path / "f.parquet")
    assert keep_rows(catalog("004"), read_findings(tmp_path / "f.parquet"), ["small"]).dropped == {"small": 1}


def test_numbers_of_numpy() -> None:
    assert keep_rows(catalog("001"), FOUND, ["grey"]).rows.dtype == np.bool_

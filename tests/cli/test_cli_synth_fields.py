"""``periplus synth fields``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest


def test_fields(call: Any, tmp_path: Path) -> None:
    arguments = ["synth", "fields", "-o", tmp_path / "f", "--points", 60, "--dims", 2, "--family", "matern"]
    done = call(*arguments, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["root", "table", "about", "vectors", "seed", "points", "dims", "families"]
    assert (told["points"], told["dims"], told["families"], told["seed"]) == (60, 2, ["matern"], 0)
    assert pq.read_schema(told["table"]).names == ["lat", "lon", "matern_00", "matern_01"]
    assert np.load(told["vectors"]["matern"]).shape == (60, 2)
    assert json.loads(Path(told["about"]).read_text(encoding="utf-8"))["fields"][0]["length_scale_km"] == 300
    out = call(*arguments).out
    assert "60 places, matern, 2 draws each." in out
    assert "the draws as vectors" in out
    other = call(*arguments, "--seed", 1)
    assert other.status == 2
    assert "another sample of fields" in other.err


def test_all_families_unless_named(call: Any, tmp_path: Path) -> None:
    more = ["--where", "land", "--no-typical", "--length-scale-km", 700, "--sill", 2, "--nugget", 0.5, "--seed", 9]
    done = call("synth", "fields", "-o", tmp_path / "f", "--points", 20, *more, "--json")
    assert done.status == 0
    assert done.document["families"] == ["exponential", "gaussian", "matern"]
    assert done.document["vectors"] == {}
    about = json.loads(Path(done.document["about"]).read_text(encoding="utf-8"))
    assert (about["where"], about["typical"], about["seed"]) == ("land", False, 9)
    told = [(f["length_scale_km"], f["sill"], f["nugget"]) for f in about["fields"]]
    assert told == [(700.0, 2.0, 0.5)] * 3


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [("--family", "cubic", "exponential, gaussian, matern"), ("--where", "moon", "sphere"), ("--points", 1, "points"),
     ("--dims", 101, "dims"), ("--length-scale-km", "nan", "length_scale_km"), ("--sill", -1, "sill"),
     ("--nugget", "inf", "nugget"), ("--points", 10**11, "points"), ("--seed", 2**70, "seed")],
)  # fmt: skip
def test_impossible_options_are_refused(call: Any, tmp_path: Path, option: str, value: object, word: str) -> None:
    done = call("synth", "fields", "-o", tmp_path / "f", option, value)
    assert done.status == 2
    assert word in done.err
    assert not (tmp_path / "f").exists()


def test_a_folder_of_other_things_is_left_alone(call: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    done = call("synth", "fields", "-o", tmp_path)
    assert done.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_help_tells_the_choices(call: Any) -> None:
    done = call("synth", "fields", "--help")
    assert done.status == 0
    for word in ("exponential", "gaussian", "matern", "--no-typical", "fields.json"):
        assert word in done.out
    assert "fields" in call("synth", "--help").out


@pytest.mark.slow
def test_a_planets_table_has_the_fields(call: Any, tmp_path: Path) -> None:
    done = call("synth", "planet", "-o", tmp_path / "p", "--photos", 1, "--size", 32, "--json")
    assert done.status == 0
    assert list(done.document) == ["root", "photos", "table", "about", "seed", "n_photos"]
    fields = json.loads(Path(done.document["about"]).read_text(encoding="utf-8"))["fields"]
    names = [name for name in pq.read_schema(done.document["table"]).names if name.startswith("field_")]
    assert names == [f"field_{field['name']}" for field in fields]

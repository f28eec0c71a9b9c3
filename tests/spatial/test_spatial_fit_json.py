"""Fits on disk: what was written is read, and nothing else is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.spatial.fitting.fit import Fit
from periplus.spatial.fitting.fit_json import read_fit, write_fit
from periplus.spatial.fitting.models import CONVENTION, FAMILIES, VariogramModel

ENDS = {"nugget": (0.1, 0.3), "length_scale_km": (200.0, 480.5), "shape": (1.0, 1.0)}
FIT = Fit(
    VariogramModel("matern", 0.25, 1.0, 300, 1.5, "chord"), "cressie", 1800.0, 18, -77.5, 0.012, ENDS, 0.95,
    ("nugget",), "StreetCLIP, Europe é", True,
)  # fmt: skip


def same(a: Fit, b: Fit) -> bool:
    return vars(a) == vars(b)


def written(tmp_path: Path, fit: Fit = FIT) -> tuple[Path, dict[str, Any]]:
    path = tmp_path / "fit.json"
    write_fit(path, fit)
    return path, json.loads(path.read_text())


def test_the_file_says_what_it_means(tmp_path: Path) -> None:
    _, document = written(tmp_path)
    assert document["format"] == "periplus-semivariogram-fit"
    assert document["version"] == 1
    assert document["convention"] == CONVENTION
    model = document["model"]
    assert model["length_scale_km"] == 300
    assert model["effective_range_km"] == pytest.approx(300 * 2.738871, rel=1e-6)
    assert model["sill"] == 1.25
    assert model["metric"] == "chord"


@given(
    family=st.sampled_from(list(FAMILIES)),
    numbers=st.tuples(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1e-3, 1e6), st.floats(0.1, 2)),
    metric=st.sampled_from(["great-circle", "chord"]),
    weights=st.sampled_from(["pairs", "cressie", "equal"]),
    scores=st.tuples(st.floats(1, 2e4), st.integers(4, 10**6), st.floats(-1e9, 1e9), st.floats(0, 1e9)),
    ends=st.none() | st.dictionaries(st.sampled_from(sorted(ENDS)), st.tuples(st.floats(0, 5), st.floats(5, 9))),
    label=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, family: Any, numbers: Any, metric: Any, weights: Any, scores: Any,
    ends: Any, label: str,
) -> None:  # fmt: skip
    nugget, partial_sill, length_scale_km, shape = numbers
    model = VariogramModel(family, nugget, partial_sill, length_scale_km, shape, metric)
    max_km, n_lags, aic, rmse = scores
    fit = Fit(model, weights, max_km, n_lags, aic, rmse, ends, 0.95, (), label, False)
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    write_fit(path, fit)
    assert same(read_fit(path), fit)


CHANGES: list[tuple[str, Any, str]] = [
    ("format", "periplus-fit", "version 1"),
    ("version", 2, "version 1"),
    ("version", True, "version 1"),
    ("convention", 3, "text"),
    ("lable", "x", "did you mean 'label'"),
    ("zzz", 1, "there are format"),
    ("model", [1], "JSON object"),
    ("model.shap", 1.0, "did you mean 'shape'"),
    ("model.family", "matérn", "choose from"),
    ("model.family", 5, "text"),
    ("model.family", "gaussian", "no shape"),
    ("model.nugget", -0.1, "not negative"),
    ("model.nugget", "0.25", "number"),
    ("model.nugget", True, "number"),
    ("model.nugget", 10**400, "number"),
    ("model.length_scale_km", 0, "length_scale_km"),
    ("model.shape", 1e9, "shape"),
    ("model.metric", "taxi", "chord"),
    ("model.sill", 1.3, "follows"),
    ("model.effective_range_km", 900.0, "follows"),
    ("weights", "best", "cressie"),
    ("weights", None, "text"),
    ("n_lags", 3.5, "whole"),
    ("n_lags", 0, "whole"),
    ("n_lags", True, "whole"),
    ("max_km", -1, "max_km"),
    ("aic", None, "finite"),
    ("rmse", -0.5, "rmse"),
    ("confidence", 1, "confidence"),
    ("shape_fitted", 1, "true or false"),
    ("at_bounds", ["sill"], "at_bounds"),
    ("at_bounds", [["nugget"]], "at_bounds"),
    ("at_bounds", "nugget", "at_bounds"),
    ("label", 7, "text"),
    ("intervals", [1, 2], "object or null"),
    ("intervals.nuget", [1, 2], "did you mean 'nugget'"),
    ("intervals.nugget", [0.3, 0.1], "below"),
    ("intervals.nugget", [0.3], "low, high"),
    ("intervals.nugget", {"low": 1}, "low, high"),
    ("intervals.nugget", [None, 1], "finite"),
]


@pytest.mark.parametrize(("key", "value", "said"), CHANGES)
def test_what_was_changed_by_hand(tmp_path: Path, key: str, value: Any, said: str) -> None:
    path, document = written(tmp_path)
    *inside, last = key.split(".")
    part = document[inside[0]] if inside else document
    part[last] = value
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=said) as caught:
        read_fit(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("key", ["format", "version", "model", "weights", "intervals", "label", "model.sill", "aic"])
def test_what_is_missing(tmp_path: Path, key: str) -> None:
    path, document = written(tmp_path)
    *inside, last = key.split(".")
    del (document[inside[0]] if inside else document)[last]
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError):
        read_fit(path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"a": NaN}', "[" * 100_000, "\x00", '{"format": "\ud800"}', "1e999", " " * (1 << 21)],
)
def test_what_is_no_fit(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fit.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError):
        read_fit(path)


def test_infinity_in_disguise(tmp_path: Path) -> None:
    path, document = written(tmp_path)
    path.write_text(json.dumps(document).replace("-77.5", "-1e999"))
    with pytest.raises(UsageError, match="aic"):
        read_fit(path)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_fit(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(where=st.sampled_from([key for key, _, _ in CHANGES]), value=JSON)
def test_anything_anywhere_is_a_fit_or_ours(tmp_path_factory: pytest.TempPathFactory, where: str, value: Any) -> None:
    path, document = written(tmp_path_factory.mktemp("fit"))
    *inside, last = where.split(".")
    (document[inside[0]] if inside else document)[last] = value
    path.write_text(json.dumps(document))
    try:
        fit = read_fit(path)
    except UsageError:
        return
    assert math.isfinite(fit.aic)
    assert math.isfinite(fit.model.effective_range_km)


@given(data=st.binary(max_size=300), at=st.integers(0, 900))
def test_damaged_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    path, _ = written(tmp_path_factory.mktemp("fit"))
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    try:
        read_fit(path)
    except UsageError:
        return

"""The true models of made worlds."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from periplus.errors import UsageError
from periplus.pipeline.spatial import true_models
from periplus.synth import FieldsConfig
from periplus.synth.planet.fields import FieldModel
from periplus.synth.planet.samples import about

KM = np.array([1.0, 30.0, 300.0, 3000.0, 15_000.0])


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    path = tmp_path / "fields.json"
    config = FieldsConfig(20, ("exponential", "gaussian", "matern"), 400.0, 2.0, 0.5, dims=3)
    path.write_text(json.dumps(about(config)))
    return path


@pytest.mark.parametrize("family", ["exponential", "gaussian", "matern"])
def test_the_models_are_those_that_the_fields_were_drawn_from(fields: Path, family: str) -> None:
    drawn = FieldModel(family, family, 400.0, 2.0, 0.5)  # type: ignore[arg-type]
    asked = [f"{family}_01", family, f"{family}.npy", "nothing"]
    models = true_models(fields, asked)
    assert list(models) == asked[:3]
    for name, times in zip(asked, (1, 1, 3), strict=False):
        np.testing.assert_allclose(models[name](KM), times * drawn.variogram(KM), rtol=1e-9)


def test_columns_of_a_planet(tmp_path: Path) -> None:
    path = tmp_path / "planet.json"
    model = FieldModel("elevation", "matern", 900.0, 1.0, 0.0)
    path.write_text(json.dumps({"fields": [asdict(model)]}))
    models = true_models(path, ["field_elevation"])
    np.testing.assert_allclose(models["field_elevation"](KM), model.variogram(KM), rtol=1e-9)


def test_unknown_variables(fields: Path) -> None:
    with pytest.raises(UsageError, match=r"knows exponential, exponential_00.*none of height, depth"):
        true_models(fields, ["height", "depth"])
    with pytest.raises(UsageError, match="none of what is looked at"):
        true_models(fields, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("{", "cannot be read"),
        ('{"fields": 7}', "tells no fields"),
        ("{}", "tells no fields"),
        ('{"fields": []}', "knows no field"),
        ('{"fields": [7]}', "field 0 is damaged"),
        ('{"fields": [{"family": "matern"}]}', "field 0 is damaged"),
        ('{"fields": [{"name": 1, "family": "cubic", "sill": 1, "nugget": 0, "length_scale_km": 1}]}', "cubic"),
        (
            '{"fields": [{"name": 1, "family": "matern", "sill": -1, "nugget": 0, "length_scale_km": 1}]}',
            "partial_sill",
        ),
        ('{"fields": [{"name": 1, "family": "matern", "sill": 1, "nugget": 0, "length_scale_km": "x"}]}', "damaged"),
        ('{"fields": [{"name": 1, "family": [], "sill": 1, "nugget": 0, "length_scale_km": 1}]}', "famil|damaged"),
    ],
)
def test_other_files(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        true_models(path, ["x"])
    with pytest.raises(UsageError, match="cannot be read"):
        true_models(tmp_path / "none.json", ["x"])

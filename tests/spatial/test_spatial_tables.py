"""Records as tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from forger_spatial import forge_cloud, forge_collapse, forge_fit, forge_variogram, forge_vectors

from periplus.spatial import measure_collapse
from periplus.spatial.documents import collapse_measures
from periplus.spatial.tables import collapse_table, similarity_table, variogram_table

_LAGS = [
    "label", "sector_from_deg", "sector_to_deg", "from_km", "to_km", "distance_km", "gamma", "count", "pairs",
    "standard_error", "sampling_error", "model",
]  # fmt: skip


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """A column; NaN where it is null."""
    return np.array([np.nan if one is None else one for one in table.column(name).to_pylist()], np.float64)


def _check_types(table: pa.Table) -> None:
    for field in table.schema:
        assert field.type == pa.string() if field.name == "label" else pa.types.is_primitive(field.type)
        values = table.column(field.name).to_pylist()
        # What is not known is null, never NaN.
        assert all(one is None or one == one for one in values)


def test_one_row_a_lag() -> None:
    curves = [forge_variogram("a"), replace(forge_variogram("b", sampled=True), sector_deg=(-45.0, 45.0))]
    fit = forge_fit("b")
    table = variogram_table(curves, [None, fit])
    _check_types(table)
    assert table.column_names == _LAGS
    assert table.column("label").to_pylist() == ["a"] * 10 + ["b"] * 10
    for name in ("distance_km", "gamma", "count", "standard_error", "sampling_error"):
        wanted = np.concatenate([getattr(curve, name) for curve in curves])
        np.testing.assert_array_equal(_numbers(table, name), wanted)
    np.testing.assert_array_equal(_numbers(table, "pairs"), np.concatenate([curve.n_pairs for curve in curves]))
    np.testing.assert_array_equal(_numbers(table, "from_km"), np.concatenate([one.edges_km[:-1] for one in curves]))
    np.testing.assert_array_equal(_numbers(table, "to_km"), np.concatenate([one.edges_km[1:] for one in curves]))
    assert table.column("sector_from_deg").to_pylist() == [None] * 10 + [-45.0] * 10
    assert table.column("model").to_pylist()[:10] == [None] * 10
    np.testing.assert_allclose(_numbers(table, "model")[10:], fit.model(curves[1].distance_km))
    with pytest.raises(ValueError, match="zip"):
        variogram_table(curves, [None])


def test_one_row_a_class_with_pairs() -> None:
    cloud = forge_cloud("seen")
    table = similarity_table([cloud, replace(cloud, label="again")])
    _check_types(table)
    held = cloud.counts.sum(axis=1) > 0
    assert table.num_rows == 2 * held.sum() < 2 * len(held)
    np.testing.assert_array_equal(_numbers(table, "mean"), np.tile(cloud.mean[held], 2))
    np.testing.assert_array_equal(_numbers(table, "q50"), np.tile(cloud.quantiles[held, 2], 2))
    np.testing.assert_array_equal(_numbers(table, "from_km"), np.tile(cloud.distance_edges_km[:-1][held], 2))
    assert sum(table.column("pairs").to_pylist()) == 2 * cloud.n_pairs
    assert table.column_names[-5:] == ["q05", "q25", "q50", "q75", "q95"]


def test_one_row_a_space() -> None:
    spaces = [forge_collapse("one"), replace(measure_collapse(forge_vectors()[2][:2]), label="two")]
    table = collapse_table(spaces)
    _check_types(table)
    assert table.column_names == ["label", *collapse_measures(spaces[0])]
    assert table.column("label").to_pylist() == ["one", "two"]
    for k, space in enumerate(spaces):
        for name, value in collapse_measures(space).items():
            assert table.column(name)[k].as_py() == value

"""Records as JSON documents."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from forger_spatial import forge_cloud, forge_collapse, forge_fit, forge_variogram, forge_vectors

from periplus.spatial import VariogramModel, measure_collapse
from periplus.spatial.documents import collapse_document, collapse_measures, similarity_document, variogram_document

IDS = [f"photo {k}" for k in range(160)]


def _plain(value: object) -> bool:
    """Whether it is of types that JSON has, all the way down."""
    if isinstance(value, dict):
        return all(type(key) is str and _plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float)


def test_documents_are_plain_json() -> None:
    for document in (
        variogram_document(forge_variogram(sampled=True), [forge_fit(), forge_fit()], forge_fit().model),
        similarity_document(forge_cloud(), IDS),
        collapse_document(forge_collapse(), IDS),
    ):
        assert _plain(document)
        json.dumps(document)


def test_a_variogram() -> None:
    curve = replace(forge_variogram("land"), sector_deg=(-22.5, 22.5))
    fit = forge_fit("land")
    told = variogram_document(curve, [fit], fit.model)
    assert (told["label"], told["estimator"], told["photos"], told["dim"]) == ("land", "matheron", 160, 8)
    assert told["sector_deg"] == [-22.5, 22.5]
    for name in ("edges_km", "distance_km", "gamma", "count", "standard_error", "sampling_error"):
        np.testing.assert_array_equal(told[name], getattr(curve, name))
    np.testing.assert_array_equal(told["pairs"], curve.n_pairs)
    (model,) = told["models"]
    for name in told["true_model"]:
        assert model[name] == getattr(fit.model, name) == told["true_model"][name]
    assert (model["aic"], model["rmse"], model["lags"], model["max_km"]) == (fit.aic, fit.rmse, 9, 3000)
    assert model["intervals"] == {name: list(ends) for name, ends in (fit.intervals or {}).items()}
    assert model["warnings"] == list(fit.warnings)


def test_a_variogram_alone() -> None:
    told = variogram_document(forge_variogram())
    assert (told["models"], told["true_model"], told["sector_deg"]) == ([], None, None)
    (model,) = variogram_document(forge_variogram(), [replace(forge_fit(), intervals=None)])["models"]
    assert model["intervals"] is None
    wide = VariogramModel("gaussian", 0.1, 1.0, 9000.0)
    assert variogram_document(forge_variogram(), [forge_fit(model=wide)])["models"][0]["warnings"]


def test_a_cloud() -> None:
    cloud = forge_cloud("seen")
    told = similarity_document(cloud, IDS)
    assert (told["label"], told["photos"], told["pairs"]) == ("seen", 160, 160 * 159 // 2)
    assert sum(told["classes"]["pairs"]) == sum(told["curve"]["count"]) == told["pairs"]
    assert len(told["classes"]["edges_km"]) == 61
    assert len(told["curve"]["edges_km"]) == 21
    assert told["classes"]["bands"] == [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.shape(told["classes"]["quantiles"]) == (60, 5)
    held = np.array(told["classes"]["pairs"]) > 0
    quantiles = np.array(told["classes"]["quantiles"])[held]
    assert (np.diff(quantiles, axis=1) >= 0).all()
    weighted = np.nansum(np.array(told["classes"]["mean"])[held] * np.array(told["classes"]["pairs"])[held])
    assert told["mean_similarity"] == pytest.approx(weighted / told["pairs"])
    for name, pairs in (("alike_but_far", cloud.far_alike), ("near_but_unlike", cloud.near_unlike)):
        assert [(one["first"], one["second"]) for one in told[name]] == [
            (IDS[pair.first], IDS[pair.second]) for pair in pairs
        ]
    for name, one in (("pearson", cloud.pearson), ("pearson_log_distance", cloud.pearson_log)):
        assert told[name] == {"value": one.value, "low": one.low, "high": one.high, "reason": one.reason or None}
    assert [rise["beyond_chance"] for rise in told["rises"]] == [
        rise.is_beyond_chance for rise in cloud.monotonicity.rises
    ]


def test_a_space() -> None:
    found = forge_collapse("seen")
    told = collapse_document(found, IDS)
    assert told["findings"] == list(found.findings)
    np.testing.assert_array_equal(told["spectrum"], found.spectrum)
    assert (told["directions_50"], told["directions_90"], told["directions_99"]) == found.explained
    assert found.hubness is not None
    assert [hub["id"] for hub in told["hubs"]] == [IDS[row] for row in found.hubness.hubs]
    assert (told["hub_largest"], told["antihubs"]) == (found.hubness.largest, found.hubness.antihubs)
    assert found.intrinsic_dimension is not None
    assert (told["two_nn"], told["mle_dimension"]) == (found.intrinsic_dimension.two_nn, found.intrinsic_dimension.mle)
    assert (told["positives"], told["alignment"]) == (2, found.alignment)


def test_a_space_of_two_vectors() -> None:
    measures = collapse_measures(measure_collapse(forge_vectors()[2][:2]))
    unknown = {name for name, value in measures.items() if value is None}
    assert unknown == {
        "alignment", "hub_k", "hub_skewness", "hub_largest", "antihubs", "hub_gini", "hub_robin_hood", "two_nn",
        "two_nn_error", "mle_dimension", "mle_dimension_error",
    }  # fmt: skip
    assert all(value is None or not math.isnan(value) for value in measures.values())
    assert collapse_document(measure_collapse(forge_vectors()[2][:2]), IDS)["hubs"] == []

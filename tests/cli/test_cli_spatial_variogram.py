"""``periplus spatial variogram``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forger_spatial import forge_vectors
from oracle_variogram import slow_variograms
from pyarrow import csv

from periplus.spatial import Observations, read_fit
from periplus.synth import FieldsConfig, make_fields

N = 150
LAT, LON, VECTORS = forge_vectors(N)
NUMBERS = np.sin(np.radians(LAT)) + 0.1 * np.random.default_rng(0).normal(size=N)
EDGES = (0, 50, 1000, 4000, 9000)
KEYS = ["source", "curves", "notes", "sources", "skipped"]
CURVE_KEYS = [
    "label", "estimator", "photos", "dim", "sector_deg", "edges_km", "distance_km", "gamma", "count",
    "standard_error", "sampling_error", "pairs", "models", "true_model",
]  # fmt: skip
MODEL_KEYS = [
    "family", "nugget", "partial_sill", "sill", "length_scale_km", "effective_range_km", "shape", "metric", "aic",
    "rmse", "weights", "lags", "max_km", "confidence", "intervals", "warnings",
]  # fmt: skip
FAMILIES = ["stable", "spherical", "exponential", "gaussian", "matern"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("variogram")
    kind = [None if k % 10 == 0 else "north & south" if k % 2 else "x" for k in range(N)]
    table = pa.table({
        "lat": LAT, "lon": LON, "x": NUMBERS, "kind": kind, "word": ["w"] * N,
        "gaps": [None if k % 5 == 0 else one for k, one in enumerate(NUMBERS.tolist())],
        "split": ["a" if k % 3 else "b" for k in range(N)],
    })  # fmt: skip
    pq.write_table(table, folder / "t.parquet")
    csv.write_csv(table, folder / "t.csv")
    np.save(folder / "v.npy", VECTORS)
    return folder


@pytest.fixture
def ask(call: Any, folder: Path) -> Any:
    def asked(*options: object, source: str = "t.parquet") -> Any:
        return call("spatial", "variogram", folder / source, *options)

    return asked


def _lags(*more: object) -> tuple[object, ...]:
    return ("--edges-km", ",".join(map(str, EDGES)), "--fit", "none", *more)


def test_the_document_has_the_numbers(ask: Any, folder: Path) -> None:
    done = ask("--vectors", folder / "v.npy", *_lags("--json"))
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == KEYS
    assert told["source"] == str(folder / "t.parquet")
    assert told["sources"] == [{"label": "v.npy", "photos": N, "without_position": 0, "left_out": 0}]
    assert (told["notes"], told["skipped"]) == ([], [])
    (curve,) = told["curves"]
    assert list(curve) == CURVE_KEYS
    ((count, distance, gamma),) = slow_variograms(Observations(LAT, LON, VECTORS), np.array(EDGES, float))
    assert curve["count"] == curve["pairs"] == count.tolist()
    np.testing.assert_allclose(curve["gamma"], gamma, rtol=2e-6)
    np.testing.assert_allclose(curve["distance_km"], distance, rtol=1e-9)
    assert curve["edges_km"] == list(EDGES)
    assert curve["sampling_error"] == [0, 0, 0, 0]
    keys = ("label", "estimator", "photos", "dim", "sector_deg", "models", "true_model")
    assert [curve[key] for key in keys] == ["v.npy", "matheron", N, 8, None, [], None]
    assert ask("--vectors", folder / "v.npy", *_lags("--json", "--jobs", 3)).out == done.out


def test_words(ask: Any, folder: Path) -> None:
    done = ask("--values", "gaps", "--lags", 8, "--fit", "exponential", "--resamples", 40)
    first, second, best, *_ = done.out.splitlines()
    assert done.status == 0
    assert first.startswith(f"gaps: {N - 30} places, ")
    assert first.endswith(" lags.")
    assert second.startswith("  Semivariance ")
    assert best.startswith("  Best: exponential: nugget ")
    assert best.count("[") == 4
    assert "30 places have no value of gaps and were left out.\n" in done.err


def test_csv_and_parquet_are_one(ask: Any) -> None:
    one, two = (ask("--values", "gaps", *_lags("--json"), source=name).document for name in ("t.csv", "t.parquet"))
    assert one["curves"] == two["curves"]


def test_models(ask: Any) -> None:
    (curve,) = ask("--values", "x", "--lags", 12, "--resamples", 0, "--json").document["curves"]
    assert sorted(model["family"] for model in curve["models"]) == sorted(FAMILIES)
    assert [list(model) for model in curve["models"]] == [MODEL_KEYS] * 5
    aics = [model["aic"] for model in curve["models"]]
    assert aics == sorted(aics)
    (one,) = ask("--values", "x", "--lags", 12, "--resamples", 0, "--fit", "matern", "--json").document["curves"]
    assert one["models"] == [model for model in curve["models"] if model["family"] == "matern"]
    chord = ask(
        "--values", "x", "--lags", 12, "--fit", "gaussian", "--metric", "chord", "--weights", "cressie", "--json"
    )
    (model,) = chord.document["curves"][0]["models"]
    assert (model["metric"], model["weights"], model["warnings"][:1]) == ("chord", "cressie", model["warnings"][:1])
    assert list(model["intervals"]) == ["nugget", "partial_sill", "sill", "length_scale_km", "effective_range_km"]


def test_groups_sectors_and_estimators(ask: Any) -> None:
    done = ask("--values", "x", "--by", "kind", *_lags("--sectors", 2, "--estimator", "dowd", "--json"))
    told = done.document
    assert [one["label"] for one in told["curves"]] == [
        "north & south, 0° ± 45°", "north & south, 90° ± 45°", "x, 0° ± 45°", "x, 90° ± 45°",
    ]  # fmt: skip
    assert told["notes"] == ["15 places are in no group, or in one that is too small."]
    assert [one["sector_deg"] for one in told["curves"][:2]] == [[-45, 45], [45, 135]]
    assert {one["estimator"] for one in told["curves"]} == {"dowd"}
    out = ask("--values", "x", *_lags("--estimator", "dowd")).out
    assert " of " not in out.splitlines()[0]
    out = ask("--values", "x", *_lags("--sample", 50)).out
    assert " of " in out.splitlines()[0]


def test_a_lot_is_the_same_twice(ask: Any) -> None:
    lot = ("--values", "x", *_lags("--photos", 40, "--json"))
    one, two, other = (ask(*lot, "--seed", seed).document for seed in (3, 3, 4))
    assert one == two
    assert one["curves"] != other["curves"]
    assert one["sources"] == [{"label": "t.parquet", "photos": 40, "without_position": 0, "left_out": N - 40}]
    assert f"{N - 40} rows left out by lot (--photos)." in ask(*lot[:-1]).err
    assert ask("--values", "x", *_lags("--split", "b", "--json")).document["sources"][0]["photos"] == N // 3


def test_torch_gives_the_same(ask: Any, folder: Path) -> None:
    for what in (("--vectors", folder / "v.npy"), ("--values", "x", "--sectors", 3)):
        one, two = (ask(*what, *_lags("--json", *device)).document for device in ((), ("--device", "cpu")))
        for a, b in zip(one["curves"], two["curves"], strict=True):
            assert a["count"] == b["count"]
            np.testing.assert_allclose(a["gamma"], b["gamma"], rtol=1e-6)
    done = ask("--values", "x", *_lags("--device", "nowhere"))
    assert done.status == 3
    assert "'nowhere'" in done.err


def test_few_places_are_no_failure(ask: Any) -> None:
    done = ask("--values", "x", "--photos", 25, "--lags", 8, "--spacing", "equal-count", "--fit", "exponential")
    assert done.status == 0
    assert "No intervals for x: Intervals need the sums of at least 8 blocks" in done.err
    done = ask("--values", "x", "--photos", 2, "--json")
    assert (done.status, done.document["curves"][0]["photos"]) == (0, 2)
    done = ask("--values", "x", "--max-km", 1e-9, "--fit", "none")
    assert (done.status, done.out) == (0, "x: no two places are in any lag.\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fit", "cubic"], "--fit cubic: choose from stable, spherical, exponential, gaussian, matern"),
        (["--fit", "all", "--fit", "none"], "all or none alone"),
        (["--values", "word"], "'word' holds no numbers"),
        (["--values", "nope"], "no column 'nope'; there are"),
        (["--values", "x", "--cross", "nope"], "no column 'nope'"),
        (["--values", "x", "--cross", "gaps", "--estimator", "cressie"], "use matheron"),
        (["--cross", "x"], "--values ONE --cross OTHER"),
        (["--values", "x", "--by", "nope"], "'nope' is neither"),
        (["--values", "x", "--encoder", "vlad"], "leave --encoder and --vectors out"),
        (["--values", "x", "--vectors", "v.npy"], "leave --encoder and --vectors out"),
        (["--values", "x", "--model", "pooling=gem"], "name it with --encoder"),
        (["--values", "x", "--edges-km", "0,b"], "no list of numbers"),
        (["--values", "x", "--edges-km", "5,2"], "must increase"),
        (["--values", "x", "--edges-km", "0,2", "--max-km", "3"], "leave the longest and the shortest distance out"),
        (["--values", "x", "--max-km", "20016"], "not on Earth"),
        (["--values", "x", "--min-km", "4", "--max-km", "3"], "from 4 to 3 km"),
        (["--values", "x", "--min-km", "4", "--spacing", "linear"], "--spacing log"),
        (["--values", "x", "--photos", "1"], "two or more"),
        (["--values", "x", "--resamples", "7"], "40 resamples or more"),
        (["--values", "x", "--fit-max-km", "-1"], "positive number"),
        (["--values", "x", "--sample", "5", "--device", "cpu"], "leave --device and --checkpoint out"),
        (["--values", "x", "--sectors", "2", "--save-fit", "f.json"], "keeps the model of one curve; this makes 2"),
        (["--values", "x", "--values", "gaps", "--save-fit", "f.json"], "one curve; this makes 2"),
        (["--values", "x", "--fit", "none", "--save-fit", "f.json"], "of 0 families"),
        (["--values", "x", "--split", "c"], "no split 'c'"),
        (["--values", "x", "--column", "lat_deg=nope"], "no column 'nope' for lat_deg"),
        ([], "no vectors to look at"),
    ],
)
def test_wrong_use_is_told_before_the_work(
    ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ask(*options, "--table", "t.csv")
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_known_too_late_loses_nothing(ask: Any, tmp_path: Path) -> None:
    out = tmp_path / "t.csv", tmp_path / "f.json"
    done = ask("--values", "x", "--by", "kind", "--lags", 9, "--table", out[0], "--save-fit", out[1], "--resamples", 0)
    assert done.status == 2
    assert "--save-fit keeps the model of one curve; there are 2" in done.err
    assert done.out
    assert out[0].exists()
    assert not out[1].exists()


def test_a_kept_fit_is_the_best_of_the_document(ask: Any, tmp_path: Path) -> None:
    done = ask(
        "--values", "x", "--lags", 12, "--resamples", 40, "--fit", "spherical", "--save-fit", tmp_path / "f", "--json"
    )
    assert done.err == f"Wrote {tmp_path / 'f'}.\n"
    (model,) = done.document["curves"][0]["models"]
    fit = read_fit(tmp_path / "f")
    assert (fit.model.nugget, fit.model.partial_sill, fit.model.length_scale_km) == tuple(
        model[name] for name in ("nugget", "partial_sill", "length_scale_km")
    )
    assert {name: list(ends) for name, ends in (fit.intervals or {}).items()} == model["intervals"]


def test_columns_of_a_table_by_name(call: Any, folder: Path, tmp_path: Path) -> None:
    text = (folder / "t.csv").read_text().replace('"lat","lon"', '"up","across"')
    (tmp_path / "t.csv").write_text(text)
    asked = ("spatial", "variogram", tmp_path / "t.csv", "--values", "x", *_lags("--json"))
    assert call(*asked).status == 2
    done = call(*asked, "--column", "lat_deg=up", "--column", "lon_deg=across")
    plain = call("spatial", "variogram", folder / "t.csv", "--values", "x", *_lags("--json"))
    assert done.document["curves"] == plain.document["curves"]


def test_rows_without_position_and_duplicates(call: Any, tmp_path: Path) -> None:
    rows = [f"{lat},{lon},{k % 4}" for k, (lat, lon) in enumerate(zip(LAT, LON, strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(["lat,lon,x", *rows, *rows[:30], ",,1", ",,2", ""]))
    done = call("spatial", "variogram", tmp_path / "t.csv", "--values", "x", *_lags("--json"))
    assert (done.status, done.err) == (0, "2 rows without position left out.\n")
    places = np.concatenate([np.arange(N), np.arange(30)])
    seen = Observations(LAT[places], LON[places], places.astype(float) % 4)
    ((count, _, gamma),) = slow_variograms(seen, np.array(EDGES, float))
    (curve,) = done.document["curves"]
    assert curve["count"] == count.tolist()
    np.testing.assert_allclose(curve["gamma"], gamma, rtol=1e-9)


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_fields(
        tmp_path_factory.mktemp("fields") / "f", FieldsConfig(300, ("matern",), 900.0, dims=3, nugget=0.1)
    )
    return made.root


def test_truth(call: Any, fields: Path) -> None:
    truth = ("--truth", fields / "fields.json", "--lags", 10, "--resamples", 0, "--fit", "matern")
    ask = ("spatial", "variogram", fields / "fields.parquet", *truth)
    done = call(*ask, "--vectors", fields / "matern.npy", "--json")
    (curve,) = done.document["curves"]
    model = curve["true_model"]
    assert {name: model[name] for name in ("family", "shape", "length_scale_km", "metric")} == {
        "family": "matern", "shape": 1.5, "length_scale_km": 900, "metric": "chord",
    }  # fmt: skip
    assert (model["nugget"], model["sill"]) == pytest.approx((0.3, 3.3))
    assert curve["gamma"][-1] == pytest.approx(3.3, rel=0.35)
    assert "True matern: nugget 0.3, sill 3.3" in call(*ask, "--vectors", fields / "matern.npy").out
    by = ("--values", "matern_00", "--values", "matern_02", "--by", "land", "--sectors", 2, "--json")
    curves = call(*ask, *by).document["curves"]
    assert len(curves) == 8
    assert {one["true_model"]["sill"] for one in curves} == {1.1}
    mixed = call(*ask, "--values", "matern_00", "--values", "lat_deg", "--json").document["curves"]
    assert [one["true_model"] is None for one in mixed] == [False, True]


def test_truth_that_is_none(call: Any, fields: Path, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"fields": 3}')
    ask = ("spatial", "variogram", fields / "fields.parquet", "--lags", 10, "--fit", "none")
    for more, words in (
        (("--values", "lat_deg", "--truth", fields / "fields.json"), "knows matern, matern_00"),
        (("--values", "matern_00", "--cross", "matern_01", "--truth", fields / "fields.json"), "knows matern"),
        (("--values", "matern_00", "--truth", tmp_path / "x.json"), "tells no fields"),
        (("--values", "matern_00", "--truth", fields / "fields.parquet"), "cannot be read"),
        (("--values", "matern_00", "--truth", tmp_path / "none.json"), "cannot be read"),
    ):
        done = call(*ask, *more)
        assert (done.status, done.out) == (2, "")
        assert words in done.err


def test_help(call: Any) -> None:
    done = call("spatial", "variogram", "--help")
    text = " ".join(done.out.split())
    assert done.status == 0
    for word in ("Example: periplus spatial variogram", "--json", "1 - cosine"):
        assert word in text
    listed = call("spatial", "--help").out
    assert all(verb in listed for verb in ("variogram", "similarity", "collapse"))

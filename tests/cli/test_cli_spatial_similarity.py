"""``periplus spatial similarity``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forger_geo import forge_geo, forge_photos, spread_positions
from forger_spatial import forge_vectors
from oracle_similarity import all_pairs

from periplus.geo import distance_km

N = 130
LAT, LON, VECTORS = forge_vectors(N)
KEYS = ["source", "encoders", "sources", "skipped"]
CLOUD_KEYS = [
    "label", "photos", "pairs", "without_vector", "mean_similarity", "pearson", "pearson_log_distance", "spearman",
    "discordance", "falling_share", "rises", "curve", "classes", "far_km", "near_km", "alike_but_far",
    "near_but_unlike",
]  # fmt: skip
PAIR_KEYS = ["first", "second", "distance_km", "similarity", "expected"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("similarity")
    pq.write_table(pa.table({"id": [f"p{k}" for k in range(N)], "lat": LAT, "lon": LON}), folder / "t.parquet")
    np.save(folder / "v.npy", VECTORS)
    np.save(folder / "long.npy", 3.0 * VECTORS.astype(float))
    return folder


@pytest.fixture
def ask(call: Any, folder: Path) -> Any:
    def asked(*options: object, vectors: str = "v.npy") -> Any:
        return call("spatial", "similarity", folder / "t.parquet", "--vectors", folder / vectors, *options)

    return asked


def test_the_document_has_the_numbers(ask: Any) -> None:
    done = ask("--json", "--worst", 4, "--near-km", 30)
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == KEYS
    (cloud,) = told["encoders"]
    assert list(cloud) == CLOUD_KEYS
    pairs = all_pairs(LAT, LON, VECTORS)
    distance, alike = np.asarray(pairs.km), np.asarray(pairs.similarity)
    assert (cloud["label"], cloud["photos"], cloud["pairs"]) == ("v.npy", N, len(alike))
    assert cloud["mean_similarity"] == pytest.approx(alike.mean(), abs=1e-6)
    assert cloud["pearson"]["value"] == pytest.approx(np.corrcoef(distance, alike)[0, 1], abs=1e-5)
    logs = np.log(np.maximum(distance, 0.01))
    assert cloud["pearson_log_distance"]["value"] == pytest.approx(np.corrcoef(logs, alike)[0, 1], abs=1e-5)
    edges, means = np.array(cloud["classes"]["edges_km"]), cloud["classes"]["mean"]
    lag = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, len(means) - 1)
    np.testing.assert_array_equal(np.bincount(lag, minlength=len(means)), cloud["classes"]["pairs"])
    for k, mean in enumerate(means):
        assert (mean is None) == (not (lag == k).any())
        assert mean is None or mean == pytest.approx(alike[lag == k].mean(), abs=1e-6)
    for name in ("alike_but_far", "near_but_unlike"):
        assert len(cloud[name]) == 4
        for pair in cloud[name]:
            assert list(pair) == PAIR_KEYS
            a, b = (int(pair[which][1:]) for which in ("first", "second"))
            assert pair["similarity"] == pytest.approx(float(VECTORS[a].astype(float) @ VECTORS[b]), abs=1e-6)
            assert pair["distance_km"] == pytest.approx(float(distance_km(LAT[a], LON[a], LAT[b], LON[b])), abs=1e-6)
    assert cloud["alike_but_far"][0]["similarity"] == pytest.approx(alike[distance >= 1000].max(), abs=1e-6)


def test_only_directions_of_vectors_count_and_jobs_do_not(ask: Any) -> None:
    one = ask("--json").document["encoders"][0]
    long = ask("--json", "--jobs", 3, vectors="long.npy").document["encoders"][0]
    assert one.pop("label") != long.pop("label")
    assert one["classes"]["pairs"] == long["classes"]["pairs"]
    for key in ("mean_similarity", "discordance"):
        assert one[key] == pytest.approx(long[key], abs=1e-6)
    assert ask("--json", "--jobs", 1).out == ask("--json", "--jobs", 3).out


def test_words(ask: Any) -> None:
    done = ask("--far-km", 500, "--near-km", 50)
    assert done.status == 0
    for words in (
        f"v.npy: {N} photos, {N * (N - 1) // 2:,} pairs, mean similarity ",
        "  Pearson with distance: ", "  Pearson with log distance: ", "  Spearman: ",
        "the farther is the more alike in ", "The mean curve rises at ", "Alike but far: p", "Near but unlike: p",
    ):  # fmt: skip
        assert words in done.out
    assert "Far is" in ask().out


def test_two_photos(ask: Any) -> None:
    done = ask("--photos", 2)
    assert done.status == 0
    assert ": 2 photos, 1 pair, mean similarity " in done.out
    assert "Pearson with distance: unknown: fewer than two pairs" in done.out
    assert "nan" not in done.out
    (cloud,) = ask("--photos", 2, "--json").document["encoders"]
    assert (cloud["pairs"], cloud["discordance"], cloud["spearman"]["value"]) == (1, None, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--near-km", "0"], "near_km of 0.0 is no distance on Earth"),
        (["--far-km", "nan"], "far_km of nan"),
        (["--min-km", "-1"], "min_km of -1.0"),
        (["--worst", "0"], "--worst"),
        (["--encoder", "vlad"], "--encoder or --vectors"),
        (["--against", "x"], "leave --against out"),
        (["--photos", "1"], "two or more"),
        (["--encoder", "vlad", "--encoder", "vlad"], "there once"),
        (["--encoder", "vlad", "--against", "x", "--encoder", "asmk"], "several encoders on one SOURCE"),
        (["--figure", "f.png", *["--encoder", "a", "--encoder", "b", "--encoder", "c", "--encoder", "d"]], "3 side by"),
    ],
)
def test_wrong_use_is_told_before_the_work(
    ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ask(*options, "--table", "t.csv")
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("similarity-world")
    forge_photos(root, spread_positions(9, seed=1))
    forge_geo(root / "one")
    forge_geo(root / "two", seed=1)
    return root


def test_a_picture_that_cannot_be_read_is_skipped_and_told(call: Any, world: Path, tmp_path: Path) -> None:
    table = forge_photos(tmp_path, spread_positions(9, seed=1))
    (tmp_path / "pictures/photos-004.png").write_bytes(b"none")
    done = call("spatial", "similarity", table, "--encoder", world / "one", "--jobs", 1, "--json")
    assert done.status == 1
    told = done.document
    assert told["sources"] == [{"label": "one", "photos": 8, "without_position": 0, "left_out": 0}]
    assert [(Path(skip["path"]).name, set(skip)) for skip in told["skipped"]] == [
        ("photos-004.png", {"path", "kind", "reason"})
    ]
    assert "1 photo skipped: " in done.err
    for name in range(9):
        (tmp_path / f"pictures/photos-00{name}.png").write_bytes(b"none")
    done = call("spatial", "similarity", table, "--encoder", world / "one", "--jobs", 1)
    assert done.status == 3
    assert "at least two photos" in done.err


def test_encoders_and_sources_side_by_side(call: Any, world: Path, tmp_path: Path) -> None:
    table, cache = world / "photos.csv", ("--cache", tmp_path / "cache", "--jobs", 1)
    both = call(
        "spatial", "similarity", table, "--encoder", world / "one", "--encoder", world / "two", *cache, "--json"
    )
    assert (both.status, both.err) == (0, "")
    clouds = both.document["encoders"]
    assert [cloud["label"] for cloud in clouds] == ["one", "two"]
    for name, cloud in zip(("one", "two"), clouds, strict=True):
        alone = call("spatial", "similarity", table, "--encoder", world / name, *cache, "--json")
        assert alone.document["encoders"] == [cloud]
    assert clouds[0]["mean_similarity"] != clouds[1]["mean_similarity"]
    galleries = [tmp_path / f"{name}.gallery" for name in ("one", "two")]
    for gallery in galleries:
        assert call("index", table, "-o", gallery, "--encoder", world / gallery.stem, "--jobs", 1).status == 0
    against = call("spatial", "similarity", galleries[0], "--against", galleries[1], "--json").document
    assert [cloud["label"] for cloud in against["encoders"]] == ["one", "two"]
    for one, two in zip(against["encoders"], clouds, strict=True):
        assert one["mean_similarity"] == pytest.approx(two["mean_similarity"], abs=1e-6)
    assert [one["photos"] for one in against["sources"]] == [9, 9]
    mixed = call(
        "spatial", "similarity", galleries[0], "--against", table, "--encoder", world / "two", *cache, "--json"
    )
    assert mixed.document["encoders"] == against["encoders"]
    done = call("spatial", "similarity", galleries[0], "--encoder", world / "two")
    assert done.status == 2
    assert "is a gallery and has its vectors: leave --encoder and --vectors out." in done.err


def test_bare_positions(call: Any, world: Path) -> None:
    done = call("spatial", "similarity", "grid:2500", "--encoder", world / "one", "--jobs", 1, "--json")
    assert done.status == 0
    assert done.document["encoders"][0]["photos"] == 25


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [("nowhere", 2, "neither a folder nor a table"), ("grid:0", 2, "grid:KM")],
)
def test_sources_that_are_none(call: Any, source: str, status: int, words: str) -> None:
    done = call("spatial", "similarity", source)
    assert (done.status, done.out) == (status, "")
    assert words in done.err


def test_a_town(call: Any, gallery: Path, town: Any, tmp_path: Path) -> None:
    """The gallery of a town, and its photos by the same encoder with other words."""
    for verb, more in (("variogram", ("--lags", 12, "--fit", "spherical")), ("similarity", ()), ("collapse", ())):
        done = call("spatial", verb, gallery, *more, "--html", tmp_path / "page.html", "--json")
        assert done.status == 0, done.err
        assert done.document["sources"] == [{"label": "asmk", "photos": 40, "without_position": 0, "left_out": 0}]
        (one,) = done.document["curves" if verb == "variogram" else "encoders"]
        assert one["photos"] == 40
    photos = ("spatial", "similarity", town.gallery, "--encoder", "asmk", "--cache", tmp_path / "cache", "--json")
    (mine,) = call(*photos).document["encoders"]
    (again,) = call(*photos).document["encoders"]
    (theirs,) = call("spatial", "similarity", gallery, "--json").document["encoders"]
    assert mine == again
    assert mine["mean_similarity"] == pytest.approx(theirs["mean_similarity"], abs=1e-3)
    strangers = call("spatial", "similarity", town.queries, "--encoder", "asmk")
    assert strangers.status == 3
    assert "there is 0, and 6 without" in strangers.err


@pytest.mark.slow
def test_real_photos_and_tables(call: Any, shared: Path, tmp_path: Path) -> None:
    street = shared / "street-photos/photos.csv"
    done = call("spatial", "similarity", street, "--encoder", "vlad", "--photos", 20, "--jobs", 1, "--json")
    assert done.status == 0
    (cloud,) = done.document["encoders"]
    assert cloud["photos"] + cloud["without_vector"] == 20
    table = shared / "tables/yfcc25600_places365.csv"
    curve = ("--values", "Prob_natural", "--column", "path=", "--sample", 2000, "--fit", "exponential", "--lags", 14)
    done = call("spatial", "variogram", table, *curve, "--json")
    assert done.status == 0
    (one,) = done.document["curves"]
    assert one["photos"] == 25_600
    # Nature is where nature is: near photos are alike in it, and a share in [0, 1] varies by a quarter at most.
    gamma = [value for value in one["gamma"] if value is not None]
    assert 0 < gamma[0] < gamma[-1] < 0.25
    missing = call("spatial", "variogram", table, *curve[:2], "--fit", "none")
    assert missing.status == 3
    assert "--column path=" in missing.err

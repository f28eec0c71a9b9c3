"""``periplus spatial collapse``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forger_spatial import forge_vectors
from oracle_collapse import effective_rank, spectrum, uniformity, unit

from periplus.encode import learn_pca_whitening
from periplus.spatial import Collapse, measure_collapse
from periplus.spatial.documents import collapse_measures

N = 120
LAT, LON, VECTORS = forge_vectors(N)
KEYS = ["source", "encoders", "notes", "sources", "skipped"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collapse")
    table = {"lat": LAT, "lon": LON, "landmark": [f"L{k // 4}" for k in range(N)], "id": [f"p{k}" for k in range(N)]}
    pq.write_table(pa.table(table | {"alone": list(range(N))}), folder / "t.parquet")
    np.save(folder / "v.npy", VECTORS)
    return folder


@pytest.fixture
def ask(call: Any, folder: Path) -> Any:
    def asked(*options: object) -> Any:
        return call("spatial", "collapse", folder / "t.parquet", "--vectors", folder / "v.npy", *options)

    return asked


def _measures(found: Collapse) -> list[str]:
    return ["label", *collapse_measures(found), "spectrum", "hubs", "findings"]


def test_the_document_has_the_numbers(ask: Any) -> None:
    done = ask("--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == KEYS
    assert told["notes"] == ["Alignment: photos of one landmark."]
    (space,) = told["encoders"]
    assert list(space) == _measures(measure_collapse(VECTORS))
    z = unit(VECTORS)
    alike = (z @ z.T)[np.triu_indices(N, 1)]
    assert (space["label"], space["photos"], space["dim"], space["without_vector"]) == ("v.npy", N, 8, 0)
    assert space["mean_similarity"] == pytest.approx(alike.mean(), abs=1e-6)
    assert space["similarity_std"] == pytest.approx(alike.std(), abs=1e-5)
    assert space["mean_norm"] == pytest.approx(np.linalg.norm(z.mean(axis=0)), abs=1e-6)
    assert space["effective_rank"] == pytest.approx(effective_rank(spectrum(z)), rel=1e-4)
    assert space["uniformity"] == pytest.approx(uniformity(z), abs=1e-5)
    assert space["positives"] == N
    assert len(space["spectrum"]) == 8
    hubs = space["hubs"]
    assert hubs[0]["occurrence"] == space["hub_largest"]
    assert {hub["id"] for hub in hubs} <= {f"p{k}" for k in range(N)}
    assert [hub["occurrence"] for hub in hubs] == sorted((hub["occurrence"] for hub in hubs), reverse=True)
    assert ask("--json", "--jobs", 3).out == done.out


def test_whitening(ask: Any) -> None:
    done = ask("--whiten-dim", 4, "--json")
    before, after = done.document["encoders"]
    assert (before["dim"], after["dim"]) == (8, 4)
    assert after["label"] == "v.npy, whitened"
    white = unit(learn_pca_whitening(VECTORS, 4).apply(VECTORS))
    alike = (white @ white.T)[np.triu_indices(N, 1)]
    assert after["mean_similarity"] == pytest.approx(alike.mean(), abs=1e-5)
    assert done.document["notes"][1] == "Whitening keeps 4 of 8 directions, learnt from these very photos."
    words = ask("--whiten")
    assert words.status == 0
    assert f"v.npy: {N} photos, vectors of 8 numbers.\n" in words.out
    assert "v.npy, whitened: " in words.out
    assert "Whitening keeps " in words.err


def test_a_sample_of_vectors(ask: Any) -> None:
    one, two, other = (ask("--max-vectors", 100, "--seed", seed, "--json").document for seed in (1, 1, 2))
    assert one == two
    assert one["encoders"][0]["sampled"] == 100
    assert one["encoders"][0]["uniformity"] != other["encoders"][0]["uniformity"]
    assert one["encoders"][0]["mean_similarity"] == other["encoders"][0]["mean_similarity"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--positives", "landmark", "--positives-km", "3"], "give one"),
        (["--positives", "nope"], "no column 'nope'"),
        (["--positives", "alone"], "No two photos have the same alone"),
        (["--positives-km", "-1"], "--positives-km"),
        (["--whiten-dim", "9"], "these vectors have 8"),
        (["--whiten-dim", "0"], "--whiten-dim"),
        (["--neighbours", "1"], "--neighbours"),
        (["--max-vectors", "5"], "--max-vectors"),
        (["--cache", "c"], "name it with --encoder"),
        (["--whiten", "--encoder", "a", "--encoder", "b", "--html", "x.html"], "3 side by side at most, not 4"),
    ],
)
def test_wrong_use(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    done = ask(*options, "--table", "t.csv")
    assert (done.status, done.out) == (2, "")
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


def test_near_photos_belong_together(ask: Any) -> None:
    assert "Alignment: nearest photos within 5 km." in ask("--positives-km", 5).err
    done = ask("--positives-km", 0, "--json").document
    assert done["notes"] == ["No alignment: no two are so near."]
    assert done["encoders"][0]["alignment"] is None

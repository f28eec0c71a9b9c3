"""``periplus train`` and ``periplus compare``: a whole experiment from its file to its result, and two side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from forger_landmarks import made_landmarks
from oracle_models import save_tiny

KEYS = ["run", "experiment", "fingerprint", "private", "public", "swept", "unseen", "weight", "asked"]
PARTS = ["protocol", "n", "mAP", "intervals_95", "left_out", "fingerprints"]

EXPERIMENT = """
[experiment]
name = "{name}"
about = "A tiny network, for a test."

[data]
source = "{source}"
public = 12
private = 12
validation = 0.2

[model]
name = "{network}"
weights = "{weights}"
image_size_px = 32

[evaluate]
resamples = 50

[rerank]
method = "{method}"
points = 150
candidates = 20
weights = [0.0, 0.5, 1.0]
"""
TRAIN = """
[train]
epochs = 2
batch_size = 8
monitor = "loss"
threads = 1
device = "cpu"
"""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small are slowed down a hundredfold by threads that wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 photos of 6 landmarks; read only."""
    return made_landmarks(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny("resnet", tmp_path_factory.mktemp("network") / "tiny")


@pytest.fixture(scope="session")
def write(table: Path, network: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes an experiment's file."""
    folder = tmp_path_factory.mktemp("experiments")

    def written(name: str, weights: str = "random", method: str = "none", more: str = "") -> Path:
        text = EXPERIMENT.format(name=name, source=table, network=network, weights=weights, method=method)
        (folder / f"{name}.toml").write_text(text + more)
        return folder / f"{name}.toml"

    return written


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def e2(call: Any, write: Any, runs: Path) -> Any:
    """What the first training said."""
    return call("train", write("e2", more=TRAIN), "--runs", runs, "-j", 1, "--json")


@pytest.mark.slow
def test_one_document(e2: Any, runs: Path, table: Path) -> None:
    assert (e2.status, e2.err) == (0, "")
    told = e2.document
    assert set(told) == set(KEYS)
    assert next(iter(told)) == "run"
    assert (told["run"], told["weight"], told["swept"], told["asked"]) == (str(runs / "e2"), None, [], None)
    assert told["experiment"]["experiment"]["name"] == "e2"
    assert told["experiment"]["data"]["source"] == str(table)
    for part in ("public", "private", "unseen"):
        assert set(told[part]) == set(PARTS)
    assert (told["public"]["n"], told["private"]["n"]) == (12, 12)
    assert json.loads((runs / "e2" / "evaluation.json").read_text()) == {
        key: value for key, value in told.items() if key not in ("run", "asked")
    }
    assert {"best", "last", "result.json", "index.gallery", "evaluation.json", "queries.parquet"} <= {
        path.name for path in (runs / "e2").iterdir()
    }


@pytest.mark.slow
def test_what_is_done_is_not_done_again(call: Any, e2: Any, write: Any, runs: Path) -> None:
    before = (runs / "e2" / "best" / "model.safetensors").stat().st_mtime_ns
    done = call("train", write("e2", more=TRAIN), "--runs", runs, "-j", 1)
    assert (done.status, done.err) == (0, f"Wrote {runs / 'e2'}.\n")
    assert (runs / "e2" / "best" / "model.safetensors").stat().st_mtime_ns == before
    head, rule, row = done.out.splitlines()
    assert head == "| run | public mAP/100 | private mAP/100 | unseen mAP/100 | v | private gain over e2 |"
    assert rule == "| --- | --- | --- | --- | --- | --- |"
    assert row.startswith(f"| e2 | {e2.document['public']['mAP']['100']:.3f} [")
    other = call("train", write("e2", more=TRAIN), "--runs", runs, "--set", "train.lr=0.1")
    assert (other.status, other.out) == (2, "")
    assert f"{runs / 'e2'} holds a finished run." in other.err
    assert "train.lr = 0.00015, not 0.1" in other.err


@pytest.mark.slow
def test_runs_side_by_side(call: Any, e2: Any, write: Any, runs: Path) -> None:
    reranked = call("train", write("e5", "run:e2", "sift"), "--runs", runs, "-j", 1, "--json").document
    assert [pair[0] for pair in reranked["swept"]] == [0.0, 0.5, 1.0]
    assert reranked["weight"] in (0.0, 0.5, 1.0)
    done = call("compare", runs / "e2", runs / "e5", "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["value", "against", "runs"]
    assert (told["value"], told["against"]) == ("mAP/100", "e2")
    first, second = told["runs"]
    assert (first["run"], first["gain"], second["run"]) == (str(runs / "e2"), None, str(runs / "e5"))
    gain, low, high = second["gain"]
    assert gain == pytest.approx(second["private"]["mAP"]["100"] - first["private"]["mAP"]["100"])
    assert low <= gain <= high
    assert {key: second[key] for key in reranked if key not in ("run", "asked")} == {
        key: reranked[key] for key in reranked if key not in ("run", "asked")
    }
    turned = call("compare", runs / "e2", runs / "e5", "--against", "e5").out.splitlines()
    assert turned[0].endswith("| private gain over e5 |")
    assert f"| {-gain:+.3f} [" in turned[2]
    assert turned[3].endswith(f"| {reranked['weight']:g} |  |")


@pytest.mark.slow
def test_other_photos_may_be_asked(call: Any, e2: Any, write: Any, runs: Path, table: Path, tmp_path: Path) -> None:
    """Two photos of the gallery, each to find the nine others of its landmark, and one that cannot be read."""
    for photo in ("arch_1.jpg", "gate_2.jpg"):
        shutil.copy2(table.parent / photo, tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"bad")
    (tmp_path / "q.csv").write_text("file,landmark\narch_1.jpg,arch\ngate_2.jpg,gate\nbad.jpg,gate\n")
    done = call("train", write("e2", more=TRAIN), "--runs", runs, "--ask", tmp_path / "q.csv", "-j", 1, "--json")
    assert done.status == 1
    asked = done.document["asked"]
    assert next(iter(asked)) == "queries"
    assert (asked["queries"], asked["n"], asked["left_out"]) == (str(tmp_path / "q.csv"), 2, {"no positives": 0})
    assert "bad.jpg" in done.err
    assert done.err.splitlines()[-1].startswith("1 photo skipped: ")


@pytest.mark.slow
def test_a_broken_photo_is_told(call: Any, write: Any, table: Path, tmp_path: Path) -> None:
    for photo in table.parent.glob("*.jpg"):
        shutil.copy2(photo, tmp_path)
    (tmp_path / "fort_4.jpg").write_bytes(b"broken")
    shutil.copy2(table, tmp_path)
    done = call(
        "train", write("e1"), "--runs", tmp_path / "runs", "--set", f"data.source={tmp_path / table.name}", "-j", 1
    )
    assert done.status == 1
    assert next(line for line in done.err.splitlines() if "fort_4.jpg" in line).startswith("Skipped ")
    assert done.out.splitlines()[2].startswith("| e1 | ")


def test_wrong_use(call: Any, write: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[experiment\n")
    good = write("e9", more=TRAIN)
    for arguments, status, words in (
        (["train", tmp_path / "none.toml"], 3, f"Cannot read the experiment {tmp_path / 'none.toml'}"),
        (["train", tmp_path / "bad.toml"], 2, "bad.toml is not TOML"),
        (["train", good, "--set", "train.learning=1"], 2, "train.learning: there is no such setting."),
        (["train", good, "--set", "train"], 2, "'train' changes nothing: write section.key=value"),
        (["train", good, "--set", "evaluate.protocol=gldv2-retrieva"], 2, "did you mean 'gldv2-retrieval'"),
        (["train", good, "--set", "data.source=nowhere.csv"], 2, "nowhere.csv"),
        (["train", good, "--ask", "nothing.csv"], 2, "nothing.csv"),
        (["train", write("e8", "run:e7")], 3, "weights 'run:e7': there is no network at"),
        (["compare", tmp_path], 3, f"{tmp_path} holds no whole result"),
        (["compare"], 2, "RUN"),
    ):
        runs = ["--runs", tmp_path / "runs"] if arguments[0] == "train" else []
        done = call(*arguments, *runs, *(["-j", 1] if runs else []))
        assert (done.status, done.out) == (status, ""), arguments
        assert words in done.err, done.err
        assert done.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_runs_that_cannot_be_compared(call: Any, e2: Any, runs: Path, tmp_path: Path) -> None:
    done = call("compare", runs / "e2", "--against", "e7")
    assert (done.status, done.err) == (2, "No run here is named 'e7'; there are e2.\n")
    shutil.copytree(runs / "e2", tmp_path / "e2", ignore=lambda *_: ["index.gallery", "best", "last", "state"])
    (tmp_path / "e2" / "queries.parquet").unlink()
    done = call("compare", runs / "e2", tmp_path / "e2")
    assert (done.status, done.out) == (3, "")
    assert f"{tmp_path / 'e2'} holds no whole result" in done.err

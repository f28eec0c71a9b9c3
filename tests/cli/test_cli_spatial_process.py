"""The spatial verbs as processes of their own: what they import, and how they are stopped and go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from forger_spatial import forge_vectors
from on_a_terminal import interrupted

from periplus.spatial.pairs import tiles
from periplus.spatial.pairs.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("process")
    lat, lon, vectors = forge_vectors(700)
    pq.write_table(pa.table({"lat": lat, "lon": lon, "x": lat, "y": lon}), folder / "t.parquet")
    np.save(folder / "v.npy", vectors)
    return folder


def test_help_imports_nothing_heavy() -> None:
    for arguments in (["--help"], ["spatial", "--help"], ["spatial", "variogram", "--help"]):
        code = (
            f"import sys\nfrom periplus.cli import main\nstatus = main({arguments!r})\n"
            "heavy = {'numpy', 'cv2', 'pyarrow', 'faiss', 'scipy', 'PIL', 'matplotlib', 'torch'} & sys.modules.keys()\n"
            "sys.exit(f'{status} {heavy}' if status or heavy else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "spatial" in done.stdout


@pytest.mark.slow
def test_statistics_import_neither_torch_nor_matplotlib(folder: Path) -> None:
    runs = [
        ["spatial", verb, str(folder / "t.parquet"), "--vectors", str(folder / "v.npy"), *more]
        for verb, more in (("variogram", ["--fit", "none"]), ("similarity", []), ("collapse", []))
    ]
    code = (
        f"import sys\nfrom periplus.cli import main\nstatus = [main(run) for run in {runs!r}]\n"
        "heavy = {'matplotlib', 'torch', 'transformers', 'pandas'} & sys.modules.keys()\n"
        "sys.exit(f'{status} {heavy}' if any(status) or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


VERBS = [
    ("variogram", ("--values", "x", "--lags", 9, "--fit", "none")),
    pytest.param(
        "variogram",
        ("--values", "x", "--values", "y", "--lags", 9, "--fit", "none", "--estimator", "dowd"),
        marks=pytest.mark.slow,
    ),
    ("similarity", ("--worst", 3)),
]


@pytest.mark.parametrize(("verb", "options"), VERBS)
def test_ctrl_c_keeps_what_was_done(
    call: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, options: tuple[object, ...]
) -> None:
    vectors = ("--vectors", folder / "v.npy") if verb == "similarity" else ()
    ask = ("spatial", verb, folder / "t.parquet", *vectors, *options, "--jobs", 1, "--json")
    whole = call(*ask)
    assert whole.status == 0
    half = tmp_path / "half"
    done = tiles._Pass.pair
    count = 0

    def sometimes(self: Any, k: int) -> Any:
        nonlocal count
        count += 1
        if count == 300:
            raise KeyboardInterrupt
        return done(self, k)

    save = Checkpoint.save
    with monkeypatch.context() as patched:
        patched.setattr(tiles._Pass, "pair", sometimes)
        patched.setattr(Checkpoint, "save", lambda self, k, state, now=False: save(self, k, state, now=count >= 298))
        stopped = call(*ask, "--checkpoint", half)
    assert (stopped.status, stopped.out) == (130, "")
    assert f"What was done is kept in {half}; run the same command to go on.\nStopped.\n" in stopped.err
    assert half.exists()
    seen: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(tiles._Pass, "pair", lambda self, k: seen.append(k) or done(self, k))  # type: ignore[func-returns-value]
        resumed = call(*ask, "--checkpoint", half)
    assert resumed.out == whole.out
    assert 0 not in seen[:1]
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_checkpoint_is_refused_and_kept(call: Any, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "half"
    for content in (b"", b"something", b"PK\x03\x04"):
        other.write_bytes(content)
        done = call("spatial", "variogram", folder / "t.parquet", "--values", "x", "--checkpoint", other)
        assert (done.status, done.out) == (2, "")
        assert "is no checkpoint" in done.err
        assert other.read_bytes() == content


def test_where_nothing_is_kept_nothing_is_promised(
    call: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tiles._Pass, "pair", stop)
    ask = ("spatial", "similarity", folder / "t.parquet", "--vectors", folder / "v.npy")
    for more in ((), ("--checkpoint", tmp_path / "half")):
        done = call(*ask, *more)
        assert (done.status, done.out, done.err) == (130, "", "Stopped.\n")


@pytest.mark.slow
def test_sigint_and_resume(folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(-180, 180, n)
    pq.write_table(pa.table({"lat": lat, "lon": lon}), tmp_path / "t.parquet")
    np.save(tmp_path / "v.npy", rng.normal(size=(n, 96)).astype(np.float32))
    half = tmp_path / "half"
    command = [sys.executable, "-m", "periplus", "spatial", "variogram", tmp_path / "t.parquet", "--vectors"]
    command += [tmp_path / "v.npy", "--fit", "none", "--json", "--jobs", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    stoppable = [*map(str, command), "--checkpoint", str(half)]
    status, out, seen = interrupted(stoppable, b"Comparing pairs", environment)
    assert (status, out) == (130, b"")
    assert b"Traceback" not in seen
    assert b"run the same command to go on." in seen
    assert half.exists()
    run = [
        subprocess.run([*map(str, command), *more], capture_output=True, text=True, check=True, env=environment).stdout
        for more in (["--checkpoint", str(half)], [])
    ]
    assert run[0] == run[1]
    assert json.loads(run[0])["curves"][0]["photos"] == n
    assert not half.exists()

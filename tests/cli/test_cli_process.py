"""The program as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from on_a_terminal import interrupted

from periplus import __version__
from periplus.synth import Town

PERIPLUS = [sys.executable, "-m", "periplus"]


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*PERIPLUS, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment}
    )


def test_version() -> None:
    done = _run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"periplus {__version__}\n", "")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom periplus.cli import main\nstatus = main(['--help'])\n"
        "heavy = {'numpy', 'cv2', 'pyarrow', 'faiss', 'scipy', 'PIL'} & sys.modules.keys()\n"
        "sys.exit(f'{status} {heavy}' if status or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nothing leaves this machine" in done.stdout


@pytest.mark.parametrize(
    "verb",
    ["index", "locate", "search", "evaluate fix", "synth town"]
    + [f"gallery {verb}" for verb in ("info", "add", "remove", "compact", "export", "check")],
)
def test_every_verb_has_an_example(verb: str, call: object) -> None:
    done = call(*verb.split(), "--help")  # type: ignore[operator]
    assert done.status == 0
    assert f"Example: periplus {verb}" in " ".join(done.out.split())
    assert "--json" in done.out


def test_wrong_use_is_one_line_and_no_escape_sequence() -> None:
    for arguments in (["locat"], ["locate"], ["locate", "--\x1b[31mred"], ["gallery", "nfo"], ["index", "-o"]):
        done = _run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "\x1b" not in done.stderr
        assert "--help" in done.stderr


def test_few_letters_and_a_closed_pipe(gallery: Path) -> None:
    done = _run("gallery", "info", gallery, PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0")
    assert done.returncode == 0
    reading, writing = os.pipe()
    os.close(reading)
    command = [*PERIPLUS, "gallery", "info", str(gallery)]
    closed = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert closed.returncode == 130
    assert closed.stderr == "Stopped: nothing reads the output any more.\n"


def test_a_full_output(gallery: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [*PERIPLUS, "gallery", "info", str(gallery)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert done.stderr == "The system refused: No space left on device.\n"


@pytest.mark.slow
def test_a_bar_on_a_terminal_and_ctrl_c(town: Town, tmp_path: Path) -> None:
    command = [*PERIPLUS, "index", str(town.gallery), "-o", str(tmp_path / "g.gallery"), "-j", "1"]
    status, out, seen = interrupted(command, b"Learning what photos look like", os.environ)
    assert (status, out) == (130, b"")
    assert b"Stopped. What was done is kept; run the same command to go on." in seen
    assert b"Traceback" not in seen
    assert not (tmp_path / "g.gallery" / "gallery.json").exists()

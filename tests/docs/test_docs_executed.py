"""What the README and the guide show is what happens, on a small town."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from periplus.synth import TownConfig, make_town

ROOT = Path(__file__).resolve().parents[2]
GUIDE, README, WORLD = ROOT / "docs" / "guide.md", ROOT / "README.md", ROOT / "docs" / "world.md"
SPATIAL = ROOT / "docs" / "spatial.md"
INDEX = "periplus index town/gallery -o town.gallery"
SMALL = TownConfig(gallery=40, queries=6, strangers=3, size_px=(480, 360), blocks=(2, 1), jobs=1)
TOLERANCE = 0.01
"""How far a number of the small town may lie from the one shown: degrees, km or a probability."""


@dataclass(frozen=True)
class Shown:
    """A command of a page, what it is said to write, and its exit status."""

    command: str
    output: str
    status: int


@dataclass
class Shell:
    """Runs commands in a folder; those that were prepared are told, once, as they went."""

    folder: Path
    prepared: dict[str, tuple[str, int]] = field(default_factory=dict)

    def run(self, command: str) -> tuple[str, int]:
        """What a terminal would show, and the exit status."""
        if command in self.prepared:
            return self.prepared.pop(command)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        settings = {"PATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "COLUMNS": "200"}
        done = subprocess.run(
            # On one core: to start workers takes longer than to look at so few photos.
            ["taskset", "-c", str(min(os.sched_getaffinity(0))), "bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
        )
        return done.stdout, done.returncode


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(block: str) -> Iterator[Shown]:
    """The commands of a block; ``echo $?`` states the status of the one before it, which is 0 otherwise."""
    parts = [part.partition("\n")[::2] for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    for (command, output), following in zip(parts, [*parts[1:], ("", "")], strict=True):
        if command != "echo $?":
            yield Shown(command, output, int(following[1]) if following[0] == "echo $?" else 0)


def pattern(stated: str) -> str:
    """A regular expression for a stated output, :func:`plain`; ``...`` stands for anything, alone for any lines."""
    text = re.escape(plain(stated)).replace(re.escape("...\n"), "(?s:.*)").replace(re.escape("..."), ".*")
    return re.sub(r"(?:\\ )+", lambda _: r"\ +", text)


def plain(output: str) -> str:
    """An output with its numbers, and whether they are bounds, taken out: those of another town differ."""
    return re.sub(r"(?:\b(?:under|over) )?\d[\d.,]*(?<![.,])", "#", output)


def agrees(got: object, stated: object) -> bool:
    """Equal, numbers with a fraction to within :data:`TOLERANCE`."""
    if isinstance(got, tuple) and isinstance(stated, tuple):
        return len(got) == len(stated) and all(agrees(a, b) for a, b in zip(got, stated, strict=True))
    if isinstance(got, float) and isinstance(stated, float):
        return abs(got - stated) <= TOLERANCE
    return type(got) is type(stated) and got == stated


def run_python(block: str, names: dict[str, object]) -> int:
    """Run a block; evaluate each ``expression  # -> value`` and compare. Returns how many there were."""
    lines, compared = block.splitlines(), 0
    for node in ast.parse(block).body:
        _, arrow, stated = lines[(node.end_lineno or 0) - 1].partition("  # -> ")
        if not arrow:
            exec(compile(ast.Module([node], []), "block", "exec"), names)
            continue
        assert isinstance(node, ast.Expr), f"only an expression has a value: {lines[node.lineno - 1]}"
        got = eval(compile(ast.Expression(node.value), "block", "eval"), names)
        assert agrees(got, ast.literal_eval(stated)), f"{lines[node.lineno - 1]} gives {got!r}"
        compared += 1
    return compared


def run_page(page: Path, shell: Shell) -> None:
    """Run the commands and the Python of a page in their order; everything stated is compared."""
    names: dict[str, object] = {}
    text = page.read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(console|python)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        if language == "python":
            assert run_python(block, names)
            continue
        for shown in commands(block):
            output, status = shell.run(shown.command)
            assert status == shown.status, f"$ {shown.command}\n{output}"
            told = f"$ {shown.command}\n{output}\ndoes not look like\n{shown.output}"
            assert re.fullmatch(pattern(shown.output), plain(output)), told


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with a small town and its gallery; the commands that make them are prepared."""
    shell = Shell(tmp_path_factory.mktemp("docs"))
    make_town(shell.folder / "town", SMALL)
    told = (
        "town/gallery: 40 photos with positions.\n"
        "town/queries: 6 photos of the town without positions.\n"
        "town/strangers: 3 photos of another town.\n"
        "town/truth.csv: where the photos without positions were taken.\n"
    )
    prepared = {"periplus synth town -o town": (told, 0), INDEX: shell.run(INDEX)}
    (shell.folder / "demo").mkdir()
    (shell.folder / "demo" / "town-240").symlink_to(shell.folder / "town")
    (shell.folder / "demo" / "demo.gallery").symlink_to(shell.folder / "town.gallery")
    shell.prepared = prepared
    return shell


@pytest.mark.slow
@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.stem.lower())
def test_pages_tell_what_happens(page: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.folder)
    run_page(page, shell)


def test_a_wrong_page_is_found(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo 12 photos\n3 photos\n$ false\n$ echo $?\n1\n```\n\n```python\n1.5  # -> 1.501\n```\n"
    )
    run_page(page, shell)
    for wrong in (
        "```console\n$ echo 12 photos\n3 queries\n```\n",
        "```console\n$ echo 12 photos\n```\n",
        "```console\n$ true\n3 photos\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ true\n$ echo $?\n1\n```\n",
        "```python\n1.5  # -> 1.6\n```\n",
        "```python\n(1, True)  # -> (1, 1)\n```\n",
        "```python\nx = 1\n```\n",
    ):
        page.write_text(wrong)
        with pytest.raises(AssertionError):
            run_page(page, shell)


def test_there_is_something_to_run() -> None:
    for page, consoles, pythons in ((README, 1, 1), (GUIDE, 12, 3)):
        assert len(blocks(page, "console")) >= consoles
        assert len(blocks(page, "python")) >= pythons


@pytest.mark.slow
def test_the_world_page(tmp_path: Path) -> None:
    run_page(WORLD, Shell(tmp_path))
    assert (tmp_path / "belief.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.slow
def test_the_spatial_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(SPATIAL, Shell(tmp_path))
    assert "<svg" in (tmp_path / "matern.svg").read_text(encoding="utf-8")
    assert (tmp_path / "cloud.png").read_bytes().startswith(b"\x89PNG")

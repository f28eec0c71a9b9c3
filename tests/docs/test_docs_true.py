"""What the pages name exists: paths, links, verbs, commands of make, kinds of skips, families."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import typer

import periplus
from periplus.cli.app import app
from periplus.encode import ENCODERS
from periplus.evaluate import RETRIEVAL_PROTOCOLS
from periplus.evaluate.protocols import PROTOCOLS, threshold_text
from periplus.learn.settings import Objective
from periplus.pipeline.reranking import Method
from periplus.spatial import ESTIMATORS, FAMILIES

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
README, GUIDE, CHOOSING = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/guide.md", "docs/choosing.md")
)


def verbs() -> dict[str, set[str]]:
    """The verbs of the command line, each with those below it."""
    root = typer.main.get_command(app)
    return {name: set(getattr(verb, "commands", {})) for name, verb in root.commands.items()}  # type: ignore[attr-defined]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE), flags=re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def first_column(page: str, heading: str) -> set[str]:
    """The code in the first column of the table below a heading."""
    section = re.split(rf"^#+ {re.escape(heading)}$", page, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE))


def test_the_changelog_knows_this_version() -> None:
    newest = re.search(
        r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert newest is not None
    assert newest[1] == periplus.__version__


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text):
        path, _, anchor = (target[0] or target[1]).partition("#")
        if path.startswith("https://"):
            continue
        file = page.parent / path if path else page
        assert file.exists(), f"{page.name} leads to {path}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page.name} leads to {path}#{anchor}"


def test_the_tree_is_the_repository() -> None:
    tree = re.search(r"^```text\n(src/.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    assert tree is not None
    named = set()
    above = ""
    for line in tree[1].splitlines():
        name = line.split()[0]
        above = above if line.startswith("  ") else name
        named.add(Path(above) / name if line.startswith("  ") else Path(name))
    assert all((ROOT / path).exists() for path in named), [str(path) for path in named if not (ROOT / path).exists()]
    packages = {path.parent.relative_to(ROOT) for path in (ROOT / "src" / "periplus").glob("*/__init__.py")}
    assert packages <= named, packages - named


def test_every_verb_is_named() -> None:
    for verb, below in verbs().items():
        assert f"periplus {verb}" in README
        for name in below:
            assert re.search(rf"periplus {verb} .*\b{name}\b", README), f"{verb} {name}"
            assert f"periplus {verb} {name}" in GUIDE


def test_commands_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for block in re.findall(
            r"^```sh\n(.*?)^```|`(make [^`]*)`", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        ):
            for target in re.findall(r"^make (\w+)", "\n".join(block), flags=re.MULTILINE):
                assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), f"{page.name} names make {target}"


def test_every_kind_of_skip_is_explained() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "periplus").rglob("*.py"))
    kinds = set(re.findall(r"\b(?:PhotoError|Skip)\((?:[^()\"]|\([^()]*\)|f\"[^\"]*\")*?, \"([a-z-]+)\",", sources))
    assert {"damaged", "id-taken", "missing"} <= kinds
    assert kinds == first_column(GUIDE, "What is skipped")


def test_every_status_is_explained() -> None:
    statuses = set(re.findall(r"^\| (\d+) \|", GUIDE, flags=re.MULTILINE))
    assert statuses == set(
        re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "json.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )


def test_every_choice_has_a_row() -> None:
    assert first_column(CHOOSING, "Encoders") == set(ENCODERS)
    assert first_column(CHOOSING, "Protocols") == set(PROTOCOLS)
    assert first_column(CHOOSING, "Protocols of rankings") == set(RETRIEVAL_PROTOCOLS)
    assert first_column(CHOOSING, "Re-ranking") == set(get_args(Method))
    assert first_column(CHOOSING, "Losses") == set(get_args(Objective))
    assert first_column(CHOOSING, "Estimators of semivariograms") == set(ESTIMATORS)
    assert first_column(CHOOSING, "Models of semivariograms") == set(FAMILIES)
    for protocol in PROTOCOLS.values():
        distances = ", ".join(map(threshold_text, protocol.thresholds_km))
        assert f"| `{protocol.name}` | {distances} |" in CHOOSING


@pytest.mark.parametrize("name", ["picture.png", "spatial.png"])
def test_the_pictures_are_light(name: str) -> None:
    assert (ROOT / "docs" / name).stat().st_size < 420_000

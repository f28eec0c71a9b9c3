"""docs/json.md shows the documents as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from periplus.synth import Town

PAGE = Path(__file__).resolve().parents[2] / "docs" / "json.md"


@pytest.fixture(scope="module")
def documented() -> dict[str, list[Any]]:
    """The examples of each verb."""
    sections = re.split(r"^## periplus ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        verb, _, text = section.partition("\n")
        found[verb] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, flags=re.DOTALL)]
    return found


def test_reading(documented: dict[str, list[Any]], call: Any, gallery: Path, query: Path, indexed: Any) -> None:
    assert list(indexed.document) == list(documented["index"][0])
    for verb, entries in (("locate", "evidence"), ("search", "hits")):
        told, shown = call(verb, query, "-g", gallery, "--json").document, documented[verb][0]
        assert list(told) == list(shown)
        assert list(told["photos"][0]) == list(shown["photos"][0])
        assert list(told["photos"][0][entries][0]) == list(shown["photos"][0][entries][0])
    assert list(call("gallery", "info", gallery, "--json").document) == list(documented["gallery info"][0])
    assert list(call("gallery", "check", gallery, "--json").document) == list(documented["gallery check"][0])


def test_evaluating(documented: dict[str, list[Any]], call: Any, gallery: Path, town: Town) -> None:
    shown, elsewhere = documented["evaluate fix"]
    arguments = ["evaluate", "fix", "-g", gallery, "-j", 1, "--json"]
    told = call(*arguments, town.truth, "--thresholds-km", "0.05,1").document
    assert list(told) == list(shown)
    assert list(told["within_km"]) == list(shown["within_km"])
    assert list(told["intervals_95"]) == list(shown["intervals_95"])
    assert list(call(*arguments, town.strangers, "--elsewhere").document) == list(elsewhere)


def test_changing(documented: dict[str, list[Any]], call: Any, copied: Path, tmp_path: Path) -> None:
    for verb, *rest in (("remove", "gallery_00000.jpg"), ("compact",), ("export", "-o", tmp_path / "t.csv")):
        told = call("gallery", verb, copied, *rest, "--json").document
        assert list(told) == list(documented[f"gallery {verb}"][0])

"""``periplus synth town``."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_town(call: Any, tmp_path: Path) -> None:
    arguments = ["synth", "town", "-o", tmp_path / "t", "--gallery", 2, "--queries", 1, "--strangers", 0, "-j", 1]
    done = call(*arguments, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["root", "gallery", "queries", "strangers", "truth", "seed", "photos"]
    assert told["photos"] == {"gallery": 2, "queries": 1, "strangers": 0}
    assert len(list(Path(told["gallery"]).iterdir())) == 2
    assert "2 photos with positions." in call(*arguments).out
    other = call(*arguments, "--seed", 1)
    assert other.status == 2
    assert "another configuration" in other.err


def test_a_folder_of_other_things_is_left_alone(call: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    done = call("synth", "town", "-o", tmp_path)
    assert done.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]

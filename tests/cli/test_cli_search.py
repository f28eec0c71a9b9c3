"""``periplus search``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HIT_KEYS = [
    "rank", "id", "path", "lat_deg", "lon_deg", "score", "global_score", "local_score", "inliers", "kind", "coverage",
]  # fmt: skip


def test_one_document(call: Any, gallery: Path, query: Path) -> None:
    done = call("search", query, "-g", gallery, "-k", 3, "--json")
    assert (done.status, done.err) == (0, "")
    told = done.document
    assert list(told) == ["gallery", "k", "rerank", "weight", "photos", "skipped"]
    assert (told["k"], told["rerank"], told["weight"]) == (3, "sift", 0.2)
    (photo,) = told["photos"]
    assert list(photo) == ["photo", "hits", "seconds"]
    assert [hit["rank"] for hit in photo["hits"]] == [1, 2, 3]
    assert all(list(hit) == HIT_KEYS for hit in photo["hits"])
    scores = [hit["score"] for hit in photo["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_without_geometry(call: Any, gallery: Path, query: Path) -> None:
    told = call("search", query, "-g", gallery, "--rerank", "none", "--json").document
    assert told["weight"] is None
    (photo,) = told["photos"]
    assert len(photo["hits"]) == 10
    assert {hit["inliers"] for hit in photo["hits"]} == {None}
    assert all(hit["score"] == hit["global_score"] for hit in photo["hits"])


def test_people_read_a_list(call: Any, gallery: Path, query: Path) -> None:
    lines = call("search", query, "-g", gallery, "-k", 2).out.splitlines()
    assert lines[0] == str(query)
    assert lines[1].startswith("    1. gallery_")
    assert "matching points, 43.2" in lines[1]
    assert lines[2].startswith("    2. gallery_")
    assert lines[3:] == [""]


def test_wrong_use(call: Any, gallery: Path, query: Path) -> None:
    for wrong in (["-k", 0], ["--weight", 2], ["--weight", "nan"], ["--rerank", "patches"]):
        done = call("search", query, "-g", gallery, *wrong)
        assert (done.status, done.out) == (2, ""), wrong
        assert done.err.count("\n") == 1

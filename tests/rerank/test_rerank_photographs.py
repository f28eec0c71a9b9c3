"""Real pictures: one landmark from many sides against others."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from periplus.features import SiftConfig, extract_sift, learn_packing, unpack
from periplus.photos import DEFAULT_LIMITS, read_gray
from periplus.records import LocalFeatures
from periplus.rerank import RerankConfig, match_candidates

Photos = list[tuple[str, LocalFeatures]]


@pytest.fixture(scope="module")
def photos(shared: Path) -> Photos:
    """Landmark and stored features of each of the matching pairs."""
    folder, sift = shared / "matching-pairs", SiftConfig()
    with (folder / "photos.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    raw = [extract_sift(read_gray(folder / r["file"], sift.long_side_px, DEFAULT_LIMITS).pixels, sift) for r in rows]
    packing = learn_packing(np.concatenate([f.descriptors for f in raw]), 40)
    return [(r["landmark"], unpack(packing.pack(f))) for r, f in zip(rows, raw, strict=True)]


@pytest.mark.slow
def test_photos_of_one_landmark_score_above_photos_of_others(photos: Photos) -> None:
    same: list[float] = []
    different: list[float] = []
    for at, (landmark, query) in enumerate(photos):
        if landmark != "sacre_coeur":
            continue
        others = [i for i in range(len(photos)) if i != at]
        found = match_candidates(query, others, [photos[i][1] for i in others], RerankConfig())
        for match in found:
            # The photos of Montmartre show the Sacré-Cœur that stands on it.
            seen = photos[match.row][0] in ("sacre_coeur", "montmartre")
            (same if seen else different).append(match.score)
    a, b = np.array(same)[:, None], np.array(different)
    assert (len(same), len(different)) == (12 * 13, 12 * 27)
    auc = (a > b).mean() + (a == b).mean() / 2
    assert auc >= 0.96
    assert b.max() < 10, "no photo of another landmark verifies strongly"


@pytest.mark.slow
def test_two_cathedrals_do_not_verify(photos: Photos) -> None:
    (chartres,) = [f for landmark, f in photos if landmark == "chartres"]
    (notre_dame,) = [f for landmark, f in photos if landmark == "notre_dame"]
    for query, gallery in [(chartres, notre_dame), (notre_dame, chartres)]:
        assert match_candidates(query, [0], [gallery], RerankConfig())[0].score < 10

"""Roles of a collection's photos: kept where they are given, else drawn so that no near duplicate crosses."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from forger_landmarks import LANDMARKS
from landmark_galleries import photos, with_column
from PIL import Image, ImageOps

from periplus.curate import groups, near_duplicates, signature
from periplus.errors import UsageError
from periplus.photos import read_gray
from periplus.pipeline.splitting import with_splits
from periplus.records import Catalog

COPIES = 8
"""Of the first photo of each landmark and of two more: a third each as it is, smaller, or mirrored."""


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """60 photos and copies of some, without splits."""
    catalog = photos(tmp_path_factory.getbasetemp()).catalog
    folder = tmp_path_factory.mktemp("copies")
    rows = [{**catalog.row(row), "split": None} for row in range(60)]
    for number, row in enumerate([*range(0, 60, 10), 5, 15]):
        source, copy = str(rows[row]["path"]), folder / f"copy{number}.jpg"
        if number % 3 == 0:
            shutil.copy2(source, copy)
        else:
            with Image.open(source) as picture:
                changed = picture.resize((64, 64)) if number % 3 == 1 else ImageOps.mirror(picture)
                changed.save(copy, quality=60)
        rows.append({**rows[row], "id": f"copy{number}", "path": str(copy)})
    return Catalog.from_rows(rows)


def split(catalog: Catalog, public: float = 9, private: float = 12, index_only: float = 0.25, seed: int = 0) -> Catalog:
    return with_splits(catalog, public=public, private=private, index_only=index_only, seed=seed, jobs=1)


def test_counts_and_shares(collection: Catalog) -> None:
    """68 photos: 9 and 12 queries, and a quarter of the 47 others in the gallery only."""
    roles = Counter(split(collection).column("split"))
    assert roles == {"query-public": 9, "query-private": 12, "index": 12, "train": 35}
    shares = Counter(split(collection, 0.1, 0.25, 0.0).column("split"))
    assert shares == {"query-public": 7, "query-private": 17, "train": 44}
    none = Counter(split(collection, 0, 0, 1.0).column("split"))
    assert none["query-public"] + none["query-private"] == 0
    # The last group of a landmark is never taken: it stays to be learnt.
    assert none["train"] >= len(LANDMARKS)
    with pytest.raises(UsageError, match="ask for more than the 68 photos"):
        split(collection, 40, 40)


def test_each_landmark_gives_its_part(collection: Catalog) -> None:
    done = split(collection, 12, 12, 0.2)
    for role in ("query-public", "query-private"):
        of_role = [
            landmark for landmark, its in zip(done.column("landmark"), done.column("split"), strict=True) if its == role
        ]
        assert sorted(Counter(of_role).values()) == [2] * 6, role


@pytest.mark.parametrize("seed", range(4))
def test_no_near_duplicate_crosses(collection: Catalog, seed: int) -> None:
    done = split(collection, 14, 17, 0.3, seed)
    signatures = np.stack([signature(read_gray(Path(str(path)), 256).pixels) for path in done.column("path")])
    pairs = near_duplicates(signatures)[0]
    copies = {place: 60 + number for number, place in enumerate([*range(0, 60, 10), 5, 15])}
    assert {tuple(pair) for pair in pairs.tolist()} >= set(copies.items())
    together = groups(68, pairs)
    roles = done.column("split")
    for group in range(together.max() + 1):
        assert len({roles[row] for row in np.flatnonzero(together == group)}) == 1
    assert done.ids == collection.ids
    assert done.table.drop_columns(["split"]).equals(collection.table.drop_columns(["split"]))


def test_the_seed_decides(collection: Catalog) -> None:
    one, again, other = (split(collection, seed=seed).column("split") for seed in (1, 1, 2))
    assert one == again != other


def test_given_roles_stay(collection: Catalog) -> None:
    """Whoever names queries knows what the photos are for; other splits say nothing of that."""
    given = ["query-public", "query-private", "train", "index", "ignored", None] * 11 + ["train", "train"]
    kept = with_column(collection, "split", given)
    assert split(kept).column("split") == given
    for useless in (["train", "test"] * 34, ["train", None] * 34):
        roles = Counter(split(with_column(collection, "split", useless)).column("split"))
        assert roles == {"query-public": 9, "query-private": 12, "index": 12, "train": 35}


def test_photos_that_cannot_be_read_are_like_nothing(collection: Catalog, tmp_path: Path) -> None:
    """Two of the same broken bytes are no reason to keep them together; what is skipped later is told then."""
    paths: list[object] = collection.column("path")
    for place in (3, 4, 5):
        (tmp_path / f"{place}.jpg").write_bytes(b"no picture")
        paths[place] = str(tmp_path / f"{place}.jpg")
    paths[6] = None
    done = split(with_column(collection, "path", paths), 20, 20, 0.5)
    assert Counter(done.column("split")) == {"query-public": 20, "query-private": 20, "index": 14, "train": 14}


def test_every_photo_is_told_of(collection: Catalog) -> None:
    told: list[tuple[str, int, int | None]] = []
    some = collection.select(np.arange(5))
    with_splits(some, public=1, private=1, index_only=0.0, seed=0, jobs=1, progress=lambda *step: told.append(step))
    assert told == [("compare", done, 5) for done in range(1, 6)]


@pytest.mark.slow
def test_workers_draw_the_same_roles(collection: Catalog) -> None:
    two = with_splits(collection, public=9, private=12, index_only=0.25, seed=0, jobs=2)
    assert two.column("split") == split(collection).column("split")

"""Training photos: decoded once, kept or read again, skipped with a reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from periplus.encode.preprocess import Preprocess
from periplus.errors import EmptyInputError, PhotoError, UsageError
from periplus.learn import TrainingPhotos, hold_out, read_training_photos
from periplus.learn.data import read_square
from periplus.photos import read_rgb
from periplus.records import Catalog


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Twelve PNGs of three landmarks, one damaged, one without label, one without photo."""
    generator = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for i in range(12):
        path = tmp_path / f"{i}.png"
        Image.fromarray(generator.integers(0, 256, (20 + i, 30, 3), np.uint8)).save(path)
        split = "validation" if i in (1, 2) else "train"
        rows.append({"id": str(i), "path": str(path), "landmark": "abc"[i % 3], "split": split, "kind": str(i % 2)})
    (tmp_path / "5.png").write_bytes(b"\x89PNG broken")
    rows[7]["landmark"] = None
    rows[8]["path"] = None
    return Catalog.from_rows(rows)


def test_photos_are_read_and_skipped_ones_listed(catalog: Catalog) -> None:
    told: list[tuple[str, int, int]] = []
    photos = read_training_photos(catalog, size_px=16, progress=lambda *it: told.append(it))
    assert len(photos) == 9
    assert photos.classes == ("a", "b", "c")
    assert [photos.classes[i] for i in photos.labels] == list("abcabaabc")
    assert photos.validation.tolist() == [False, True, True, *[False] * 6]
    assert {(Path(one.path).name, one.kind) for one in photos.skipped} >= {("7.png", "no-label"), ("8", "no-photo")}
    assert len(photos.skipped) == 3
    assert told[-1] == ("read", 10, 10)
    assert photos.stored is not None
    assert photos.stored.shape == (9, 3, 16, 16)


def test_another_column_can_be_learnt(catalog: Catalog) -> None:
    assert read_training_photos(catalog, size_px=8, label="kind").classes == ("0", "1")
    with pytest.raises(UsageError, match=r"data.label 'place'.*landmark"):
        read_training_photos(catalog, size_px=8, label="place")


@pytest.mark.parametrize("fit", ["exact", "shortest"])
def test_a_square_is_what_the_encoder_will_see(tmp_path: Path, fit: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    long_side = 24 * 2 if fit == "shortest" else 24
    crop = (24, 24) if fit == "shortest" else None
    encoder = Preprocess((24, 24), fit, crop, mean=(0, 0, 0), std=(1, 1, 1))  # type: ignore[arg-type]
    seen = encoder.apply(read_rgb(tmp_path / "a.png", long_side).pixels) * 255
    square = read_square(str(tmp_path / "a.png"), 24, fit)  # type: ignore[arg-type]
    assert square.shape == (3, 24, 24)
    assert np.abs(square - seen).max() < 1e-3


def test_a_photo_of_the_right_size_is_untouched(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_square(str(tmp_path / "a.png"), 16, "shortest") == pixels.transpose(2, 0, 1)).all()


def test_photos_above_the_budget_are_read_again_and_equal(catalog: Catalog) -> None:
    kept = read_training_photos(catalog, size_px=16)
    read = read_training_photos(catalog, size_px=16, budget_bytes=1000)
    assert read.stored is None
    assert len(read) == len(kept) + 1  # that one cannot be read is not known yet
    plan = [np.array(rows) for rows in ([0, 3], [9, 1], [2, 2], [6, 7])]
    mine = [np.array([kept.paths.index(read.paths[row]) for row in rows]) for rows in plan]
    for one, other in zip(kept.batches(mine, 2), read.batches(plan, 2), strict=True):
        assert (one == other).all()
    assert list(read.batches([], 2)) == []
    assert not read.damaged


def test_another_photo_of_its_landmark_stands_in_for_a_damaged_one(catalog: Catalog) -> None:
    read = read_training_photos(catalog, size_px=16, budget_bytes=0)
    broken = next(i for i, path in enumerate(read.paths) if path.endswith("5.png"))
    after = next(i for i in range(broken + 1, len(read)) if read.labels[i] == read.labels[broken])
    (pair,) = read.batches([np.array([broken, after])], 1)
    assert (pair[0] == pair[1]).all()
    assert [Path(path).name for path in read.damaged] == ["5.png"]
    for path in read.paths:
        Path(path).unlink()
    with pytest.raises(PhotoError):
        list(read.batches([np.array([broken])], 1))


def test_the_result_does_not_depend_on_the_workers(catalog: Catalog) -> None:
    one, other = (read_training_photos(catalog, size_px=16, workers=n) for n in (1, 3))
    assert one.stored is not None
    assert other.stored is not None
    assert (one.stored == other.stored).all()
    assert one.skipped == other.skipped


def test_nothing_to_learn_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(EmptyInputError, match="1 were skipped"):
        read_training_photos(catalog.select(np.array([5])), size_px=8)
    with pytest.raises(UsageError, match="nothing to tell apart"):
        read_training_photos(catalog.select(np.array([0, 3, 6])), size_px=8)


@pytest.mark.parametrize(("validation", "expected"), [(0.25, 24), (0.0, 0), (12, 12), (1000, 90)])
def test_holding_out_takes_of_every_landmark(photos: TrainingPhotos, validation: float, expected: int) -> None:
    held = hold_out(photos, validation, 0)
    assert held.validation.sum() == expected
    counts = np.bincount(held.labels[held.validation], minlength=6)
    assert counts.max() - counts.min() <= 0
    assert (held.validation == hold_out(photos, validation, 0).validation).all()
    assert held.labels is photos.labels


def test_holding_out_keeps_a_training_photo_of_every_landmark(photos: TrainingPhotos) -> None:
    rare = dataclasses.replace(photos, labels=np.array([0, *[1] * 95]), classes=("a", "b"))
    assert not hold_out(rare, 0.9, 0).validation[0]

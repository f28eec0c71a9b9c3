"""Sources as places with vectors: galleries, tables and their files of vectors."""

from __future__ import annotations

import csv
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from world_galleries import sphere_gallery

from periplus.errors import CatalogError, EmptyInputError, UsageError
from periplus.geo import to_unit
from periplus.pipeline.spatial import Placed, Reading, open_placed, open_several

N = 24
LAT, LON = np.random.default_rng(1).uniform(-60, 60, N), np.random.default_rng(2).uniform(-180, 179, N)
VECTORS = to_unit(LAT, LON).astype(np.float32)


def _tell(_stage: str, _done: int, _total: int | None) -> None:
    """Nobody listens."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "places.parquet"
    known = [None if k in (3, 9) else k for k in range(N)]
    lat, lon = ([None if k is None else float(of[k]) for k in known] for of in (LAT, LON))
    split = ["train" if k % 3 else "test" for k in range(N)]
    pq.write_table(pa.table({"lat": lat, "lon": lon, "split": split, "number": np.arange(N)}), path)
    return path


def _numbers(found: Placed) -> list[int]:
    return [int(str(number)) for number in found.catalog.column("number")]


def _saved(folder: Path, vectors: np.ndarray, name: str = "seen.npy") -> Reading:
    np.save(folder / name, vectors)
    return Reading(vectors=folder / name)


def test_a_table_with_vectors_leaves_rows_without_position_out(table: Path, tmp_path: Path) -> None:
    found = open_placed(str(table), None, _saved(tmp_path, VECTORS), _tell)
    assert (len(found), found.unplaced, found.left_out, found.label) == (N - 2, 2, 0, "seen.npy")
    rows = [k for k in range(N) if k not in (3, 9)]
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, VECTORS[rows])
    np.testing.assert_allclose(found.catalog.positions[0], LAT[rows])
    assert found.catalog.column("number") == rows


@pytest.mark.parametrize(("dtype", "held"), [(np.float16, np.float16), (np.float32, np.float32), (float, np.float32)])
def test_types_of_vectors(table: Path, tmp_path: Path, dtype: type, held: type) -> None:
    for order in ("C", "F"):
        found = open_placed(str(table), None, _saved(tmp_path, np.asarray(VECTORS, dtype, order)), _tell)
        assert found.vectors is not None
        assert found.vectors.dtype == held
        np.testing.assert_allclose(found.vectors[5], VECTORS[6], atol=1e-3)


def test_splits_and_lots_keep_vectors_with_their_rows(table: Path, tmp_path: Path) -> None:
    reading = replace(_saved(tmp_path, VECTORS), splits=("train",), photos=6, seed=4)
    found = open_placed(str(table), None, reading, _tell)
    numbers = _numbers(found)
    assert len(numbers) == 6
    assert numbers == sorted(numbers)
    assert all(k % 3 for k in numbers)
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, VECTORS[numbers])
    assert found.left_out + 6 + found.unplaced == sum(k % 3 > 0 for k in range(N))
    again = open_placed(str(table), None, reading, _tell)
    assert again.catalog.ids == found.catalog.ids
    assert open_placed(str(table), None, replace(reading, seed=5), _tell).catalog.ids != found.catalog.ids
    assert open_placed(str(table), None, replace(reading, photos=500), _tell).left_out == 0
    with pytest.raises(UsageError, match="no split 'nope' in this source; it has test, train"):
        open_placed(str(table), None, replace(reading, splits=("nope",)), _tell)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (VECTORS[:5], "has 5 rows, but the source has 24"),
        (VECTORS[:, 0], r"holds float32 \(24,\)"),
        (VECTORS[:, :0], r"holds float32 \(24, 0\)"),
        (VECTORS[:, :, None], r"holds float32 \(24, 3, 1\)"),
        (np.zeros((N, 3), np.int64), "holds int64"),
        (VECTORS.astype(">f4"), "holds >f4"),
        (VECTORS.astype(complex), "no whole .npy file of plain numbers"),
    ],
)
def test_arrays_that_are_no_vectors(table: Path, tmp_path: Path, array: np.ndarray, words: str) -> None:
    with pytest.raises(CatalogError, match=words):
        open_placed(str(table), None, _saved(tmp_path, array), _tell)


class _Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('unpickled')",)


def test_files_that_are_no_arrays(table: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, np.array([_Harm()], object), allow_pickle=True)
    whole = file.read_bytes()
    np.save(file, VECTORS)
    for data in (whole, pickle.dumps(_Harm()), b"", b"hello", file.read_bytes()[:-1], file.read_bytes() + b"x"):
        file.write_bytes(data)
        with pytest.raises(CatalogError, match=r"x.npy is no whole .npy file of plain numbers"):
            open_placed(str(table), None, Reading(vectors=file), _tell)
    for missing in (tmp_path / "none.npy", tmp_path):
        with pytest.raises(UsageError, match="no file"):
            open_placed(str(table), None, Reading(vectors=missing), _tell)


def test_skipped_rows_and_vectors_do_not_go_together(tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "lat", "lon"], *([f"{k}.jpg", LAT[k], LON[k]] for k in range(N))])
    reading = _saved(tmp_path, VECTORS)
    with pytest.raises(CatalogError, match=r"24 rows of the table were skipped.*--column path="):
        open_placed(str(path), None, reading, _tell)
    with pytest.raises(EmptyInputError, match=r"there is 0. 24 were skipped, the first because .*--column path="):
        open_placed(str(path), None, Reading(), _tell)
    found = open_placed(str(path), None, replace(reading, columns={"path": ""}), _tell)
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, VECTORS)


def test_galleries_have_their_vectors(tmp_path: Path) -> None:
    positions = list(zip(LAT.tolist(), LON.tolist(), strict=True))
    split: dict[str, list[object]] = {"split": ["a" if k % 2 else "b" for k in range(N)], "number": list(range(N))}
    path = str(sphere_gallery(tmp_path / "s.gallery", positions, split))
    found = open_placed(path, None, Reading(), _tell)
    assert (len(found), found.unplaced, found.label) == (N, 0, "sphere")
    assert found.vectors is not None
    np.testing.assert_allclose(found.vectors, VECTORS, atol=1e-3)
    some = open_placed(path, None, Reading(splits=("b",), photos=5), _tell)
    rows = _numbers(some)
    assert some.vectors is not None
    np.testing.assert_array_equal(some.vectors, found.vectors[rows])
    assert all(k % 2 == 0 for k in rows)
    for encoder, reading in (("vlad", Reading()), (None, _saved(tmp_path, VECTORS))):
        with pytest.raises(UsageError, match="is a gallery and has its vectors"):
            open_placed(path, encoder, reading, _tell)
    with pytest.raises(UsageError, match="--column cannot change them"):
        open_placed(path, None, Reading(columns={"lat_deg": "x"}), _tell)


def test_too_few_places(tmp_path: Path, table: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("lat,lon\n1,2\n,\n,\n")
    for encoder in (None, "vlad"):
        with pytest.raises(EmptyInputError, match="there is 1, and 2 without"):
            open_placed(str(path), encoder, Reading(), _tell)
    path.write_text("lat,lon\n1,2\n1,2\n")
    assert len(open_placed(str(path), None, Reading(), _tell)) == 2
    with pytest.raises(UsageError, match="two or more"):
        Reading(photos=1)
    with pytest.raises(UsageError, match="not negative"):
        Reading(seed=-1)
    with pytest.raises(EmptyInputError, match="no photo that vlad could look at"):
        open_placed(str(table), "vlad", Reading(), _tell)


def test_one_thing_makes_the_vectors(tmp_path: Path, table: Path) -> None:
    seen = _saved(tmp_path, VECTORS)
    with pytest.raises(UsageError, match="--encoder or --vectors"):
        open_placed(str(table), "vlad", seen, _tell)
    gallery = str(sphere_gallery(tmp_path / "s.gallery", [(1.0, 2.0), (3.0, 4.0)]))
    for sources, encoders, reading, words in (
        ([str(table), gallery], [], seen, "leave --against out"),
        ([str(table), gallery], ["vlad", "asmk"], Reading(), "several encoders on one SOURCE"),
        ([str(table)], ["vlad", "vlad"], Reading(), "there once"),
        ([gallery, gallery], ["vlad"], Reading(), "Galleries have their vectors"),
        ([gallery], [], Reading(cache=tmp_path / "c"), "name it with --encoder"),
        ([gallery], [], Reading(options={"pooling": "gem"}), "name it with --encoder"),
    ):
        with pytest.raises(UsageError, match=words):
            open_several(sources, encoders, reading, _tell)
    assert not (tmp_path / "c").exists()


def test_sources_side_by_side_have_labels_of_their_own(tmp_path: Path, table: Path) -> None:
    places = [(1.0, 2.0), (3.0, 4.0)]
    (tmp_path / "more").mkdir()
    one = str(sphere_gallery(tmp_path / "one.gallery", places))
    two = str(sphere_gallery(tmp_path / "two.gallery", places))
    other = str(sphere_gallery(tmp_path / "more/one.gallery", places))

    def labels(*sources: str) -> list[str]:
        return [placed.label for placed in open_several(sources, [], Reading(), _tell)]

    assert labels(one) == ["sphere"]
    assert labels(one, two) == ["one", "two"]
    assert labels(one, other) == ["one (1)", "one (2)"]
    assert labels(one, str(table)) == ["sphere", "places.parquet"]
    assert labels(one, one) == ["one (1)", "one (2)"]

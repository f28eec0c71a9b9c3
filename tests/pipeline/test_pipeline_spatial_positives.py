"""Photos that belong together."""

from __future__ import annotations

import numpy as np
import pytest

from periplus.errors import UsageError
from periplus.geo import distance_km
from periplus.pipeline.spatial import CollapseQuestion, Placed, positives_of
from periplus.records import Catalog
from periplus.spatial import CollapseSettings


def _placed(n: int = 40, **columns: object) -> Placed:
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(-60, 60, n), rng.uniform(-180, 180, n)
    rows = [{"id": str(k), "lat_deg": float(lat[k]), "lon_deg": float(lon[k])} for k in range(n)]
    more = [{name: values[k] for name, values in columns.items()} for k in range(n)]  # type: ignore[index]
    return Placed(Catalog.from_rows([one | two for one, two in zip(rows, more, strict=True)]), None, "")


def test_each_photo_of_a_group_is_in_two_pairs_so_that_no_group_outweighs() -> None:
    names = ["a"] * 20 + ["b"] * 5 + ["pair"] * 2 + ["alone"] + [None] * 12
    placed = _placed(landmark=names)
    pairs, why = positives_of(placed, None, None, seed=1)
    assert why == "photos of one landmark"
    assert pairs is not None
    assert all(names[a] == names[b] is not None for a, b in pairs.tolist())
    times = np.bincount(pairs.ravel(), minlength=40)
    assert times.tolist() == [2] * 25 + [1, 1] + [0] * 13
    again, _ = positives_of(placed, None, None, seed=1)
    np.testing.assert_array_equal(pairs, again)
    other, _ = positives_of(placed, None, None, seed=2)
    assert other is not None
    assert other.tolist() != pairs.tolist()
    assert len({tuple(one) for one in pairs.tolist()}) == len(pairs)


def test_sequences_where_there_are_no_landmarks() -> None:
    assert positives_of(_placed(sequence=["way"] * 40), None, None)[1] == "photos of one sequence"
    assert positives_of(_placed(), None, None) == (None, "no two photos have one landmark or sequence")


def test_any_column() -> None:
    pairs, why = positives_of(_placed(kind=[k // 2 for k in range(40)]), "kind", None)
    assert (None if pairs is None else pairs.tolist()) == [[k, k + 1] for k in range(0, 40, 2)]
    assert why == "photos of one kind"
    with pytest.raises(UsageError, match="no column 'nope'"):
        positives_of(_placed(), "nope", None)
    with pytest.raises(UsageError, match="same kind"):
        positives_of(_placed(kind=list(range(40))), "kind", None)
    with pytest.raises(UsageError, match="same kind"):
        positives_of(_placed(kind=[float("nan")] * 40), "kind", None)


def test_nearest_photos() -> None:
    placed = _placed()
    lat, lon = placed.catalog.positions
    apart = np.asarray(distance_km(lat[:, None], lon[:, None], lat, lon))
    np.fill_diagonal(apart, np.inf)
    wanted = {tuple(sorted((k, int(apart[k].argmin())))) for k in range(40) if apart[k].min() <= 1500}
    pairs, why = positives_of(placed, None, 1500.0)
    assert pairs is not None
    assert {tuple(one) for one in pairs.tolist()} == wanted
    assert 0 < len(wanted) < 40
    assert why == "nearest photos within 1500 km"
    assert positives_of(placed, None, 0.0) == (None, "no two are so near")


def test_photos_at_one_place_are_never_paired_with_themselves() -> None:
    rows = [{"id": str(k), "lat_deg": 10.0, "lon_deg": 20.0} for k in range(9)]
    pairs, _ = positives_of(Placed(Catalog.from_rows(rows), None, ""), None, 0.0)
    assert pairs is not None
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert set(pairs.ravel().tolist()) == set(range(9))


def test_a_column_or_a_distance() -> None:
    with pytest.raises(UsageError, match="--positives COLUMN or by --positives-km KM"):
        CollapseQuestion(CollapseSettings(), "kind", 3.0)

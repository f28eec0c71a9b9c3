from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from periplus.curate import FINDINGS_SCHEMA, FLAGS, Appearance, AuditConfig, Measured, audit_catalog, audit_to_json
from periplus.curate.duplicates import DIM
from periplus.errors import UsageError
from periplus.records import Catalog, Skip

PLAIN = Appearance(25.0, 15.0, 2.0, 3.0, 3.0, 7.2, 0.05, 200.0)


def photo(seed: int, look: Appearance = PLAIN, size: tuple[int, int] = (640, 480), **said: object) -> Measured:
    """A measured photo that is like no other of another seed."""
    rng = np.random.default_rng(seed)
    signature = rng.normal(size=DIM)
    return Measured(
        content_hash=f"hash {seed}",
        width_px=size[0],
        height_px=size[1],
        appearance=look,
        signature=(signature / np.linalg.norm(signature)).astype(np.float32),
        statistics=rng.normal(size=30).astype(np.float32),
        **said,  # type: ignore[arg-type]
    )


def catalog(n: int, **columns: list[object]) -> Catalog:
    return Catalog.from_rows(
        [
            {
                "id": f"{row}.jpg",
                "path": f"/photos/{row}.jpg",
                **{name: values[row] for name, values in columns.items()},
            }
            for row in range(n)
        ]
    )


def flagged(measured: list[Measured | Skip | None], config: AuditConfig | None = None) -> list[set[str]]:
    found = audit_catalog(catalog(len(measured)), measured, config)
    return [{flag for flag in FLAGS if row[flag]} for row in found.findings.to_pylist()]


def test_each_finding_by_its_threshold() -> None:
    sepia = replace(PLAIN, chroma=12.0, tint_error=2.0, hue_b=8.0)
    looks: list[tuple[Appearance, set[str]]] = [
        (PLAIN, set()),
        (replace(PLAIN, chroma=2.9), {"grey"}),
        (sepia, {"sepia"}),
        (replace(sepia, hue_b=-8.0), set()),  # a cyanotype or a blue sky
        (replace(sepia, chroma=60.0), set()),
        (replace(PLAIN, sharpness=0.3), {"blurred"}),
        (replace(PLAIN, entropy_bits=1.9, sharpness=0.0, tint_error=0.0, hue_b=8.0), {"blank"}),
        (replace(PLAIN, plain_share=0.5), {"graphic"}),
        (replace(PLAIN, plain_share=0.9, plain_luma=10.0), set()),  # a night
    ]
    measured: list[Measured | Skip | None] = [photo(i, look) for i, (look, _) in enumerate(looks)]
    measured += [photo(50, size=(63, 900)), Skip("x", "damaged", "it is."), None]
    assert flagged(measured) == [*(expected for _, expected in looks), {"small"}, {"unreadable"}, set()]
    assert flagged(measured, AuditConfig(small_px=63))[-3] == set()


def test_an_outlier_among_many() -> None:
    measured: list[Measured | Skip | None] = [photo(seed) for seed in range(300)]
    measured[7] = replace(photo(7), statistics=np.full(30, 9, np.float32))
    assert [row for row, flags in enumerate(flagged(measured)) if "outlier" in flags] == [7]


def test_duplicates_of_all_kinds() -> None:
    same = photo(1)
    measured: list[Measured | Skip | None] = [
        same,
        same,  # to the byte
        replace(same, content_hash="other", width_px=2000),  # larger: this one is kept
        photo(2),
        replace(photo(2), content_hash="again"),
        photo(3),
    ]
    where = catalog(
        6, landmark=["a", "a", "b", "c", "c", "c"], split=["train", "train", "train", "train", "test", "test"]
    )
    found = audit_catalog(where, measured)
    rows = found.findings.to_pylist()
    names = ("exact_duplicate", "near_duplicate", "label_conflict", "across_splits")
    assert [[name for name in names if row[name]] for row in rows] == [
        ["near_duplicate", "label_conflict"],
        ["exact_duplicate", "near_duplicate", "label_conflict"],
        ["label_conflict"],
        ["across_splits"],
        ["near_duplicate", "across_splits"],
        [],
    ]
    assert [row["group"] for row in rows] == [0, 0, 0, 1, 1, 2]
    assert [row["similarity"] and round(row["similarity"], 4) for row in rows] == [1, 1, 1, 1, 1, None]
    assert found.duplicates.groups == ((2, 0, 1), (3, 4))
    assert found.duplicates.landmark_pairs == {"a | b": 1}
    assert found.duplicates.split_pairs == {"test | train": 1}
    assert found.flagged == 5


def test_of_equally_large_ones_the_one_in_colour_is_kept() -> None:
    grey = photo(1, replace(PLAIN, chroma=0.0))
    measured: list[Measured | Skip | None] = [grey, replace(photo(1), content_hash="in colour")]
    assert flagged(measured) == [{"grey", "near_duplicate"}, set()]


def test_a_thousand_copies_make_no_million_pairs() -> None:
    measured: list[Measured | Skip | None] = [photo(1)] * 3000
    found = audit_catalog(catalog(3000), measured)
    assert found.counts["exact_duplicate"] == found.counts["near_duplicate"] == 2999
    assert len(found.duplicates.groups) == 1


def test_the_catalog_is_believed_before_the_file() -> None:
    measured: list[Measured | Skip | None] = [
        photo(0, taken_at="2001-01-01T01:00:00", lat_deg=-33.8568, lon_deg=151.2153, camera="Box"),
        photo(1, taken_at="2001-07-01T12:00:00", lat_deg=-33.8568, lon_deg=151.2153, camera="Box"),
        photo(2),
    ]
    where = catalog(
        3, taken_at=["2019-06-01T08:00:00", None, None], lat_deg=[48.8584, None, None], lon_deg=[2.2945, None, None]
    )
    found = audit_catalog(where, measured)
    assert found.capture.parts_of_day == {"morning": 1, "noon": 1, "afternoon": 0, "night": 0, "unknown": 0}
    assert found.capture.seasons == {"winter": 1, "spring": 0, "summer": 1, "autumn": 0, "unknown": 0}
    assert found.places.countries == {"Australia": 1, "France": 1}
    assert found.places.from_file == 1
    assert found.cameras == {"Box": 2}
    assert found.findings.column("taken_at").to_pylist() == ["2019-06-01T08:00:00", "2001-07-01T12:00:00", None]


def test_the_document_is_plain_json_with_stable_keys() -> None:
    found = audit_catalog(
        catalog(3, landmark=["a", "a", None], author=["me", None, None]),
        [photo(0), Skip("1.jpg", "damaged", "it is."), None],
        skipped=[Skip("2.jpg", "missing", "it is.")],
    )
    told = json.loads(json.dumps(audit_to_json(found), allow_nan=False))
    assert list(told) == [
        "photos", "without_photo", "skipped_by_kind", "with_finding", "findings", "thresholds", "sizes_px", "splits",
        "landmarks", "duplicates", "capture", "places", "cameras", "authors",
    ]  # fmt: skip
    assert (told["photos"], told["without_photo"], told["with_finding"]) == (3, 1, 1)
    assert told["skipped_by_kind"] == {"missing": 1, "damaged": 1}
    assert list(told["findings"]) == list(FLAGS)
    assert told["sizes_px"]["width_px"] == {"least": 640, "median": 640, "largest": 640}
    assert told["landmarks"]["photos"] == {"a": 2}
    assert told["authors"] == {"different": 1, "photos": {"me": 1}}


def test_nothing_at_all() -> None:
    found = audit_catalog(Catalog.empty(), [])
    assert found.findings.schema == FINDINGS_SCHEMA
    assert found.flagged == 0
    json.dumps(audit_to_json(found), allow_nan=False)
    with pytest.raises(UsageError, match="1 outcomes do not fit 0 photos"):
        audit_catalog(Catalog.empty(), [None])

"""Reports of worldwide sets: strata, clusters, places, in values, JSON, lines and the per-query table."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from periplus.errors import UsageError
from periplus.evaluate import (
    PROTOCOLS,
    FixReport,
    QueryFacts,
    evaluate_fixes,
    report_lines,
    report_to_json,
    wilson_interval,
)
from periplus.records import Fix

WORLD = PROTOCOLS["world"]

# Paris, Lyon, San Francisco, Windhoek, a field in Kansas, the middle of the Pacific.
LAT = np.array([48.8566, 45.76, 37.7793, -22.5594, 38.6, 0.0])
LON = np.array([2.3522, 4.8357, -122.4193, 17.0832, -99.5, -150.0])
AUTHORS = ["ann", "ann", "bob", None, "bob", None]
GALLERY = (np.array([48.85, 48.9, 37.78, math.nan]), np.array([2.35, 2.3, -122.42, math.nan]))


def _fixes() -> list[Fix]:
    """Right, 392 km off, 0.9 km off, no guess, 5 km off but not offered, another continent."""
    guesses = [(48.8566, 2.3522), (48.8566, 2.3522), (37.7793, -122.4093), (math.nan, math.nan), (38.645, -99.5)]
    guesses.append((-33.87, 151.21))
    reasons = [None, None, None, "blank", "unsure", None]
    return [Fix(lat, lon, 1.0, 500.0, 0.5, 25.0, why) for (lat, lon), why in zip(guesses, reasons, strict=True)]


def _report(facts: QueryFacts | None = None, **how: Any) -> FixReport:
    table = pa.table({"author": pa.array(AUTHORS, pa.string()), "sequence": pa.nulls(6, pa.string())})
    given = facts or QueryFacts(table, GALLERY)
    return evaluate_fixes(_fixes(), LAT, LON, np.ones(6), WORLD, ids=list("abcdef"), facts=given, **how)


def test_values_by_hand() -> None:
    report = _report()
    found = {name: one.value for name, one in report.values.items()}
    assert list(found) == [
        "answered", *(f"within_km/{t}" for t in (1, 25, 200, 750, 2500)),
        *(f"within_km_answered/{t}" for t in (1, 25, 200, 750, 2500)), "geoscore", "geoscore_rounded", "mean_km",
        "mean_km_answered", "median_km", "median_km_answered", *(f"place_accuracy/{kind}" for kind in WORLD.places),
        "coverage_50", "coverage_90", "seconds_per_query",
    ]  # fmt: skip
    assert [found[f"within_km/{t}"] for t in (1, 25, 200, 750, 2500)] == [2 / 6, 3 / 6, 3 / 6, 4 / 6, 4 / 6]
    assert [found[f"within_km_answered/{t}"] for t in (1, 25, 750)] == [2 / 4, 2 / 4, 3 / 4]
    assert found["mean_km"] == math.inf
    assert found["mean_km_answered"] < 3000
    assert found["place_accuracy/country"] == 4 / 6  # Kiribati or French Polynesia is not Australia
    assert (report.values["place_accuracy/country"].low, report.values["place_accuracy/country"].high) == (
        wilson_interval(4, 6)
    )
    assert found["geoscore"] == pytest.approx(found["geoscore_rounded"], abs=1)


def test_strata() -> None:
    report = _report()
    counts = {kind: {name: one.n for name, one in strata.items()} for kind, strata in report.strata.items()}
    assert counts["continent"] == {"Africa": 1, "Europe": 2, "North America": 2, "Oceania": 1}
    assert counts["settlement"] == {"city": 4, "rural": 2}
    assert counts["gallery_within_25_km"] == {"0": 4, "1-9": 2}
    europe = report.strata["continent"]["Europe"]
    assert (europe.values["within_km/25"].value, europe.values["within_km/750"].value) == (0.5, 1)
    assert (europe.values["within_km/25"].low, europe.values["within_km/25"].high) == wilson_interval(1, 2)
    for strata in report.strata.values():
        for name, one in report.values.items():
            parts = [(s.values[name].value, s.n) for s in strata.values() if name in s.values]
            if name.startswith("within_km/") or name == "geoscore":
                assert sum(value * n for value, n in parts) / 6 == pytest.approx(one.value)


def test_clusters() -> None:
    report = _report()
    groups = report.clustered
    assert groups is not None
    assert (groups.column, groups.clusters) == ("author", 4)
    assert set(groups.intervals) == set(report.values)
    for name, effect in groups.design_effect.items():
        assert math.isnan(effect) or groups.effective_n[name] <= 6 / effect + 1e-9
    assert "median_km" not in groups.design_effect
    strata = report.strata["continent"]["Europe"].clustered
    assert strata is not None
    assert strata.clusters == 1


def test_whose_photos_belong_together() -> None:
    sequence = pa.array(["s", "s", None, None, "t", "t"])
    none = pa.nulls(6, pa.string())

    def clusters(cluster: str | None = None, **columns: pa.Array) -> Any:
        found = _report(QueryFacts(pa.table(columns), None, cluster)).clustered
        return found and (found.column, found.clusters)

    assert clusters(author=pa.array(AUTHORS), sequence=sequence) == ("author", 4)
    assert clusters(author=none, sequence=sequence) == ("sequence", 4)
    assert clusters("sequence", author=pa.array(AUTHORS), sequence=sequence) == ("sequence", 4)
    assert clusters("camera", camera=pa.array([1, 1, 1, 2, 2, None])) == ("camera", 3)
    assert clusters(author=none, sequence=none) is None
    with pytest.raises(UsageError, match="no column 'autor': did you mean 'author'"):
        clusters("autor", author=pa.array(AUTHORS))
    with pytest.raises(UsageError, match="They have none"):
        _report(QueryFacts(cluster="author"))
    with pytest.raises(UsageError, match="2 rows of the source do not fit 6 queries"):
        _report(QueryFacts(pa.table({"author": ["a", "b"]})))


def test_json() -> None:
    document = json.loads(json.dumps(report_to_json(_report()), allow_nan=False))
    assert list(document)[-6:] == ["intervals_95", "clustered", "places", "strata", "left_out", "fingerprints"]
    assert list(document["place_accuracy"]) == ["continent", "country", "region", "city"]
    assert document["mean_km"] is None
    assert list(document["clustered"]) == ["column", "clusters", "intervals_95", "design_effect", "effective_n"]
    assert len(document["clustered"]["intervals_95"]["within_km"]["25"]) == 2
    assert document["places"]["country"] == {"source": "gazetteer", "n": 6, "unknown": 0, "unrecognised": 0}
    europe = document["strata"]["continent"]["Europe"]
    assert list(europe) == [
        "n", "within_km", "geoscore", "geoscore_rounded", "mean_km", "median_km", "place_accuracy", "intervals_95",
        "clustered",
    ]  # fmt: skip
    assert (europe["n"], europe["within_km"]["750"]) == (2, 1)


def test_lines() -> None:
    lines = report_lines(_report())
    text = "\n".join(lines)
    assert lines[0] == "world: 6 queries"
    for words in (
        "GeoScore",
        "right country",
        "by author [",
        "(4 clusters by author;",
        "by continent:",
        "by settlement:",
    ):
        assert words in text, words
    assert "  true region: gazetteer, 6 queries" in lines
    head = lines[lines.index("by settlement:") + 1].split()
    assert head[:3] == ["queries", "1", "km"]
    assert lines[lines.index("by settlement:") + 2].split()[:3] == ["city", "4", "50.0"]


def test_table() -> None:
    table = _report().table
    assert table is not None
    rows = table.to_pylist()
    assert [row["guess_country"] for row in rows][:5] == ["France", "France", "United States", None, "United States"]
    assert [row["right_country"] for row in rows] == [True, True, True, False, True, False]
    assert [row["stratum_settlement"] for row in rows] == ["city"] * 4 + ["rural"] * 2
    assert [row["gallery_within_25_km"] for row in rows] == [2, 0, 1, 0, 0, 0]
    assert [row["cluster"] for row in rows] == AUTHORS
    assert {"true_city", "nearest_city_km", "nearest_town_km", "gallery_nearest_km", "stratum_continent"} <= set(
        rows[0]
    )


def test_truths_of_the_source() -> None:
    columns = pa.table({"country": ["FR", "FR", "US", "NA", "Nowhere", None]})
    report = _report(QueryFacts(columns))
    assert report.values["place_accuracy/country"].value == 3 / 4
    assert report.places["country"].source == "column country"
    assert (report.places["country"].unknown, report.places["country"].unrecognised) == (1, 1)
    assert "gallery_within_25_km" not in report.strata
    assert report.clustered is None
    assert "  true country: column country, 4 queries; left out: unknown 1, unrecognised 1" in report_lines(report)


def test_queries_without_position_take_their_facts_with_them() -> None:
    lat, lon = LAT.copy(), LON.copy()
    lat[1] = lon[1] = math.nan
    facts = QueryFacts(pa.table({"author": AUTHORS, "country": ["FR", "US", "US", "NA", "US", None]}), GALLERY)
    report = evaluate_fixes(_fixes(), lat, lon, np.ones(6), WORLD, ids=list("abcdef"), facts=facts)
    assert report.n == 5
    assert report.values["place_accuracy/country"].value == 3 / 4
    assert report.table is not None
    assert report.table.column("cluster").to_pylist() == ["ann", "bob", None, "bob", None]


def test_the_order_does_not_matter() -> None:
    order = random.Random(1).sample(range(6), 6)
    table = pa.table({"author": pa.array(AUTHORS, pa.string())})
    report = _report(QueryFacts(table, GALLERY))
    fixes = _fixes()
    again = evaluate_fixes(
        [fixes[i] for i in order], LAT[order], LON[order], np.ones(6), WORLD, ids=["abcdef"[i] for i in order],
        facts=QueryFacts(table.take(order), GALLERY),
    )  # fmt: skip
    assert repr(again.values) == repr(report.values)
    assert repr(again.clustered) == repr(report.clustered)
    assert {kind: list(strata) for kind, strata in again.strata.items()} == {
        kind: list(strata) for kind, strata in report.strata.items()
    }


@pytest.mark.parametrize("name", ["periplus-fix", "im2gps"])
def test_published_protocols_are_what_they_were(name: str) -> None:
    ids = list("abcdef")
    bare = evaluate_fixes(_fixes(), LAT, LON, np.ones(6), PROTOCOLS[name], ids=ids)
    told = evaluate_fixes(
        _fixes(), LAT, LON, np.ones(6), PROTOCOLS[name], ids=ids,
        facts=QueryFacts(pa.table({"author": AUTHORS}), GALLERY),
    )  # fmt: skip
    assert repr(bare.values) == repr(told.values)
    assert (bare.places, bare.strata, bare.clustered) == ({}, {}, None)
    assert told.clustered is not None
    assert {"clustered", "places", "strata"}.isdisjoint(report_to_json(bare))

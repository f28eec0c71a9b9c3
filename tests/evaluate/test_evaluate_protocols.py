"""Named protocols."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.errors import UsageError
from periplus.evaluate import (
    PROTOCOLS,
    FixProtocol,
    fitting_protocol,
    parse_thresholds_km,
    protocol_named,
    threshold_text,
)
from periplus.geo import EARTH_RADIUS_KM


def test_the_family_is_what_is_published() -> None:
    assert {name: protocol.thresholds_km for name, protocol in PROTOCOLS.items()} == {
        "periplus-fix": (0.025, 0.05, 0.1, 1.0, 25.0),
        "im2gps": (1.0, 25.0, 200.0, 750.0, 2500.0),
        "world": (1.0, 25.0, 200.0, 750.0, 2500.0),
        "osv5m": (25.0, 200.0, 750.0, 2500.0),
    }
    assert {name: (*protocol.scores, *protocol.places) for name, protocol in PROTOCOLS.items()} == {
        "periplus-fix": (),
        "im2gps": (),
        "world": ("geoscore", "geoscore_rounded", "mean_km", "continent", "country", "region", "city"),
        "osv5m": ("geoscore", "mean_km", "country", "region", "city"),
    }
    assert PROTOCOLS["world"].strata == ("continent", "settlement", "gallery_within_25_km")
    for name, protocol in PROTOCOLS.items():
        assert protocol.name == name
        assert protocol.distance == f"great-circle, sphere {EARTH_RADIUS_KM} km"


def test_a_wide_gallery_is_measured_as_the_world() -> None:
    town, world = PROTOCOLS["periplus-fix"], PROTOCOLS["world"]
    assert fitting_protocol([48.8, 48.9, math.nan], [2.3, 2.4, math.nan]) is town
    assert fitting_protocol([-16.8, -16.8], [179.9, -179.9]) is town, "across the date line"
    assert fitting_protocol([48.8, 40.7], [2.3, -74.0]) is world
    assert fitting_protocol([math.nan], [math.nan]) is fitting_protocol([], []) is town


def test_the_family_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PROTOCOLS["im2gps"] = PROTOCOLS["periplus-fix"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        PROTOCOLS["im2gps"].thresholds_km = (1.0,)  # type: ignore[misc]


def test_lookup() -> None:
    assert protocol_named("im2gps") is PROTOCOLS["im2gps"]
    with pytest.raises(UsageError, match=r"'im2gps3k': did you mean 'im2gps'.*periplus-fix, im2gps"):
        protocol_named("im2gps3k")
    with pytest.raises(UsageError, match="no protocol 'qqq': Choose one of"):
        protocol_named("qqq")


@pytest.mark.parametrize(
    "thresholds",
    [(), (0.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (1.0, math.inf), (math.nan,), ("a",), (None,)],
)
def test_thresholds_that_are_none(thresholds: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match=r"'odd'.*strictly increasing"):
        FixProtocol("odd", thresholds, "")


def test_other_thresholds_bear_another_name() -> None:
    protocol = PROTOCOLS["im2gps"]
    assert protocol.at([1, 25, 200, 750, 2500]) is protocol
    other = protocol.at([1, 5])
    assert (other.name, other.thresholds_km) == ("im2gps@1,5", (1.0, 5.0))
    assert other.at([0.5]).name == "im2gps@0.5"
    with pytest.raises(UsageError):
        protocol.at([5, 1])


def test_reading_thresholds() -> None:
    assert parse_thresholds_km("0.025,0.05, 0.1,1,25") == PROTOCOLS["periplus-fix"].thresholds_km
    for text in ("", "1,,2", "1;2", "1,x", "2,1", "0", "nan", "1,inf"):
        with pytest.raises(UsageError, match="no thresholds"):
            parse_thresholds_km(text)


def test_threshold_text() -> None:
    assert [threshold_text(t) for t in (0.025, 0.1, 1, 1.0, 25, 2500.0, np.float64(0.05))] == [
        "0.025", "0.1", "1", "1", "25", "2500", "0.05",
    ]  # fmt: skip


@given(st.floats(min_value=1e-6, max_value=2e4))
def test_threshold_text_reads_back(threshold: float) -> None:
    assert float(threshold_text(threshold)) == threshold

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.TiffImagePlugin import IFDRational

from periplus.photos.exif import Gps, Notes, read_coordinate, read_gps, read_time

LAT = ((48, 51, 30), "N")
LON = ((2, 17, 40), "E")


def position(lat: object, lat_ref: object, lon: object, lon_ref: object) -> tuple[Gps, list[str]]:
    notes = Notes()
    tags = {1: lat_ref, 2: lat, 3: lon_ref, 4: lon}
    return read_gps({tag: value for tag, value in tags.items() if value is not None}, notes), notes.texts


def rationals(degrees: float, denominator: int) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees as a camera writes them: whole degrees and minutes, seconds to a denominator."""
    units = round(abs(degrees) * 3600 * denominator)
    minutes, seconds = divmod(units, 60 * denominator)
    return IFDRational(minutes // 60), IFDRational(minutes % 60), IFDRational(seconds, denominator)


@given(
    lat_deg=st.floats(-90, 90),
    lon_deg=st.floats(-180, 179.9999),
    lower=st.booleans(),
    as_bytes=st.booleans(),
)
def test_rationals_round_trip(lat_deg: float, lon_deg: float, lower: bool, as_bytes: bool) -> None:
    references: list[str | bytes] = ["S" if lat_deg < 0 else "N", "W" if lon_deg < 0 else "E"]
    if lower:
        references = [str(r).lower() for r in references]
    if as_bytes:
        references = [str(r).encode() + b"\0" for r in references]
    found, warnings = position(rationals(lat_deg, 10_000), references[0], rationals(lon_deg, 10_000), references[1])
    if max(abs(lat_deg), abs(lon_deg)) > 1e-7:
        assert warnings == []
        assert found.lat_deg == pytest.approx(lat_deg, abs=2e-8)
        assert found.lon_deg == pytest.approx(lon_deg, abs=2e-8)


@given(degrees=st.floats(0, 180), style=st.sampled_from(["{:.9f}", "{:.9f}°", " {:.9f} "]))
def test_decimal_text_round_trips(degrees: float, style: str) -> None:
    found, known = read_coordinate(style.format(degrees), "W", "EW")
    assert found == pytest.approx(-degrees, abs=1e-8)
    assert known


@pytest.mark.parametrize(
    "value",
    [
        (48, 51, 30),
        [48, 51, 30],
        (48, 51.5),
        (48.858333333333334,),
        48.858333333333334,
        Fraction(17589, 360),
        "48.858333333333334",
        "48,51,30",
        "48 51 30",
        "48° 51' 30\"",
        "48°51′30″",
        "48:51:30.0",
        "48/1, 51/1, 3000/100",
        "48,51.5",
        b"48,51.5\0\0",
        "48.858333333333334 N",
        "N 48 51 30",
        "48,51.5n",
        ((48,), (51,), (30,)),
    ],
)
def test_every_spelling_of_one_latitude(value: object) -> None:
    found, known = read_coordinate(value, "N", "NS")
    assert found == pytest.approx(48.8583333333333, abs=1e-12)
    assert known


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [
        ((33, 51, 30), "S", (-33.8583333333, True)),
        ((-33, 51, 30), "S", (-33.8583333333, True)),
        ((-33, 51, 30), "", (-33.8583333333, False)),
        ((-33, -51, -30), "", (-33.8583333333, False)),
        ((0, -30, 0), "", (-0.5, False)),
        ("-33.5", None, (-33.5, False)),
        ("33.5S", None, (-33.5, True)),
        ("33.5S", "N", (-33.5, True)),  # the letter in the value is nearer to it
        ((33, 60, 0), "N", (34.0, True)),  # a rounded 59.9999
    ],
)
def test_signs_and_letters(value: object, reference: object, expected: tuple[float, bool]) -> None:
    found, known = read_coordinate(value, reference, "NS")
    assert (found, known) == (pytest.approx(expected[0]), expected[1])  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("value", "reference", "why"),
    [
        ((math.nan, 1, 1), "N", "not a number"),
        ((math.inf, 1, 1), "N", "not a number"),
        ((IFDRational(48, 0), 1, 1), "N", "not a number"),
        ((IFDRational(0, 0), 1, 1), "N", "not a number"),
        ("48/0", "N", "not a number"),
        ("0/0,0/0,0/0", "N", "not a number"),
        ("", "N", "not a number"),
        ("north", "N", "not a number"),
        (b"\xff\xfe", "N", "not a number"),
        ((), "N", "not a number"),
        ((1, 2, 3, 4), "N", "not a number"),
        ({"a": 1}, "N", "not a number"),
        ((1, 61, 0), "N", "more than 60"),
        ((1, 0, 61), "N", "more than 60"),
        ((1, -5, 0), "N", "mixes signs"),
        ((-1, 5, 0), "N", "negative"),
    ],
)
def test_what_is_no_coordinate(value: object, reference: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_coordinate(value, reference, "NS")


@pytest.mark.parametrize(
    ("lat", "lat_ref", "lon", "lon_ref", "warning"),
    [
        ((0, 0, 0), "N", (0, 0, 0), "E", "The position (0, 0) means that the receiver had none."),
        ((91, 0, 0), "N", (2, 0, 0), "E", "The position (91, 2) is not on the globe."),
        ((90, 0, 1), "N", (2, 0, 0), "E", "The position (90.0003, 2) is not on the globe."),
        ((9, 0, 0), "N", (180, 0, 1), "W", "The position (9, -180) is not on the globe."),
        (*LAT, None, None, "The GPS block has only one of latitude and longitude."),
        (LAT[0], None, LON[0], None, "The GPS position does not say which hemisphere it is in."),
        (LAT[0], None, *LON, "The GPS position does not say which hemisphere it is in."),
        (LAT[0], "\0", LON[0], "?", "The GPS position does not say which hemisphere it is in."),
        (LAT[0], 0.0, LON[0], (1, 2), "The GPS position does not say which hemisphere it is in."),
        ((math.nan,) * 3, "N", *LON, "The GPS latitude (nan, nan, nan) is not a number."),
        (*LAT, (2, 99, 0), "E", "The GPS longitude (2, 99, 0) has more than 60 minutes or seconds."),
    ],
)
def test_a_doubtful_position_is_refused_with_its_reason(
    lat: object, lat_ref: object, lon: object, lon_ref: object, warning: str
) -> None:
    found, warnings = position(lat, lat_ref, lon, lon_ref)
    assert (found.lat_deg, found.lon_deg) == (None, None)
    assert warnings == [warning]


def test_a_writer_who_signs_needs_no_references() -> None:
    found, warnings = position("37.79", None, "-122.4", None)
    assert (found.lat_deg, found.lon_deg, warnings) == (37.79, -122.4, [])


def test_no_gps_block_is_no_warning() -> None:
    notes = Notes()
    assert read_gps({}, notes) == Gps()
    assert notes.texts == []


def test_longitude_180_is_minus_180() -> None:
    assert position((1, 0, 0), "N", (180, 0, 0), "E")[0].lon_deg == -180
    assert position((1, 0, 0), "N", (180, 0, 0), "W")[0].lon_deg == -180


def test_a_void_position_is_kept_with_a_warning() -> None:
    notes = Notes()
    found = read_gps({1: "N", 2: LAT[0], 3: "E", 4: LON[0], 9: "V"}, notes)
    assert found.lat_deg == pytest.approx(48.8583333)
    assert notes.texts == ["The GPS receiver marked its position as void; it may be old."]


@pytest.mark.parametrize(
    ("value", "reference", "expected", "warned"),
    [
        (35.5, None, 35.5, False),
        (IFDRational(355, 10), b"\0", 35.5, False),
        (35.5, b"\1", -35.5, False),
        (35.5, 1, -35.5, False),
        (-35.5, 1, -35.5, False),
        (-35.5, 0.0, -35.5, False),
        ("1483900/1000", "0", 1483.9, False),
        (IFDRational(0, 0), b"\0", None, True),
        (4294967295, b"\0", None, True),
        ("high", None, None, True),
        (None, b"\1", None, False),
    ],
)
def test_altitude(value: object, reference: object, expected: float | None, warned: bool) -> None:
    notes = Notes()
    tags = {tag: v for tag, v in ((5, reference), (6, value)) if v is not None}
    assert read_gps(tags, notes).altitude_m == expected
    assert bool(notes.texts) == warned


@pytest.mark.parametrize(
    ("value", "reference", "expected"),
    [
        (206.5, "T", (206.5, "true")),
        (206.5, b"M\0", (206.5, "magnetic")),
        (206.5, None, (206.5, None)),
        (360, "t", (0.0, "true")),
        (361, "T", (None, None)),
        (-1, "T", (None, None)),
        (math.nan, "T", (None, None)),
    ],
)
def test_bearing(value: object, reference: object, expected: tuple[float | None, str | None]) -> None:
    notes = Notes()
    found = read_gps({16: reference, 17: value}, notes)
    assert (found.bearing_deg, found.bearing_reference) == expected
    assert bool(notes.texts) == (expected[0] is None)


@pytest.mark.parametrize(
    ("value", "offset", "expected", "warned"),
    [
        ("2019:03:21 11:04:22", None, "2019-03-21T11:04:22", False),
        ("2019:03:21 11:04:22\0", "+02:00", "2019-03-21T11:04:22+02:00", False),
        ("2019-03-21T11:04:22.347", "-0530", "2019-03-21T11:04:22-05:30", False),
        (b"2019:03:21 11:04:22", b"Z", "2019-03-21T11:04:22+00:00", False),
        ("2019:3:1 1:4:2", "25:00", "2019-03-01T01:04:02", False),
        ("0000:00:00 00:00:00", None, None, False),
        ("    :  :     :  :  ", None, None, False),
        ("1970:01:01 01:00:00", None, None, False),
        ("", None, None, False),
        (None, None, None, False),
        (12, None, None, False),
        ("2019:13:21 11:04:22", None, None, True),
        ("2019:02:30 11:04:22", None, None, True),
        ("2019:02:03", None, None, True),
        ("21 March 2019", None, None, True),
    ],
)
def test_time(value: object, offset: object, expected: str | None, warned: bool) -> None:
    notes = Notes()
    assert read_time(value, offset, notes) == expected
    assert bool(notes.texts) == warned


JUNK = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.floats(),
    st.integers(),
    st.tuples(st.floats(), st.floats(), st.floats()),
    st.lists(st.one_of(st.floats(), st.text(max_size=5), st.none()), max_size=5),
)


@given(tags=st.dictionaries(st.integers(0, 31), JUNK))
def test_no_gps_block_can_make_it_fall_or_lie(tags: dict[int, object]) -> None:
    notes = Notes()
    found = read_gps(tags, notes)
    assert (found.lat_deg is None) == (found.lon_deg is None)
    if found.lat_deg is not None and found.lon_deg is not None:
        assert abs(found.lat_deg) <= 90
        assert -180 <= found.lon_deg < 180
    assert found.bearing_deg is None or 0 <= found.bearing_deg < 360
    assert all(len(text) < 200 for text in notes.texts)

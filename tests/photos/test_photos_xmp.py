from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from periplus.photos import Limits
from periplus.photos.exif import Notes
from periplus.photos.xmp import read_packet, read_sidecar, sidecar_of

FRAME = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" {attributes}>{elements}'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def attributes(**values: str) -> str:
    return FRAME.format(attributes=" ".join(f'exif:{k}="{v}"' for k, v in values.items()), elements="")


def elements(**values: str) -> str:
    return FRAME.format(attributes="", elements="".join(f"<exif:{k}> {v}\n</exif:{k}>" for k, v in values.items()))


def read(packet: bytes | str) -> tuple[float | None, float | None, list[str]]:
    notes = Notes()
    found = read_packet(packet, notes)
    return found.lat_deg, found.lon_deg, notes.texts


def minutes(degrees: float, letters: str) -> str:
    whole, part = divmod(abs(degrees), 1)
    return f"{int(whole)},{part * 60:.8f}{letters[degrees < 0]}"


def seconds(degrees: float, letters: str) -> str:
    units = round(abs(degrees) * 3600)
    return f"{units // 3600},{units // 60 % 60},{units % 60}{letters[degrees < 0]}"


@given(lat_deg=st.floats(-90, 90), lon_deg=st.floats(-180, 179.999))
def test_every_spelling_round_trips(lat_deg: float, lon_deg: float) -> None:
    if max(abs(lat_deg), abs(lon_deg)) < 1e-3:
        return
    spelled = [
        (minutes(lat_deg, "NS"), minutes(lon_deg, "EW"), 1e-9),
        (seconds(lat_deg, "NS"), seconds(lon_deg, "EW"), 1.4e-4),
        (f"{lat_deg:.10f}", f"{lon_deg:.10f}", 1e-9),
        (f"{abs(lat_deg):.10f}{'NS'[lat_deg < 0]}", f"{abs(lon_deg):.10f}{'EW'[lon_deg < 0]}", 1e-9),
    ]
    for lat, lon, tolerance in spelled:
        for form in (attributes, elements):
            *found, warnings = read(form(GPSLatitude=lat, GPSLongitude=lon))
            assert found == pytest.approx([lat_deg, lon_deg], abs=tolerance)
            assert warnings == []


def test_references_apart_altitude_and_direction() -> None:
    packet = attributes(
        GPSLatitude="33.5",
        GPSLatitudeRef="S",
        GPSLongitude="70.25",
        GPSLongitudeRef="W",
        GPSAltitude="1483900/1000",
        GPSAltitudeRef="1",
        GPSImgDirection="20650/100",
        GPSImgDirectionRef="M",
    )
    found = read_packet(packet, Notes())
    assert (found.lat_deg, found.lon_deg, found.altitude_m) == (-33.5, -70.25, -1483.9)
    assert (found.bearing_deg, found.bearing_reference) == (206.5, "magnetic")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_padding(encoding: str) -> None:
    packet = attributes(GPSLatitude="48,51.5N", GPSLongitude="2,17.5E").replace("\ufeff", "").encode(encoding)
    assert read(packet + (b"\0" * 9 if encoding != "utf-16" else b""))[0] == pytest.approx(48.8583333)


def test_another_prefix_is_the_same_and_another_namespace_is_not() -> None:
    packet = attributes(GPSLatitude="1,0N", GPSLongitude="2,0E")
    assert read(packet.replace("exif:", "e:").replace("xmlns:exif", "xmlns:e"))[:2] == (1, 2)
    assert read(packet.replace("http://ns.adobe.com/exif/1.0/", "http://example.org/"))[:2] == (None, None)


@pytest.mark.parametrize(
    ("packet", "warning"),
    [
        (attributes(GPSLatitude="91,0N", GPSLongitude="2,0E"), "not on the globe"),
        (attributes(GPSLatitude="0,0N", GPSLongitude="0,0E"), "receiver had none"),
        (attributes(GPSLatitude="1,0N"), "'1,0N', ''"),
        (attributes(GPSLatitude="nan", GPSLongitude="2,0E"), "not a number"),
        (attributes(GPSLatitude="1,75.5N", GPSLongitude="2,0E"), "more than 60"),
        ("<x", "not sound XML"),
        ("", "not sound XML"),
        (b"\xff\xd8\xff", "not sound XML"),
        (b'<?xml version="1.0" encoding="none-such"?><x/>', "not sound XML"),
        ("<exif:a>unbound prefix</exif:a>", "not sound XML"),
    ],
)
def test_bad_packets_are_warnings(packet: bytes | str, warning: str) -> None:
    lat_deg, lon_deg, warnings = read(packet)
    assert (lat_deg, lon_deg) == (None, None)
    assert len(warnings) == 1
    assert warning in warnings[0]


def test_a_packet_that_says_nothing_of_positions_is_no_warning() -> None:
    assert read(FRAME.format(attributes="", elements="")) == (None, None, [])


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(20))
    + "]><x>&u;</x>"
)


@pytest.mark.parametrize(
    "packet",
    [
        LAUGHS,
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://localhost/x">%p;]><x/>',
    ],
)
def test_document_types_are_refused_unread(packet: str) -> None:
    assert read(packet)[2] == ["The XMP is not sound XML (it declares a document type, which XMP never does)."]


def test_deep_and_long_packets_cost_little() -> None:
    assert read("<a>" * 150_000)[0] is None
    long = attributes(GPSLatitude="1" * 500_000, GPSLongitude="2,0E")
    assert read(long)[0] is None
    assert read(elements(GPSLatitude="1 " * 250_000, GPSLongitude="2,0E"))[0] is None


def test_sizes_above_the_limit_are_not_parsed(tmp_path: Path) -> None:
    packet = attributes(GPSLatitude="1,0N", GPSLongitude="2,0E")
    notes = Notes()
    assert read_packet(packet, notes, "XMP", Limits(max_sidecar_bytes=100)).lat_deg is None
    assert notes.texts == ["The XMP is larger than 100 bytes."]
    (tmp_path / "a.xmp").write_text(packet)
    notes = Notes()
    assert read_sidecar(tmp_path / "a.xmp", notes, Limits(max_sidecar_bytes=100)).lat_deg is None
    assert "limit" in notes.texts[0]


def test_which_sidecar_belongs_to_a_photo(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    assert sidecar_of(photo) is None
    os.mkfifo(tmp_path / "a.jpg.xmp")
    assert sidecar_of(photo) is None
    for name in ("a.XMP", "a.xmp", "a.jpg.XMP"):
        (tmp_path / name).touch()
        assert sidecar_of(photo) == tmp_path / name
    assert read_sidecar(tmp_path / "gone.xmp", notes := Notes()).lat_deg is None
    assert notes.texts == ["The sidecar gone.xmp cannot be read: there is no such file."]


@given(st.binary(max_size=300))
def test_any_bytes_are_at_most_a_warning(data: bytes) -> None:
    read(data)

"""Positions in XMP: sidecar files and packets inside pictures (XMP specification part 2, exif namespace).

The XML of a stranger is parsed by a handler that keeps a few names and builds nothing; a document type declaration,
which is where entity bombs and external references live, is refused.
"""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from periplus.errors import PhotoError
from periplus.photos.exif import Gps, Notes, checked_position, read_altitude, read_bearing, read_coordinate
from periplus.photos.limits import DEFAULT_LIMITS, Limits
from periplus.photos.opening import open_regular

_NAMESPACE = "http://ns.adobe.com/exif/1.0/ "
_NAMES = frozenset(
    {
        "GPSLatitude",
        "GPSLatitudeRef",
        "GPSLongitude",
        "GPSLongitudeRef",
        "GPSAltitude",
        "GPSAltitudeRef",
        "GPSImgDirection",
        "GPSImgDirectionRef",
    }
)
_LONGEST = 1000
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def sidecar_of(photo: Path) -> Path | None:
    """The sidecar of a photo: ``photo.jpg.xmp``, else ``photo.xmp``, the suffix in either case; None without."""
    stems = dict.fromkeys((photo.name, photo.stem))
    candidates = (photo.with_name(stem + suffix) for stem in stems for suffix in (".xmp", ".XMP"))
    return next((path for path in candidates if path.is_file()), None)


def read_sidecar(path: Path, notes: Notes, limits: Limits = DEFAULT_LIMITS) -> Gps:
    """What a sidecar says of the camera's position; warnings go to ``notes``."""
    try:
        with open_regular(path, limits.max_sidecar_bytes) as file:
            # One byte more than allowed would mean that the file grew: the packet's own limit refuses it.
            packet = file.read(limits.max_sidecar_bytes + 1)
    except (PhotoError, OSError) as error:
        notes.add(f"The sidecar {path.name} cannot be read: {getattr(error, 'reason', error)}")
        return Gps()
    return read_packet(packet, notes, f"sidecar {path.name}", limits)


def read_packet(packet: bytes | str, notes: Notes, what: str = "XMP", limits: Limits = DEFAULT_LIMITS) -> Gps:
    """What an XMP packet says of the camera's position.

    Coordinates are ``"48,51.5N"``, ``"48,51,30N"``, or decimal degrees, which in XMP are signed: a decimal number
    without a letter is north or east unless it has a minus.
    """
    data = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
    if len(data) > limits.max_sidecar_bytes:
        notes.add(f"The {what} is larger than {limits.max_sidecar_bytes} bytes.")
        return Gps()
    try:
        # Packets are padded at will; but in UTF-16 a NUL is half a letter.
        values = _values(data if b"\0" in data[:4] or data[:2] in _UTF_16 else data.strip(b"\0 \t\r\n"))
    except (expat.ExpatError, ValueError, LookupError) as error:
        notes.add(f"The {what} is not sound XML ({error}).")
        return Gps()
    position = _position(values, notes, what)
    lat_deg, lon_deg = position or (None, None)
    altitude_m = read_altitude(values.get("GPSAltitude"), values.get("GPSAltitudeRef"), notes)
    bearing = read_bearing(values.get("GPSImgDirection"), values.get("GPSImgDirectionRef"), notes)
    return Gps(lat_deg, lon_deg, altitude_m, *bearing)


def _position(values: dict[str, str], notes: Notes, what: str) -> tuple[float, float] | None:
    texts = [values.get(name, "") for name in ("GPSLatitude", "GPSLongitude")]
    if not any(texts):
        return None
    try:
        lat_deg, _ = read_coordinate(texts[0], values.get("GPSLatitudeRef"), "NS")
        lon_deg, _ = read_coordinate(texts[1], values.get("GPSLongitudeRef"), "EW")
    except ValueError as error:
        notes.add(f"The position {texts[0][:40]!r}, {texts[1][:40]!r} of the {what} {error}.")
        return None
    return checked_position(lat_deg, lon_deg, notes)


def _values(data: bytes) -> dict[str, str]:
    """The first value of each known name, written as an attribute or as an element."""
    found: dict[str, str] = {}
    inside: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(_known(name))
        for key, value in attributes.items():
            if known := _known(key):
                found.setdefault(known, value[:_LONGEST].strip())

    def text(data: str) -> None:
        if inside and inside[-1]:
            # Expat gives the text of one element in pieces.
            found[inside[-1]] = (found.get(inside[-1], "") + data)[:_LONGEST].strip()

    def doctype(*_: object) -> None:
        raise ValueError("it declares a document type, which XMP never does")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: inside.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(data, True)
    return found


def _known(name: str) -> str:
    local = name.removeprefix(_NAMESPACE)
    return local if local != name and local in _NAMES else ""

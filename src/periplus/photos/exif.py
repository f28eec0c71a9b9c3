"""What the camera wrote, in every spelling that cameras have (EXIF 2.32, CIPA DC-008).

A value that cannot be what it says is left out, and a warning says why: a wrong position is worse than none.

- Coordinates come as rationals (degrees; degrees and minutes; degrees, minutes and seconds), as plain numbers, or as
  text with any of the usual separators. A rational ``x/0`` is no number.
- The hemisphere comes from the reference tag, in any case, as text or bytes, or from a letter or a sign in the value.
  EXIF numbers are unsigned, so without reference a bare positive number could be either hemisphere and is refused;
  but where the other coordinate has a minus, the writer signs its numbers and both are taken as signed.
- Exactly (0, 0) is what receivers write before they know where they are, and is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from PIL.Image import Exif
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

BearingReference = Literal["true", "magnetic"]

_ORIENTATION, _MAKE, _MODEL, _EXIF_IFD, _GPS_IFD = 0x0112, 0x010F, 0x0110, 0x8769, 0x8825
_LAT_REF, _LAT, _LON_REF, _LON, _ALT_REF, _ALT, _STATUS, _DIRECTION_REF, _DIRECTION = 1, 2, 3, 4, 5, 6, 9, 16, 17
_TIMES = ((0x9003, 0x9011), (0x9004, 0x9012))
"""Original, then digitized: the tags of the time and of its UTC offset."""

_HIGHEST_M = 100_000.0
_SEPARATORS = re.compile(r"[\s,;:°ºd'′m\"″s]+")
_TIME = re.compile(r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})", re.ASCII)


@dataclass
class Notes:
    """Warnings gathered while reading one file.

    Attributes:
        texts: one sentence each.
    """

    texts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Note a warning, once."""
        if text not in self.texts:
            self.texts.append(text)


@dataclass(frozen=True)
class Gps:
    """Position and direction of a camera; None where unknown.

    Attributes:
        lat_deg, lon_deg: WGS84 degrees, longitude in [-180, 180); both or neither.
        altitude_m: above sea level, negative below.
        bearing_deg: direction of the picture, clockwise from north, in [0, 360).
        bearing_reference: which north.
    """

    lat_deg: float | None = None
    lon_deg: float | None = None
    altitude_m: float | None = None
    bearing_deg: float | None = None
    bearing_reference: BearingReference | None = None


def orientation_of(picture: ImageFile) -> int:
    """How the picture has yet to be turned: its EXIF orientation, 1 to 8; 1 where it is missing or unreadable."""
    if isinstance(picture, TiffImageFile):
        # Pillow turns these when it loads them, and says the upright size from the start.
        return 1
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        # A picture with an unreadable EXIF block is still a picture.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def gps_of(exif: Exif, notes: Notes) -> Gps:
    """Position, altitude and direction from the GPS block."""
    return read_gps(exif.get_ifd(_GPS_IFD), notes)


def read_gps(tags: Mapping[int, object], notes: Notes) -> Gps:
    """The same from GPS tags by their numbers (EXIF 2.32, table 15)."""
    position = _position(tags, notes)
    if position and _text(tags.get(_STATUS)).upper() == "V":
        notes.add("The GPS receiver marked its position as void; it may be old.")
    lat_deg, lon_deg = position or (None, None)
    altitude_m = read_altitude(tags.get(_ALT), tags.get(_ALT_REF), notes)
    return Gps(lat_deg, lon_deg, altitude_m, *read_bearing(tags.get(_DIRECTION), tags.get(_DIRECTION_REF), notes))


def taken_at(exif: Exif, notes: Notes) -> str | None:
    """When the shutter opened: ISO 8601 local time to the second, with the UTC offset where the file has it."""
    tags = exif.get_ifd(_EXIF_IFD)
    for time_tag, offset_tag in _TIMES:
        if time := read_time(tags.get(time_tag), tags.get(offset_tag), notes):
            return time
    return None


def camera_of(exif: Exif) -> str | None:
    """Make and model, the make not repeated."""
    make, model = (_text(exif.get(tag))[:80] for tag in (_MAKE, _MODEL))
    repeated = make and model.casefold().startswith(make.split()[0].casefold())
    return (model if repeated else f"{make} {model}".strip()) or None


def read_time(value: object, offset: object, notes: Notes) -> str | None:
    """One EXIF time; zeros, blanks and the first day of 1970 mean that the clock was never set."""
    text = _text(value)
    if not re.search(r"[1-9]", text) or text.startswith(("1970:01:01", "1970-01-01")):
        return None
    try:
        found = _TIME.match(text)
        if not found:
            raise ValueError
        time = datetime(*(int(part) for part in found.groups())).isoformat()  # type: ignore[arg-type]
    except ValueError:
        notes.add(f"The time {text[:40]!r} is not a time.")
        return None
    zone = re.fullmatch(r"([+-])(0\d|1[0-4]):?([0-5]\d)", _text(offset).replace("Z", "+00:00"))
    return f"{time}{zone[1]}{zone[2]}:{zone[3]}" if zone else time


def read_altitude(value: object, reference: object, notes: Notes) -> float | None:
    """Metres above sea level; reference 1 means below."""
    if value is None:
        return None
    metres = _number(value)
    if metres is None or abs(metres) > _HIGHEST_M:
        notes.add(f"The altitude {_shown(value)} is not a height.")
        return None
    below = reference in (1, b"\x01", "1", "\x01", b"1")
    return -abs(metres) if below else metres


def read_bearing(value: object, reference: object, notes: Notes) -> tuple[float | None, BearingReference | None]:
    """Degrees clockwise from north in [0, 360), and which north."""
    if value is None:
        return None, None
    degrees = _number(value)
    if degrees is None or not 0 <= degrees <= 360:
        notes.add(f"The direction {_shown(value)} is not between 0 and 360 degrees.")
        return None, None
    references: dict[str, BearingReference] = {"T": "true", "M": "magnetic"}
    return degrees % 360, references.get(_text(reference).upper()[:1])


def checked_position(lat_deg: float, lon_deg: float, notes: Notes) -> tuple[float, float] | None:
    """A position if it is on the globe and not (0, 0); longitude 180 becomes -180."""
    if lat_deg == 0 and lon_deg == 0:
        notes.add("The position (0, 0) means that the receiver had none.")
    elif abs(lat_deg) > 90 or abs(lon_deg) > 180:
        notes.add(f"The position ({lat_deg:.6g}, {lon_deg:.6g}) is not on the globe.")
    else:
        return lat_deg, -180.0 if lon_deg == 180 else lon_deg
    return None


def _position(tags: Mapping[int, object], notes: Notes) -> tuple[float, float] | None:
    values = (tags.get(_LAT), tags.get(_LON))
    if None in values:
        if values != (None, None):
            notes.add("The GPS block has only one of latitude and longitude.")
        return None
    read = []
    for value, reference, letters, name in zip(
        values, (tags.get(_LAT_REF), tags.get(_LON_REF)), ("NS", "EW"), ("latitude", "longitude"), strict=True
    ):
        try:
            read.append(read_coordinate(value, reference, letters))
        except ValueError as error:
            notes.add(f"The GPS {name} {_shown(value)} {error}.")
            return None
    signed = any(degrees < 0 and not known for degrees, known in read)
    if not signed and not all(known for _, known in read):
        notes.add("The GPS position does not say which hemisphere it is in.")
        return None
    return checked_position(read[0][0], read[1][0], notes)


def read_coordinate(value: object, reference: object, letters: str) -> tuple[float, bool]:
    """One coordinate in any spelling.

    Args:
        value: one number, or up to three (degrees, minutes, seconds), or text.
        reference: the hemisphere's letter, text or bytes; may be missing or nonsense.
        letters: the positive and the negative letter: ``"NS"`` or ``"EW"``.

    Returns:
        Signed degrees, and whether a letter gave the hemisphere.

    Raises:
        ValueError: with the end of a sentence that says what is wrong.
    """
    letter = _text(reference).upper()[:1]
    if isinstance(value, (str, bytes)):
        text = _text(value).upper()
        if text[-1:] in tuple(letters):
            letter, text = text[-1], text[:-1]
        elif text[:1] in tuple(letters):
            letter, text = text[0], text[1:]
        value = [part for part in _SEPARATORS.split(text.lower().strip()) if part]
    degrees = _sexagesimal(value if isinstance(value, Sequence) else [value])
    if letter not in tuple(letters):
        return degrees, False
    if degrees < 0 and letter == letters[0]:
        raise ValueError(f"is negative, but its reference is {letter}")
    return (-abs(degrees) if letter == letters[1] else degrees), True


def _sexagesimal(parts: Sequence[object]) -> float:
    numbers = [number for number in map(_number, parts) if number is not None]
    if not 1 <= len(parts) <= 3 or len(numbers) < len(parts):
        raise ValueError("is not a number")
    if any(abs(part) > 60 for part in numbers[1:]):
        raise ValueError("has more than 60 minutes or seconds")
    first = next((number for number in numbers if number), 0.0)
    if any(number < 0 for number in numbers) and first > 0:
        raise ValueError("mixes signs")
    return math.copysign(sum(abs(number) / 60**power for power, number in enumerate(numbers)), first)


def _number(value: object) -> float | None:
    """A finite number, or None; text may be decimal or a fraction."""
    try:
        if isinstance(value, (str, bytes)):
            above, _, below = _text(value).partition("/")
            number = float(above) / float(below or 1)
        elif isinstance(value, Sequence):
            return _number(value[0]) if len(value) == 1 else None
        else:
            number = float(value)  # type: ignore[arg-type]
    except (ArithmeticError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    """Printable text of a tag, whatever type it was written with."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value.partition("\0")[0] if c.isprintable()).strip()


def _shown(value: object) -> str:
    return repr(value)[:60]

"""What a camera writes into its photos: time, make, and where it stood."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image as PillowImage
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

MAKE, MODEL = "Periplus", "Periplus synthetic"
SECOND_PARTS = 100_000
"""Seconds of arc are written in hundred-thousandths: 0.3 mm on the ground."""


@dataclass(frozen=True)
class Tags:
    """What is written.

    Attributes:
        taken_at: local time as EXIF has it, ``YYYY:MM:DD HH:MM:SS``.
        focal_35mm: focal length in mm for a 36 mm wide film.
        position_deg: latitude and longitude, or None to write no GPS block.
        bearing_deg: true direction of the picture, clockwise from north; written with a position only.
    """

    taken_at: str
    focal_35mm: int
    position_deg: tuple[float, float] | None = None
    bearing_deg: float = 0.0


def exif(tags: Tags) -> PillowImage.Exif:
    """Make the EXIF block (Exif 2.32, sections 4.6.4 to 4.6.6)."""
    block = PillowImage.Exif()
    block[Base.Make] = MAKE
    block[Base.Model] = MODEL
    block[Base.Orientation] = 1
    block[Base.DateTime] = tags.taken_at
    details = block.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = tags.taken_at
    details[Base.FocalLengthIn35mmFilm] = tags.focal_35mm
    if tags.position_deg is not None:
        lat, lon = tags.position_deg
        gps = block.get_ifd(IFD.GPSInfo)
        gps[GPS.GPSVersionID] = b"\x02\x03\x00\x00"
        gps[GPS.GPSLatitudeRef] = "N" if lat >= 0 else "S"
        gps[GPS.GPSLatitude] = sexagesimal(lat)
        gps[GPS.GPSLongitudeRef] = "E" if lon >= 0 else "W"
        gps[GPS.GPSLongitude] = sexagesimal(lon)
        gps[GPS.GPSImgDirectionRef] = "T"
        gps[GPS.GPSImgDirection] = IFDRational(round(tags.bearing_deg * 100) % 36000, 100)
        gps[GPS.GPSMapDatum] = "WGS-84"
    return block


def sexagesimal(angle_deg: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds of the size of an angle, as EXIF's three rationals."""
    parts = round(abs(angle_deg) * 3600 * SECOND_PARTS)
    minutes, seconds = divmod(parts, 60 * SECOND_PARTS)
    degrees, minutes = divmod(minutes, 60)
    return IFDRational(degrees, 1), IFDRational(minutes, 1), IFDRational(seconds, SECOND_PARTS)

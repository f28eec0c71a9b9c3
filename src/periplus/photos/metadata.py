"""Everything that a photo's file says of where, when and with what it was taken.

Of positions, the sidecar's wins, for a person or a program wrote it after the camera; then the EXIF block's, then that
of an XMP packet inside the picture. Altitude and direction come from where the position comes from, and from the EXIF
block where that says nothing of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL.Image import Exif
from PIL.ImageFile import ImageFile

from periplus.photos.decode import upright_size
from periplus.photos.exif import BearingReference, Gps, Notes, camera_of, gps_of, orientation_of, taken_at
from periplus.photos.limits import DEFAULT_LIMITS, Limits
from periplus.photos.opening import opened, quiet
from periplus.photos.xmp import read_packet, read_sidecar, sidecar_of


@dataclass(frozen=True)
class PhotoMetadata:
    """What the file says; None where it says nothing that can be believed.

    Attributes:
        lat_deg, lon_deg: where the camera stood, WGS84 degrees, longitude in [-180, 180); both or neither.
        position_source: who says so: ``"exif"``, or ``"xmp"`` (sidecar or packet inside the picture).
        altitude_m: above sea level.
        bearing_deg: where the camera looked, clockwise from north, in [0, 360).
        bearing_reference: which north; None where it is not said.
        taken_at: ISO 8601 local time, with its UTC offset where known.
        camera: make and model.
        width_px, height_px: of the upright full picture.
        warnings: what was there but could not be believed, one sentence each.
    """

    lat_deg: float | None
    lon_deg: float | None
    position_source: Literal["exif", "xmp"] | None
    altitude_m: float | None
    bearing_deg: float | None
    bearing_reference: BearingReference | None
    taken_at: str | None
    camera: str | None
    width_px: int
    height_px: int
    warnings: tuple[str, ...] = ()


def read_metadata(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS, sidecar: bool = True) -> PhotoMetadata:
    """Read what a photo says of itself, without decoding it (but for a PNG that keeps its EXIF behind the pixels).

    Args:
        path: the photo.
        limits: of the photo and of its sidecar.
        sidecar: whether ``photo.jpg.xmp`` or ``photo.xmp`` beside it is read.

    Raises:
        PhotoError: the file is no photo that can be opened; bad metadata is only a warning.
    """
    notes = Notes()
    complaints: list[str] = []
    with opened(path, limits, complaints) as picture:
        with quiet(complaints):
            exif = _exif(picture, notes)
            gps, time, camera = _camera_said(exif, notes)
            width_px, height_px = upright_size(picture.size, orientation_of(picture))
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    for complaint in complaints:
        notes.add(f"The picture's header is not sound: {complaint}")
    source, gps = _best_position(Path(path) if sidecar else None, gps, packet, notes, limits)
    return PhotoMetadata(
        lat_deg=gps.lat_deg,
        lon_deg=gps.lon_deg,
        position_source=source,
        altitude_m=gps.altitude_m,
        bearing_deg=gps.bearing_deg,
        bearing_reference=gps.bearing_reference,
        taken_at=time,
        camera=camera,
        width_px=width_px,
        height_px=height_px,
        warnings=tuple(notes.texts),
    )


def _exif(picture: ImageFile, notes: Notes) -> Exif:
    try:
        block = picture.info.get("exif", b"")
        # Pillow passes over a block that begins like no EXIF without a word.
        if block and not block.removeprefix(b"Exif\0\0").startswith((b"II", b"MM")):
            notes.add("The EXIF block begins like none and was not read.")
        return picture.getexif()
    except Exception as error:
        # The parser of untrusted EXIF raises anything, and the photo is good without it.
        notes.add(f"The EXIF block cannot be read ({type(error).__name__}: {str(error)[:100]}).")
        return Exif()


def _camera_said(exif: Exif, notes: Notes) -> tuple[Gps, str | None, str | None]:
    """Position, time and camera; a block that cannot be read costs only itself."""
    gps, time, camera = Gps(), None, None
    try:
        camera = camera_of(exif)
        gps = gps_of(exif, notes)
        time = taken_at(exif, notes)
    except Exception as error:
        notes.add(f"A part of the EXIF cannot be read ({type(error).__name__}: {str(error)[:100]}).")
    return gps, time, camera


def _best_position(
    photo: Path | None, camera: Gps, packet: object, notes: Notes, limits: Limits
) -> tuple[Literal["exif", "xmp"] | None, Gps]:
    beside = sidecar_of(photo) if photo else None
    if beside and (written := read_sidecar(beside, notes, limits)).lat_deg is not None:
        return "xmp", _completed(written, camera)
    if camera.lat_deg is not None:
        return "exif", camera
    if isinstance(packet, (bytes, str)):
        inside = read_packet(packet, notes, "XMP inside the picture", limits)
        if inside.lat_deg is not None:
            return "xmp", _completed(inside, camera)
    return None, camera


def _completed(gps: Gps, camera: Gps) -> Gps:
    """Altitude and direction of the camera where the position's own source has none."""
    own = gps.bearing_deg is not None
    return Gps(
        gps.lat_deg,
        gps.lon_deg,
        camera.altitude_m if gps.altitude_m is None else gps.altitude_m,
        gps.bearing_deg if own else camera.bearing_deg,
        gps.bearing_reference if own else camera.bearing_reference,
    )

"""Opening a picture: formats, limits, orientation, EXIF and sidecars."""

from periplus.photos.decode import Picture, read_gray, read_rgb
from periplus.photos.formats import PHOTO_SUFFIXES, Format, is_photo_name, sniff
from periplus.photos.limits import DEFAULT_LIMITS, Limits
from periplus.photos.metadata import PhotoMetadata, read_metadata
from periplus.photos.thumbnails import jpeg_thumbnail

__all__ = [
    "DEFAULT_LIMITS",
    "PHOTO_SUFFIXES",
    "Format",
    "Limits",
    "PhotoMetadata",
    "Picture",
    "is_photo_name",
    "jpeg_thumbnail",
    "read_gray",
    "read_metadata",
    "read_rgb",
    "sniff",
]

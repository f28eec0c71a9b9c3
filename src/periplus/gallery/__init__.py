"""One directory on disk: catalog, vectors, words, local features."""

from periplus.gallery.create import create_gallery, require_vacant
from periplus.gallery.info import damaged_files, info
from periplus.gallery.manifest import FORMAT_VERSION, Manifest, SegmentInfo
from periplus.gallery.segment import SegmentWriter
from periplus.gallery.snapshot import Gallery, open_gallery
from periplus.gallery.writer import COMPACT_ROWS, GalleryWriter

__all__ = [
    "COMPACT_ROWS",
    "FORMAT_VERSION",
    "Gallery",
    "GalleryWriter",
    "Manifest",
    "SegmentInfo",
    "SegmentWriter",
    "create_gallery",
    "damaged_files",
    "info",
    "open_gallery",
    "require_vacant",
]

"""One directory on disk: catalog, vectors, words, local features."""

from periplus.gallery.bulk import BULK_ROWS, bare_hashes
from periplus.gallery.create import create_gallery, require_vacant
from periplus.gallery.info import damaged_files, info
from periplus.gallery.manifest import FORMAT_VERSION, Manifest, SegmentInfo, read_manifest
from periplus.gallery.segment import SegmentWriter
from periplus.gallery.snapshot import Gallery, open_gallery
from periplus.gallery.writer import COMPACT_ROWS, GalleryWriter

__all__ = [
    "BULK_ROWS",
    "COMPACT_ROWS",
    "FORMAT_VERSION",
    "Gallery",
    "GalleryWriter",
    "Manifest",
    "SegmentInfo",
    "SegmentWriter",
    "bare_hashes",
    "create_gallery",
    "damaged_files",
    "info",
    "open_gallery",
    "read_manifest",
    "require_vacant",
]

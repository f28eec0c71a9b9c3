"""The names inside a gallery's folder.

    gallery.json                          the manifest, written last: it alone says what belongs to the gallery
    lock                                  held by the one writer
    segments/000000/catalog.parquet       rows
    segments/000000/vectors.npy           float16 (rows, d)
    segments/000000/<arena>.bin           blobs of the rows, with <arena>.offsets.npy
    tombstones/000000-<hash>.parquet      deleted rows of all segments
    resources/<name>-<hash>.npy|json      codebooks, calibrations

Names that come from disk are matched whole against these patterns, so that none can lead out of the folder.
"""

from __future__ import annotations

import re

MANIFEST, LOCK = "gallery.json", "lock"
SEGMENTS, TOMBSTONES, RESOURCES = FOLDERS = ("segments", "tombstones", "resources")
CATALOG, VECTORS = "catalog.parquet", "vectors.npy"
BLOBS, OFFSETS = ".bin", ".offsets.npy"

HASH = re.compile(r"[0-9a-f]{32}")
SEGMENT_NAME = re.compile(r"[0-9]{6,9}")
SEGMENT_FILE = re.compile(r"catalog\.parquet|vectors\.npy|[a-z][a-z0-9_]{0,30}\.(?:bin|offsets\.npy)")
ARENA_NAME = re.compile(r"(?!(?:catalog|vectors|manifest|tombstones|resources)\Z)[a-z][a-z0-9_]{0,30}")
TOMBSTONE_FILE = re.compile(r"(?P<number>[0-9]{6,9})-(?P<hash>[0-9a-f]{32})\.parquet")
RESOURCE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
RESOURCE_FILE = re.compile(r"(?P<name>[a-z][a-z0-9_-]{0,40})-(?P<hash>[0-9a-f]{32})\.(?P<kind>npy|json)")

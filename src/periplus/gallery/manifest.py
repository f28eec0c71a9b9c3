"""The manifest: the one file that says what a gallery consists of."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from periplus.errors import GalleryError
from periplus.gallery import layout
from periplus.store import damaged, read_json, write_json_atomic

FORMAT_VERSION = 1
MAX_DIM = 1 << 20
_MAX_ROWS = 1 << 40


@dataclass(frozen=True)
class SegmentInfo:
    """One segment.

    Attributes:
        name: of its folder.
        rows: how many, deleted ones included.
        files: content hash by file name.
    """

    name: str
    rows: int
    files: dict[str, str]

    @property
    def arenas(self) -> tuple[str, ...]:
        """Names of its arenas, sorted."""
        return tuple(sorted(f.removesuffix(layout.BLOBS) for f in self.files if f.endswith(layout.BLOBS)))


@dataclass(frozen=True)
class Manifest:
    """What a gallery consists of.

    Attributes:
        encoder: specification of the encoder; JSON, opaque here.
        fingerprint: of the encoder.
        dim: length of a vector.
        segments: in row order.
        tombstones: file name of the table of deleted rows, None where nothing is deleted.
        resources: file name by resource name.
        format_version: of the layout on disk.
    """

    encoder: dict[str, object]
    fingerprint: str
    dim: int
    segments: tuple[SegmentInfo, ...] = ()
    tombstones: str | None = None
    resources: dict[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def rows(self) -> int:
        """Rows of all segments, deleted ones included."""
        return sum(info.rows for info in self.segments)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Publish a manifest: the moment at which a change of a gallery happens.

    Raises:
        CannotRunError: the system refused to write.
    """
    write_json_atomic(root / layout.MANIFEST, asdict(manifest))


def read_manifest(root: Path) -> Manifest:
    """The manifest of the gallery in a folder.

    Raises:
        GalleryError: there is no gallery, it was made by a newer Periplus, or its manifest is damaged.
    """
    path = root / layout.MANIFEST
    if not os.path.lexists(path):
        raise GalleryError(f"There is no gallery at {root}. Make one with: periplus index SOURCE -o {root}")
    document = read_json(path)
    version = document.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise GalleryError(
            f"{path} has format {version}, made by a newer Periplus; this one reads format {FORMAT_VERSION}. "
            "Install a newer Periplus, or index the photos again."
        )
    try:
        return _parse(document)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def _parse(document: Mapping[str, object]) -> Manifest:
    _keys(document, Manifest.__dataclass_fields__, "the manifest")
    version, dim, tombstones = document["format_version"], document["dim"], document["tombstones"]
    _check(type(version) is int and version == FORMAT_VERSION, "format_version", version)
    _check(type(dim) is int and 1 <= dim <= MAX_DIM, "dim", dim)
    _check(tombstones is None or _matches(layout.TOMBSTONE_FILE, tombstones), "tombstones", tombstones)
    encoder, fingerprint, resources = document["encoder"], document["fingerprint"], document["resources"]
    _check(isinstance(encoder, dict), "encoder", encoder)
    _check(isinstance(fingerprint, str) and fingerprint != "", "fingerprint", fingerprint)
    segments = document["segments"]
    if not isinstance(segments, list) or not isinstance(resources, dict):
        raise ValueError("its segments are no list or its resources no object")
    for name, file in resources.items():
        match = layout.RESOURCE_FILE.fullmatch(file) if isinstance(file, str) else None
        _check(match is not None and match["name"] == name, f"resource {name!r}", file)
    infos = tuple(_parse_segment(segment) for segment in segments)
    _check(len({info.name for info in infos}) == len(infos), "segments", [info.name for info in infos])
    return Manifest(
        encoder=cast(dict[str, object], encoder),
        fingerprint=cast(str, fingerprint),
        dim=cast(int, dim),
        segments=infos,
        tombstones=cast("str | None", tombstones),
        resources=resources,
    )


def _parse_segment(segment: object) -> SegmentInfo:
    if not isinstance(segment, dict):
        raise ValueError(f"a segment is {segment!r:.80}")
    _keys(segment, SegmentInfo.__dataclass_fields__, "a segment")
    name, rows, files = segment["name"], segment["rows"], segment["files"]
    _check(_matches(layout.SEGMENT_NAME, name), "segment name", name)
    _check(type(rows) is int and 1 <= rows <= _MAX_ROWS, f"rows of segment {name}", rows)
    if not isinstance(files, dict) or not {layout.CATALOG, layout.VECTORS} <= files.keys():
        raise ValueError(f"segment {name} has the files {files!r:.200}")
    for file, digest in files.items():
        _check(_matches(layout.HASH, digest), f"hash of {file!r:.80}", digest)
    info = SegmentInfo(name, rows, files)
    expected = {layout.CATALOG, layout.VECTORS} | {
        a + end for a in info.arenas for end in (layout.BLOBS, layout.OFFSETS)
    }
    arenas_fit = all(layout.ARENA_NAME.fullmatch(arena) for arena in info.arenas)
    _check(arenas_fit and files.keys() == expected, f"files of segment {name}", sorted(files))
    return info


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _keys(document: Mapping[str, object], expected: Mapping[str, object], what: str) -> None:
    if document.keys() != expected.keys():
        unknown, missing = sorted(document.keys() - expected.keys()), sorted(expected.keys() - document.keys())
        raise ValueError(f"{what} has the unknown keys {unknown!r:.200} and lacks {missing}")


def _check(right: bool, what: str, value: object) -> None:
    if not right:
        raise ValueError(f"{what} cannot be {value!r:.200}")

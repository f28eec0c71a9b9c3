"""Numbers about a gallery, and the proof that it is undamaged."""

from __future__ import annotations

from pathlib import Path

from periplus.gallery import layout
from periplus.gallery.snapshot import Gallery
from periplus.store import content_hash


def info(gallery: Gallery) -> dict[str, object]:
    """What a person wants to know of a gallery; JSON with stable keys, sizes in bytes."""
    total = sum(gallery.disk_bytes.values())
    rows = len(gallery)
    return {
        "path": str(gallery.path),
        "rows": rows,
        "with_position": int(gallery.catalog.has_position.sum()),
        "deleted_rows": gallery.manifest.rows - rows,
        "segments": len(gallery.manifest.segments),
        "dim": gallery.dim,
        "encoder": gallery.encoder,
        "fingerprint": gallery.fingerprint,
        "content_digest": gallery.content_digest,
        "resources": sorted(gallery.manifest.resources),
        "disk_bytes": {**gallery.disk_bytes, "total": total},
        "bytes_per_photo": round(total / rows, 1) if rows else None,
    }


def damaged_files(gallery: Gallery) -> list[Path]:
    """Read everything and compare it with the hashes of the manifest: the segment files whose bytes changed.

    Opening checks the structure of every file and the content of catalogs, tombstones and resources; this also
    finds a flipped bit in a vector or a blob.
    """
    return [
        path
        for segment in gallery.manifest.segments
        for file, digest in segment.files.items()
        if _hash(path := gallery.path / layout.SEGMENTS / segment.name / file) != digest
    ]


def _hash(path: Path) -> str | None:
    try:
        return content_hash(path)
    except OSError:
        return None

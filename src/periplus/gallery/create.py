"""Making a gallery."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from periplus.errors import GalleryError, UsageError
from periplus.gallery import layout
from periplus.gallery.manifest import MAX_DIM, Manifest, write_manifest
from periplus.gallery.resources import Resource, write_resource
from periplus.store import TEMPORARY, Lock, sync_folder, writing


def create_gallery(
    path: str | Path,
    *,
    encoder: Mapping[str, object],
    fingerprint: str,
    dim: int,
    resources: Mapping[str, Resource] | None = None,
) -> None:
    """Make an empty gallery. What a killed earlier try left is taken over.

    Args:
        path: the folder; made with its parents if missing.
        encoder: specification of the encoder; JSON.
        fingerprint: of the encoder.
        dim: length of its vectors, at least 1.
        resources: arrays of plain numbers or JSON objects by name.

    Raises:
        UsageError: ``dim``, ``fingerprint``, the encoder or a resource cannot be stored.
        GalleryError: there is a gallery already, or a folder with other things in it.
        CannotRunError: the system refused to write.
    """
    root = Path(path)
    if not 1 <= dim <= MAX_DIM or not fingerprint:
        raise UsageError(
            f"A gallery needs vectors of at least 1 number and a fingerprint, not {dim} and {fingerprint!r}."
        )
    require_vacant(root)
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
    lock = Lock(root / layout.LOCK, f"The gallery {root}")
    try:
        require_vacant(root)
        with writing(root):
            for name in layout.FOLDERS:
                (root / name).mkdir(exist_ok=True)
            sync_folder(root)
            sync_folder(root.parent)
        files = {name: write_resource(root, name, value) for name, value in (resources or {}).items()}
        try:
            write_manifest(root, Manifest(dict(encoder), fingerprint, dim, resources=files))
        except (TypeError, ValueError) as error:
            raise UsageError(f"The encoder's specification is not JSON: {error}.") from error
    finally:
        lock.release()


def require_vacant(root: Path) -> None:
    """Refuse a place where no gallery can be made.

    Raises:
        GalleryError: there is a gallery already, or a folder with other things in it.
        CannotRunError: the system refused to look.
    """
    if (root / layout.MANIFEST).exists():
        raise GalleryError(f"There is a gallery at {root} already. Add to it, or choose another place.")
    with writing(root):
        entries = list(root.iterdir()) if root.exists() else []
        foreign = [entry.name for entry in entries if not _is_leftover(entry)]
    if foreign:
        raise GalleryError(f"{root} is not a gallery but holds {sorted(foreign)[:3]}. Choose an empty or a new folder.")


def _is_leftover(entry: Path) -> bool:
    # Files of a create that was killed; segments and tombstones come later and are never taken for leftovers.
    own = layout.RESOURCE_FILE if entry.name == layout.RESOURCES else TEMPORARY
    if entry.is_dir():
        names = [inner.name for inner in entry.iterdir()]
        return entry.name in layout.FOLDERS and all(own.fullmatch(n) or TEMPORARY.fullmatch(n) for n in names)
    return entry.name == layout.LOCK or TEMPORARY.fullmatch(entry.name) is not None

"""Named values that belong to a gallery as a whole: codebooks, projections, calibrations."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from periplus.errors import UsageError
from periplus.gallery import layout
from periplus.store import bytes_hash, damaged, map_array, map_bytes, read_json, write_bytes_atomic

Resource = NDArray[Any] | Mapping[str, object]
"""An array of plain numbers, or a JSON object."""


def write_resource(root: Path, name: str, value: Resource) -> str:
    """Write a resource beside those that are there.

    Returns:
        Its file name, which holds the hash of its content: equal values share a file.

    Raises:
        UsageError: the name or the value cannot be stored.
        CannotRunError: the system refused to write.
    """
    if not layout.RESOURCE_NAME.fullmatch(name):
        raise UsageError(f"A resource is named in small letters, digits, - and _, at most 41 of them; not {name!r}.")
    kind, data = _encoded(name, value)
    file = f"{name}-{bytes_hash(data)}.{kind}"
    if not (root / layout.RESOURCES / file).exists():
        write_bytes_atomic(root / layout.RESOURCES / file, data)
    return file


def read_resource(root: Path, file: str) -> NDArray[Any] | dict[str, object]:
    """A resource: a read-only array or a dictionary.

    Raises:
        GalleryError: the file is missing or damaged.
    """
    path = root / layout.RESOURCES / file
    match = layout.RESOURCE_FILE.fullmatch(file)
    if match is None or bytes_hash(map_bytes(path)) != match["hash"]:
        raise damaged(path, "its bytes are not those that were written")
    return map_array(path) if match["kind"] == "npy" else read_json(path)


def _encoded(name: str, value: Resource) -> tuple[str, bytes]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise UsageError(f"Resource {name!r} must hold plain numbers, not {value.dtype}.")
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, value, allow_pickle=False)
        return "npy", buffer.getvalue()
    try:
        return "json", json.dumps(dict(value), sort_keys=True, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"Resource {name!r} must be an array or a JSON object: {error}.") from error

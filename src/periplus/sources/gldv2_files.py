"""Where the files of GLDv2 are, and which of its pictures."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

ID = "[0-9a-f]{16}"
LANDMARK = "[0-9]{1,9}"
NONE = "None"
"""What the retrieval truth of an ignored query says."""

_FOLDERS = ("", "metadata", "train", "index", "test", "ground_truth")
_HEX = "0123456789abcdef"
_SUFFIX = ".jpg"


def gldv2_file(root: Path, name: str) -> Path | None:
    """The table of this name in any of the folders where people keep it; None where there is none."""
    return next((path for folder in _FOLDERS if (path := root / folder / name).is_file()), None)


def pictures_there(folder: Path) -> pa.ChunkedArray:
    """Ids of the pictures ``a/b/c/abc....jpg`` below a folder, by listing its 4,096 folders."""
    chunks = []
    for letters in itertools.product(_HEX, repeat=3):
        try:
            names = os.listdir(f"{folder}/{'/'.join(letters)}")  # noqa: PTH208 - millions of names
        except OSError:
            continue
        prefix = "".join(letters)
        # A name that is no UTF-8 is no picture's, and cannot be put into an array.
        stems = [name[: -len(_SUFFIX)] for name in names if name.endswith(_SUFFIX) and name.isascii()]
        ids = pa.array(stems, pa.string())
        chunks.append(ids.filter(pc.match_substring_regex(ids, f"^{prefix}[0-9a-f]{{13}}$")))
    return pa.chunked_array(chunks, pa.string())

"""Files that a verb is asked to write."""

from __future__ import annotations

from pathlib import Path

from periplus.errors import CannotRunError


def check_folders(*files: Path | None) -> None:
    """Fail before the work, not after it.

    Raises:
        CannotRunError: a file's folder is missing.
    """
    for file in files:
        if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
            what = "there is a folder of this name" if file.is_dir() else "its folder does not exist"
            raise CannotRunError(f"Cannot write {file}: {what}.")
